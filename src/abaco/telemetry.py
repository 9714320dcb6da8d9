"""The one subscriber: writes what happened as log lines. Business code only announces."""

import logging
import re
import sys
from dataclasses import fields
from functools import cache

import structlog

from abaco.domain.event import (
    ActorFailed,
    Event,
    EventsDropped,
    ExecutionClaimed,
    ExecutionRequeued,
    LateOutcomeIgnored,
    LinkFollowed,
    LinkSkipped,
    MessagePosted,
    ScheduleStopped,
    WebhookFailed,
    WebhookPosted,
)

__all__ = ["Telemetry"]

# One line an execution is enough: the one that says how it ended.
_DETAILS = (MessagePosted, ExecutionClaimed, LinkFollowed, WebhookPosted)
_WARNINGS = (
    ActorFailed,
    EventsDropped,
    ExecutionRequeued,
    LateOutcomeIgnored,
    LinkSkipped,
    ScheduleStopped,
    WebhookFailed,
)


@cache
def _words(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Telemetry:
    """Writes one line an event to stderr: for people on a terminal, JSON elsewhere."""

    def __init__(self, role: str, level: str) -> None:
        self._detailed = level == "debug"
        terminal = sys.stderr.isatty()
        renderer = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
        self.log = structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                renderer,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        ).bind(role=role)

    def emit(self, event: Event) -> None:
        if isinstance(event, _DETAILS):
            if not self._detailed:
                return
            write = self.log.debug
        else:
            write = self.log.warning if isinstance(event, _WARNINGS) else self.log.info
        write(_words(type(event).__name__), **{field.name: getattr(event, field.name) for field in fields(event)})
