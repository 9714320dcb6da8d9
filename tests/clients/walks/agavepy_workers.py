"""Workers, and an executor that asks for several."""

from agavepy.actors import AbacoExecutor
from session import sign_in, until

ag = sign_in()
actor = ag.actors.add(body={"image": "abacosamples/wc", "name": "counter"})["id"]

ag.actors.addWorker(actorId=actor, body={"num": 2})
until(lambda: [w["status"] for w in ag.actors.listWorkers(actorId=actor)] == ["READY", "READY"])
workers = ag.actors.listWorkers(actorId=actor)
worker = ag.actors.getWorker(actorId=actor, workerId=workers[0]["id"])
assert worker["image"] == "abacosamples/wc"
assert {"chName", "location", "cid", "createTime", "lastExecutionTime", "lastHealthCheckTime"} <= set(worker)
ag.actors.deleteWorker(actorId=actor, workerId=worker["id"])
until(lambda: worker["id"] not in [w["id"] for w in ag.actors.listWorkers(actorId=actor)])

ag.actors.delete(actorId=actor)

ex = AbacoExecutor(ag, image="abacosamples/py3_func", num_workers=2)
until(lambda: len(ag.actors.listWorkers(actorId=ex.actor_id)) == 2)
answers = ex.map(lambda x, y: x * y, [[2, 3], [4, 5]])
assert [answer.result(timeout=60) for answer in answers] == [[6], [20]]
ex.delete()
