"""Breaking off what makes an image ready."""

from typing import Final

from abaco.ports import ImageError, Stop

__all__ = ["LOOK_SECONDS", "require_wanted"]

LOOK_SECONDS: Final = 0.05
"""How often whoever waits for something else looks whether to go on waiting."""


def require_wanted(stop: Stop | None) -> None:
    """Raise ImageError once `stop` is set."""
    if stop is not None and stop.is_set():
        raise ImageError("it is not wanted any more")
