"""The entry point of the server's child processes: ``python -m abaco.role api|engine SUPERVISOR``, by process id."""

import fcntl
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

import msgspec

from abaco.engine.reaper import LeaseLost
from abaco.errors import AbacoError
from abaco.runtime.kernel import end_with_parent
from abaco.runtime.unavailable import RuntimeUnavailable
from abaco.settings import Settings
from abaco.telemetry import Telemetry

__all__ = ["SETTINGS_VARIABLE", "decode_settings", "encode_settings", "lock_path", "main"]

SETTINGS_VARIABLE = "ABACO_ROLE_SETTINGS"


def lock_path(settings: Settings, role: str) -> Path:
    """The file a running role holds locked: one engine and one API a data directory."""
    return settings.data / "run" / f"{role}.lock"


def encode_settings(settings: Settings) -> str:
    return msgspec.json.encode(settings, enc_hook=str).decode()


def decode_settings(text: str) -> Settings:
    def decode_hook(kind: type, value: Any) -> Any:
        return kind(value)

    return msgspec.json.decode(text, type=Settings, dec_hook=decode_hook)


def _allow_many_files() -> None:
    """As many as this process may have, rather than the 1024 that suit programs which know no better."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _hold(path: Path) -> TextIO:
    """Wait for and hold the lock; the kernel lets go of it however this process ends."""
    file = path.open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _runner(role: str) -> Callable[[Settings], None]:
    """What the role does; loaded by itself, since what the other one needs would double this one's memory."""
    module = import_module(f"abaco.bootstrap.{role}")
    run: Callable[[Settings], None] = getattr(module, f"run_{role}")
    return run


def main() -> int:
    """Run the role named by the only argument, until a signal or until the supervisor is gone."""
    end_with_parent(signal.SIGTERM)
    # The supervisor waits for signals with them blocked, and children inherit that.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    _allow_many_files()
    role, supervisor = sys.argv[1], int(sys.argv[2])
    settings = decode_settings(os.environ.pop(SETTINGS_VARIABLE))
    if os.getppid() != supervisor:
        # It died before the kernel had been asked to tell us.
        return 1
    with _hold(lock_path(settings, role)):
        try:
            _runner(role)(settings)
        except Exception as error:  # noqa: BLE001 - the boundary: the supervisor starts the role again
            _report(role, settings, error)
            return 1
    return 0


def _report(role: str, settings: Settings, error: Exception) -> None:
    """Say in one line why the role ends; what nobody foresaw is logged with its traceback."""
    causes = list(_leaves(error))
    if all(isinstance(cause, (AbacoError, RuntimeUnavailable, LeaseLost)) for cause in causes):
        # This is the program's own voice.
        print(f"abaco {role}: {'; '.join(map(str, causes))}", file=sys.stderr)  # noqa: T201
        return
    reasons = "; ".join(f"{type(cause).__name__}: {cause}" for cause in causes)
    Telemetry(role, settings.log_level).log.error("role_failed", reason=reasons, exc_info=error)


def _leaves(error: Exception) -> Iterator[Exception]:
    """What was raised, out of the groups that task groups wrap it in."""
    if isinstance(error, ExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


if __name__ == "__main__":
    sys.exit(main())
