"""What surrounds an execution."""

from datetime import datetime
from typing import Protocol

from abaco.domain.execution import Execution
from abaco.domain.explanation import Situation

__all__ = ["SituationRepository"]


class SituationRepository(Protocol):
    def find(self, execution: Execution, now: datetime) -> Situation:
        """The situation of an execution that is not over. A few queries: for whoever asks, not for every execution."""
