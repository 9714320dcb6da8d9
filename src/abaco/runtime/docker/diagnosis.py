"""What the engine says when a container does not start, in a user's language."""

import re
from collections.abc import Callable
from typing import Final

__all__ = ["OutputGate", "explained"]

_REPORT: Final = re.compile(rb"exec [^\n]{1,4096}: [a-z][a-z ]{1,60}\r?\n?")
_REPORT_EXITS: Final = frozenset({1, 255})
_PREFIX: Final = re.compile(r"^.*?(?:OCI runtime create failed|container process): (?=exec|error|chdir|mkdir|unable)")
_EXPLANATIONS: Final = (
    (re.compile(r'exec: "(.*)": executable file not found in \$PATH.*'), r"executable file '\1' not found in $PATH"),
    (re.compile(r'exec: "(.*)": stat .*: no such file or directory.*'), r"executable file '\1' not found"),
    (
        re.compile(r'exec: "(.*)": (?:permission denied|is a directory).*'),
        "the image's command is not an executable file",
    ),
    (
        re.compile(r"no command specified.*", re.IGNORECASE),
        "the image has neither ENTRYPOINT nor CMD; add a CMD that says what to run",
    ),
    (
        re.compile(r"(?:unable to find|no) user (.*?): .*"),
        r"the image wants to run as user '\1', which its /etc/passwd does not have",
    ),
    (
        re.compile(r"(?:unable to find|no) group (.*?): .*"),
        r"the image wants to run as group '\1', which its /etc/group does not have",
    ),
    (re.compile(r"unable to setup user: .*"), "the image's /etc/passwd has no valid numbers for its user"),
    (re.compile(r"evalSymlinksInScope: .*/merged(/etc/\w+).*"), r"the image's \1 is a link that leads nowhere"),
    (re.compile(r"(?:lstat|mkdir|stat) \S*?/merged(/.*): (.*)"), r"cannot enter the working directory '\1': \2"),
    (re.compile(r"Cannot mkdir: (.*)"), r"cannot enter the working directory: \1"),
    (
        re.compile(r".*bind source path does not exist: (.*)"),
        r"'\1', which is to be mounted, does not exist on the machine",
    ),
    (
        re.compile(r'could not select device driver "cdi".*'),
        "the Docker engine knows no CDI devices: it takes version 25 or newer, with CDI enabled",
    ),
)
"""The engine's message, and ours."""


class OutputGate:
    """Passes a container's output on, except one line that might be the engine's word that the program did not start.

    When the exec itself fails, that line is all that was ever written, and the engine takes it for the container's. A
    container may forge it, so who is told of the failure is told that, too.
    """

    def __init__(self, output: Callable[[bytes], None]) -> None:
        self._output = output
        self._open = False
        self._held = b""

    def feed(self, data: bytes) -> None:
        if not self._open:
            if not self._held and _REPORT.fullmatch(data):
                self._held = data
                return
            self.settle()
        self._output(data)

    def settle(self) -> None:
        """The program did start: what was held back is its own."""
        self._open = True
        held, self._held = self._held, b""
        if held:
            self._output(held)

    def failure(self, exit_code: int) -> str | None:
        """After the end: why the program did not start, if it did not."""
        if not self._held or exit_code not in _REPORT_EXITS:
            return None
        name, _, reason = self._held.decode(errors="replace").strip().removeprefix("exec ").rpartition(": ")
        return f"cannot execute '{name}': {reason.capitalize()} (is its interpreter or a dynamic library missing?)"


def explained(message: str) -> str:
    """Why a container could not be made or started."""
    message = _PREFIX.sub("", message.strip()).removesuffix(": unknown")
    for pattern, explanation in _EXPLANATIONS:
        if pattern.fullmatch(message):
            return pattern.sub(explanation, message)
    return message
