"""Abaco: functions-as-a-service for research computing on the actor model."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abaco.client import Abaco as Abaco

__all__ = ["__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`abaco.Abaco`, loaded when it is asked for: the server's processes are part of this package, too."""
    if name == "Abaco":
        from importlib import import_module  # noqa: PLC0415 - as the client

        return import_module("abaco.client").Abaco
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
