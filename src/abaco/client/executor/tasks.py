"""What goes to a function actor and what comes back; ``images/py3_func/actor.py`` is the other end."""

import pickle
import struct
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import cloudpickle

from abaco.errors import InternalError

__all__ = [
    "MANY",
    "ONE",
    "AbacoFuture",
    "Answer",
    "Outcome",
    "Parts",
    "RemoteTraceback",
    "Task",
    "many",
    "one",
    "question",
]

_CALLS = b"ABACO-CALLS-1\n"
_PART = struct.Struct("!4s8sII")
_PART_MARK = b"ABRP"
ONE, MANY, _QUESTION = "one", "many", "question"
"""Kinds of messages: of `submit`, and of `map`, whose answer is for a chunk of calls."""
Call = tuple[Sequence[Any], Mapping[str, Any]]


class AbacoFuture(Future[Any]):
    """A call that is, or will be, an execution on the server: `execution_id` names it once it was sent.

    `is_chunk`, once it is done, says whether it is of a map; then its result is the list of `Outcome` of a chunk.
    """

    execution_id: str | None = None
    is_chunk = False


class RemoteTraceback(Exception):
    """The cause of an exception that a function raised in its container: the traceback there, as text."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call returned, or the exception it raised."""

    value: Any = None
    error: BaseException | None = None

    def get(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one message."""

    kind: str
    outcomes: Sequence[Outcome]

    def settle(self, future: AbacoFuture) -> None:
        """A call of its own is a value or an exception, a chunk of `map` the list of its outcomes."""
        if self.kind != ONE:
            future.is_chunk = True
            future.set_result(list(self.outcomes))
        elif (error := self.outcomes[0].error) is not None:
            future.set_exception(error)
        else:
            future.set_result(self.outcomes[0].value)


@dataclass(frozen=True, slots=True)
class Task:
    """One message, and who waits for its answer."""

    kind: str
    function: bytes
    calls: bytes
    future: AbacoFuture = field(default_factory=AbacoFuture)

    @property
    def message(self) -> bytes:
        return _CALLS + pickle.dumps((self.kind, self.function, self.calls), pickle.HIGHEST_PROTOCOL)


def one(function: Callable[..., Any], arguments: Sequence[Any], named: Mapping[str, Any]) -> Task:
    """A call of its own. Raises what pickling it does."""
    return Task(ONE, cloudpickle.dumps(function), cloudpickle.dumps([(arguments, named)]))


def many(function: bytes, calls: Sequence[Sequence[Any]]) -> Task:
    """Calls of a pickled function, with positional arguments. Raises what pickling them does."""
    return Task(MANY, function, cloudpickle.dumps([(each, {}) for each in calls]))


def question(modules: Sequence[str]) -> bytes:
    """A message that is answered with the image's Python, and with those of the modules that it lacks, as JSON."""
    return _CALLS + pickle.dumps((_QUESTION, b"", pickle.dumps(list(modules), 2)), 2)  # older Pythons read this, too


class Parts:
    """The results of one execution, until they are an answer. A lost attempt may have sent some of its own."""

    def __init__(self) -> None:
        self._attempts: dict[bytes, dict[int, bytes]] = {}

    @staticmethod
    def is_one(result: bytes) -> bool:
        """Whether it is part of an answer."""
        return len(result) >= _PART.size and result.startswith(_PART_MARK)

    def add(self, result: bytes) -> Answer | None:
        """The answer, if this was the last part of it. Raises InternalError for what is no part."""
        if not self.is_one(result):
            raise InternalError("the actor's answer is not that of a function actor: is its image made for executors?")
        _, attempt, index, count = _PART.unpack_from(result)
        parts = self._attempts.setdefault(attempt, {})
        parts[index] = result[_PART.size :]
        if len(parts) < count:
            return None
        return _answer(b"".join(parts[each] for each in range(count)))


def _answer(data: bytes) -> Answer:
    try:
        kind, outcomes = pickle.loads(data)  # noqa: S301 - the code that answers is the caller's own
    except Exception as error:  # noqa: BLE001 - whatever a class raises that is read here
        error.add_note("This is what reading the pickled answer of the function raised.")
        return Answer(ONE, [Outcome(error=error)])
    return Answer(kind, [Outcome(each[1]) if each[0] else Outcome(error=_raised(*each[1:])) for each in outcomes])


def _raised(error: BaseException, text: str) -> BaseException:
    error.__cause__ = RemoteTraceback(text)
    return error
