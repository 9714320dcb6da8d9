"""api.md has every route and every attribute of actors and executions, and nothing else."""

import re
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import msgspec
import pytest
from docs.pages import code_words, page, sections, table
from litestar import Litestar
from structlog.testing import CapturingLogger

from abaco.api import schemas
from abaco.api.app import Services, build_app
from abaco.api.bells import Bells
from abaco.api.edge import Edge
from abaco.settings import Settings

_SECTIONS = dict(sections(page("api.md")))
_ROUTE = re.compile(r"(GET|POST|PUT|DELETE|PATCH) (/\S*)")
_RESTRICTED = {"useContainerUid", "gpus", "queue", "maxWorkers", "memLimit", "maxCpus"}


def _application() -> Litestar:
    """The real routes; nothing is behind them."""
    services = Services(*[Mock()] * len(Services.__dataclass_fields__))
    edge = build_app(services, Settings(data=Path("/nowhere")), cast("Any", CapturingLogger()), Bells())
    assert isinstance(edge, Edge)
    return cast("Litestar", edge._app)


def _routes() -> set[str]:
    return {
        f"{method} {re.sub(r':[a-z]+}', '}', route.path)}"
        for route in _application().routes
        for method in getattr(route, "methods", ())
        if method not in {"HEAD", "OPTIONS"}
    }


def _wire_names(kind: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def test_every_route_has_an_entry_and_no_other() -> None:
    assert {title for title in _SECTIONS if _ROUTE.fullmatch(title)} == _routes()


@pytest.mark.parametrize(("title", "kind"), [("The actor", schemas.Actor), ("The execution", schemas.Execution)])
def test_every_attribute_has_an_entry_and_no_other(title: str, kind: type[msgspec.Struct]) -> None:
    documented = {name for cells in table(_SECTIONS[title]) for name in code_words(cells[0])}
    assert documented == _wire_names(kind)


def test_what_requests_may_say_is_marked() -> None:
    rows = {code_words(name)[0]: requests for name, requests, _ in table(_SECTIONS["The actor"])}
    assert {name for name, requests in rows.items() if requests} == _wire_names(schemas.ActorDescription) - {"force"}
    assert {name for name, requests in rows.items() if requests == "restricted"} == _RESTRICTED
