"""``abaco serve``: starts the API and the engine as processes of their own, and starts again what dies."""

import fcntl
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import httpx

from abaco.errors import InvalidInput, Unavailable
from abaco.role import SETTINGS_VARIABLE, encode_settings, lock_path
from abaco.settings import Settings

__all__ = ["Supervisor"]

_ROLES = ("engine", "api")
"""In the order in which they are started, and stopped."""
_STOPPING = {signal.SIGTERM, signal.SIGINT}
_SIGNALS = {*_STOPPING, signal.SIGCHLD}
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_STEADY_SECONDS = 30.0
"""A child that has lived this long has recovered: its next death is a first one."""
_KILL_AFTER_SECONDS = 15.0


@dataclass(slots=True)
class _Child:
    role: str
    process: subprocess.Popen[bytes]
    born: float = field(default_factory=time.monotonic)
    pause: float = _FIRST_PAUSE_SECONDS


class Supervisor:
    """Runs in the main thread of ``abaco serve``; `say` prints to the user."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._children: dict[str, _Child] = {}

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit code. Raises Unavailable or InvalidInput if it cannot start."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        lock = lock_path(self._settings, "serve").open("w")
        if not _try_lock(lock):
            raise Unavailable(f"Another Abaco server uses {self._settings.data}: stop it first.")
        try:
            if not self._wait_for_former():
                return 0
            self._require_port()
            self._require_certificate()
            for role in _ROLES:
                self._children[role] = self._spawn(role, _FIRST_PAUSE_SECONDS)
            if self._wait_until_ready():
                self._say(f"Abaco listens on {self._settings.base_url} (API documentation: /docs). Ctrl-C stops it.")
                self._watch()
        finally:
            self._stop()
            lock.close()
        return 0

    def _spawn(self, role: str, pause: float) -> _Child:
        environment = {**os.environ, SETTINGS_VARIABLE: encode_settings(self._settings)}
        command = [sys.executable, "-m", "abaco.role", role, str(os.getpid())]
        # A session of its own: Ctrl-C reaches the supervisor only, which stops its children in good order.
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
        return _Child(role, process, pause=pause)

    def _wait_for_former(self) -> bool:
        """A server that was killed leaves children that are still stopping: give them time. False if told to stop."""
        deadline = time.monotonic() + self._settings.drain_seconds + 2 * _KILL_AFTER_SECONDS
        for role in _ROLES:
            while not _is_free(lock_path(self._settings, role)):
                if time.monotonic() > deadline:
                    raise Unavailable(f"The {role} of a former server on {self._settings.data} does not stop.")
                if signal.sigtimedwait(_STOPPING, _POLL_SECONDS) is not None:
                    return False
        return True

    def _require_port(self) -> None:
        try:
            family = socket.AF_INET6 if ":" in self._settings.host else socket.AF_INET
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((self._settings.host, self._settings.port))
        except OSError as error:
            address = f"{self._settings.host}:{self._settings.port}"
            raise Unavailable(f"Cannot listen on {address}: {error.strerror}. Choose another --port.") from None

    def _require_certificate(self) -> None:
        """Raise InvalidInput unless https can be spoken with these files."""
        files = (self._settings.tls_cert, self._settings.tls_key)
        try:
            for file in filter(None, files):
                file.read_bytes()
            if files[0] is not None:
                # A key with a password would have somebody asked for it.
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files[0], files[1], password="")
        except OSError as error:  # those of ssl are some
            raise InvalidInput(f"tls_cert and tls_key cannot be used: {error}.") from None

    def _wait_until_ready(self) -> bool:
        """Whether the server answers; False if it was told to stop meanwhile. Raises Unavailable if a child gave up."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_healthy():
            if signal.sigtimedwait(_STOPPING, _POLL_SECONDS) is not None:
                return False
            for child in self._children.values():
                if child.process.poll() is not None:
                    raise Unavailable(f"The {child.role} did not start; its reason stands above.")
            if time.monotonic() > deadline:
                raise Unavailable(f"The server was not ready after {_START_SECONDS:.0f} seconds.")
        return True

    def _is_healthy(self) -> bool:
        scheme = "https" if self._settings.tls_cert else "http"
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._settings.host, self._settings.host)  # noqa: S104
        try:
            # The certificate may be for another name: this asks for life, not for identity.
            answer = httpx.get(f"{scheme}://{host}:{self._settings.port}/healthz", verify=False)  # noqa: S501
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def _watch(self) -> None:
        """Wait for a signal; a child that died is started again, later each time it dies young."""
        while signal.sigwait(_SIGNALS) not in _STOPPING:
            for child in list(self._children.values()):
                if child.process.poll() is not None and not self._revive(child):
                    return

    def _revive(self, child: _Child) -> bool:
        """Start the child again after a pause; False if told to stop during the pause."""
        steady = time.monotonic() - child.born > _STEADY_SECONDS
        pause = _FIRST_PAUSE_SECONDS if steady else child.pause
        self._say(f"The {child.role} ended (exit code {child.process.returncode}); starting it again.")
        if signal.sigtimedwait(_STOPPING, pause) is not None:
            return False
        self._children[child.role] = self._spawn(child.role, min(2 * pause, _LONGEST_PAUSE_SECONDS))
        return True

    def _stop(self) -> None:
        """SIGTERM to one after the other, the engine first: containers that end in good order need the API for that.

        What does not end in time is killed.
        """
        patience = {"engine": self._settings.drain_seconds + _KILL_AFTER_SECONDS, "api": _KILL_AFTER_SECONDS}
        for role in _ROLES:
            if (child := self._children.get(role)) is None:
                continue
            child.process.terminate()
            try:
                child.process.wait(patience[role])
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()


def _try_lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(path: Path) -> bool:
    with path.open("w") as file:
        return _try_lock(file)
