"""The thread that sends output on."""

import math
import time
from collections.abc import Callable
from queue import SimpleQueue

from pool.scripted import PATIENCE

from abaco.pool.flusher import Flusher


class Speaker:
    """Answers as told; every question is heard."""

    def __init__(self, *answers: Callable[[float], float | None]) -> None:
        self._answers = list(answers)
        self.asked: SimpleQueue[float] = SimpleQueue()

    def flush(self, now: float) -> float | None:
        self.asked.put(now)
        return self._answers.pop(0)(now) if self._answers else None


def test_nobody_is_asked_until_somebody_stirs() -> None:
    speaker = Speaker(lambda now: now + 0.01)
    flusher = Flusher(lambda: [speaker])
    assert speaker.asked.empty()
    before = time.monotonic()
    flusher.stir()
    first, second = (speaker.asked.get(timeout=PATIENCE) for _ in range(2))
    assert before <= first <= second - 0.01
    flusher.close()
    assert speaker.asked.empty()


def test_nobody_waits_for_the_one_who_is_due_late() -> None:
    late = Speaker(*[lambda _: math.inf] * 3)
    flusher = Flusher(lambda: [late])
    flusher.stir()
    for _ in range(3):
        late.asked.get(timeout=PATIENCE)
    flusher.close()


def test_it_can_be_closed_while_something_is_due() -> None:
    speaker = Speaker(*[lambda _: math.inf] * 100)
    flusher = Flusher(lambda: [speaker])
    flusher.stir()
    speaker.asked.get(timeout=PATIENCE)
    flusher.close()
