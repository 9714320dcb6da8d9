"""Telling crun's words from the container's."""

from pathlib import Path

import pytest

from abaco.runtime.diagnosis import OutputGate


class Sink:
    """Notes what is asked of it, and the waiting for crun's end in between."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def output(self, data: bytes) -> None:
        self.calls.append(data.decode())

    def result(self, data: bytes) -> None:
        raise AssertionError(data)

    def flush(self, now: float) -> None:
        self.calls.append(f"flush {now}")

    def ends_within(self, _seconds: float) -> bool:
        self.calls.append("wait")
        return False


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def gate(sink: Sink, tmp_path: Path) -> OutputGate:
    log = tmp_path / "crun.log"
    log.touch()
    return OutputGate(log, sink.ends_within, sink)


def test_the_first_output_waits_a_moment_but_nothing_that_was_said_before(gate: OutputGate, sink: Sink) -> None:
    gate.feed(b"one")
    gate.feed(b"two")
    assert sink.calls == ["flush inf", "wait", "one", "two"]


def test_what_could_be_cruns_is_held_back_until_it_is_settled(gate: OutputGate, sink: Sink) -> None:
    said = b'{"msg":"exec container process `/x`: No such file"}'
    gate.feed(said)
    gate.feed(b" and more")
    assert sink.calls == ["flush inf", "wait"]
    gate.settle()
    assert sink.calls[2:] == [f"{said.decode()} and more"]


def test_a_gate_that_is_open_from_the_beginning_holds_nobody_up(gate: OutputGate, sink: Sink) -> None:
    gate.release()
    gate.feed(b"one")
    assert sink.calls == ["one"]
