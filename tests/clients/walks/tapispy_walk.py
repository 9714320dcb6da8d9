"""tapispy, the client between agavepy and tapipy: sign in, list, create, message and read."""

import os
import time

from tapispy.actors import AbacoExecutor
from tapispy.tapis import Tapis

API_SERVER, AUTHORITY = os.environ["API_SERVER"], os.environ["AUTHORITY"]
USERNAME, PASSWORD = os.environ["USERNAME"], os.environ["PASSWORD"]

tp = Tapis(api_server=API_SERVER, username=USERNAME, password=PASSWORD, verify=AUTHORITY)
client = tp.clients.create(body={"clientName": "tapispy"})
tp = Tapis(
    api_server=API_SERVER,
    username=USERNAME,
    password=PASSWORD,
    client_name="tapispy",
    api_key=client["consumerKey"],
    api_secret=client["consumerSecret"],
    verify=AUTHORITY,
)
assert tp.profiles.get()["username"] == USERNAME
assert tp.actors.list() == []

actor = tp.actors.add(body={"image": "abacosamples/wc", "name": "from tapispy"})
assert [found["id"] for found in tp.actors.list()] == [actor.id]
assert tp.actors.get(actorId=actor.id).name == "from tapispy"

sent = tp.actors.sendMessage(actorId=actor.id, body={"message": "one two three"})
deadline = time.time() + 60
while tp.actors.getExecution(actorId=actor.id, executionId=sent.executionId).status != "COMPLETE":
    assert time.time() < deadline
    time.sleep(0.2)
log = tp.actors.getExecutionLogs(actorId=actor.id, executionId=sent.executionId)
assert log.logs == "Number of words is: 3\n"
result = tp.actors.getOneExecutionResult(actorId=actor.id, executionId=sent.executionId)
assert result.content == b'{"one": 1, "two": 1, "three": 1}'
tp.actors.delete(actorId=actor.id)

ex = AbacoExecutor(tp, image="abacosamples/py3_func")
assert ex.blocking_call(lambda x: x**2, 12) == [144]
ex.delete()
tp.clients.delete(clientName="tapispy")
