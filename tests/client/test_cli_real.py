"""Verbs whose effect only the real application can show."""

from typing import Any

import pytest
from api.world import KEYS

from abaco.services.configs import ConfigTexts

from .bridge import Bridge
from .conftest import RunAbaco
from .test_cli import Capture, one_error_line


@pytest.fixture
def actor(bridge: Bridge) -> str:
    """The id of an actor called counter."""
    return bridge.world.actor(name="counter").rpartition("/")[2]


def configs_text(bridge: Bridge, actor: str) -> object:
    """What the actor's executions read of its configs."""
    return ConfigTexts(bridge.world.store, KEYS.vault).of_actors([actor])[actor]


@pytest.mark.parametrize("kind", ["--secret", "--no-secret"])
def test_the_value_of_a_config_is_read_from_a_pipe(
    bridge: Bridge, real_abaco: RunAbaco, stdin: Any, actor: str, kind: str
) -> None:
    stdin(b"old\n")
    assert real_abaco("configs", "set", "key", kind, "--actor", "counter") == 0
    assert configs_text(bridge, actor) == "{'key': 'old'}"
    stdin(b"new\n")
    assert real_abaco("configs", "set", "key") == 0
    assert configs_text(bridge, actor) == "{'key': 'new'}"
    stdin(b"not read\n")
    assert real_abaco("configs", "set", "key", "--actor", "counter") == 0
    assert configs_text(bridge, actor) == "{'key': 'new'}"
    stdin(b"last")
    assert real_abaco("configs", "set", "key", "--actor", "counter", "--value", "-") == 0
    assert configs_text(bridge, actor) == "{'key': 'last'}"


@pytest.mark.parametrize(
    ("piped", "tty", "text"),
    [(b"", True, "what is the value?"), (b"", False, "stdin has no value"), (b"\xff", False, "not UTF-8")],
)
def test_a_config_without_a_value_is_refused(
    bridge: Bridge,
    real_abaco: RunAbaco,
    capsys: Capture,
    stdin: Any,
    actor: str,
    piped: bytes,
    *,
    tty: bool,
    text: str,
) -> None:
    assert real_abaco("configs", "set", "old", "--value", "kept", "--actor", "counter") == 0
    capsys.readouterr()
    for arguments in (["new", "--actor", "counter"], ["old"]):
        stdin(piped, tty=tty)
        assert real_abaco("configs", "set", *arguments) == 2
        assert text in one_error_line(capsys)
    assert configs_text(bridge, actor) == "{'old': 'kept'}"
