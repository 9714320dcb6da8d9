"""One container: made ready before it is known what it is for, then started, then followed to its end.

crun opens its configuration first of all. Here that is a FIFO, on which crun waits: until its process is in the control
group, and until there is a message. So what a message waits for is no more than its own part of the specification.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Final

from abaco.ports import ContainerSink, Mount
from abaco.runtime.cgroup import ControlGroup
from abaco.runtime.diagnosis import OutputGate
from abaco.runtime.keeper import CrunKeeper
from abaco.runtime.overlay import Overlay, delete_tree
from abaco.runtime.program import CrunProgram
from abaco.runtime.results import ResultSocket
from abaco.runtime.serving import ServeSocket
from abaco.runtime.shared import SharedPlace

__all__ = ["Container"]

_PAGE_BYTES: Final = 4096
_PIPE_BYTES: Final = 1_048_576
_MOMENT_SECONDS: Final = 0.005


class Container:
    """Made waiting; `start` once; `close` at any time, which kills what still runs and leaves nothing behind.

    `directory` is where the files go that crun reads; it lies in memory. `overlay` is the root it gets.
    """

    def __init__(
        self, crun: CrunProgram, directory: Path, overlay: Overlay, group: ControlGroup, *, mapped: bool
    ) -> None:
        self.mapped = mapped
        self._identity = secrets.token_hex(8)
        self._config = directory / "config.json"
        self._log = directory / "crun.log"
        self._group = group
        self._directory = directory
        self.serving: ServeSocket | None = None
        with ExitStack() as undo:
            directory.mkdir()
            directory.chmod(0o711)
            undo.callback(delete_tree, directory)
            self.layer = undo.enter_context(overlay)
            self.root = overlay.root
            self.results = undo.enter_context(closing(ResultSocket(directory / "results.sock")))
            self._log.touch()
            os.mkfifo(self._config, 0o600)
            # Open for reading too: crun's opening it must not wait for us, nor ours for crun.
            self._feed = os.open(self._config, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
            undo.callback(self._hang_up)
            self.output, written = os.pipe2(os.O_CLOEXEC)
            undo.callback(os.close, self.output)
            # Or /dev/stdout could not be opened: who runs in the container is none of the machine's users.
            os.fchmod(written, 0o622)
            try:
                pid = crun.run(self._identity, directory, self._log, written)
            finally:
                os.close(written)
            undo.callback(crun.forget, self._identity)
            self.keeper = CrunKeeper(crun, group, self._identity, pid)
            undo.callback(self.end)
            group.take_in(pid)
            self._undo = undo.pop_all()

    def file(self, name: str, text: str) -> Path:
        """A small file for it, in memory, which goes with it."""
        path = self._directory / name
        path.write_text(text)
        path.chmod(0o444)
        return path

    def share(self, wanted: Sequence[Mount]) -> list[Mount]:
        """What crun is told of `wanted`; before it is started. Raises ContainerStartError."""
        told = []
        for number, one in enumerate(wanted):
            # Beside its own directory, which is deleted in the end.
            place = self._directory.with_name(f"{self._directory.name}.{number}")
            told.append(self._undo.enter_context(closing(SharedPlace(one, place))).mount)
        return told

    def start(self, spec: Mapping[str, Any]) -> None:
        """Tell crun what to run."""
        data = json.dumps(spec, ensure_ascii=False).encode(errors="replace")
        # crun reads the file a second time, to keep a copy: then it is an ordinary one.
        draft = self._config.with_suffix(".draft")
        draft.write_bytes(data)
        draft.replace(self._config)
        self._tell(data)
        self._hang_up()

    def _tell(self, data: bytes) -> None:
        """Have crun read `data`: at once, or what fits in the pipe at a time."""
        for size in (len(data) + _PAGE_BYTES, _PIPE_BYTES):
            # More than the system's limit takes a capability.
            with suppress(PermissionError):
                fcntl.fcntl(self._feed, fcntl.F_SETPIPE_SZ, size)
                break
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._feed, rest) :]
            except BlockingIOError:
                if self.keeper.ends_within(_MOMENT_SECONDS):
                    return

    def serve(self) -> ServeSocket:
        """The socket for its program to serve on; before it is started."""
        self.serving = self._undo.enter_context(closing(ServeSocket(self._directory / "serve.sock")))
        return self.serving

    def gate(self, sink: ContainerSink) -> OutputGate:
        """Where its output goes through on the way to `sink`."""
        return OutputGate(self._log, self.keeper.ends_within, sink)

    def end(self) -> int:
        """See to it that no process of it is left, and that it serves no more; its exit code."""
        if self.serving is not None:
            self.serving.hang_up()
        exit_code = self.keeper.dismiss()
        self._group.kill_all()
        return exit_code

    def close(self) -> None:
        self._undo.close()

    def _hang_up(self) -> None:
        if self._feed >= 0:
            os.close(self._feed)
            self._feed = -1
