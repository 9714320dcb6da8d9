from abaco.client.executor.pace import Pace


class Timed:
    """A pace whose answers come when the test says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pace = Pace(8, clock=lambda: self.now)

    def answers(self, count: int, every: float) -> int:
        for _ in range(count):
            self.now += every
            self.pace.answered()
        return self.pace.room


def test_short_calls_get_ever_more_room_up_to_a_bound() -> None:
    timed = Timed()
    assert timed.pace.room == 8
    assert 45 <= timed.answers(100, every=0.01) <= 50
    assert 450 <= timed.answers(1_000, every=0.001) <= 500
    assert timed.answers(10_000, every=0.0001) == 1_000


def test_long_calls_have_few_sent_ahead() -> None:
    timed = Timed()
    assert timed.answers(20, every=3) == 8


def test_what_was_fast_once_is_forgotten_with_the_first_slow_answer() -> None:
    timed = Timed()
    assert timed.answers(1_000, every=0.001) > 400
    assert timed.answers(1, every=5) < 30
    assert timed.answers(1, every=5) == 8
