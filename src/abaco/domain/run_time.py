"""How long an execution may run: the server has a limit, an actor may have its own, a message may shorten it."""

import math
import re

from abaco.domain.actor import Actor, ActorDescription
from abaco.domain.user import Principal
from abaco.errors import InvalidInput, NotPermitted

__all__ = ["RUN_TIME_VARIABLE", "check_run_time", "message_run_time", "run_limit", "seconds_text"]

RUN_TIME_VARIABLE = "_abaco_max_run_time"
_LONGEST = 10 * 365 * 86_400
"""What clocks and dates can be reckoned with, and more than any machine runs."""
_SECONDS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")


def check_run_time(
    description: ActorDescription, caller: Principal, current: Actor | None, server_seconds: float
) -> None:
    """Raise InvalidInput or NotPermitted if `caller` may not give an actor this max_run_time.

    Ordinary users may not exceed the server's limit, which is none at 0 or less; what the actor has already may stay.
    """
    wanted = description.max_run_time
    if wanted is None or wanted <= 0 or (current is not None and wanted == current.max_run_time):
        return
    if wanted > _LONGEST:
        raise InvalidInput(f"max_run_time is in seconds and must be at most {_LONGEST}; leave it out for the default.")
    if 0 < server_seconds < wanted and not caller.may_set_restricted:
        raise NotPermitted(
            f"Not authorized -- max_run_time above this server's limit of {seconds_text(server_seconds)} seconds may "
            "only be set by privileged or admin users.",
        )


def message_run_time(text: str | None) -> float | None:
    """The seconds that a message allows its execution, None if it does not say; raises InvalidInput."""
    if text is None:
        return None
    seconds = float(text) if _SECONDS.fullmatch(text) else 0.0
    if not 0 < seconds <= _LONGEST:
        raise InvalidInput(f"{RUN_TIME_VARIABLE} is in seconds: a number above 0 and at most {_LONGEST}, such as 90.")
    return seconds


def run_limit(server_seconds: float, actor_seconds: int | None, message_seconds: float | None) -> float | None:
    """The seconds that an execution may run, None if nobody sets a limit.

    The actor's own replaces the server's (0 or less: none); the message's only shortens what it finds.
    """
    usual = actor_seconds or (server_seconds if server_seconds > 0 else math.inf)
    seconds = min(usual, message_seconds or math.inf)
    return None if math.isinf(seconds) else seconds


def seconds_text(seconds: float) -> str:
    """As people write it: 90 or 0.5."""
    return f"{seconds:.15g}"
