"""The nouns and verbs of the command line that share, look and search, against a real server."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bench.live import LiveServer

from abaco.cli.main import run
from abaco.client import Abaco, Actor

Capture = pytest.CaptureFixture[str]
Tell = Callable[..., str]


@pytest.fixture
def tell(server: LiveServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Tell:
    """Runs a verb that succeeds; what it prints."""
    monkeypatch.setenv("ABACO_SERVER", server.url)
    monkeypatch.setenv("ABACO_TOKEN", server.token)

    def told(*arguments: str) -> str:
        code = run(arguments)
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return printed.out

    return told


@pytest.fixture
def actor(ab: Abaco) -> Iterator[Actor]:
    actor = ab.actors.add("abacosamples/test", name="verbs", default_environment={"SLEEP": "0"})
    yield ab.actors.wait(actor.id, timeout=60)
    ab.actors.delete(actor.id)


def parsed(text: str) -> Any:
    return json.loads(text)


def test_an_alias_is_made_moved_shared_and_deleted(tell: Tell, actor: Actor) -> None:
    assert tell("aliases", "set", "verbal", "verbs") == "verbal\n"
    assert tell("aliases", "set", "verbal", actor.id) == "verbal\n"
    assert parsed(tell("aliases", "show", "verbal", "-o", "json"))["actorId"] == actor.id
    assert "verbal" in tell("aliases", "list", "-o", "id").split()
    share = ("permissions", "set", "verbal", "bob", "read")
    assert ["bob", "READ"] in [line.split() for line in tell(*share, "--of", "alias").splitlines()]
    assert parsed(tell("permissions", "list", "verbal", "--of", "alias", "-o", "json"))["bob"] == "READ"
    nonce = tell("nonces", "add", "verbal", "--alias", "--level", "read").strip()
    assert nonce in tell("nonces", "list", "verbal", "--alias")
    assert tell("nonces", "delete", "verbal", nonce, "--alias") == ""
    assert tell("aliases", "delete", "verbal") == "verbal\n"


def test_an_actor_is_shared(tell: Tell, actor: Actor, capsys: Capture) -> None:
    assert "ABACO_WORLD" in tell("permissions", "set", "verbs", "ABACO_WORLD", "EXECUTE")
    assert msgspec.yaml.decode(tell("permissions", "list", "verbs", "-o", "yaml"))["ABACO_WORLD"] == "EXECUTE"
    nonce = tell("nonces", "add", "verbs", "--uses", "3", "--description", "for a friend").strip()
    shown = parsed(tell("nonces", "show", actor.id, nonce, "-o", "json"))
    assert (shown["level"], shown["maxUses"], shown["description"]) == ("EXECUTE", 3, "for a friend")
    assert tell("nonces", "list", "verbs", "-o", "id").split() == [nonce]
    tell("nonces", "delete", "verbs", nonce)
    assert run(["nonces", "show", "verbs", nonce]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_a_config_keeps_what_is_not_mentioned(tell: Tell, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"s3cret\n")))
    assert tell("configs", "set", "key", "--value", "-", "--secret", "--actor", "verbs") == "key\n"
    tell("configs", "set", "key", "--actor", actor.id)
    shown = parsed(tell("configs", "show", "key", "-o", "json"))
    assert (shown["isSecret"], shown["actors"]) == (True, actor.id)
    assert "s3cret" not in json.dumps(shown)
    tell("permissions", "set", "key", "bob", "READ", "--of", "config")
    assert "bob" in tell("permissions", "list", "key", "--of", "config")
    assert "key" in tell("configs", "list")
    tell("configs", "delete", "key")


def test_workers_mailbox_search_and_top(tell: Tell, actor: Actor, ab: Abaco) -> None:
    sent = ab.messages.send(actor.id, "hello")
    ab.executions.wait(actor.id, sent.execution_id, timeout=60)
    [worker, *_] = tell("workers", "list", "verbs", "-o", "id").split()
    assert parsed(tell("workers", "show", "verbs", worker, "-o", "json"))["actorId"] == actor.id
    tell("workers", "add", "verbs", "--number", "1")
    assert tell("mailbox", "show", "verbs") == "0\n"
    assert tell("mailbox", "purge", "verbs", "--yes") == ""
    found = tell("search", "executions", "-w", f"id={sent.execution_id}", "-w", "status=COMPLETE", "-o", "id")
    assert found.split() == [sent.execution_id]
    assert sent.execution_id in tell("search", "logs", "hello", "--limit", "50")
    assert "verbs" in tell("search", "actors", "-w", "name=verbs")
    lines = tell("top", "--once").splitlines()
    assert lines[0].startswith("actors ")
    assert any(line.startswith(actor.id) and "verbs" in line for line in lines)
    assert tell("workers", "stop", "verbs", worker) == f"{worker}\n"


def test_the_doctor_finds_nothing_wrong_here(tell: Tell, server: LiveServer) -> None:
    checks = {one["check"]: one for one in parsed(tell("doctor", "--data", str(server.data), "-o", "json"))}
    assert {one["outcome"] for one in checks.values()} == {"ok"}
    assert set(checks) == {"login and server", "settings", "disk", "memory", "database", "images", "containers"}


def test_the_doctor_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture, server: LiveServer
) -> None:
    monkeypatch.setenv("ABACO_SERVER", server.url)
    monkeypatch.setenv("ABACO_TOKEN", "wrong")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["doctor", "-o", "json"]) == 1
    checks = {one["check"]: one for one in parsed(capsys.readouterr().out)}
    assert checks["login and server"]["outcome"] == "FAILED"
    assert checks["images"]["detail"].endswith("apt-get install skopeo umoci.")
    assert checks["containers"]["detail"].endswith("apt-get install crun.")
    (tmp_path / "abaco.toml").write_text("port = 'many'\n")
    assert run(["doctor", "--data", str(tmp_path)]) == 1
    assert "port" in capsys.readouterr().out


def test_a_schedule_is_given_switched_and_taken_away(tell: Tell, actor: Actor) -> None:
    tell("actors", "update", "verbs", "--cron", "30 9 * * 1-5", "--webhook", "https://example.org/hook")
    shown = parsed(tell("actors", "show", "verbs", "-o", "json"))
    assert (shown["cronSchedule"], shown["cronOn"]) == ("30 9 * * 1-5", True)
    tell("actors", "update", "verbs", "--no-cron-on")
    shown = parsed(tell("actors", "show", actor.id, "-o", "json"))
    assert (shown["cronOn"], shown["webhook"]) == (False, "https://example.org/hook")
    tell("actors", "update", "verbs", "--cron", "")
    assert "cronSchedule" not in parsed(tell("actors", "show", "verbs", "-o", "json"))
