"""Where the time of an execution went: the moments that it came by, and how long lay between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from abaco.domain.execution import Execution
from abaco.domain.lifecycle import TERMINAL

__all__ = ["Timeline"]

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The moments in order; None where one has not come, never came, or is not known.

    From `prepared` to `exited` all become known with the end.
    """

    queued: datetime
    claimed: datetime | None
    prepared: datetime | None
    started: datetime | None
    first_output: datetime | None
    exited: datetime | None
    recorded: datetime | None

    @staticmethod
    def of(execution: Execution) -> "Timeline":
        ended = execution.status in TERMINAL
        # Of what did not run the row has the moments of its being claimed and dropped there.
        ran = ended and bool((execution.final_state or {}).get("StartedAt"))
        return Timeline(
            queued=execution.received_at,
            claimed=execution.claimed_at,
            prepared=execution.prepared_at,
            started=execution.started_at if ran else None,
            first_output=execution.first_output_at,
            exited=execution.finished_at if ran else None,
            recorded=execution.recorded_at,
        )

    def durations(self, now: datetime | None = None) -> Mapping[str, int | None]:
        """Milliseconds of each phase, in order; None for one that is not over, or not known.

        With `now`, what goes on is counted up to then. Who prepares and starts in one (`prepared` unknown) prepares.
        """
        open_end = None if self.recorded else now
        # What was never claimed waited until it was dropped; what runs has not said yet when it was started.
        waited = self.claimed or self.recorded or open_end
        began = self.started or (self.claimed if open_end else None)
        return {
            "waiting": _between(self.queued, waited),
            "preparing": _between(self.claimed, self.prepared or self.started),
            "starting": _between(self.prepared, self.started),
            "running": _between(began, self.exited or open_end),
            "until_output": _between(self.started, self.first_output),
            "recording": _between(self.exited, self.recorded),
            "total": _between(self.queued, self.recorded or self.exited or now),
        }


def _between(begun: datetime | None, ended: datetime | None) -> int | None:
    # Clocks of several machines, or one that is set, may make a phase end before it began.
    return None if begun is None or ended is None else max(0, (ended - begun) // _MILLISECOND)
