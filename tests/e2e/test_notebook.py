"""A real notebook, in a real kernel, with a real server."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from bench.live import SAMPLES, LiveServer
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from abaco.client import Abaco

CELLS = (
    "%load_ext abaco.notebook",
    """%%actor shout --env MARK=! --hint demo
import os
from abaco.actors import get_context, send_bytes_result
print("<shouting>")
send_bytes_result((get_context().raw_message.upper() + os.environ["MARK"]).encode())
""",
    "shout.call('hello')",
    "run = shout.send('again'); run.wait(60); run",
    # The same cell again, changed: the actor is updated, and stays the same.
    """%%actor shout
raise ValueError("no")
""",
    "failed = shout.send('x'); failed.wait(60); failed",
    "shout.delete(); shout",
)

WRONG = {
    "%%actor\nprint()": "the following arguments are required: name",
    "%%actor 1st\nprint()": "cannot be the name of a variable",
    "%%actor wrong\nprint(": "line 1 of the cell",
    "%%actor wrong --env 'X=1\nprint()": "No closing quotation",
    "%%actor wrong --env X\nprint()": "is not NAME=VALUE",
    "%%actor wrong --client nobody\nprint()": "no Abaco of this notebook",
    "%%actor wrong --image 127.0.0.1:1/none\nprint()": "the actor is in ERROR",
}


def outputs(cell: Any) -> dict[str, str]:
    """By their types, what a cell's last value was shown as."""
    [shown] = [each for each in cell.outputs if each.output_type == "execute_result"]
    return dict(shown.data)


def executed(server: LiveServer, monkeypatch: pytest.MonkeyPatch, *cells: str, allow_errors: bool = False) -> list[Any]:
    monkeypatch.setenv("ABACO_SERVER", server.url)
    monkeypatch.setenv("ABACO_TOKEN", server.token)
    notebook: Any = new_notebook(cells=[new_code_cell(text) for text in cells])  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=allow_errors).execute()
    nbformat.validate(notebook)
    return list(notebook.cells)


@pytest.fixture(scope="module", autouse=True)
def cell_image(server: LiveServer) -> None:
    archive: Path = SAMPLES / "abacosamples_py3_cell.tar"
    server.admin("image", "import", str(archive), "abacosamples/py3_cell")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_cell_becomes_an_actor(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.admin("user", "add", "mallory", "--password", "pw")
    with Abaco(server.url, token=server.admin("token", "mallory").strip()) as hers:
        trap = hers.actors.add("abacosamples/py3_cell", name="shout")
        hers.actors.updatePermissions(actorId=trap.id, body={"user": "ABACO_WORLD", "level": "UPDATE"})
    _, made, called, ran, changed, failed, gone = executed(server, monkeypatch, *CELLS)

    assert trap.id not in outputs(made)["text/plain"]  # whoever is seen by everybody can take any name
    assert "READY" in outputs(made)["text/html"]
    assert "abacosamples/py3_cell" in outputs(made)["text/html"]
    assert outputs(called)["text/plain"] == "b'HELLO!'"
    shown = outputs(ran)["text/html"]
    assert "COMPLETE" in shown
    assert "&lt;shouting&gt;" in shown
    assert "running " in shown
    assert outputs(made)["text/plain"] == outputs(changed)["text/plain"]
    assert "ValueError: no" in outputs(failed)["text/html"]
    assert "exit code" in outputs(failed)["text/html"]
    assert "No actor found" in outputs(gone)["text/html"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_wrong_is_said_without_a_traceback(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    _, *cells = executed(server, monkeypatch, CELLS[0], *WRONG, allow_errors=True)
    for cell, saying in zip(cells, WRONG.values(), strict=True):
        shown = "".join(each.get("text", "") or "".join(each.get("traceback", ())) for each in cell.outputs)
        assert saying in shown
        assert "Traceback" not in shown
