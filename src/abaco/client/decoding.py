"""What a result means: bytes as they are, and the values that `send_python_result` pickles.

A pickle can run any code of its author's choice where it is read. So the default is to read plain values only; whoever
knows the author may trust the result and read anything.
"""

import io
import pickle
from typing import Any

from abaco.errors import InvalidInput

__all__ = ["decoded"]

_PLAIN = {
    "builtins": {"complex", "frozenset", "set"},
    "collections": {"OrderedDict", "deque"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
}
"""What values may be made of besides those that pickles know by themselves.

Nothing that runs anything, that makes much of little (a range, a Fraction of "1e999999999"), or that a pickle could
change for the whole process, as it could classes written in Python.
"""


def decoded(data: bytes, *, trust: bool) -> Any:
    """The object that was pickled, or `data` if it is no pickle.

    Without `trust` only plain values are read: None, bool, numbers, str, bytes, dates, and lists, tuples, sets and
    dicts of them. Raises InvalidInput for others.
    """
    if not _looks_pickled(data):
        return data
    try:
        # With `trust` the caller has said that the actor's code may run here as well.
        return pickle.loads(data) if trust else _Plain(io.BytesIO(data)).load()  # noqa: S301
    except (pickle.UnpicklingError, EOFError, IndexError, KeyError, ValueError, TypeError, OverflowError):
        return data


def _looks_pickled(data: bytes) -> bool:
    """Protocols 2 to 5 begin with their number and end with a full stop; no text in UTF-8 begins so."""
    return data[:1] == b"\x80" and data[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"} and data[-1:] == b"."


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name in _PLAIN.get(module, ()):
            return super().find_class(module, name)
        raise InvalidInput(
            f"this result is made of {module}.{name}, and reading it may run code of the actor's author: "
            "say trust=True if you trust them.",
        )
