"""A warm actor on a real server: one container, many messages, each an execution of its own."""

from abaco.client import Abaco


def _say(ab: Abaco, actor_id: str, message: bytes) -> tuple[str, list[bytes]]:
    """The log and the results of one message."""
    sent = ab.messages.send(actor_id, data=message)
    execution = ab.executions.wait(actor_id, sent.execution_id, timeout=60)
    assert (execution.status, execution.exit_code) == ("COMPLETE", 0)
    return ab.logs.get(actor_id, execution.id), list(ab.results.all(actor_id, execution.id))


def test_a_warm_actor_takes_one_message_after_the_other_in_one_container(ab: Abaco) -> None:
    actor = ab.actors.add("abacosamples/warm_echo", hints=["warm"], stateless=False)
    ab.actors.wait(actor.id, timeout=60)
    for number, message in enumerate((b"one", b"\xff\x00", b"three"), start=1):
        assert _say(ab, actor.id, message) == (f"Message {number} of this container\n", [message])


def test_the_same_image_runs_cold(ab: Abaco) -> None:
    actor = ab.actors.add("abacosamples/warm_echo", stateless=False)
    ab.actors.wait(actor.id, timeout=60)
    for message in (b"one", b"two"):
        assert _say(ab, actor.id, message) == ("Message 1 of this container\n", [message])
