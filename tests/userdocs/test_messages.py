"""Messages, Executions, and Logs."""

import json

from bench.live import until
from userdocs.guide import Guide, assert_shape

SENT = {
    "_links": {"messages": "", "owner": "", "self": ""},
    "executionId": "00wLaDX53WBAr",
    "msg": "<your content here>",
}
EXECUTION = {
    "_links": {"logs": "", "owner": "", "self": ""},
    "actorId": "R0y3eYbWmgEwo",
    "apiServer": "https://api.tacc.utexas.edu",
    "cpu": 7638363913,
    "executor": "apitest",
    "exitCode": 1,
    "finalState": {
        "Dead": False,
        "Error": "",
        "ExitCode": 1,
        "FinishedAt": "2019-02-21T17:32:18.56680737Z",
        "OOMKilled": False,
        "Paused": False,
        "Pid": 0,
        "Restarting": False,
        "Running": False,
        "StartedAt": "2019-02-21T17:32:14.893485694Z",
        "Status": "exited",
    },
    "id": "00wLaDX53WBAr",
    "io": 124776656,
    "messageReceivedTime": "2019-02-21 17:31:24.300900",
    "runtime": 11,
    "startTime": "2019-02-21 17:32:12.798836",
    "status": "COMPLETE",
    "workerId": "oQpeybmGRVNyB",
}
LOGS = {"_links": {"execution": "", "owner": "", "self": ""}, "logs": "<command line output here>"}


def test_a_message_its_execution_and_its_log(guide: Guide) -> None:
    actor = guide.register()

    sent = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
-d "message=<your content here>" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/messages
""",
        actor_id=actor,
    )

    assert_shape(SENT, sent.result)
    assert sent.result["msg"] == "<your content here>"
    execution_id = guide.wait(actor, sent.result["executionId"])
    execution = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/executions/<execution_id>
""",
        actor_id=actor,
        execution_id=execution_id,
    )
    assert execution.json["message"] == "Actor execution retrieved successfully."
    assert_shape(EXECUTION, execution.result)
    log = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/executions/<execution_id>/logs
""",
        actor_id=actor,
        execution_id=execution_id,
    )
    assert log.json["message"] == "Logs retrieved successfully."
    assert_shape(LOGS, log.result)
    assert "Contents of MSG: <your content here>\n" in log.result["logs"]


def test_the_number_of_messages(guide: Guide) -> None:
    answer = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/messages
""",
        actor_id=guide.register(),
    )

    assert_shape({"_links": {"owner": "", "self": ""}, "messages": 12}, answer.result)
    assert answer.result["messages"] == 0


def test_the_list_of_executions(guide: Guide) -> None:
    """The guide shows one execution there; the service always gave a summary with a list."""
    actor = guide.register()
    execution_id = guide.send(actor)

    answer = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/executions
""",
        actor_id=actor,
    )

    assert_shape(
        {
            "_links": {"owner": "", "self": ""},
            "actorId": "R4OR3KzGbRQmW",
            "apiServer": "https://api.tacc.utexas.edu",
            "totalCpu": 0,
            "totalIo": 0,
            "totalRuntime": 0,
            "totalExecutions": 1,
            "executions": [{"id": "YqM3RPRoWqz3g", "status": "COMPLETE"}],
        },
        answer.result,
    )
    assert [entry["id"] for entry in answer.result["executions"]] == [execution_id]


def test_results(guide: Guide) -> None:
    actor = guide.register("abacosamples/wc")
    execution_id = guide.send(actor, "two words")
    example = """
curl -H "Authorization: Bearer $TOKEN" \
-d "message=<your content here>" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/executions/<execution_id>/results
"""

    # As it is printed it is a POST, which there never was.
    printed = guide.run(example, actor_id=actor, execution_id=execution_id)

    assert "not allowed" in printed.refusal(405)
    meant = example.replace('-d "message=<your content here>" ', "")
    answer = guide.run(meant, actor_id=actor, execution_id=execution_id)
    assert (answer.status, answer.content_type) == (200, "application/octet-stream")
    assert json.loads(answer.body) == {"two": 1, "words": 1}
    assert guide.run(meant, actor_id=actor, execution_id=execution_id).body == b""


def test_a_synchronous_message(guide: Guide) -> None:
    example = """
curl -H "Authorization: Bearer $TOKEN" \
-d "message=<your content here>" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/messages?_abaco_synchronous=true
"""

    with_result = guide.run(example, actor_id=guide.register("abacosamples/wc"))
    without = guide.run(example, actor_id=guide.register())

    assert (with_result.status, with_result.content_type) == (200, "application/octet-stream")
    assert json.loads(with_result.body) == {"<your": 1, "content": 1, "here>": 1}
    assert (without.status, without.content_type.lower()) == (200, "text/html; charset=utf-8")
    assert "Contents of MSG: <your content here>" in without.body.decode()


def test_json_and_raw_messages_of_the_lecture(guide: Guide) -> None:
    actor = guide.register(defaultEnvironment={"key1": "value1", "key2": "value2", "SLEEP": "0"})

    sent = guide.run(
        """
curl -k -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
-d '{"username": "jdoe", "application_id": "print-env-cli-DggdGbK-0.1.0" }' \
https://api.tacc.utexas.edu/actors/v2/<ACTOR_ID>/messages
""",
        ACTOR_ID=actor,
    )
    raw = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" -d "message=some test message" \
https://api.tacc.utexas.edu/actors/v2/<REACTOR_ID>/messages?key1=valueABC
""",
        REACTOR_ID=actor,
    )

    assert sent.result["msg"] == {"username": "jdoe", "application_id": "print-env-cli-DggdGbK-0.1.0"}
    log = guide.log(actor, guide.wait(actor, sent.result["executionId"]))
    assert "Contents of MSG: {'username': 'jdoe', 'application_id': 'print-env-cli-DggdGbK-0.1.0'}\n" in log
    log = guide.log(actor, guide.wait(actor, raw.result["executionId"]))
    assert {"key1=valueABC", "key2=value2", "MSG=some test message"} <= set(log.splitlines())
    until(
        lambda: (
            guide.run(f'curl -H "$header" https://api.tacc.utexas.edu/actors/v2/{actor}').result["status"] == "READY"
        )
    )
