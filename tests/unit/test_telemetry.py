"""Events become log lines: one an event, JSON where no person watches."""

import json

import pytest

from abaco.domain.event import ActorFailed, ActorReady, Event, LateOutcomeIgnored, MessagePosted
from abaco.telemetry import Telemetry

_POSTED = MessagePosted("DEV", "a", "e", "text/plain")


def _lines(capsys: pytest.CaptureFixture[str], level: str, *events: Event) -> list[dict[str, str]]:
    telemetry = Telemetry("engine", level)
    for event in events:
        telemetry.emit(event)
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_is_a_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    [line] = _lines(capsys, "info", ActorReady("a", "sha256:1"))
    assert line.pop("timestamp").endswith("Z")
    fields = {"actor_id": "a", "image_digest": "sha256:1"}
    assert line == {"event": "actor_ready", "level": "info", "role": "engine", **fields}


def test_details_are_for_debugging_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert _lines(capsys, "info", _POSTED) == []
    assert [line["level"] for line in _lines(capsys, "debug", _POSTED)] == ["debug"]


def test_trouble_is_a_warning_and_the_level_filters(capsys: pytest.CaptureFixture[str]) -> None:
    events = (ActorReady("a", "d"), ActorFailed("a", "r"), LateOutcomeIgnored("e", 1))
    assert [line["event"] for line in _lines(capsys, "warning", *events)] == ["actor_failed", "late_outcome_ignored"]
    assert _lines(capsys, "error", *events) == []
