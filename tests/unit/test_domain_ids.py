import re

import pytest

from abaco.domain import ids as module
from abaco.domain.ids import actor_dbid, new_id, new_secret


def test_new_ids_have_the_shape_of_ids_and_differ() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9]{13}", id_) for id_ in ids)


def test_every_letter_and_digit_is_used_in_every_place_but_the_first_two() -> None:
    """An id cannot be guessed from its neighbours."""
    ids = [new_id() for _ in range(3000)]
    assert all(len({id_[place] for id_ in ids}) == 62 for place in range(2, 13))


def test_ids_begin_alike_when_they_are_made_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """For two minutes no other ids begin so."""

    def head(nanoseconds: int) -> str:
        monkeypatch.setattr(module, "monotonic_ns", lambda: nanoseconds)
        return new_id()[:2]

    moments = range(0, 62 * 62 * 30_000_000, 30_000_000)
    assert [head(moment) for moment in moments] == [head(moment + 29_999_999) for moment in moments]
    assert len({head(moment) for moment in moments}) == 62 * 62
    assert head(moments.stop) == head(0)


def test_secrets_have_256_bits_and_differ() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(re.fullmatch(r"[0-9a-f]{64}", secret) for secret in secrets)


def test_the_dbid_is_tenant_and_id() -> None:
    assert actor_dbid("DEV-STAGING_1", "JBAbGXv7e1gm8") == "DEV-STAGING_1_JBAbGXv7e1gm8"
