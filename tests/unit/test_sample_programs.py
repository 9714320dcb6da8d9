"""The rules inside the sample images, without containers; tests/runtime runs the images themselves."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from scripts import build_images

from abaco.actors import Context

IMAGES = Path(__file__).parents[2] / "images"


def program(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"sample_{name}", IMAGES / name / "actor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_sample_is_built() -> None:
    names = {path.name for path in IMAGES.iterdir() if path.is_dir()} - {"dropins"}
    assert names == {image.name for image in build_images.IMAGES}


def test_every_sample_is_in_the_index() -> None:
    index = (IMAGES / "README.md").read_text()
    assert [image.name for image in build_images.IMAGES if f"({image.name}/README.md) |" not in index] == []


@pytest.mark.parametrize("name", [image.name for image in build_images.IMAGES])
def test_every_sample_has_a_recipe_and_a_page(name: str) -> None:
    assert (IMAGES / name / "Dockerfile").read_text().count("FROM ") == 1
    assert (IMAGES / name / "README.md").read_text().startswith(f"# abacosamples/{name}\n")


def test_wc_counts_what_white_space_separates() -> None:
    assert program("wc").count_words("to be  or\nnot to\tbe ") == {"to": 2, "be": 2, "or": 1, "not": 1}


@pytest.mark.parametrize(
    ("counts", "total"),
    [
        ([5], 5),
        ([5, 2, -1.5], 5.5),
        ([{"to": 2, "be": 2}, {"to": 1, "or": 1}], {"to": 3, "be": 2, "or": 1}),
        ([{}], {}),
    ],
)
def test_sum_reducer_starts_empty_and_takes_the_shape_of_its_messages(counts: list[Any], total: Any) -> None:
    add = program("sum_reducer").add
    state = None
    for count in counts:
        state = add(state, count)
    assert state == total


@pytest.mark.parametrize(
    ("state", "count", "words"),
    [
        (None, "5", "must be a number"),
        (None, True, "must be a number"),
        (None, None, "must be a number"),
        (None, {"a": "5"}, "must be a number"),
        (5, {"a": 1}, "holds one number"),
        ({"a": 1}, 5, "holds a sum for each name"),
    ],
)
def test_sum_reducer_refuses_what_it_cannot_add(state: Any, count: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        program("sum_reducer").add(state, count)


def test_warm_echo_counts_the_messages_of_its_container(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = program("warm_echo")
    results: list[bytes] = []
    monkeypatch.setattr(sample, "send_bytes_result", results.append)
    monkeypatch.setattr(sample, "get_binary_message", lambda: b"\xff")
    sample.echo(Context({"raw_message": "hi", "content_type": "str"}))
    sample.echo(Context({"raw_message": None, "content_type": "application/octet-stream"}))
    assert results == [b"hi", b"\xff"]
    assert capsys.readouterr().out == "Message 1 of this container\nMessage 2 of this container\n"


def test_webhook_reads_headers_as_a_nested_variable_arrives() -> None:
    request_of = program("webhook").request_of
    variables = {"URL": "http://example.org/", "raw_message": "{'a': 1}"}
    plain = request_of(Context(variables))
    assert (plain.get_method(), plain.data, plain.get_header("Content-type")) == ("POST", b"{'a': 1}", "text/plain")
    told = request_of(Context({**variables, "HEADERS": str({"Content-Type": "application/json", "X-Team": "ours"})}))
    assert (told.get_header("Content-type"), told.get_header("X-team")) == ("application/json", "ours")


def test_webhook_waits_longer_each_time() -> None:
    pause = program("webhook").pause_seconds
    assert [pause(0.5, retry) for retry in range(5)] == [0, 0, 1, 2, 4]


@pytest.mark.parametrize(
    ("message", "gb"), [("0.5", 0.5), ("3", 3), ("11", 10), ("", 2), ("much", 2), ("{'a': 1}", 2), ("-1", 0)]
)
def test_mem_limit_takes_a_number_of_gb(message: str, gb: float) -> None:
    assert program("mem_limit").wanted_gb(message) == gb


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"\x89PNG\r\n\x1a\n....IHDR\0\0\1\0\0\0\0\x80", {"kind": "image/png", "width": 256, "height": 128}),
        (b"GIF89a\x10\0\x20\0", {"kind": "image/gif", "width": 16, "height": 32}),
        (b"GIF89a", {"kind": "image/gif"}),
        (b"\xff\xd8\xff\xe0", {"kind": "image/jpeg"}),
        (b"%PDF-1.7", {"kind": "application/pdf"}),
        (b"PK\3\4", {"kind": "application/zip"}),
        (b"", {"kind": "text/plain"}),
        ("Grüße".encode(), {"kind": "text/plain"}),
        (b"a\0b", {"kind": "application/octet-stream"}),
        (b"\xff\xfe", {"kind": "application/octet-stream"}),
    ],
)
def test_classifier_knows_files_by_their_first_bytes(data: bytes, found: dict[str, Any]) -> None:
    assert program("binary_message_classifier").classify(data) == found | {"bytes": len(data)}
