"""Running one container on a machine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from abaco.domain.execution import Outcome
from abaco.ports.images import PreparedImage
from abaco.ports.stop import Stop

__all__ = [
    "FORWARDED_FROM",
    "ContainerSink",
    "ContainerSpec",
    "ContainerStartError",
    "Mount",
    "Runtime",
    "Sandbox",
]

FORWARDED_FROM = "127.66.97.99"
"""The address that containers' connections to the API come from where they are passed on: loopback, but no client of
this machine.
"""


class ContainerStartError(Exception):
    """The container could not be started; ``str()`` says why, for the user.

    `by_output`: nothing but the container's own output says so, which its program may have written itself.
    """

    def __init__(self, reason: str, *, by_output: bool = False) -> None:
        super().__init__(reason)
        self.by_output = by_output


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the machine, `source`, that a container sees at `target`; both are absolute paths."""

    source: str
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container. Memory in bytes, `cpus` in CPUs (1.5), `max_run_seconds` of wall clock; None is no limit.

    `user` is (uid, gid) or None for the image's own. `binary` yields the data of ``/_abaco_binary_data``; None
    means that there is no such file. `devices` are CDI names such as ``nvidia.com/gpu=0``. `privileged` lifts the
    isolation. A `warm` container is kept for the sandbox's next run, if its program serves (see docs/warm-actors.md).
    """

    execution_id: str
    environment: Mapping[str, str]
    user: tuple[int, int] | None = None
    memory: int | None = None
    cpus: float | None = None
    pids: int | None = None
    max_run_seconds: float | None = None
    stop_grace_seconds: float = 10.0
    binary: Callable[[], Iterator[bytes]] | None = None
    mounts: Sequence[Mount] = ()
    devices: Sequence[str] = ()
    privileged: bool = False
    warm: bool = False


class ContainerSink(Protocol):
    """Where a running container's words go. Called from the thread that runs the container, in order."""

    def output(self, data: bytes) -> None:
        """A piece of stdout and stderr, interleaved as written."""

    def result(self, data: bytes) -> None:
        """One result, complete."""

    def flush(self, now: float) -> float | None:
        """Send on what has waited long enough at `now` (of `time.monotonic`); when the rest will have, or None.

        Called before each wait for more, which ends then.
        """


class Sandbox(Protocol):
    """What a worker prepares once and runs its containers in, one at a time."""

    def prepare(self) -> None:
        """Do now what the next `run` would have to do first. Needs not be called; raises what `run` would."""

    def run(self, spec: ContainerSpec, sink: ContainerSink, stop: Stop) -> Outcome:
        """Run a fresh container to its end; its writable layer is gone afterwards.

        SIGTERM, `stop_grace_seconds`, SIGKILL at the run time limit; SIGKILL at once when `stop` is set.
        Raises ContainerStartError if the container's program could not be started.
        """

    def close(self) -> None:
        """Remove everything of the sandbox; a container that still runs is killed."""


class Runtime(Protocol):
    """Runs containers on this machine."""

    def sandbox(self, worker_id: str, image: PreparedImage) -> Sandbox: ...

    def clean(self, tell: Callable[[str], object] = str) -> int:
        """Kill and remove whatever a former process of this runtime left running; how many containers.

        What does not end (a process that waits for a disk that is gone) is left behind; `tell` is told what it is.
        """
