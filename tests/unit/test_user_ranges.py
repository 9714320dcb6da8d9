"""Which users of the machine a worker's containers have."""

from contextlib import ExitStack

from abaco.runtime.namespaces import UserRange, UserRanges


def test_no_two_workers_that_live_have_the_same_users() -> None:
    ranges = UserRanges(100_000)
    with ranges.one() as first, ExitStack() as second:
        assert second.enter_context(ranges.one()) == UserRange(165_536, creator=165_536)
        with ranges.one() as third:
            second.close()
            with ranges.one() as fourth:
                assert [one.first for one in (first, fourth, third)] == [100_000, 165_536, 231_072]


def test_shared_users_have_a_creator_for_each_worker() -> None:
    ranges = UserRanges(100_000, shared=True)
    with ranges.one() as first, ranges.one() as second:
        assert (first.first, second.first) == (100_000, 100_000)
        assert first.creator != second.creator
