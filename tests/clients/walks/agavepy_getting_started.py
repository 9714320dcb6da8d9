"""Getting Started and Quickstart of the user guide, from an OAuth client to the log of an execution."""

import os
import time

from agavepy.agave import Agave

API_SERVER, AUTHORITY = os.environ["API_SERVER"], os.environ["AUTHORITY"]
USERNAME, PASSWORD = os.environ["USERNAME"], os.environ["PASSWORD"]

# Create an OAuth client.
ag = Agave(api_server=API_SERVER, username=USERNAME, password=PASSWORD, verify=AUTHORITY)
client = ag.clients.create(body={"clientName": "abaco_quickstart"})
assert client["name"] == "abaco_quickstart"
assert client["description"] == ""
assert client["callbackUrl"] == ""
assert client["tier"] == "Unlimited"
assert client["consumerKey"]
assert client["consumerSecret"]
assert client["_links"]["self"]["href"] == f"{API_SERVER}/clients/v2/abaco_quickstart"
assert client["_links"]["subscriber"]["href"] == f"{API_SERVER}/profiles/v2/{USERNAME}"
assert client["_links"]["subscriptions"]["href"] == f"{API_SERVER}/clients/v2/abaco_quickstart/subscriptions/"
assert [found["name"] for found in ag.clients.list()] == ["abaco_quickstart"]

# Reuse an existing OAuth client.
ag = Agave(
    api_server=API_SERVER,
    username=USERNAME,
    password=PASSWORD,
    client_name="abaco_quickstart",
    api_key=client["consumerKey"],
    api_secret=client["consumerSecret"],
    verify=AUTHORITY,
)

# Generate a token.
token = ag.token.create()
assert token == ag.token.token_info["access_token"]

# Check access.
profile = ag.profiles.get()
assert profile["username"] == USERNAME
assert profile["email"] == f"{USERNAME}@example.org"
assert {"first_name", "last_name", "full_name", "phone", "mobile_phone", "status", "uid"} <= set(profile)

# Register an actor.
ag = Agave(api_server=API_SERVER, token=token, verify=AUTHORITY)
my_actor = {"image": "abacosamples/wc", "name": "word_counter", "description": "Actor that counts words."}
actor = ag.actors.add(body=my_actor)
assert actor["_links"] == {
    "executions": f"{API_SERVER}/actors/v2/{actor['id']}/executions",
    "owner": f"{API_SERVER}/profiles/v2/{USERNAME}",
    "self": f"{API_SERVER}/actors/v2/{actor['id']}",
}
assert actor["description"] == "Actor that counts words."
assert actor["image"] == "abacosamples/wc"
assert actor["name"] == "word_counter"
assert actor["owner"] == USERNAME
assert actor["status"] in {"SUBMITTED", "READY"}
assert actor["type"] == "none"
assert actor["defaultEnvironment"] == {}
assert actor["mounts"] == []
assert actor["state"] == {}
assert actor["privileged"] is False
assert actor["useContainerUid"] is False
assert {"createTime", "lastUpdateTime", "stateless", "statusMessage"} <= set(actor)

deadline = time.time() + 60
while ag.actors.get(actorId=actor["id"])["status"] != "READY":
    assert time.time() < deadline
    time.sleep(0.2)
assert [found["id"] for found in ag.actors.list()] == [actor["id"]]

# Execute it.
sent = ag.actors.sendMessage(actorId=actor["id"], body={"message": "Actor, please count these words."})
execution_id = sent["executionId"]
assert sent["msg"] == "Actor, please count these words."
assert sent["_links"] == {
    "messages": f"{API_SERVER}/actors/v2/{actor['id']}/messages",
    "owner": f"{API_SERVER}/profiles/v2/{USERNAME}",
    "self": f"{API_SERVER}/actors/v2/{actor['id']}/executions/{execution_id}",
}
assert ag.actors.getMessages(actorId=actor["id"])["messages"] in {0, 1}
while True:
    execution = ag.actors.getExecution(actorId=actor["id"], executionId=execution_id)
    if execution["status"] == "COMPLETE":
        break
    assert time.time() < deadline
    time.sleep(0.2)
assert execution["id"] == execution_id
assert execution["actorId"] == actor["id"]
assert execution["apiServer"] == API_SERVER
assert execution["executor"] == USERNAME
assert execution["exitCode"] == 0
assert set(execution["finalState"]) >= {
    "Dead", "Error", "ExitCode", "FinishedAt", "OOMKilled", "Paused", "Pid", "Restarting", "Running", "StartedAt",
    "Status",
}
assert {"cpu", "io", "runtime", "messageReceivedTime", "startTime", "workerId"} <= set(execution)
assert execution["_links"]["logs"].endswith(f"/actors/v2/{actor['id']}/executions/{execution_id}/logs")

summary = ag.actors.listExecutions(actorId=actor["id"])
assert [found["id"] for found in summary["executions"]] == [execution_id]
assert summary["totalExecutions"] == 1

# Retrieve the log.
log = ag.actors.getExecutionLogs(actorId=actor["id"], executionId=execution_id)
assert log["logs"] == "Number of words is: 5\n"
assert set(log["_links"]) == {"execution", "owner", "self"}

ag.actors.delete(actorId=actor["id"])
assert ag.actors.list() == []
