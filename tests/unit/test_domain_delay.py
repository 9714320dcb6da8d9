"""When a delayed message is due."""

from datetime import timedelta

import pytest
from store.scene import NOW, an_actor, later

from abaco.domain.delay import due_moment, require_delayable
from abaco.errors import InvalidInput


def test_who_says_nothing_is_due_at_once() -> None:
    assert due_moment(None, NOW) is None


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("90", 90_000), ("0.25", 250), ("0.0001", 1), ("1.7799999999999998", 1780), ("31536000", 31536e6)],
)
def test_a_number_is_seconds_from_now(text: str, milliseconds: float) -> None:
    assert due_moment(text, NOW) == NOW + timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-29T22:46:53.393Z",
        "2026-04-29T23:46:53.393+01:00",
        "2026-04-29T23:46:53.393 01:00",  # a + that was not escaped
        "2026-04-29 23:46:53.3921+0100",
        "2026-04-29T17:16:53.393-05:30",
    ],
)
def test_a_moment_has_an_offset(text: str) -> None:
    assert due_moment(text, NOW) == later(hours=1)


@pytest.mark.parametrize("text", ["2026-04-29T21:46:53.393Z", "2020-01-01T00:00:00Z"])
def test_what_is_past_is_due_at_once(text: str) -> None:
    assert due_moment(text, NOW) is None


_WRONG = (
    *("", "0", "0.0", "-5", "1e3", "soon", "nan", "inf", "\x00", "٣", "9" * 16, "999999999999999", "31622401"),
    *("2026-04-30", "2026-04-29T22:46:53", "2027-05-01T00:00:00Z", "9999-12-31T23:59:59-14:00"),
    "0001-01-01T00:00:00+14:00",
)


@pytest.mark.parametrize("text", _WRONG)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="a number of seconds above 0, such as 90, or a moment with its offset"):
        due_moment(text, NOW)


def test_a_message_that_others_wait_behind_cannot_be_delayed() -> None:
    require_delayable(an_actor(), synchronous=False)
    with pytest.raises(InvalidInput, match="for stateless actors"):
        require_delayable(an_actor(stateless=False), synchronous=False)
    with pytest.raises(InvalidInput, match="exclude each other"):
        require_delayable(an_actor(), synchronous=True)
