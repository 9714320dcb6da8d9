"""Where the time of executions went, as it goes over the wire; nulls stay, and names inside are spelled as outside."""

from collections.abc import Mapping
from typing import Any

from abaco.api.surface import Surface
from abaco.domain.moment import iso
from abaco.domain.timeline import Timeline

__all__ = ["durations_fields", "times_fields"]


def times_fields(surface: Surface, timeline: Timeline) -> dict[str, Any]:
    return {
        "queued": iso(timeline.queued),
        "claimed": iso(timeline.claimed),
        "prepared": iso(timeline.prepared),
        "started": iso(timeline.started),
        surface.spell("first_output"): iso(timeline.first_output),
        "exited": iso(timeline.exited),
        "recorded": iso(timeline.recorded),
    }


def durations_fields(surface: Surface, durations: Mapping[str, int | None]) -> dict[str, Any]:
    return {surface.spell(name): value for name, value in durations.items()}
