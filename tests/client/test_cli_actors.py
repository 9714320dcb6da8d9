import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import RunAbaco
from .fake_server import FakeServer
from .test_cli import Capture, one_error_line
from .test_resources import becomes


@pytest.fixture(autouse=True)
def actors(server: FakeServer) -> None:
    server.add_actor("AbcActor00001", name="counter", image="abacosamples/wc")
    server.add_actor("AbdActor00002", name="twin", stateless=False)
    server.add_actor("XyzActor00003", name="twin")
    server.add_actor("LongActor0004", name="counter-2")


@pytest.mark.parametrize(
    ("given", "actor_id"),
    [
        ("AbcActor00001", "AbcActor00001"),
        ("counter", "AbcActor00001"),  # the whole name, though another name begins so
        ("counter-", "LongActor0004"),
        ("Abc", "AbcActor00001"),
        ("L", "LongActor0004"),
    ],
)
def test_ids_names_and_beginnings(abaco: RunAbaco, capsys: Capture, given: str, actor_id: str) -> None:
    assert abaco("actors", "show", given, "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["id"] == actor_id


def test_aliases_come_after_names_and_before_beginnings(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.aliases |= {"count": "AbdActor00002", "counter": "AbdActor00002"}
    for given, actor_id in (("count", "AbdActor00002"), ("counter", "AbcActor00001"), ("counter-", "LongActor0004")):
        assert abaco("actors", "show", given, "-o", "json") == 0
        assert json.loads(capsys.readouterr().out)["id"] == actor_id
    assert abaco("actors", "show", "aliases") == 3  # a word of the API


@pytest.mark.parametrize(
    ("given", "told"),
    [("counter", "AbcActor00001"), ("AbdActor00002", "AbdActor00002"), ("telescope", "telescope"), ("", "")],
)
def test_links_name_actors_as_everything_does(server: FakeServer, abaco: RunAbaco, given: str, told: str) -> None:
    server.aliases["telescope"] = "AbcActor00001"
    assert abaco("actors", "create", "abacosamples/wc", "--link", given) == 0
    assert json.loads(server.requests[-1].content)["link"] == told
    assert abaco("actors", "update", "counter-2", "--link", given) == 0
    assert json.loads(server.requests[-1].content)["link"] == told


def test_a_name_in_the_shape_of_an_id(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.add_actor("Another000005", name="accumulator12")
    assert abaco("actors", "show", "accumulator12", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["id"] == "Another000005"


@pytest.mark.parametrize(
    ("given", "candidates"),
    [("twin", ["AbdActor00002", "XyzActor00003"]), ("Ab", ["AbcActor00001", "AbdActor00002"])],
)
def test_what_is_ambiguous_lists_its_candidates(
    abaco: RunAbaco, capsys: Capture, given: str, candidates: list[str]
) -> None:
    assert abaco("actors", "delete", given) == 2
    line = one_error_line(capsys)
    assert "may be any of 2 actors" in line
    assert all(candidate in line for candidate in candidates)


def test_ones_own_actors_go_before_what_others_call_theirs(
    server: FakeServer, abaco: RunAbaco, capsys: Capture
) -> None:
    """Whoever may be seen by everybody can take any name."""
    server.me = "ada"
    server.add_actor("Impostor00007", name="mine", owner="mallory")
    server.add_actor("MyActor000008", name="mine")
    server.add_actor("Impostor00009", name="mi", owner="mallory")
    assert abaco("actors", "show", "mine", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["id"] == "MyActor000008"
    assert abaco("actors", "show", "mi") == 2
    assert "may be any of 2 actors" in one_error_line(capsys)
    assert abaco("actors", "show", "Impostor00007") == 0


@pytest.mark.parametrize("given", ["", "nobody", "\udcff", "a/b", "counter "])
def test_what_is_unknown(abaco: RunAbaco, capsys: Capture, given: str) -> None:
    assert abaco("actors", "show", given) == 3
    one_error_line(capsys)


def test_list_for_scripts_is_what_the_server_sent(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    assert abaco("actors", "list", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == list(server.actors.values())


def test_tables_keep_their_lines_and_obey_nobody(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.add_actor("EvilActor0005", name="[red]a\x1b[31m\nb", image="i" * 300)
    assert abaco("actors", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert lines[0].split() == ["ID", "NAME", "IMAGE", "KIND", "STATUS", "OWNER"]
    assert "i" * 300 in lines[-1]
    assert "[red]a\N{REPLACEMENT CHARACTER}[31m b" in lines[-1]
    assert abaco("actors", "show", "EvilActor0005") == 0
    assert "\x1b" not in capsys.readouterr().out


def test_create_sends_what_was_said_and_prints_the_id(
    server: FakeServer, abaco: RunAbaco, capsys: Capture, tmp_path: Path
) -> None:
    (tmp_path / "env").write_text("# comment\nA=1\n\nB=x=y\n")
    options = ["--name", "n", "--stateful", "--env-file", str(tmp_path / "env"), "--env", "A=2", "--hint", "sync"]
    options += ["--no-token", "--mem-limit", "1g", "--max-cpus", "5", "--use-container-uid", "--log-ex", "60"]
    options += ["--max-run-time", "90"]
    assert abaco("actors", "create", "abacosamples/wc", *options) == 0
    assert capsys.readouterr().out == "NewActor00001\n"
    assert json.loads(server.requests[-1].content) == {
        "image": "abacosamples/wc",
        "name": "n",
        "stateless": False,
        "defaultEnvironment": {"A": "2", "B": "x=y"},
        "hints": ["sync"],
        "token": False,
        "memLimit": "1g",
        "maxCpus": 5,
        "useContainerUid": True,
        "logEx": 60,
        "maxRunTime": 90,
    }


def test_create_waits_until_ready(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.on_poll = becomes("SUBMITTED", "READY")
    assert abaco("actors", "create", "i", "--wait", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "READY"


def test_create_tells_why_an_actor_ends_in_error(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    def fail(actor: dict[str, Any]) -> None:
        actor |= {"status": "ERROR", "statusMessage": "image i:\nnot found"}

    server.on_poll = fail
    assert abaco("actors", "create", "i", "--wait") == 1
    out = capsys.readouterr()
    assert out.out == "NewActor00001\n"
    assert out.err == "abaco: error: actor NewActor00001 is in ERROR: image i: not found\n"


def test_update_sends_the_complete_description(server: FakeServer, abaco: RunAbaco) -> None:
    environment = {"KEEP": "1", "DROP": "2", "CHANGE": "3"}
    server.actors["AbdActor00002"] |= {"defaultEnvironment": environment, "logEx": 9, "memLimit": "1g", "webhook": "w"}
    options = ["--env", "CHANGE=x", "--unset-env", "DROP", "--unset", "mem-limit", "--description", "d", "--force"]
    assert abaco("actors", "update", "Abd", *options) == 0
    body = json.loads(server.requests[-1].content)
    assert server.requests[-1].method == "PUT"
    assert body["image"] == "abacosamples/wc"
    assert body["defaultEnvironment"] == {"KEEP": "1", "CHANGE": "x"}
    assert (body["logEx"], body["webhook"], body["description"], body["stateless"]) == (9, "w", "d", False)
    assert body["force"] is True
    assert not {"memLimit", "token", "state", "name"} & body.keys()


def test_update_of_an_unknown_attribute(abaco: RunAbaco, capsys: Capture) -> None:
    assert abaco("actors", "update", "counter", "--unset", "colour") == 2
    assert "no attribute colour" in one_error_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "typed", "code", "gone"),
    [
        (["--yes"], None, 0, True),
        ([], None, 0, True),  # a script has nobody to ask
        ([], b"y\n", 0, True),
        ([], b"n\n", 130, False),
    ],
)
def test_delete_asks_people_only(
    server: FakeServer, abaco: RunAbaco, stdin: Any, arguments: list[str], typed: bytes | None, code: int, gone: bool
) -> None:
    stdin(typed or b"", tty=typed is not None)
    assert abaco("actors", "delete", "counter", *arguments) == code
    assert ("AbcActor00001" not in server.actors) is gone


def test_several_are_deleted_or_none(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    assert abaco("actors", "delete", "counter", "nobody", "--yes") == 3
    assert "'nobody'" in one_error_line(capsys)
    assert "AbcActor00001" in server.actors
    assert abaco("actors", "delete", "counter", "AbdActor00002", "counter", "--yes") == 0
    assert capsys.readouterr().out.split() == ["AbcActor00001", "AbdActor00002"]
    assert not {"AbcActor00001", "AbdActor00002"} & set(server.actors)


def test_state(server: FakeServer, abaco: RunAbaco, capsys: Capture, stdin: Any) -> None:
    assert abaco("state", "set", "Abd", '{"sum": 3}') == 0
    assert abaco("state", "get", "Abd") == 0
    assert json.loads(capsys.readouterr().out) == {"sum": 3}
    stdin(b"[1, 2]")
    assert abaco("state", "set", "Abd", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["state"] == [1, 2]
    for wrong in ("{", "NaN", ""):
        assert abaco("state", "set", "Abd", wrong) == 2
        one_error_line(capsys)
    assert server.actors["AbdActor00002"]["state"] == [1, 2]
