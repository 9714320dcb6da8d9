"""What function actors are sent, and how their answers are put together again."""

import json
import pickle
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cloudpickle
import pytest

from abaco.client.executor.frames import Packed, Reference, packed, unpacked
from abaco.client.executor.tasks import MANY, ONE, Answer, Outcome, Parts, answer_of, many, one
from abaco.errors import InternalError


def parts(data: bytes, attempt: bytes = b"attempt1", size: int = 10) -> Iterator[bytes]:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    for index, piece in enumerate(pieces):
        yield struct.pack("!4s8sII", b"ABRP", attempt, index, len(pieces)) + piece


def spill(pieces: Sequence[memoryview]) -> str:
    raise AssertionError(pieces)


def test_a_message_holds_function_and_calls() -> None:
    task = one(divmod, (7, 2), {}, spill)
    assert task.message.startswith(b"ABACO-CALLS-1\n")
    kind, function, calls = pickle.loads(task.message.removeprefix(b"ABACO-CALLS-1\n"))
    assert (kind, pickle.loads(function), pickle.loads(calls)) == (ONE, divmod, [((7, 2), {})])
    calls = many(b"f", [(1,), (2,)], spill).calls
    assert isinstance(calls, bytes)
    assert pickle.loads(calls) == [((1,), {}), ((2,), {})]


def test_parts_in_any_order_are_an_answer() -> None:
    first, *others = parts(cloudpickle.dumps((MANY, [(True, 1), (False, KeyError("k"), "text")])))
    answer = Parts()
    assert all(answer.add(each) is None for each in reversed(others))
    found = answer.add(first)
    assert isinstance(found, Answer)
    good, bad = found.outcomes
    assert good == Outcome(1)
    assert isinstance(bad.error, KeyError)
    assert str(bad.error.__cause__) == '\n"""\ntext"""'


def test_parts_of_a_lost_attempt_do_not_mix() -> None:
    lost, whole = cloudpickle.dumps((ONE, [(True, "lost")])), cloudpickle.dumps((ONE, [(True, "kept")]))
    answer = Parts()
    assert answer.add(next(parts(lost))) is None
    assert [found for each in parts(whole, b"attempt2") if (found := answer.add(each))] == [
        Answer(ONE, [Outcome("kept")])
    ]


def test_answers_that_cannot_be_read() -> None:
    with pytest.raises(InternalError, match="image"):
        Parts().add(b"something else")
    (part,) = parts(b"no pickle", size=100)
    found = Parts().add(part)
    assert isinstance(found, Answer)
    assert isinstance(found.outcomes[0].error, pickle.UnpicklingError)


class Image:
    """What has its bytes beside the pickle, as arrays have."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = data

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return Image, (pickle.PickleBuffer(self.data),)


class Disk:
    """Takes files, without copying what it is given."""

    def __init__(self) -> None:
        self.pieces: list[memoryview] = []

    def __call__(self, pieces: Sequence[memoryview]) -> str:
        self.pieces = list(pieces)
        return "sha256:0"

    def read(self, found: Packed) -> Any:
        assert isinstance(found, Reference)
        whole, start, frames = b"".join(self.pieces), 0, []
        for length in found.lengths:
            frames.append(bytearray(whole[start : start + length]))
            start += length
        assert start == len(whole)
        return unpacked(frames)


LARGE = 3_000_000


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_large_bytes_are_not_copied_on_their_way_into_a_file(kind: Callable[[int], Any]) -> None:
    disk, value = Disk(), kind(LARGE)
    assert disk.read(packed([value, 1], disk)) == [value, 1]
    assert any(piece.obj is value for piece in disk.pieces)


def test_large_buffers_are_not_copied_and_can_be_written_to_at_the_other_end() -> None:
    disk, value, small = Disk(), Image(bytearray(LARGE)), Image(bytearray(b"small"))
    found = packed([value, small], disk)
    assert isinstance(found, Reference)
    assert found.lengths[1:] == (LARGE,)
    assert any(piece.obj is value.data for piece in disk.pieces)
    one_again, small_again = disk.read(found)
    one_again.data[0] = small_again.data[0] = 1
    assert (one_again.data[:2], small_again.data) == (b"\1\0", b"\1mall")
    for piece in disk.pieces:
        piece.release()


def test_buffers_that_may_not_be_written_to_stay_so() -> None:
    disk = Disk()
    again = disk.read(packed(Image(bytes(LARGE)), disk))
    assert again.data.readonly
    assert again.data == bytes(LARGE)


def test_what_is_small_in_the_whole_goes_without_a_file() -> None:
    found = packed(Image(bytearray(500_000)), spill)
    assert isinstance(found, bytes)
    assert cloudpickle.loads(found).data == bytearray(500_000)
    with pytest.raises(AssertionError):
        packed(bytes(1 << 20), spill)


def test_a_buffer_in_pieces_cannot_be_pickled() -> None:
    with pytest.raises(pickle.PicklingError, match="contiguous"):
        packed(Image(memoryview(bytearray(LARGE))[::2]), spill)


def test_a_message_names_its_files() -> None:
    disk = Disk()
    task = one(divmod, (bytes(LARGE), 2), {}, disk)
    assert task.has_files
    assert task.message.startswith(b"ABACO-CALLS-2\n")
    kind, function, (digest, lengths) = pickle.loads(task.message.removeprefix(b"ABACO-CALLS-2\n"))
    assert (kind, pickle.loads(function), digest) == (ONE, divmod, "sha256:0")
    assert disk.read(Reference(digest, lengths)) == [((bytes(LARGE), 2), {})]
    again = many(Reference("sha256:1", (5,)), [(1,)], spill)
    assert pickle.loads(again.message.removeprefix(b"ABACO-CALLS-2\n"))[1] == ("sha256:1", (5,))


def test_an_answer_may_be_in_a_file() -> None:
    part = struct.pack("!4s8sII", b"ABRF", b"attempt1", 0, 1) + json.dumps(["sha256:0", [7, 8]]).encode()
    assert Parts.is_one(part)
    assert Parts().add(part) == Reference("sha256:0", (7, 8))
    frames: list[memoryview] = []
    whole = cloudpickle.dumps(
        (ONE, [(True, Image(bytearray(LARGE)))]), buffer_callback=lambda buffer: frames.append(buffer.raw())
    )
    (found,) = answer_of([whole, *map(bytearray, frames)]).outcomes
    assert found.value.data == bytes(LARGE)
    (broken,) = answer_of([b"no pickle"]).outcomes
    assert isinstance(broken.error, pickle.UnpicklingError)
