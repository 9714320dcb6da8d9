"""Permissions, nonces and aliases."""

from agavepy.agave import Agave
from session import API_SERVER, AUTHORITY, USERNAME, refused, sign_in, wait

ag, other = sign_in(), sign_in("jdoe")
actor = ag.actors.add(body={"image": "abacosamples/wc", "name": "counter"})["id"]

# Permissions.
assert ag.actors.getPermissions(actorId=actor) == {USERNAME: "UPDATE"}
assert "do not have access" in refused(other.actors.get, actorId=actor)
granted = ag.actors.updatePermissions(actorId=actor, body={"user": "jdoe", "level": "READ"})
assert granted == {USERNAME: "UPDATE", "jdoe": "READ"}
assert other.actors.get(actorId=actor)["name"] == "counter"
assert "do not have access" in refused(other.actors.sendMessage, actorId=actor, body={"message": "a b"})
ag.actors.updatePermissions(actorId=actor, body={"user": "ABACO_WORLD", "level": "EXECUTE"})
sent = other.actors.sendMessage(actorId=actor, body={"message": "a b c"})
assert wait(ag, actor, sent["executionId"]) == "Number of words is: 3\n"
assert ag.actors.getExecution(actorId=actor, executionId=sent["executionId"])["executor"] == "jdoe"
ag.actors.updatePermissions(actorId=actor, body={"user": "ABACO_WORLD", "level": "NONE"})

# Nonces.
nonce = ag.actors.addNonce(actorId=actor, body={"maxUses": 2, "level": "EXECUTE", "description": "for a friend"})
assert (nonce["maxUses"], nonce["currentUses"], nonce["remainingUses"]) == (2, 0, 2)
assert nonce["level"] == "EXECUTE"
assert nonce["actorId"] == actor
assert nonce["owner"] == USERNAME
assert nonce["lastUseTime"] == "None"
assert nonce["roles"]
friend = Agave(api_server=API_SERVER, use_nonce=True, verify=AUTHORITY)
sent = friend.actors.sendMessage(actorId=actor, nonce=nonce["id"], body={"message": "with a nonce"})
assert wait(ag, actor, sent["executionId"]) == "Number of words is: 3\n"
assert friend.actors.get(actorId=actor, nonce=nonce["id"])["id"] == actor
assert "No remaining uses" in refused(friend.actors.get, actorId=actor, nonce=nonce["id"])
used = ag.actors.getNonce(actorId=actor, nonceId=nonce["id"])
assert (used["currentUses"], used["remainingUses"]) == (2, 0)
assert [found["id"] for found in ag.actors.listNonces(actorId=actor)] == [nonce["id"]]
ag.actors.deleteNonce(actorId=actor, nonceId=nonce["id"])
assert ag.actors.listNonces(actorId=actor) == []
assert ag.actors.addNonce(actorId=actor)["maxUses"] == -1

# Aliases.
alias = ag.actors.addAlias(body={"alias": "counter.of.words", "actorId": actor})
assert (alias["alias"], alias["actorId"], alias["owner"]) == ("counter.of.words", actor, USERNAME)
assert ag.actors.getAlias(alias="counter.of.words")["actorId"] == actor
assert [found["alias"] for found in ag.actors.listAliases()] == ["counter.of.words"]
assert ag.actors.get(actorId="counter.of.words")["id"] == actor
sent = ag.actors.sendMessage(actorId="counter.of.words", body={"message": "by its alias"})
assert wait(ag, "counter.of.words", sent["executionId"]) == "Number of words is: 3\n"
ag.actors.deleteAlias(alias="counter.of.words")
assert ag.actors.listAliases() == []

ag.actors.delete(actorId=actor)
