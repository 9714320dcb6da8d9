"""The brake on guessing passwords."""

from datetime import UTC, datetime, timedelta

import pytest

from abaco.errors import Throttled
from abaco.services.throttle import Throttle


class SetClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 4, 29, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def throttle(clock: SetClock) -> Throttle:
    return Throttle(clock)


def fail(throttle: Throttle, times: int, user: str = "ada", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        throttle.require("DEV", user, address)
        throttle.failed("DEV", user, address)


def require_refused(throttle: Throttle, user: str = "ada", address: str = "192.0.2.1") -> None:
    with pytest.raises(Throttled, match="5 minutes"):
        throttle.require("DEV", user, address)


def test_five_slips_are_one_persons_share(throttle: Throttle) -> None:
    fail(throttle, 5)
    require_refused(throttle)
    throttle.require("DEV", "ada", "192.0.2.2")  # whoever guesses does not lock the user out elsewhere
    throttle.require("DEV", "bob", "192.0.2.1")
    throttle.require("OTHER", "ada", "192.0.2.1")


def test_a_user_is_guarded_from_everywhere(throttle: Throttle) -> None:
    for number in range(25):
        fail(throttle, 2, address=f"192.0.2.{number}")
    require_refused(throttle, address="192.0.2.99")
    throttle.require("DEV", "bob", "192.0.2.99")


def test_an_address_tries_few_users(throttle: Throttle) -> None:
    for number in range(25):
        fail(throttle, 2, user=f"user{number}")
    require_refused(throttle, user="another")
    throttle.require("DEV", "another", "192.0.2.2")


def test_an_own_account_clears_no_guesses(throttle: Throttle) -> None:
    for number in range(50):
        fail(throttle, 1, user=f"user{number}")
        throttle.succeeded("DEV", "mallory", "192.0.2.1")
    require_refused(throttle, user="another")


def test_a_machine_of_many_addresses_is_one(throttle: Throttle) -> None:
    for number in range(5):
        fail(throttle, 1, address=f"2001:db8::{number}")
    require_refused(throttle, address="2001:db8::ffff")
    throttle.require("DEV", "ada", "2001:db8:0:1::1")


def test_machines_that_come_by_ipv4_to_a_socket_for_both_are_told_apart(throttle: Throttle) -> None:
    fail(throttle, 5, address="::ffff:192.0.2.1")
    throttle.require("DEV", "ada", "::ffff:192.0.2.2")
    require_refused(throttle, address="::ffff:192.0.2.1")
    require_refused(throttle, address="192.0.2.1")


def test_it_is_over_after_five_minutes(throttle: Throttle, clock: SetClock) -> None:
    fail(throttle, 5)
    clock.time += timedelta(minutes=5)
    fail(throttle, 5)
    require_refused(throttle)


def test_it_remembers_a_bounded_number(throttle: Throttle) -> None:
    for number in range(30_000):
        throttle.failed("DEV", f"user{number}", f"address{number}")
    assert len(throttle._counts) == 20_000
    fail(throttle, 4, user="user29999", address="address29999")
    require_refused(throttle, user="user29999", address="address29999")
