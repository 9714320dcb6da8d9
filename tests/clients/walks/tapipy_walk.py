"""tapipy, the client of Tapis v3, with the descriptions of operations that come with it."""

import json
import os
import time

import cloudpickle
from tapipy.errors import BadRequestError, BaseTapyException, NotFoundError
from tapipy.tapis import Tapis

API_SERVER, AUTHORITY = os.environ["API_SERVER"], os.environ["AUTHORITY"]
USERNAME, PASSWORD = os.environ["USERNAME"], os.environ["PASSWORD"]

t = Tapis(base_url=API_SERVER, username=USERNAME, password=PASSWORD, verify=AUTHORITY)
assert t.tenant_id, "the tenant of this server is found by its address"
t.get_tokens()
assert t.access_token.claims["tapis/username"] == USERNAME
assert t.access_token.claims["tapis/tenant_id"] == t.tenant_id
assert t.access_token.expires_in().total_seconds() > 3600
assert t.validate_token(t.access_token.access_token)["sub"]
assert t.refresh_token.refresh_token


def until(holds, seconds=60):
    deadline = time.time() + seconds
    while not holds():
        assert time.time() < deadline, "it did not happen in time"
        time.sleep(0.2)


def wait(actor_id, execution_id):
    until(lambda: t.actors.get_execution(actor_id=actor_id, execution_id=execution_id).status == "COMPLETE")


actor = t.actors.create_actor(image="abacosamples/wc", description="from tapipy", stateless=True)
assert actor.description == "from tapipy"
assert actor.owner == USERNAME
assert [found.id for found in t.actors.list_actors()] == [actor.id]
until(lambda: t.actors.get_actor(actor_id=actor.id).status == "READY")

sent = t.actors.send_message(actor_id=actor.id, message="one two three")
wait(actor.id, sent.execution_id)
log = t.actors.get_execution_logs(actor_id=actor.id, execution_id=sent.execution_id)
assert log.logs == "Number of words is: 3\n"
result = t.actors.get_execution_result(actor_id=actor.id, execution_id=sent.execution_id)
assert json.loads(result) == {"one": 1, "two": 1, "three": 1}
executions = t.actors.list_executions(actor_id=actor.id)
assert [found.id for found in executions.executions] == [sent.execution_id]

# JSON and binary data: its descriptions have two and three slashes in these paths.
sent = t.actors.send_json_message(actor_id=actor.id, message={"text": "one two"})
wait(actor.id, sent.execution_id)
runner = t.actors.create_actor(image="abacosamples/py3_func")
call = cloudpickle.dumps({"func": lambda x: x + 1, "args": [41], "kwargs": {}})
sent = t.actors.send_binary_message(actor_id=runner.id, message=call)
wait(runner.id, sent.execution_id)
assert cloudpickle.loads(t.actors.get_execution_result(actor_id=runner.id, execution_id=sent.execution_id)) == 42

# State, nonces, permissions, aliases.
stateful = t.actors.create_actor(image="abacosamples/test", stateless=False)
t.actors.update_state(actor_id=stateful.id, request_body={"count": 41})
assert t.actors.get_state(actor_id=stateful.id).state.count == 41
nonce = t.actors.create_nonce(actor_id=actor.id, level="READ", max_uses=3)
assert t.actors.get_nonce(actor_id=actor.id, nonce_id=nonce.id).remaining_uses == 3
t.actors.delete_nonce(actor_id=actor.id, nonce_id=nonce.id)
assert t.actors.update_permissions(actor_id=actor.id, user="jdoe", level="READ").jdoe == "READ"
alias = t.actors.create_alias(alias="tapipy_counter", actor_id=actor.id)
assert t.actors.get_alias(alias="tapipy_counter").actor_id == actor.id
assert t.actors.get_actor(actor_id="tapipy_counter").id == actor.id
t.actors.delete_alias(alias="tapipy_counter")

# Errors become its exceptions.
for error, call, arguments in (
    (NotFoundError, t.actors.get_actor, {"actor_id": "nosuchactor12"}),
    (BadRequestError, t.actors.create_actor, {"image": ""}),
):
    try:
        call(**arguments)
    except error as raised:
        assert raised.message
        assert raised.version
    else:
        raise AssertionError("it was not refused")

for each in (actor, runner, stateful):
    t.actors.delete_actor(actor_id=each.id)

# Refreshing needs an OAuth client; without a token nothing is let in.
try:
    Tapis(base_url=API_SERVER, tenant_id=t.tenant_id, verify=AUTHORITY).actors.list_actors()
except BaseTapyException as raised:
    print("refused:", raised)
else:
    raise AssertionError("nobody was let in")
