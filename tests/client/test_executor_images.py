"""What becomes of the question whether an image can call a function, where nobody has the time to answer it."""

import httpx
import pytest

from abaco import AbacoExecutor
from abaco.client import Abaco
from abaco.client.executor.images import ImageCheck
from abaco.errors import Conflict, InvalidInput

from .fake_server import FakeClock, FakeServer


def test_a_busy_actor_is_not_asked(server: FakeServer, ab: Abaco) -> None:
    server.add_actor("a")
    check = ImageCheck(ab, "a", "busy/image")
    server.answers = [httpx.Response(202, json={"message": "it goes on", "result": {"executionId": "Exec000000001"}})]
    check.require(len)
    server.failures = [httpx.ReadTimeout("too long")]
    check.require(len)
    server.answers = [httpx.Response(200, content=b"what wc prints")]
    with pytest.raises(InvalidInput, match="no image for functions"):
        check.require(len)


def _fails(actor: dict[str, object]) -> None:
    actor["status"] = "ERROR"


@pytest.mark.parametrize("name", [None, "sweep"])
def test_an_executor_without_an_image_leaves_no_actor(server: FakeServer, ab: Abaco, name: str | None) -> None:
    server.on_poll = _fails
    with pytest.raises(Conflict, match="in ERROR"):
        AbacoExecutor(ab, image="no/such", name=name)
    assert server.actors == {}


def test_what_takes_long_to_be_ready_stays_if_others_may_wait_for_it(
    server: FakeServer, ab: Abaco, clock: FakeClock
) -> None:
    with pytest.raises(TimeoutError):
        AbacoExecutor(ab, timeout=5)
    assert server.actors == {}
    with pytest.raises(TimeoutError):
        AbacoExecutor(ab, name="sweep", timeout=5)
    assert [actor["name"] for actor in server.actors.values()] == ["sweep"]
    assert clock.slept
