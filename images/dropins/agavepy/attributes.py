"""Dictionaries whose keys are attributes too."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, without the cost of importing typing
if TYPE_CHECKING:
    from typing import Any

__all__ = ["AttrDict", "wrapped"]


class _MissingKeyError(KeyError, AttributeError):
    """Old programs catch the first; ``hasattr`` and ``copy`` expect the second."""


class AttrDict(dict):  # type: ignore[type-arg]  # dict[str, Any] as a base class needs Python 3.9
    """``found.id`` is ``found["id"]``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise _MissingKeyError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def wrapped(value: Any) -> Any:
    """`value` with its dictionaries, at every depth, as `AttrDict`."""
    if isinstance(value, dict):
        return AttrDict({key: wrapped(item) for key, item in value.items()})
    if isinstance(value, list):
        return [wrapped(item) for item in value]
    return value
