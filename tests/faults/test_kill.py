"""P1, P2, P4 under SIGKILL: nothing that was accepted is lost, nothing is counted twice."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from bench.live import LiveServer, live_server, until

from abaco import AbacoExecutor
from abaco.client import Abaco, Actor
from abaco.errors import Unavailable

_MESSAGES = 1000


def _register(ab: Abaco, image: str, **attributes: bool) -> Actor:
    actor = ab.actors.add(image, **attributes)  # type: ignore[call-overload]
    ready = ab.actors.wait(actor.id, timeout=60)
    assert ready.status == "READY", ready.status_message
    return ready


def _done(ab: Abaco, actor: Actor) -> int:
    """Executions that have ended; -1 while the server does not answer."""
    try:
        return sum(e.status in {"COMPLETE", "ERROR"} for e in ab.executions.list(actor.id).executions)
    except Unavailable:
        return -1


def _kill_engine(server: LiveServer) -> None:
    server.kill("engine")


def _kill_everything(server: LiveServer) -> None:
    server.kill_everything()
    server.start()


def _survives(server: LiveServer, strikes: Sequence[Callable[[LiveServer], None]]) -> None:
    """Post numbers to the accumulator and texts to the word counter, strike in the midst, check every one of them."""
    with server.client() as ab:
        adder = _register(ab, "abacosamples/sum_reducer", stateless=False)
        counter = _register(ab, "abacosamples/wc")
        numbers = [ab.messages.send(adder.id, json={"message": {"count": n}}) for n in range(1, _MESSAGES + 1)]
        texts = [ab.messages.send(counter.id, "word " * (n % 7 + 1)) for n in range(_MESSAGES)]
        for number, strike in enumerate(strikes, start=1):
            goal = number * _MESSAGES // (len(strikes) + 1)
            until(lambda goal=goal: _done(ab, adder) >= goal, 300, step=0.2)  # type: ignore[misc]
            strike(server)
        until(lambda: _done(ab, adder) == _done(ab, counter) == _MESSAGES, 600, step=0.5)

        assert ab.state.get(adder.id) == {"count": _MESSAGES * (_MESSAGES + 1) // 2}  # P4: each exactly once
        for actor, sent in ((adder, numbers), (counter, texts)):
            ended = ab.executions.list(actor.id).executions
            assert Counter(e.status for e in ended) == {"COMPLETE": _MESSAGES}  # P2
            assert [e.id for e in ended] == [one.execution_id for one in sent]
        for number, one in enumerate(texts):
            assert f"Number of words is: {number % 7 + 1}\n" in ab.logs.get(counter.id, one.execution_id)


def test_killing_engine_and_everything_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with live_server(tmp_path / "data", "sum_reducer", "wc") as server:
        _survives(server, [_kill_engine, _kill_everything, _kill_engine])


def test_the_same_holds_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    with live_server(tmp_path / "data", "sum_reducer", "wc", database=postgres_url) as server:
        _survives(server, [_kill_everything])


def test_a_container_of_a_killed_engine_is_killed_and_runs_again(tmp_path: Path) -> None:
    with live_server(tmp_path / "data", "sleep_loop") as server, server.client() as ab:
        actor = _register(ab, "abacosamples/sleep_loop")
        sent = ab.messages.send(actor.id, json={"sleep": 0.2, "iterations": 20})
        until(lambda: ab.logs.get(actor.id, sent.execution_id) != "")

        server.kill("engine")

        done = ab.executions.wait(actor.id, sent.execution_id, timeout=60)
        assert (done.status, done.exit_code, done.raw["attempts"]) == ("COMPLETE", 0, 2)
        # Of the lost attempt nothing is left: one run's output, not two.
        assert ab.logs.get(actor.id, sent.execution_id).count("teration") == 20


def test_stopping_and_starting_goes_on_where_it_was(tmp_path: Path) -> None:
    with live_server(tmp_path / "data", "sum_reducer", drain_seconds="1") as server, server.client() as ab:
        actor = _register(ab, "abacosamples/sum_reducer", stateless=False)
        for number in range(1, 201):
            ab.messages.send(actor.id, json={"message": {"count": number}})
        until(lambda: _done(ab, actor) >= 20)

        assert server.stop() == 0
        server.start()

        until(lambda: _done(ab, actor) == 200, 120, step=0.2)
        assert ab.state.get(actor.id) == {"count": 20_100}


def test_a_container_that_ends_in_good_order_has_the_api_until_then(tmp_path: Path) -> None:
    def ask_late() -> object:
        import os
        import time
        import urllib.request

        time.sleep(2)
        with urllib.request.urlopen(os.environ["_abaco_api_server"] + "/docs") as answer:  # noqa: SIM112
            return answer.status

    with (
        live_server(tmp_path / "data", "py3_func", drain_seconds="60") as server,
        server.client() as ab,
        AbacoExecutor(ab, name="late", num_workers=1) as executor,
    ):
        future = executor.submit(ask_late)
        until(lambda: ab.executions.get(executor.actor_id, future.execution_id or "").status == "RUNNING")

        assert server.stop() == 0
        server.start()

        assert future.result(60) == 200
        assert ab.executions.get(executor.actor_id, future.execution_id or "").raw["attempts"] == 1


def test_messages_posted_to_a_server_without_an_engine_wait(tmp_path: Path) -> None:
    """P1: what was answered with 200 is on disk, even if nothing else is alive a moment later."""
    with live_server(tmp_path / "data", "wc") as server, server.client() as ab:
        actor = _register(ab, "abacosamples/wc")
        sent = [ab.messages.send(actor.id, "one two three") for _ in range(50)]

        server.kill_everything()
        server.start()

        ended = [ab.executions.wait(actor.id, one.execution_id, timeout=60) for one in sent]
        assert {(e.status, e.exit_code) for e in ended} == {("COMPLETE", 0)}


def test_messages_that_are_sent_while_the_server_dies_are_executed_once(tmp_path: Path) -> None:
    """Every POST has a key, and its sender sends it again until it is answered, whatever dies in between."""
    with live_server(tmp_path / "data", "sum_reducer") as server, server.client() as ab:
        actor = _register(ab, "abacosamples/sum_reducer", stateless=False)
        stop, number = Event(), 300

        def strike() -> None:
            for _ in range(4):
                if not stop.wait(0.3):
                    server.kill("api")
                    until(lambda: _done(ab, actor) >= 0, 60)

        def send(count: int) -> str:
            while True:
                try:
                    message = {"message": {"count": count}}
                    return ab.messages.send(actor.id, json=message, idempotency_key=str(count)).execution_id
                except Unavailable:
                    continue

        with ThreadPoolExecutor(9) as threads:
            striking = threads.submit(strike)
            try:
                sent = list(threads.map(send, range(1, number + 1)))
            finally:
                stop.set()
            striking.result()
        assert len(set(sent)) == number
        until(lambda: _done(ab, actor) == number, 100, step=0.5)
        assert {e.id for e in ab.executions.list(actor.id).executions} == set(sent)
        assert ab.state.get(actor.id) == {"count": number * (number + 1) // 2}
