"""Messages of every kind, environment, state, binary data both ways, purging."""

import cloudpickle
from session import refused, sign_in, wait

ag = sign_in()
tester = ag.actors.add(body={
    "image": "abacosamples/test", "name": "test", "default_environment": {"key1": "value1", "SLEEP": "0"},
})
assert tester["defaultEnvironment"] == {"key1": "value1", "SLEEP": "0"}
tester = tester["id"]

# Text, with variables for this one execution.
sent = ag.actors.sendMessage(actorId=tester, body={"message": "hi"}, environment={"key1": "mine", "key2": "more"})
log = wait(ag, tester, sent["executionId"])
assert "Contents of MSG: hi\n" in log
assert "key1=mine\n" in log
assert "key2=more\n" in log

# JSON.
message = {"username": "jdoe", "application_id": "print-env-cli-DggdGbK-0.1.0"}
sent = ag.actors.sendMessage(actorId=tester, body=message)
assert sent["msg"] == message
assert f"Contents of MSG: {message}\n" in wait(ag, tester, sent["executionId"])

# Binary data, the dependable way.
runner = ag.actors.add(body={"image": "abacosamples/py3_func"})["id"]
call = cloudpickle.dumps({"func": lambda data: data[::-1], "args": [b"\x00\xff\xd8" * 20_000], "kwargs": {}})
sent = ag.actors.sendBinaryMessage(
    actorId=runner, message=call, headers={"Content-Type": "application/octet-stream"}
)
wait(ag, runner, sent["executionId"])
result = ag.actors.getOneExecutionResult(actorId=runner, executionId=sent["executionId"])
assert cloudpickle.loads(result.content) == (b"\x00\xff\xd8" * 20_000)[::-1]
empty = ag.actors.getOneExecutionResult(actorId=runner, executionId=sent["executionId"])
assert empty.ok
assert empty.content == b""

# The form in the user guide: agavepy sends the text `binary=%FF...`, which arrives as a binary message.
sent = ag.actors.sendMessage(
    actorId=tester, body={"binary": b"\xff\xd8\xff"}, headers={"Content-Type": "application/octet-stream"}
)
log = wait(ag, tester, sent["executionId"])
assert "_abaco_Content_Type=application/octet-stream\n" in log
assert "_abaco_binary_data" in log

# State.
stateful = ag.actors.add(body={
    "image": "abacosamples/test", "stateless": "False", "defaultEnvironment": {"SLEEP": "0"},
})
assert stateful["stateless"] is False
stateful = stateful["id"]
state = {"some variable": "value", "another variable": "value2"}
assert ag.actors.updateState(actorId=stateful, body=state)["state"] == state
assert ag.actors.getState(actorId=stateful)["state"] == state
sent = ag.actors.sendMessage(actorId=stateful, body={"message": "what is my state?"})
assert f"_abaco_actor_state={state}\n" in wait(ag, stateful, sent["executionId"])
assert "stateless" in refused(ag.actors.updateState, actorId=tester, body={"a": 1})

# Updating.
updated = ag.actors.update(actorId=tester, body={
    "image": "abacosamples/test", "description": "changed", "default_environment": {"SLEEP": "30"},
})
assert (updated["description"], updated["name"]) == ("changed", "test")
running = ag.actors.sendMessage(actorId=tester, body={"message": "a long one"})
try:
    ag.actors.deleteMessages(actorId=tester)
except KeyError:
    pass  # agavepy lacks the description of the answer; the messages are gone
assert ag.actors.getMessages(actorId=tester)["messages"] == 0

for actor in (tester, runner, stateful):
    ag.actors.delete(actorId=actor)
assert "nosuchactor12" in refused(ag.actors.get, actorId="nosuchactor12")
