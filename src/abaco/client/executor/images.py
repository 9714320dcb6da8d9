"""Whether an image can call a function: its Python, and the modules it has."""

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from abaco.client.abaco import Abaco
from abaco.client.executor.imports import imports_of
from abaco.client.executor.tasks import question
from abaco.client.handle import EXECUTION_HEADER
from abaco.errors import Conflict, InvalidInput, NotFound, Unavailable

__all__ = ["ImageCheck"]

_BUILD = (
    "Write a Dockerfile, `FROM {image}` and `RUN pip install {packages}`, build it, and send it by `abaco image push`."
)
_ANSWER_SECONDS = 30.0
"""A container is up long before, if the question does not wait behind long calls."""
_HERE = (sys.version_info.major, sys.version_info.minor)


class _Contents(msgspec.Struct):
    """What an actor's image says of itself; `missing` are those it lacks of the modules it was asked for."""

    python: tuple[int, int]
    missing: list[str]
    files: bool = False


@dataclass(slots=True)
class _Known:
    """What an image of the right Python is known to have: modules, and whether it reads files."""

    modules: set[str]
    files: bool


_KNOWN: dict[tuple[str, str], _Known] = {}
"""By server and image."""


class ImageCheck:
    """Asks the actor once for each module, and no more than once for all executors of an image in this program."""

    def __init__(self, ab: Abaco, actor_id: str, image: str) -> None:
        self._ab = ab
        self._actor_id = actor_id
        self._image = image
        self._known = _KNOWN.get((ab.api_server, image))

    def require(self, function: Callable[..., Any]) -> None:
        """Raise InvalidInput, with what to do, if the image cannot call `function`."""
        needed = imports_of(function) - {*sys.builtin_module_names, "__main__"}
        if self._known is not None and needed <= self._known.modules:
            return
        contents = self._ask(needed)
        if contents is None:
            return
        if contents.python != _HERE:
            raise InvalidInput(
                f"this is Python {_text(_HERE)}, and {self._image} has {_text(contents.python)}: functions hold byte "
                f"code of one version. Take an image with Python {_text(_HERE)}, or run this program with "
                f"{_text(contents.python)}; docs/guide-executor.md says how to build an image."
            )
        if contents.missing:
            raise InvalidInput(self._lacking(contents.missing))
        self._known = _KNOWN.setdefault((self._ab.api_server, self._image), _Known(set(), contents.files))
        self._known.modules |= needed

    def require_files(self) -> None:
        """Raise InvalidInput if the image, as far as is known of it, takes no more than a message holds."""
        if self._known is not None and not self._known.files:
            raise InvalidInput(
                f"{self._image} was built for an older Abaco, and takes no function or arguments of more than a "
                "megabyte: build it anew."
            )

    def _ask(self, modules: Iterable[str]) -> _Contents | None:
        """What the actor answers; None if it, or the server, has too much to do."""
        try:
            answer = self._ab.messages.ask(self._actor_id, data=question(sorted(modules)), timeout=_ANSWER_SECONDS)
        except (Conflict, TimeoutError, Unavailable):
            return None
        if answer.status_code == httpx.codes.ACCEPTED:
            return None
        # A message that could have been sent again keeps its answer, and whoever attaches would find it.
        with suppress(NotFound):
            self._ab.results.pop(self._actor_id, answer.headers.get(EXECUTION_HEADER, "-"))
        try:
            return msgspec.json.decode(answer.content, type=_Contents)
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise InvalidInput(
                f"{self._image} is no image for functions: take abacosamples/py3_func, or build one from it."
            ) from None

    def _lacking(self, missing: list[str]) -> str:
        own = [name for name in missing if _is_source(name)]
        text = f"{self._image} lacks {', '.join(missing)}, which the function uses: take an image that has it. "
        if own:
            calls = ", ".join(f"cloudpickle.register_pickle_by_value({name})" for name in own)
            return f"{text}Modules of your own can be sent along: {calls}."
        return text + _BUILD.format(image=self._image, packages=" ".join(missing))


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _is_source(name: str) -> bool:
    """Whether a module is the user's own rather than an installed package."""
    module = sys.modules.get(name)
    path = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
    installed = ("site-packages", "dist-packages", f"{sys.base_prefix}/lib/python")
    return path != "" and not any(place in path for place in installed)
