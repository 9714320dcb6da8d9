"""What goes to a function actor and what comes back; ``images/py3_func/actor.py`` is the other end."""

import json
import logging
import pickle
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from abaco.client.executor.frames import Packed, Reference, Spill, packed, unpacked
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
    "answer_of",
    "many",
    "one",
    "question",
]

_CALLS = b"ABACO-CALLS-1\n"
_SPILLED_CALLS = b"ABACO-CALLS-2\n"
"""With files, which images made before there were any do not know."""
_PART = struct.Struct("!4s8sII")
_PART_MARK, _FILE_MARK = b"ABRP", b"ABRF"
ONE, MANY, _QUESTION = "one", "many", "question"
"""Kinds of messages: of `submit`, and of `map`, whose answer is for a chunk of calls."""
Call = tuple[Sequence[Any], Mapping[str, Any]]


class AbacoFuture(Future[Any]):
    """A call that is, or will be, an execution on the server: `execution_id` names it once it was sent.

    `is_chunk`, once it is done, says whether it is of a map; then its result is the list of `Outcome` of a chunk.
    """

    execution_id: str | None = None
    is_chunk = False

    def set_result(self, result: Any) -> None:
        with _callbacks():
            super().set_result(result)

    def set_exception(self, exception: BaseException | None) -> None:
        with _callbacks():
            super().set_exception(exception)


@contextmanager
def _callbacks() -> Iterator[None]:
    """The standard library keeps a callback's exceptions from whoever settles a future, but not those that end threads:
    other futures need this one.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        logging.getLogger("concurrent.futures").exception("exception calling callback")


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
    function: Packed
    calls: Packed
    future: AbacoFuture = field(default_factory=AbacoFuture)

    @property
    def has_files(self) -> bool:
        """Whether it names files, which do not stay at the server for ever."""
        return isinstance(self.function, Reference) or isinstance(self.calls, Reference)

    @property
    def message(self) -> bytes:
        content = self.kind, _plain(self.function), _plain(self.calls)
        return (_SPILLED_CALLS if self.has_files else _CALLS) + pickle.dumps(content, pickle.HIGHEST_PROTOCOL)


def _plain(value: Packed) -> Any:
    return (value.digest, value.lengths) if isinstance(value, Reference) else value


def one(function: Callable[..., Any], arguments: Sequence[Any], named: Mapping[str, Any], spill: Spill) -> Task:
    """A call of its own. Raises what pickling it does, and what `spill` does."""
    return Task(ONE, packed(function, spill), packed([(arguments, named)], spill))


def many(function: Packed, calls: Sequence[Sequence[Any]], spill: Spill) -> Task:
    """Calls of a pickled function, with positional arguments. Raises as `one`."""
    return Task(MANY, function, packed([(each, {}) for each in calls], spill))


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
        return len(result) >= _PART.size and result.startswith((_PART_MARK, _FILE_MARK))

    def add(self, result: bytes) -> Answer | Reference | None:
        """The answer, or the file that it is in, if this was the last part of it.

        Raises InternalError for what is no part.
        """
        if not self.is_one(result):
            raise InternalError("the actor's answer is not that of a function actor: is its image made for executors?")
        mark, attempt, index, count = _PART.unpack_from(result)
        if mark == _FILE_MARK:
            digest, lengths = json.loads(result[_PART.size :])
            return Reference(digest, tuple(lengths))
        parts = self._attempts.setdefault(attempt, {})
        parts[index] = result[_PART.size :]
        if len(parts) < count:
            return None
        return answer_of([b"".join(parts[each] for each in range(count))])


def answer_of(frames: Sequence[bytes | bytearray]) -> Answer:
    """The answer in a pickle and its buffers; what reading it raises is the answer, too."""
    try:
        kind, outcomes = unpacked(frames)
    except Exception as error:  # noqa: BLE001 - whatever a class raises that is read here
        error.add_note("This is what reading the pickled answer of the function raised.")
        return Answer(ONE, [Outcome(error=error)])
    return Answer(kind, [Outcome(each[1]) if each[0] else Outcome(error=_raised(*each[1:])) for each in outcomes])


def _raised(error: BaseException, text: str) -> BaseException:
    error.__cause__ = RemoteTraceback(text)
    return error
