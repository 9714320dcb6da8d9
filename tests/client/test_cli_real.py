"""Verbs whose effect only the real application can show."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from api.world import KEYS

from abaco.cli.batch_line import read_line
from abaco.client import sending
from abaco.errors import InvalidInput
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


DESCRIPTION: dict[str, Any] = {
    "description": "d",
    "type": "t",
    "defaultEnvironment": {"A": "1"},
    "hints": ["sync"],
    "webhook": "https://example.org/hook",
    "token": True,
    "logEx": 60,
    "maxRunTime": 90,
    "cronSchedule": "now + 1 hour",
    "cronOn": True,
}


@pytest.mark.parametrize("name", [*DESCRIPTION, "link", "maxWorkers", "memLimit", "maxCpus", "queue", "gpus"])
def test_what_is_unset_has_its_default_and_all_else_stays(bridge: Bridge, real_abaco: RunAbaco, name: str) -> None:
    new, full = bridge.world.actor(name="new"), bridge.world.actor(name="full", **DESCRIPTION)
    before = bridge.world.get(full)
    option = re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", name)
    assert real_abaco("actors", "update", "full", "--unset", option) == 0
    after = bridge.world.get(full)
    assert after.get(name) == bridge.world.get(new).get(name)
    also = {"lastUpdateTime"} | ({"cronOn", "cronNextEx"} if name == "cronSchedule" else set())
    assert {each for each in before | after if before.get(each) != after.get(each)} <= {name} | also


def test_variables_are_set_on_top_of_none(bridge: Bridge, real_abaco: RunAbaco) -> None:
    actor = bridge.world.actor(name="full", **DESCRIPTION)
    assert real_abaco("actors", "update", "full", "--unset", "default-environment", "--env", "B=2") == 0
    assert bridge.world.get(actor)["defaultEnvironment"] == {"B": "2"}


@pytest.mark.usefixtures("actor")
@pytest.mark.parametrize(
    ("name", "text"), [("name", "create another"), ("state", "abaco state set"), ("stateless", "create another")]
)
def test_what_an_update_cannot_reset_is_refused(
    bridge: Bridge, real_abaco: RunAbaco, capsys: Capture, name: str, text: str
) -> None:
    before = bridge.world.everything()["actors"]
    assert real_abaco("actors", "update", "counter", "--unset", "description", "--unset", name) == 2
    assert text in one_error_line(capsys)
    assert bridge.world.everything()["actors"] == before


CHANGES = {
    "actors create abacosamples/wc": None,
    "actors update counter --description d": "{actor}",
    "send counter hi": None,
    "send counter --batch -": None,
    "state set counter 1": "{actor}",
    "nonces add counter": None,
    "aliases set named counter": "named",
    "configs set key --value 1 --actor counter": "key",
    "permissions set counter bob READ": "ada bob",
    "permissions set --of alias known bob READ": "ada bob",
    "permissions set --of config known bob READ": "ada bob",
    "permissions list counter": "ada",
}
"""Verbs with -o that change something (and one that does not), and what they print of it; ids of new things differ."""


@pytest.mark.parametrize(("verb", "printed"), CHANGES.items())
def test_what_is_changed_can_be_printed_as_ids(
    bridge: Bridge, real_abaco: RunAbaco, capsys: Capture, stdin: Any, verb: str, printed: str | None
) -> None:
    actor = bridge.world.actor(name="counter", stateless=False).rpartition("/")[2]
    assert real_abaco("aliases", "set", "known", "counter") == 0
    assert real_abaco("configs", "set", "known", "--value", "1", "--actor", "counter") == 0
    capsys.readouterr()
    stdin(b'"hi"')
    assert real_abaco(*verb.split(), "-o", "id") == 0
    out = capsys.readouterr().out.split()
    if printed is None:
        assert len(out) == 1
    else:
        assert out == printed.format(actor=actor).split()


@pytest.fixture
def two_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_MOST_MESSAGES", 2)


@pytest.mark.usefixtures("actor", "two_a_request")
def test_a_long_batch_with_a_line_too_long_is_not_begun(
    bridge: Bridge, real_abaco: RunAbaco, capsys: Capture, tmp_path: Path
) -> None:
    file = tmp_path / "m.jsonl"
    file.write_text("\n".join(['"a"', '"b"', "", '"c"', json.dumps("x" * 140_000)]))
    assert real_abaco("send", "counter", "--batch", str(file)) == 2
    assert "line 5 of --batch: MSG takes more than" in one_error_line(capsys)
    assert bridge.world.count("executions") == 0


@pytest.mark.parametrize("given", [(), ("--key", "mine")])
@pytest.mark.usefixtures("actor", "two_a_request")
def test_a_batch_that_failed_on_its_way_is_continued_with_its_key(
    bridge: Bridge, real_abaco: RunAbaco, capsys: Capture, tmp_path: Path, given: tuple[str, ...]
) -> None:
    # Only the server knows that it takes no message as late as that.
    file = tmp_path / "m.jsonl"
    lines = ['"a"', "", '"b"', '"c"', '"d"', '"e"', '{"message": "f", "notBefore": 99999999}', '"g"']
    file.write_text("\n".join(lines))
    assert real_abaco("send", "counter", "--batch", str(file), *given) == 2
    error = one_error_line(capsys)
    assert "line 7 of --batch: _abaco_not_before is" in error
    told = re.search(r"4 of 7 messages are known to be sent: the same command with --key (\S+) sends only the", error)
    assert told is not None
    assert bridge.world.count("executions") == 4
    file.write_text("\n".join([*lines[:-2], '"f"', lines[-1]]))
    for _ in range(2):
        assert real_abaco("send", "counter", "--batch", str(file), "--key", told[1]) == 0
        assert len(set(capsys.readouterr().out.split())) == 7
        assert bridge.world.count("executions") == 7


def variable(name: str, value: str) -> dict[str, object]:
    return {"message": 1, "environment": {name: value}}


SENDABLE = [
    "x" * (131_071 - len("MSG=")),
    ["x" * (131_071 - len('_abaco_msg_json=[""]'))],
    {"message": "x", "key": "k" * 255},
    variable("V", "x" * (131_071 - 2)),
]
NOT_SENDABLE = [
    "x" * (131_072 - len("MSG=")),
    ["x" * (131_072 - len('_abaco_msg_json=[""]'))],
    "",
    None,
    "a\0b",
    {"message": "x", "key": "k" * 256},
    {"message": "x", "key": ""},
    {"message": "x", "key": 1},
    variable("V", "x" * (131_072 - 2)),
    variable("A=B", "x"),
    variable("A", "\0"),
]


def test_lines_are_refused_before_they_are_sent_as_the_server_would(bridge: Bridge, actor: str) -> None:
    target = f"/actors/v2/{actor}/messages/batch"
    for entry in (*SENDABLE, *NOT_SENDABLE):
        described = entry if isinstance(entry, dict) else {"message": entry}
        status = bridge.world.send("POST", target, json=[described]).status_code
        line = json.dumps(described).encode()
        if entry in SENDABLE:
            assert status == 200
            read_line(1, line)
        else:
            assert status == 400
            with pytest.raises(InvalidInput, match=r"^line 1 of --batch: "):
                read_line(1, line)
