"""Telling crun's words from the container's, and saying them in a user's language.

crun reports what fails before the container's program starts to its log file and, once more, on stderr, which is
the container's. When the exec itself fails, stderr alone has it: as one JSON line, the only thing that was ever
written there. A container may forge that line, so a failure that only it tells of is marked as such.
"""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from abaco.ports import ContainerSink, ContainerStartError

__all__ = ["OutputGate", "explained"]

_EXEC_PREFIX: Final = b'{"msg":"exec container process'
_FAILURE_EXIT: Final = 1
_MOMENT_SECONDS: Final = 0.02
_EXPLANATIONS: Final = (
    (re.compile(r"executable file `(/.*)` not found in \$PATH.*"), r"executable file '\1' not found"),
    (re.compile(r"executable file `(.*)` not found in \$PATH.*"), r"executable file '\1' not found in $PATH"),
    (
        re.compile(r"exec container process \(missing dynamic library\?\) `(.*)`: (.*)"),
        r"cannot execute '\1': \2 (is its interpreter or a dynamic library missing?)",
    ),
    (re.compile(r"exec container process `(.*)`: (.*)"), r"cannot execute '\1': \2"),
    (re.compile(r"open executable: .*"), "the image's command is not an executable file"),
    (re.compile(r"chdir `?(.*?)`?: (.*)"), r"cannot enter the working directory '\1': \2"),
)


class OutputGate:
    """Passes a container's output on, except what might be crun's: that waits for `settle`.

    `ends_within` waits so many seconds for crun's end. A crun that has reported a failure ends at once, and may
    report it on stderr before it does in its log; so the very first output is looked at a moment later.
    """

    def __init__(self, log: Path, ends_within: Callable[[float], bool], sink: ContainerSink) -> None:
        self._log = log
        self._ends_within = ends_within
        self._sink = sink
        self._open = False
        self._held = b""

    def feed(self, data: bytes) -> None:
        if not self._open:
            if not self._held:
                self._sink.flush(math.inf)  # or a result would wait, too
                self._ends_within(_MOMENT_SECONDS)
            self._held += data
            if self._held.startswith(_EXEC_PREFIX) or self._log.stat().st_size:
                return
            data = self.release()
        self._sink.output(data)

    def release(self) -> bytes:
        """Open the gate: what it held back."""
        self._open = True
        held, self._held = self._held, b""
        return held

    def settle(self) -> None:
        """The container did start: what was held back is its own."""
        if self._held:
            self._sink.output(self.release())

    def failure(self, exit_code: int) -> ContainerStartError | None:
        """After the end: what crun says has kept the program from starting, if anything has."""
        if exit_code != _FAILURE_EXIT:
            return None
        messages = [message for line in self._log.read_bytes().splitlines() if (message := _message(line))]
        if messages:
            return ContainerStartError(explained(messages[-1]))
        is_report = self._held.startswith(_EXEC_PREFIX) and self._held.count(b"\n") == 1
        message = _message(self._held) if is_report else None
        return ContainerStartError(explained(message), by_output=True) if message else None


def explained(message: str) -> str:
    """What crun says, as a user wants to read it."""
    for pattern, explanation in _EXPLANATIONS:
        if pattern.fullmatch(message):
            return pattern.sub(explanation, message)
    return message.replace("`", "'")


def _message(line: bytes) -> str | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    message = record.get("msg") if isinstance(record, dict) and record.get("level") == "error" else None
    return message if isinstance(message, str) else None
