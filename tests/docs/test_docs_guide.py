"""The guide has every variable of the context and every name of the guest library; operations.md every event."""

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from docs.pages import ROOT, code_words, page, sections, table

from abaco import actors
from abaco.domain.actor import Actor
from abaco.domain.event import Event
from abaco.domain.execution import Claim, StopReason, context
from abaco.domain.lifecycle import ActorStatus
from abaco.domain.message import ContentType, Payload
from abaco.pool.recorder import TRUNCATED
from abaco.runtime.results import MAX_RESULT_BYTES
from abaco.telemetry import Telemetry

_GUIDE = page("guide-actors.md")
_NOW = datetime(2026, 11, 22, tzinfo=UTC)


def _first_words(text: str, title: str) -> list[str]:
    return [code_words(row[0])[0] for row in table(dict(sections(text))[title])]


def _actor() -> Actor:
    given: dict[str, Any] = {field.name: None for field in fields(Actor)}
    given |= {"id": "a" * 13, "tenant": "dev", "owner": "alice", "image": "i", "api_server": "http://a", "revision": 1}
    given |= {"default_environment": {}, "stateless": True, "status": ActorStatus.READY, "created_at": _NOW}
    return Actor(**given)


def _context(payload: Payload) -> set[str]:
    return set(context(Claim("e" * 13, 1, "w" * 13, _actor(), {}, payload, "alice", 1), "token"))


def test_every_variable_of_the_context_has_an_entry_and_no_other() -> None:
    payloads = [Payload(ContentType.TEXT, "hi"), Payload(ContentType.JSON, {"a": 1}), Payload(ContentType.BINARY)]
    documented = _first_words(_GUIDE, "The context")
    assert set(documented) == set().union(*map(_context, payloads))
    assert len(documented) == len(set(documented))


def test_every_name_of_the_guest_library_has_an_entry_and_no_other() -> None:
    documented = {word.partition("(")[0] for word in _first_words(_GUIDE, "Python")}
    assert documented == set(actors.__all__)


def test_the_numbers_and_words_are_those_of_the_code() -> None:
    reasons = [reason.value for reason in StopReason if reason not in {StopReason.EXITED, StopReason.NOT_RUN}]
    words = [f"{MAX_RESULT_BYTES:,} bytes", TRUNCATED.strip(), *reasons]
    assert [each for each in words if each not in _GUIDE] == []


def _emitted(capsys: pytest.CaptureFixture[str], event: Event) -> str:
    Telemetry("test", "debug").emit(event)
    line = capsys.readouterr().err
    return line.partition('"event": "')[2].partition('"')[0]


def test_every_event_has_an_entry(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = [kind for kind in Event.__subclasses__() if kind.__module__ == Event.__module__]
    emitted = {_emitted(capsys, kind(*[""] * len(fields(kind)))) for kind in kinds}
    documented = set(_first_words(page("operations.md"), "Log lines"))
    assert emitted <= documented
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    assert [name for name in documented - emitted if f'"{name}"' not in sources] == []


def test_the_files_named_on_the_design_page_exist() -> None:
    words = {word.split(":")[0] for word in code_words(page("design.md").replace("```", ""))}
    paths = {word for word in words if word.endswith(".py") and "/" in word}
    missing = {path for path in paths if not any((Path(ROOT) / base / path).exists() for base in ("", "src/abaco"))}
    assert missing == set()
