"""What function actors are sent, and how their answers are put together again."""

import pickle
import struct
from collections.abc import Iterator

import cloudpickle
import pytest

from abaco.client.executor.tasks import MANY, ONE, Answer, Outcome, Parts, many, one
from abaco.errors import InternalError


def parts(data: bytes, attempt: bytes = b"attempt1", size: int = 10) -> Iterator[bytes]:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    for index, piece in enumerate(pieces):
        yield struct.pack("!4s8sII", b"ABRP", attempt, index, len(pieces)) + piece


def test_a_message_holds_function_and_calls() -> None:
    task = one(divmod, (7, 2), {})
    assert task.message.startswith(b"ABACO-CALLS-1\n")
    kind, function, calls = pickle.loads(task.message.removeprefix(b"ABACO-CALLS-1\n"))
    assert (kind, pickle.loads(function), pickle.loads(calls)) == (ONE, divmod, [((7, 2), {})])
    assert pickle.loads(many(b"f", [(1,), (2,)]).calls) == [((1,), {}), ((2,), {})]


def test_parts_in_any_order_are_an_answer() -> None:
    first, *others = parts(cloudpickle.dumps((MANY, [(True, 1), (False, KeyError("k"), "text")])))
    answer = Parts()
    assert all(answer.add(each) is None for each in reversed(others))
    found = answer.add(first)
    assert found is not None
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
    assert found is not None
    assert isinstance(found.outcomes[0].error, pickle.UnpicklingError)
