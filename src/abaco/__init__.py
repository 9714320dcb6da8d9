"""Abaco: functions-as-a-service for research computing on the actor model."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abaco.client import Abaco as Abaco
    from abaco.client import AbacoExecutor as AbacoExecutor

__all__ = ["__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """The client, loaded when it is asked for: the server's processes are part of this package, too."""
    if name in {"Abaco", "AbacoExecutor"}:
        from importlib import import_module  # noqa: PLC0415 - as the client

        return getattr(import_module("abaco.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
