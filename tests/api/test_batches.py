"""Messages of many requests share a transaction (group commit), and nothing else."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import anyio
import pytest

from abaco.api import params
from abaco.api.batcher import Batcher
from abaco.domain.message import Payload
from abaco.errors import AbacoError, InvalidInput
from abaco.ports import EarlierSend, NewMessage
from abaco.services.mailbox import BinaryUpload

from .asgi import result_of
from .world import World

IMAGE = {"image": "abacosamples/test"}


class Gate:
    """Stands before the transaction that adds messages: closed, it holds it up. It counts who comes by."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = threading.Event()
        self.batches: list[int] = []
        self._add = world.store.mailbox.add
        monkeypatch.setattr(world.store.mailbox, "add", self.add)

    def open(self) -> None:
        self.opened.set()

    def add(self, messages: Sequence[NewMessage], *, lasting: bool = True) -> dict[str, EarlierSend]:
        assert self.opened.wait(timeout=30)
        self.batches.append(len(messages))
        return self._add(messages, lasting=lasting)


@pytest.fixture
def gate(world: World, monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(world, monkeypatch)


def test_requests_that_come_together_share_a_transaction(world: World, gate: Gate) -> None:
    actor = world.actor()
    calls = [world.call("POST", f"{actor}/messages", json={"message": f"m{n}"}) for n in range(100)]
    answers = world.http.send_together(calls, gate.open)
    assert [result_of(answer)["msg"] for answer in answers] == [f"m{n}" for n in range(100)]
    assert len({result_of(answer)["executionId"] for answer in answers}) == 100
    assert sum(gate.batches) == 100
    assert len(gate.batches) <= 2
    assert world.get(f"{actor}/messages")["messages"] == 100


def test_a_bad_post_does_not_spoil_those_of_others(world: World, gate: Gate) -> None:
    actor, foreign = world.actor(), world.actor("eve@OTHER")
    bad = [
        (404, world.call("POST", "/actors/unknown/messages", json="x")),
        (404, world.call("POST", "/actors/%00%ff/messages", json="x")),
        (404, world.call("POST", f"{foreign}/messages", json="x")),
        (400, world.call("POST", f"{actor}/messages", "bob", json="x")),
        (400, world.call("POST", f"{actor}/messages", json={"message": "a\0b"})),
        (400, world.call("POST", f"{actor}/messages", json="x" * 131_072)),
        (400, world.call("POST", f"{actor}/messages?a%3Db=1", json="x")),
        (401, {**world.call("POST", f"{actor}/messages", json="x"), "token": "unknown"}),
    ]
    good = world.call("POST", f"{actor}/messages", json="good")
    calls = [call for _, call in bad for call in (good, call)]
    answers = world.http.send_together(calls, gate.open)
    statuses = [answer.status_code for answer in answers]
    assert statuses == [status for refused, _ in bad for status in (200, refused)]
    assert world.count("messages") == world.count("executions") == len(bad)


def test_an_actor_deleted_meanwhile_does_not_spoil_those_of_others(world: World, gate: Gate) -> None:
    kept, gone = world.actor(), world.actor()
    calls = [world.call("POST", f"{actor}/messages", json="x") for actor in (kept, gone, kept, gone, kept)]

    def delete() -> None:
        world.store.actors.begin_delete("DEV", gone.rpartition("/")[2], world.clock.now())
        gate.open()

    answers = world.http.send_together(calls, delete)
    assert [answer.status_code for answer in answers] == [200, 404, 200, 404, 200]
    assert world.count("messages") == 3


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
def test_a_client_that_goes_away_does_not_take_others_with_it(
    world: World, gate: Gate, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Its own message was taken in and stays whole."""
    actor = world.actor()
    uploaded = anyio.Event()
    payload = BinaryUpload.payload

    def told(upload: BinaryUpload) -> Payload:
        uploaded.set()
        return payload(upload)

    monkeypatch.setattr(BinaryUpload, "payload", told)
    leaving = {**world.call("POST", f"{actor}/messages", content=b"12"), "kind": kind}
    staying = world.call("POST", f"{actor}/messages", json="x")

    async def send() -> list[int]:
        statuses = []

        async def stay() -> None:
            statuses.append((await world.http.send_async(**staying)).status_code)

        async with anyio.create_task_group() as tasks:
            left = asyncio.create_task(world.http.send_async(**leaving))
            if kind == "application/octet-stream":
                await uploaded.wait()
            tasks.start_soon(stay)
            tasks.start_soon(stay)
            await anyio.wait_all_tasks_blocked()
            left.cancel()
            await anyio.wait_all_tasks_blocked()
            gate.open()
        return statuses

    assert world.http.portal.call(send) == [200, 200]
    claims = [world.claim(actor) for _ in range(3)]
    for claim in claims:
        assert len(b"".join(world.store.mailbox.chunks(claim.execution_id))) == claim.payload.size
    assert {str(claim.payload.content_type) for claim in claims} == {"application/json", kind}


def test_a_client_that_goes_away_while_it_sends_leaves_nothing(world: World) -> None:
    actor = world.actor()
    before = world.everything()
    for kind in ("application/octet-stream", "application/json"):
        answers = world.http.portal.call(send_half, world, f"{actor}/messages", kind)
        assert all(answer["status"] < 500 for answer in answers if answer["type"] == "http.response.start")
    assert world.everything() == before


def test_a_client_that_falls_silent_while_it_sends_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(params, "_SILENCE_SECONDS", 0.01)
    actor = world.actor()
    before = world.everything()
    for kind in ("application/octet-stream", "application/json"):
        answers = world.http.portal.call(partial(send_half, world, f"{actor}/messages", kind, then=None))
        assert [answer["status"] for answer in answers if answer["type"] == "http.response.start"] == [400]
        assert any(b"Nothing more of the body came" in answer.get("body", b"") for answer in answers)
    assert world.everything() == before


_GONE = {"type": "http.disconnect"}


def test_a_body_ends_with_the_last_byte_that_was_announced(world: World) -> None:
    """The word that this was all, which takes a server as long as the rest, is not waited for."""
    path = f"{world.actor()}/messages"
    for announced, status in ((2 * 1024**2, 200), (2 * 1024**2 + 1, 400)):
        answers = world.http.portal.call(partial(send_half, world, path, "application/octet-stream", size=announced))
        assert [answer["status"] for answer in answers if answer["type"] == "http.response.start"] == [status]


async def send_half(
    world: World, path: str, kind: str, then: dict[str, str] | None = _GONE, size: int | None = None
) -> list[Any]:
    """Two megabytes of a body, then the end of the connection, or nothing at all; what was answered."""
    answers: list[Any] = []
    pieces = [{"type": "http.request", "body": b"1" * 1024**2, "more_body": True}] * 2

    async def receive() -> Any:
        if not pieces and then is None:
            await anyio.sleep_forever()
        return pieces.pop() if pieces else then

    async def send(message: Any) -> None:
        answers.append(message)

    authorization = (b"authorization", b"Bearer " + world.tokens["ada"].encode())
    announced = [] if size is None else [(b"content-length", b"%d" % size)]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [authorization, (b"content-type", kind.encode()), *announced],
    }
    await world.http.app(scope, receive, send)
    return answers


def fail(_items: Sequence[int]) -> list[int | AbacoError]:
    raise OSError("the disk is full")


class TestBatcher:
    def test_gives_each_its_own_result_or_error(self) -> None:
        def work(items: Sequence[int]) -> list[int | AbacoError]:
            return [InvalidInput(f"{item} is odd") if item % 2 else item * 10 for item in items]

        async def run() -> list[object]:
            batcher = Batcher(work)
            return await asyncio.gather(*(batcher.submit(n) for n in range(4)), return_exceptions=True)

        results = asyncio.run(run())
        assert [str(result) for result in results] == ["0", "1 is odd", "20", "3 is odd"]

    def test_bounds_a_batch(self) -> None:
        sizes: list[int] = []

        def work(items: Sequence[int]) -> list[int | AbacoError]:
            sizes.append(len(items))
            return list(items)

        async def run() -> list[int]:
            batcher = Batcher(work)
            return await asyncio.gather(*(batcher.submit(n) for n in range(1000)))

        assert asyncio.run(run()) == list(range(1000))
        assert max(sizes) <= 256

    @pytest.mark.parametrize(
        ("failure", "error", "told"),
        [(fail, OSError, "disk is full"), (lambda _: [], RuntimeError, "1 items have 0 results")],
        ids=["raises", "too few results"],
    )
    def test_goes_on_after_its_work_failed(
        self, failure: Callable[[Sequence[int]], list[int | AbacoError]], error: type[Exception], told: str
    ) -> None:
        def work(items: Sequence[int]) -> list[int | AbacoError]:
            return failure(items) if 0 in items else list(items)

        async def run() -> int:
            batcher = Batcher(work)
            with pytest.raises(error, match=told):
                await batcher.submit(0)
            return await batcher.submit(1)

        assert asyncio.run(run()) == 1
