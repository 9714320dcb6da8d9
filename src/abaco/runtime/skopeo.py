"""The programs that fetch and unpack images, and what their complaints mean to a user."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from abaco.ports import ImageError, Stop
from abaco.runtime.unavailable import RuntimeUnavailable
from abaco.runtime.wanted import LOOK_SECONDS, require_wanted

__all__ = ["explained", "require_tools", "run_tool"]

_PASSED_ON: Final = (
    "PATH",
    "HOME",
    "DOCKER_CONFIG",
    "REGISTRY_AUTH_FILE",
    "XDG_RUNTIME_DIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
_MESSAGE: Final = re.compile(r'level=(?:fatal|error) msg=("(?:[^"\\]|\\.)*"|\S+)')
_MAX_REASON: Final = 300
_REASONS: Final = (
    (r"manifest unknown|name unknown|repository name not known|not found", "it is not in its registry"),
    (
        r"unauthorized|authentication required|access to the resource is denied|forbidden",
        "no such image, or access to it is denied",
    ),
    (
        r"no image found in manifest list|no image found in image index",
        "it is not made for this machine's architecture",
    ),
    (r"server gave HTTP response to HTTPS client", "its registry does not speak https and is not listed as insecure"),
    (r"certificate|x509", "its registry's certificate is not trusted"),
    (r"toomanyrequests|too many requests", "its registry refuses more requests for now"),
    (r"no space left on device", "the disk is full"),
    (
        r"invalid tar header|unexpected EOF|gzip: invalid|flate: corrupt|mismatch|did not match",
        "one of its layers is broken",
    ),
    (r"no such file or directory|file does not exist", "it lacks a file that it refers to"),
    (
        r"dial tcp|no such host|i/o timeout|deadline exceeded|server misbehaving|connection reset|TLS handshake",
        "its registry cannot be reached",
    ),
)


def require_tools(*names: str) -> None:
    """Raise RuntimeUnavailable unless these programs are installed."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        raise RuntimeUnavailable(f"Abaco needs what is not installed here: apt-get install {' '.join(missing)}.")


def run_tool(command: Sequence[str | Path], workspace: Path, timeout_seconds: float, stop: Stop | None = None) -> bytes:
    """Run a program in `workspace` and return what it prints. Raises ImageError with what went wrong, in short.

    Once `stop` is set the program is killed.
    """
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"TMPDIR": str(workspace), "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        command,
        cwd=workspace,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            output, complaint = _communicate(process, timeout_seconds, stop)
        finally:
            process.kill()
    if process.returncode != 0:
        raise ImageError(explained(complaint.decode(errors="replace")))
    return output


def _communicate(process: "subprocess.Popen[bytes]", timeout_seconds: float, stop: Stop | None) -> tuple[bytes, bytes]:
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        require_wanted(stop)
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=LOOK_SECONDS)
    raise ImageError(f"it took longer than {timeout_seconds:.0f} seconds")


def explained(complaint: str) -> str:
    """The reason in a few words: ours where we know it, else the end of the program's own."""
    message = _last_message(complaint)
    for pattern, reason in _REASONS:
        if re.search(pattern, message, re.IGNORECASE):
            return reason
    return ": ".join(message.split(": ")[-3:])[-_MAX_REASON:] or "no reason given"


def _last_message(complaint: str) -> str:
    found = _MESSAGE.findall(complaint)
    if found:
        return _unquoted(found[-1])
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _unquoted(text: str) -> str:
    try:
        return " ".join(str(json.loads(text)).split())
    except ValueError:
        return text.strip('"')
