from datetime import UTC, datetime

import pytest

from abaco.domain.moment import iso, utc_now


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2020, 4, 29, 21, 47, 18, tzinfo=UTC), "2020-04-29T21:47:18.000Z"),
        (datetime(2020, 4, 29, 21, 47, 18, 700_000, UTC), "2020-04-29T21:47:18.700Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 10_101, UTC), "2026-01-02T03:04:05.010Z"),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, UTC), "2026-12-31T23:59:59.999Z"),
        (None, None),
    ],
)
def test_moments_are_written_in_one_way(moment: datetime | None, text: str | None) -> None:
    """Contract 1.5; upstream lost the Z of whole seconds and mangled tenths."""
    assert iso(moment) == text


def test_now_is_aware_utc_in_whole_milliseconds() -> None:
    before = datetime.now(UTC).timestamp()
    now = utc_now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert before - 0.001 <= now.timestamp() <= datetime.now(UTC).timestamp()
