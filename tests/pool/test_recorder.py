"""What becomes of a container's words."""

import math
import time

import pytest

from abaco.pool.recorder import (
    DROPPED,
    FIRST_SECONDS,
    LATER_SECONDS,
    MAX_RESULT_BYTES,
    MAX_RESULTS,
    RESULT_SECONDS,
    TRUNCATED,
    Recorder,
)
from abaco.ports import LogAppended, PoolEvent, ResultSent


class Record:
    def __init__(self, limit: int = 1000) -> None:
        self.events: list[PoolEvent] = []
        self.recorder = Recorder("e1", 2, limit, self.events.append)

    def flush(self) -> None:
        """Whatever the time is."""
        assert self.recorder.flush(math.inf) is None

    def __call__(self, *pieces: bytes) -> str:
        """Everything that would be in the log in the end."""
        for piece in pieces:
            self.recorder.output(piece)
        sent = [event.text for event in self.events if isinstance(event, LogAppended)]
        return "".join(sent) + self.recorder.finish()[0]


def test_characters_split_across_pieces_are_whole() -> None:
    data = "naïve 😀 text".encode()
    assert Record()(*(data[n : n + 1] for n in range(len(data)))) == "naïve 😀 text"


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"a\xffb", "a\ufffdb"), (b"a\xf0\x9f", "a\ufffd"), (b"a\0b", "a\ufffdb")],
    ids=["invalid", "cut off", "NUL"],
)
def test_what_is_no_text_is_replaced(data: bytes, text: str) -> None:
    assert Record()(data) == text


@pytest.mark.parametrize("pieces", [[b"12345"], [b"12", b"345"], [b"1", b"2", b"3", b"4", b"5", b""]])
def test_a_log_as_long_as_allowed_is_whole(pieces: list[bytes]) -> None:
    assert Record(limit=5)(*pieces) == "12345"


@pytest.mark.parametrize("pieces", [[b"123456"], [b"12345", b"6"], [b"123", b"45678", b"90"], [b"12345", b"6", b"7"]])
def test_a_longer_one_is_cut_there_and_says_so_once(pieces: list[bytes]) -> None:
    assert Record(limit=5)(*pieces) == "12345" + TRUNCATED


def test_the_limit_counts_characters_not_bytes() -> None:
    assert Record(limit=3)("äöü".encode()) == "äöü"


def test_a_flush_sends_what_has_gathered_and_the_end_brings_the_rest() -> None:
    record = Record()
    record.recorder.output(b"one ")
    record.flush()
    record.flush()
    record.recorder.output(b"tw" + "ö".encode()[:1])
    record.flush()
    assert record.events == [LogAppended("e1", 2, "one "), LogAppended("e1", 2, "tw")]
    record.recorder.output("ö".encode()[1:])
    assert record.recorder.finish() == ("ö", ())
    assert record.recorder.finish() == ("", ())
    assert len(record.events) == 2


def test_a_flush_without_output_sends_nothing() -> None:
    record = Record()
    record.recorder.output(b"\xc3")  # half a character
    assert record.recorder.flush(0.0) is None
    record.flush()
    assert record.events == []


def test_the_first_output_is_sent_on_soon_and_what_follows_in_batches() -> None:
    record = Record()
    for patience in (FIRST_SECONDS, LATER_SECONDS, LATER_SECONDS):
        record.events.clear()
        before = time.monotonic()
        record.recorder.output(b"one ")
        record.recorder.output(b"two")
        due = record.recorder.flush(before + patience - 0.01)
        assert due is not None
        assert before + patience <= due <= time.monotonic() + patience
        assert record.events == []
        assert record.recorder.flush(due) is None
        assert record.events == [LogAppended("e1", 2, "one two")]


def test_what_ended_has_nothing_to_send_on() -> None:
    record = Record()
    record.recorder.output(b"short")
    record.recorder.result(b"r")
    assert record.recorder.finish() == ("short", (b"r",))
    record.flush()
    assert record.events == []


def test_a_note_about_dropped_results_is_sent_on_too() -> None:
    record = Record()
    record.recorder.result(bytes(MAX_RESULT_BYTES + 1))
    record.flush()
    assert record.events == [LogAppended("e1", 2, DROPPED)]


def test_results_are_sent_on_very_soon_untouched_and_before_any_output_is() -> None:
    record = Record(limit=1)
    before = time.monotonic()
    record.recorder.output(b"x")
    record.recorder.result(b"\0\xff" * 10)
    record.recorder.result(b"")
    due = record.recorder.flush(before)
    assert due is not None
    assert before + RESULT_SECONDS <= due <= time.monotonic() + RESULT_SECONDS
    assert record.events == []
    later = record.recorder.flush(due)
    assert record.events == [ResultSent("e1", 2, b"\0\xff" * 10), ResultSent("e1", 2, b"")]
    assert later is not None
    assert later >= before + FIRST_SECONDS
    assert record.recorder.finish() == ("x", ())


def test_results_without_end_are_dropped_and_the_log_says_so_once() -> None:
    many = Record()
    for _ in range(MAX_RESULTS + 3):
        many.recorder.result(b"")
    assert many.recorder.finish() == (DROPPED, (b"",) * MAX_RESULTS)


def test_results_too_large_together_are_dropped() -> None:
    large = Record()
    data = bytes(131_072)
    for _ in range(MAX_RESULT_BYTES // len(data) + 1):
        large.recorder.result(data)
    text, results = large.recorder.finish()
    assert text == DROPPED
    assert len(results) == MAX_RESULT_BYTES // len(data)
