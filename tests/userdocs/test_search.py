"""Search. Its URLs need quotes in a shell, and ``["`` encoded: the guide prints neither, and curl sends neither raw."""

from typing import Any

from userdocs.guide import Guide, assert_shape

METADATA = {"countReturned": 1, "recordLimit": 10, "recordsSkipped": 0, "totalCount": 1}
ACTOR: dict[str, Any] = {
    "_links": {"executions": "", "owner": "", "self": ""},
    "createTime": "2020-04-29T21:46:53.393Z",
    "defaultEnvironment": {},
    "description": "",
    "gid": None,
    "hints": [],
    "id": "joBjeDkWyBwLx",
    "image": "abacosamples/test",
    "lastUpdateTime": "2020-04-29T21:46:53.393Z",
    "link": "",
    "maxCpus": None,
    "maxWorkers": None,
    "memLimit": None,
    "mounts": [],
    "name": None,
    "owner": "testuser",
    "privileged": False,
    "queue": "default",
    "state": {},
    "stateless": True,
    "status": "READY",
    "statusMessage": " ",
    "tasdir": None,
    "token": None,
    "type": "none",
    "uid": None,
    "useContainerUid": False,
    "webhook": "",
}
EXECUTION: dict[str, Any] = {
    "_links": {"logs": "", "owner": "", "self": ""},
    "actorId": "7zxX7DlZ0eeZY",
    "cpu": 0,
    "executor": "testuser",
    "exitCode": None,
    "finalState": None,
    "id": "8mzXG1vxDaZZ1",
    "io": 0,
    "messageReceivedTime": "2020-05-05T19:50:23.813Z",
    "runtime": 0,
    "startTime": None,
    "status": "SUBMITTED",
    "workerId": None,
}


def test_searching_actors(guide: Guide) -> None:
    actor = guide.register()
    guide.send(actor)

    answer = guide.run("""
curl -H "Authorization: Bearer $TOKEN" \
'https://api.tacc.utexas.edu/actors/v2/search/actors?image=abacosamples/test&create_time.gt=2020-04-29&status.in=%5B%22READY%22,%20%22BUSY%22%5D&limit=1000'
""")

    assert_shape({"_metadata": METADATA, "search": [ACTOR]}, answer.result)
    assert actor in [entry["id"] for entry in answer.result["search"]]
    assert all(entry["image"] == "abacosamples/test" for entry in answer.result["search"])


def test_searching_executions_that_are_not_over(guide: Guide) -> None:
    actor = guide.register(defaultEnvironment={"SLEEP": "60"})
    running = guide.run(
        f'curl -H "$header" -d "message=a long one" https://api.tacc.utexas.edu/actors/v2/{actor}/messages'
    ).result["executionId"]

    answer = guide.run("""
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/search/executions?status.neq="COMPLETE"
""")

    assert_shape({"_metadata": METADATA, "search": [EXECUTION]}, answer.result)
    assert running in [entry["id"] for entry in answer.result["search"]]
    assert "COMPLETE" not in [entry["status"] for entry in answer.result["search"]]
    guide.run(f'curl -X DELETE -H "$header" https://api.tacc.utexas.edu/actors/v2/{actor}')


def test_searching_the_executions_of_an_actor(guide: Guide) -> None:
    actor = guide.register()
    execution_id = guide.send(actor)

    answer = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
'https://api.tacc.utexas.edu/actors/v2/<actor_id>/executions?status=COMPLETE&start_time.gt=2020-05-05T19:50:23.748'
""",
        actor_id=actor,
    )

    assert_shape({"_metadata": METADATA, "search": [{**EXECUTION, "exitCode": 0, "finalState": {}}]}, answer.result)
    assert [entry["id"] for entry in answer.result["search"]] == [execution_id]
    assert answer.json["message"]
