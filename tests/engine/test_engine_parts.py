"""The crew, the inbox, the pruner, the alarm, and waking over a socket."""

import asyncio
import os
import struct
from datetime import timedelta
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from threading import Thread

import anyio
import pytest
from engine.fakes import SetClock
from engine.rig import Rig
from store.scene import NOW, an_actor, outcome

from abaco.engine.crew import Crew, Member
from abaco.engine.inbox import Inbox
from abaco.engine.loop import Alarm
from abaco.engine.pruner import Pruned, Pruner
from abaco.notify.local import API, ENGINE, LocalListener, LocalNotifier
from abaco.ports import ExecutionEnded, ImageRef, WorkerReady
from abaco.runtime.actor_files import FilesOnDisk
from abaco.runtime.pushed import PushedFiles
from abaco.store.sql import SqlStore

_PATIENCE = 30


def _member(worker_id: str, actor_id: str = "actor1", revision: int = 1, digest: str | None = "d") -> Member:
    return Member(worker_id, "DEV", "ada", actor_id, revision, "default", frozenset(), ImageRef("image", None), digest)


def test_the_crew_knows_its_members_by_id_and_by_actor() -> None:
    crew = Crew()
    ready, starting, old, other = (
        _member("w1"),
        _member("w2", digest=None),
        _member("w3", revision=0),
        _member("w4", "b"),
    )
    for member in (ready, starting, old, other):
        crew.add(member)
    assert len(crew) == 4
    assert crew.find("w1") is ready
    assert crew.find("w9") is None
    assert crew.of("actor1") == [ready, starting, old]
    assert crew.idle(an_actor()) == [ready]
    ready.leaving = True
    assert crew.idle(an_actor()) == []

    for member in crew:  # it may change meanwhile
        crew.remove(member)
    crew.remove(ready)
    assert (len(crew), crew.of("actor1"), crew.actor_ids()) == (0, [], set())


def test_the_inbox_hands_out_each_word_once_whoever_speaks_meanwhile() -> None:
    rung: list[None] = []
    inbox = Inbox(lambda: rung.append(None), lambda _: None)
    heard: list[str] = []

    def speak(number: int) -> None:
        for word in range(500):
            inbox.put(WorkerReady(f"{number}-{word}", ""))

    def listen() -> None:
        heard.extend(event.worker_id for event in inbox.take()[1] if isinstance(event, WorkerReady))

    speakers = [Thread(target=speak, args=(number,)) for number in range(4)]
    for speaker in speakers:
        speaker.start()
    while any(speaker.is_alive() for speaker in speakers):
        listen()
    for speaker in speakers:
        speaker.join(_PATIENCE)
    listen()
    assert sorted(heard) == sorted(f"{n}-{i}" for n in range(4) for i in range(500))
    assert [word for word in heard if word.startswith("0-")] == [f"0-{i}" for i in range(500)]
    assert len(rung) == 2000


def test_the_end_of_an_execution_may_wait_while_its_worker_goes_on_but_results_may_not() -> None:
    rung: list[float] = []
    inbox = Inbox(lambda: rung.append(0.0), rung.append)
    for goes_on, results in ((False, ()), (True, ()), (True, (b"r",)), (False, (b"r",))):
        inbox.put(ExecutionEnded("w1", "e1", 1, outcome(), "", results, goes_on))
    at_once, gathered, soon, also_at_once = rung
    assert at_once == also_at_once == 0.0
    assert 0.0 < soon < 0.005 < gathered < 0.1


def test_topics_are_heard_once_however_often_they_were_said() -> None:
    inbox = Inbox(lambda: None, lambda _: None)
    inbox.hear({"a", "b"})
    inbox.hear({"a"})
    assert inbox.take() == ({"a", "b"}, [])
    assert inbox.take() == (set(), [])


def test_the_pruner_removes_what_has_expired(store: SqlStore, tmp_path: Path) -> None:
    rig = Rig(store)
    rig.ready_actor()
    [id_] = rig.post(1)
    rig.settle()
    rig.pool.say(id_, result=b"r")
    rig.pool.end(id_, log="words")
    rig.turn()
    store.mailbox.add_chunk("never-added", 0, b"x", NOW)
    pushed = PushedFiles(tmp_path)
    draft = tmp_path / "pushed/dev/ada/draft-killed"
    draft.parent.mkdir(parents=True)
    draft.touch()
    os.utime(draft, (NOW.timestamp(), NOW.timestamp()))
    clock = SetClock()
    pruner = Pruner(store, pushed, FilesOnDisk(tmp_path / "files"), clock, timedelta(hours=1))
    assert pruner.run_once() == Pruned(0, 0, 0, 0, 0, 0, 0)
    clock.advance(3600)
    assert pruner.run_once() == Pruned(1, 1, 0, 0, 0, 0, 0)
    clock.time = NOW + timedelta(days=1, seconds=1)
    assert pruner.run_once() == Pruned(0, 0, 1, 0, 0, 1, 0)
    assert not draft.exists()


def test_an_alarm_that_rang_before_the_wait_is_not_missed_and_rings_once() -> None:
    async def scene() -> None:
        alarm = Alarm()
        thread = Thread(target=alarm.ring)
        thread.start()
        await asyncio.to_thread(thread.join, _PATIENCE)
        with anyio.fail_after(_PATIENCE):
            await alarm.wait(2 * _PATIENCE)
        # Nothing rings any more: only the time is up.
        before = anyio.current_time()
        await alarm.wait(0.01)
        assert anyio.current_time() - before >= 0.01
        await alarm.wait(-1)

    anyio.run(scene)


def test_topics_reach_the_listener_from_however_deep_a_directory(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 100) / ("e" * 100)
    directory.mkdir(parents=True)
    listener, notifier = LocalListener(directory, ENGINE), LocalNotifier(directory, ENGINE)
    try:
        assert listener.receive() == set()
        for topic in ("message:a", "actor:b", "message:a"):
            notifier.notify(topic)
        assert listener.receive() == {"message:a", "actor:b"}
        assert listener.receive() == set()
    finally:
        notifier.close()
        listener.close()


def test_words_are_lost_quietly_while_nobody_listens_or_the_listener_lags(tmp_path: Path) -> None:
    notifier = LocalNotifier(tmp_path, ENGINE)
    notifier.notify("message:a")
    listener = LocalListener(tmp_path, ENGINE)
    for number in range(5000):
        notifier.notify(f"message:{number}")
    topics = listener.receive()
    assert "message:0" in topics
    assert "message:4999" not in topics
    notifier.notify("message:a")
    assert listener.receive() == {"message:a"}
    listener.close()

    notifier.notify("message:a")
    successor = LocalListener(tmp_path, ENGINE)  # takes the name over from one that died
    notifier.notify("message:b")
    assert successor.receive() == {"message:b"}
    successor.close()
    notifier.close()
    homeless = LocalNotifier(tmp_path / "missing", ENGINE)
    homeless.notify("message:a")
    homeless.close()


def test_no_word_is_lost_on_a_listener_that_is_only_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel keeps few datagrams; who waits for a word that was lost looks by himself, but many seconds later."""
    monkeypatch.setattr("abaco.notify.local._PATIENCE", struct.pack("@ll", _PATIENCE, 0))
    listener, notifier = LocalListener(tmp_path, API), LocalNotifier(tmp_path, API)
    many = {f"execution:{number}" for number in range(1_000)}
    heard: set[str] = set()

    def listen() -> None:
        with DefaultSelector() as selector:
            selector.register(listener, EVENT_READ)
            while "results:a" not in heard:
                assert selector.select(_PATIENCE)
                heard.update(listener.receive())

    thread = Thread(target=listen)
    notifier.notify(*list(many)[:900])
    thread.start()
    for topic in sorted(many)[:500]:
        notifier.notify(topic)
    notifier.notify(*many, "results:a")
    thread.join(_PATIENCE)
    assert heard == {*many, "results:a"}
    notifier.notify()
    assert listener.receive() == set()
    notifier.close()
    listener.close()
