"""A private PostgreSQL cluster for a test session: its own directory and socket, no TCP, fsync on."""

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

__all__ = ["Cluster", "binaries"]

_USER = "postgres"


def binaries() -> Path | None:
    """The directory of the newest PostgreSQL server programs on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda program: int(program.parts[-3]))
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    return Path(program).parent if program else None


_KEEP = 'cat; "$0/pg_ctl" -D "$1/data" -w -m immediate stop; rm -rf "$1"'
"""Waits for the end of its input: nothing is left even of a test session that was killed."""


class Cluster:
    """Started by the constructor; `stop` removes all of it."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # Not under pytest's directory: a socket's path may take 107 bytes only, and others may not enter there.
        self._directory = Path(tempfile.mkdtemp(prefix="abaco-pg-"))
        self._data = self._directory / "data"
        self._numbers = count(1)
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:  # initdb and postgres refuse to run as root
            account = pwd.getpwnam(_USER)
            os.chown(self._directory, account.pw_uid, account.pw_gid)
            self._identity = {"user": _USER, "group": _USER, "extra_groups": []}
        self._keeper = subprocess.Popen(
            ["sh", "-c", _KEEP, programs, self._directory],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._identity,
        )
        self._directory.chmod(0o755)
        try:
            self._run("initdb", "-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
            self.resume()
        except BaseException:
            self.stop()
            raise

    @property
    def _log(self) -> Path:
        return self._directory / "log"

    def _run(self, program: str, *arguments: str | Path) -> None:
        # The server inherits the standard streams: they must not be pipes, whose end nobody would ever see.
        with (self._directory / f"{program}.out").open("w+") as output:
            done = subprocess.run(
                [self._programs / program, *arguments],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **self._identity,
            )
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{program} failed: {output.read()}")

    def pause(self) -> None:
        """Stop the server as a crash would; its data stays."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def resume(self) -> None:
        options = f"-k {self._directory} -c listen_addresses='' -c fsync=on"
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-l", self._log, "-o", options, "start")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as the superuser, each in a connection of its own."""
        address = f"host={self._directory} user={_USER} dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def create_database(self, template: str = "template1") -> str:
        """A new database, as a copy of `template`; its name."""
        name = f"abaco_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop_database(self, name: str) -> None:
        """Fails, after PostgreSQL's own 5 seconds of patience, if a connection to it was leaked."""
        self.execute(f"DROP DATABASE {name}")

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{_USER}@/{name}?host={self._directory}"

    def stop(self) -> None:
        self._keeper.communicate()
