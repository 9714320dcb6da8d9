"""The asynchronous executor of agavepy: functions run in containers."""

from agavepy.actors import AbacoExecutor
from session import sign_in

ag = sign_in()


def f(x):
    return 3 * x + 5


ex = AbacoExecutor(ag, image="abacosamples/py3_func")
assert ex.blocking_call(f, 3) == [14]

answer = ex.submit(f, x=5)
assert answer.result(timeout=60) == [20]
assert answer.done() is True
assert answer.running() is False

answers = ex.map(f, [[number] for number in range(8)])
assert [answer.result(timeout=60) for answer in answers] == [[3 * number + 5] for number in range(8)]
ex.delete()
assert ag.actors.list() == []

# Again with an actor that is there already.
actor = ag.actors.add(body={"image": "abacosamples/py3_func", "name": "my functions"})["id"]
ex = AbacoExecutor(ag, actor_id=actor)
assert ex.blocking_call(lambda *words: " ".join(words), "to", "be") == ["to be"]
ex.delete()
