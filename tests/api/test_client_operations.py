"""The client has every operation of the server, under the same name."""

import inspect
from typing import Any

from scripts.client_operations import GROUPS, TARGET, modules

from abaco import Abaco

from .world import World


def document_of(world: World) -> dict[str, Any]:
    document: dict[str, Any] = world.http.send("GET", "/openapi.json").json()
    return document


def test_the_operations_are_those_of_the_server(world: World) -> None:
    for name, text in modules(document_of(world)).items():
        assert (TARGET / name).read_text("utf-8") == text, "run scripts/client_operations.py"


def test_every_operation_is_there_with_its_parameters(world: World) -> None:
    ab = Abaco("http://abaco.test", "token")
    groups = [getattr(ab, group.lower()) for group in GROUPS]
    for path, item in document_of(world)["paths"].items():
        for operation in item.values():
            method = next(filter(None, (getattr(each, operation["operationId"], None) for each in groups)))
            parameters = inspect.signature(method).parameters
            assert path.count("{") <= len(parameters)
            assert inspect.getdoc(method)
