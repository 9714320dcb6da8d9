"""The arrows between the rooms, and what the base install has to load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from architecture.source import ROOT

# Of the extras `server`, `ray` and `postgres`; anyio is left out because httpx comes with it.
SERVER_PACKAGES = {
    "alembic",
    "argon2",
    "cronsim",
    "granian",
    "joserfc",
    "litestar",
    "psycopg",
    "ray",
    "sqlalchemy",
    "structlog",
}
SERVER_ROOMS = {
    "api",
    "bootstrap",
    "domain",
    "engine",
    "notify",
    "oidc",
    "pool",
    "ports",
    "runtime",
    "services",
    "store",
}


def loaded_by(module: str) -> set[str]:
    """All modules that a fresh interpreter has after importing one, beyond those it always has."""
    package, _, name = module.rpartition(".")
    statement = f"from {package} import {name}" if package else f"import {name}"
    code = f"import json, sys; before = set(sys.modules); {statement}; print(json.dumps([*set(sys.modules) - before]))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def test_the_arrows_point_inward() -> None:
    """The contracts stand in `.importlinter`. A process of its own, since it silences the loggers there are."""
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["abaco", "abaco.actors", "abaco.client", "abaco.cli.main"])
def test_the_base_install_loads_nothing_of_the_server(module: str) -> None:
    names = loaded_by(module)
    assert module in names
    assert {name.partition(".")[0] for name in names} & SERVER_PACKAGES == set()
    assert {name for name in names if name.startswith("abaco.") and name.split(".")[1] in SERVER_ROOMS} == set()


def test_the_guest_library_loads_only_the_standard_library() -> None:
    names = {name.partition(".")[0] for name in loaded_by("abaco.actors")}
    assert names - sys.stdlib_module_names == {"abaco"}


def test_the_name_of_the_package_alone_loads_next_to_nothing() -> None:
    assert {"httpx", "msgspec", "typer", "abaco.client"} & loaded_by("abaco") == set()
    assert "httpx" in loaded_by("abaco.Abaco")


def test_a_server_package_would_be_seen() -> None:
    assert "sqlalchemy" in loaded_by("abaco.store.sql")
