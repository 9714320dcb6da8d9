"""How parameters are read, shown with the registration of an actor; each refusal changes nothing (P7)."""

from typing import Any
from urllib.parse import quote

import pytest

from .world import World

IMAGE = "abacosamples/test"


def spelled(name: str, root: str) -> str:
    head, *rest = name.split("_")
    return name if root == "/v3/actors" else head + "".join(part.capitalize() for part in rest)


def test_json_beats_query_beats_form(world: World) -> None:
    everywhere = world.post("/actors?image=query&description=query", json={"image": "json"})
    assert (everywhere["image"], everywhere["description"]) == ("json", "query")
    form = world.post("/actors?image=query", data={"image": "form", "description": "form"})
    assert (form["image"], form["description"]) == ("query", "form")
    assert world.post("/actors?image=query")["image"] == "query"


@pytest.mark.parametrize("root", ["/actors", "/v3/actors"])
@pytest.mark.parametrize("name", ["log_ex", "logEx"])
def test_both_spellings_are_taken_everywhere(world: World, root: str, name: str) -> None:
    for request in ({"json": {"image": IMAGE, name: 5}}, {"data": {"image": IMAGE, name: "5"}}):
        assert world.post(root, **request)[spelled("log_ex", root)] == 5


@pytest.mark.parametrize(("root", "expected"), [("/actors/v2", 2), ("/v3/actors", 1)])
def test_the_spelling_of_the_surface_wins(world: World, root: str, expected: int) -> None:
    assert world.post(root, json={"image": IMAGE, "log_ex": 1, "logEx": 2})[spelled("log_ex", root)] == expected


def test_multipart_forms_are_forms(world: World) -> None:
    files = {"image": (None, IMAGE), "stateless": (None, "False"), "description": (None, "grüße")}
    actor = world.post("/actors", files=files)
    assert (actor["image"], actor["stateless"], actor["description"]) == (IMAGE, False, "grüße")


def test_unknown_parameters_are_ignored(world: World) -> None:
    given = {"uid": 0, "gid": 0, "status": "READY", "owner": "adm", "id": "mine", "revision": 9, "nonsense": {}}
    actor = world.post("/actors?pretty=true", json={"image": IMAGE, **given})
    assert (actor["owner"], actor["status"], actor["revision"]) == ("ada", "SUBMITTED", 1)
    assert not {"uid", "gid", "nonsense"} & set(actor)
    assert actor["id"] != "mine"


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "1"])
def test_texts_that_are_true(world: World, text: str) -> None:
    assert world.post("/actors", data={"image": IMAGE, "token": text})["token"] is True


@pytest.mark.parametrize("text", ["false", "False", "FALSE", "0"])
def test_texts_that_are_false(world: World, text: str) -> None:
    assert world.post("/actors", data={"image": IMAGE, "token": text})["token"] is False


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), (1, True), (0, False), ("1", True)])
def test_json_values_that_are_boolean(world: World, value: object, expected: object) -> None:
    assert world.post("/actors", json={"image": IMAGE, "token": value})["token"] is expected


@pytest.mark.parametrize("root", ["/actors/v2", "/v3/actors"])
@pytest.mark.parametrize("name", ["stateless", "use_container_uid", "privileged", "token"])
def test_anything_else_is_not_boolean(world: World, root: str, name: str) -> None:
    field = spelled(name, root)
    for text in ("yes", "on", "abcd", "", "2", "truee"):
        world.refuse("POST", root, saying=f"'{field}'", data={"image": IMAGE, field: text})
    values: tuple[object, ...] = (2, -1, 1.5, [], {}, [True])
    for value in values:
        world.refuse("POST", root, saying=f"'{field}'", json={"image": IMAGE, field: value})


@pytest.mark.parametrize(("value", "expected"), [(16000, 16000), ("16000", 16000), (2.9, 2), (" 7 ", 7)])
def test_integers(world: World, value: object, expected: int) -> None:
    assert world.post("/actors", json={"image": IMAGE, "logEx": value})["logEx"] == expected


@pytest.mark.parametrize(
    "value", ["", "abc", "1.5", "1e3", "1_000", "9" * 5000, True, [], [1], {}, 1e300, 2**53 + 1, -(2**60), 10**30]
)
def test_what_is_not_an_integer_is_refused_by_name(world: World, value: object) -> None:
    world.refuse("POST", "/actors/v2", saying="'logEx'", json={"image": IMAGE, "logEx": value})
    world.refuse("POST", "/v3/actors", saying="'log_ex'", json={"image": IMAGE, "log_ex": value})


@pytest.mark.parametrize("root", ["/actors/v2", "/v3/actors"])
@pytest.mark.parametrize("name", ["default_environment", "state"])
@pytest.mark.parametrize("request_", [{"data": "{}"}, {"json": "{}"}, {"json": []}, {"json": 1}, {"json": "a=b"}])
def test_an_object_must_come_as_json(world: World, root: str, name: str, request_: dict[str, Any]) -> None:
    how, value = next(iter(request_.items()))
    field = spelled(name, root)
    body: dict[str, Any] = {how: {"image": IMAGE, "stateless": "false", field: value}}
    world.refuse("POST", root, saying=f"'{field}'", **body)


def test_null_is_not_supplied(world: World) -> None:
    names = ["name", "description", "stateless", "state", "hints", "token", "queue", "logEx", "defaultEnvironment"]
    given = world.post("/actors", json={"image": IMAGE, **dict.fromkeys(names)})
    bare = world.post("/actors", json={"image": IMAGE})
    assert {name: given.get(name) for name in names} == {name: bare.get(name) for name in names}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"json": {"image": IMAGE, "hints": ["sync", 2]}}, ["sync", "2"]),
        ({"json": {"image": IMAGE, "hints": "sync"}}, ["sync"]),
        ({"json": {"image": IMAGE, "hints": 3}}, ["3"]),
        ({"json": {"image": IMAGE, "hints": []}}, []),
        ({"data": {"image": IMAGE, "hints": ["sync", "gpu"]}}, ["sync", "gpu"]),
        ({"data": {"image": IMAGE, "hints": "sync"}}, ["sync"]),
        ({"files": [("image", (None, IMAGE)), ("hints", (None, "a")), ("hints", (None, "b"))]}, ["a", "b"]),
    ],
)
def test_a_list_is_a_list_a_repeated_field_or_one_value(
    world: World, request_: dict[str, Any], expected: list[str]
) -> None:
    assert world.post("/actors", **request_)["hints"] == expected


def test_a_list_in_json_beats_the_query(world: World) -> None:
    assert world.post("/actors?hints=a&hints=b", json={"image": IMAGE, "hints": "a"})["hints"] == ["a"]


def test_a_text_is_anything_as_text(world: World) -> None:
    actor = world.post("/actors", json={"image": IMAGE, "name": 12, "description": {"a": [1, None]}})
    assert (actor["name"], actor["description"]) == ("12", "{'a': [1, None]}")


def part(headers: bytes, value: bytes) -> bytes:
    return b"--b\r\nContent-Disposition: form-data; name=" + headers + b"\r\n\r\n" + value + b"\r\n"


BAD_BODIES = [
    ("application/json", b"{", "not valid JSON"),
    ("application/json", b"[]", "must be a JSON object"),
    ("application/json", b'"text"', "must be a JSON object"),
    ("application/json", b"null", "must be a JSON object"),
    ("application/json", b"\xff\xfe", "not valid JSON"),
    ("application/json", b'{"image": "\xff"}', "not valid JSON"),
    ("application/json", b'{"image": "\\ud800"}', "not valid JSON"),
    ("application/json", b'{"image": NaN}', "not valid JSON"),
    ("application/json", b'{"image": 1e999}', "not valid JSON"),
    ("application/json", b'{"image": ' + b"9" * 5000 + b"}", "not valid JSON"),
    ("application/json", b'{"image": ' + b"[" * 101 + b"]" * 101 + b"}", "nested more than 100 levels"),
    ("application/json", b"[" * 200_000, "nested more than 100 levels"),
    ("application/json", b'{"image": "a\\u0000b"}', "NUL"),
    ("application/json", b" " * (8 * 1024**2 + 1), "larger than 8388608 bytes"),
    ("application/json", b"", "image"),
    ("text/plain", b'{"image": "x"}', "image"),
    ("application/octet-stream", b'{"image": "x"}', "image"),
    ("application/x-www-form-urlencoded", b"image=\xff", "not valid UTF-8"),
    ("application/x-www-form-urlencoded", b"image=%ff", "not valid UTF-8"),
    ("application/x-www-form-urlencoded", b"image=%ed%a0%80", "not valid UTF-8"),
    ("application/x-www-form-urlencoded", b"image=a%00b", "NUL"),
    ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 1001), "1000 fields"),
    ("multipart/form-data", b"x", "form cannot be read"),
    (
        "multipart/form-data; boundary=b",
        part(b"image\r\nContent-Type: text/plain; charset=utf-7", b"+2AE-") + b"--b--\r\n",
        "not Unicode",
    ),
    ("multipart/form-data; boundary=", b"x", "form cannot be read"),
    ("multipart/form-data; boundary=b", b"", "image"),
    ("multipart/form-data; boundary=b", b"--b\r\n", "form cannot be read"),
    ("multipart/form-data; boundary=b", b"nonsense", "form cannot be read"),
    ("multipart/form-data; boundary=b", part(b"image", b"\xff") + b"--b--\r\n", "form cannot be read"),
    ("multipart/form-data; boundary=b", part(b"image", b"a\0b") + b"--b--\r\n", "NUL"),
    (
        "multipart/form-data; boundary=b",
        part(b"image\r\nContent-Type: text/plain; charset=x", b"a") + b"--b--\r\n",
        "form cannot be read",
    ),
    ("multipart/form-data; boundary=b", part(b'image; filename="f"', b"a") + b"--b--\r\n", "image"),
    ("multipart/form-data; boundary=b", part(b"a", b"1") * 1001 + b"--b--\r\n", "form cannot be read"),
]


@pytest.mark.parametrize(("kind", "body", "saying"), BAD_BODIES)
def test_a_body_that_cannot_be_read_changes_nothing(world: World, kind: str, body: bytes, saying: str) -> None:
    world.refuse("POST", "/actors", kind=kind, content=body, saying=saying)


@pytest.mark.parametrize("query", ["image=%ff", "image=a%00b", "image=%ed%a0%80", "a=1&" * 1001, "image=" + quote("ü")])
def test_a_bad_query_changes_nothing(world: World, query: str) -> None:
    world.refuse("POST", f"/actors?{query}")
