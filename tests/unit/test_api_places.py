"""Places to wait in, taken by whoever a request turns out to be from."""

import pytest

from abaco.api.places import Places
from abaco.domain.user import Principal, Role
from abaco.errors import Unavailable

ADA, BOB, EVE = (Principal("DEV", name, frozenset({Role.USER})) for name in ("ada", "bob", "eve"))


def test_a_place_is_free_again_after_its_block() -> None:
    places = Places(1, "full")
    for who in (ADA, BOB):
        with places.place() as place:
            place.take(who)
            place.take(who)
            assert places.taken == 1
            with places.place() as other, pytest.raises(Unavailable, match="full"):
                other.take(EVE)
        assert places.taken == 0


def test_nobody_takes_more_than_a_quarter() -> None:
    places = Places(8, "full")
    with places.place() as first, places.place() as second, places.place() as third:
        first.take(ADA)
        second.take(ADA)
        with pytest.raises(Unavailable):
            third.take(ADA)
        third.take(BOB)
    assert places.taken == 0


def test_who_learns_too_late_that_the_request_has_gone_takes_nothing() -> None:
    places = Places(1, "full")
    with places.place() as place:
        pass
    place.take(ADA)
    assert places.taken == 0
