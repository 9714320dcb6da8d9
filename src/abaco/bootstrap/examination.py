"""Whether this machine can be a server: what `abaco doctor` looks at."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec.structs import replace

from abaco.bootstrap.parts import SystemClock
from abaco.bootstrap.runtimes import open_images, open_runtime
from abaco.errors import AbacoError, Unavailable
from abaco.ports import PreparedImage
from abaco.settings import Settings, read_settings
from abaco.store.database import open_database, require_url

__all__ = ["examine"]

_TRIAL_SECONDS = 60
_LITTLE_DISK = 2 * 1024**3
_SMALLEST_MEMORY = 1024**3


def examine(data: Path | None) -> Iterator[tuple[str, Callable[[], str]]]:
    """Names of checks, each with what looks and says what there is; it raises an error that says what to do.

    Without `data` the machine is looked at with the default settings. Nothing of a server that runs is touched.
    """
    with tempfile.TemporaryDirectory(prefix="abaco-doctor-") as name:
        flags = {"data": str(data or name)}
        yield "settings", lambda: _settings_word(flags, data)
        try:
            settings, _ = read_settings(flags, os.environ)
        except AbacoError:
            return  # that was it
        yield "disk", lambda: _disk(settings.data)
        yield "memory", _memory
        if data is not None:
            yield "database", lambda: _database(settings)
        yield "images", lambda: _images(settings)
        yield "containers", lambda: _containers(flags)


def _settings_word(flags: dict[str, str], data: Path | None) -> str:
    settings, _ = read_settings(flags, os.environ)
    if data is None:
        return f"defaults, runtime {settings.runtime}; --data DIR looks at a server's own"
    return f"runtime {settings.runtime}, {settings.base_url}"


def _disk(data: Path) -> str:
    place = next(one for one in (data, *data.absolute().parents) if one.exists())
    free = shutil.disk_usage(place).free
    if free < _LITTLE_DISK:
        raise Unavailable(f"{free / 1e9:.1f} GB are free at {place}: images and results need a few.")
    return f"{free / 1e9:.0f} GB free at {place}"


def _memory() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if total < _SMALLEST_MEMORY:
        raise Unavailable(f"{total / 1e9:.1f} GB of memory are little beside the 0.2 GB of the server itself.")
    return f"{total / 1e9:.0f} GB, {os.cpu_count()} cores"


def _database(settings: Settings) -> str:
    url = require_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "")
        return str(file) if file.exists() else f"{file} will be made at the first start"
    open_database(url).close()
    return f"{url.host or 'the local server'} answers"


def _images(settings: Settings) -> str:
    with open_images(settings):
        return "the programs that take them in are there"


def _containers(flags: dict[str, str]) -> str:
    """In a process of its own: containers need mounts of their own, which a process has for good."""
    with tempfile.TemporaryDirectory(prefix="abaco-doctor-") as trial:
        command = [sys.executable, "-m", "abaco.bootstrap.examination", flags["data"], trial]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TRIAL_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"A worker was not ready after {_TRIAL_SECONDS} seconds.") from None
    if done.returncode:
        raise Unavailable((done.stderr.strip() or f"The trial ended with {done.returncode}.").splitlines()[-1])
    return done.stdout.strip()


def _try(data: str, place: Path) -> None:
    """Make a worker ready with the settings of `data`, but in `place`, and take it down again."""
    settings, _ = read_settings({"data": data}, os.environ)
    trial = replace(settings, data=place)
    with open_runtime(trial, SystemClock()) as (runtime, _):
        if trial.runtime == "crun":
            rootfs = place / "rootfs"
            rootfs.mkdir()
            runtime.clean()
            sandbox = runtime.sandbox("doctor", PreparedImage("doctor", "", rootfs, {}))
            try:
                sandbox.prepare()
            finally:
                sandbox.close()
        print(f"{trial.runtime} can start them here")  # noqa: T201 - what the other process reads


if __name__ == "__main__":
    try:
        _try(sys.argv[1], Path(sys.argv[2]))
    except Exception as error:  # noqa: BLE001 - whatever it is, the user is to read it
        sys.exit(str(error))
