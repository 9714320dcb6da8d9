"""How long an execution may run."""

from typing import Any

import pytest
from store.scene import an_actor

from abaco.domain.actor import ActorDescription
from abaco.domain.run_time import check_run_time, message_run_time, run_limit, seconds_text
from abaco.domain.user import Principal, Role
from abaco.errors import InvalidInput, NotPermitted

ADA, PRI, ADM = (
    Principal("DEV", name, frozenset({role}))
    for name, role in (("ada", Role.USER), ("pri", Role.PRIVILEGED), ("adm", Role.ADMIN))
)


def check(wanted: int | None, who: Principal = ADA, kept: Any = None, server: float = 100) -> None:
    current = None if kept is None else an_actor(max_run_time=kept)
    check_run_time(ActorDescription(image="x", max_run_time=wanted), who, current, server)


@pytest.mark.parametrize("wanted", [None, 0, -1, 1, 100])
def test_anybody_may_stay_within_the_servers_limit(wanted: int | None) -> None:
    check(wanted)


def test_more_than_the_server_allows_takes_a_role() -> None:
    with pytest.raises(NotPermitted, match="above this server's limit of 100 seconds"):
        check(101)
    check(101, PRI)
    check(101, ADM)
    check(10**8, server=0)


def test_what_the_actor_has_already_may_stay() -> None:
    check(101, kept=101)
    with pytest.raises(NotPermitted):
        check(102, kept=101)


def test_nobody_may_ask_for_more_than_dates_can_say() -> None:
    with pytest.raises(InvalidInput, match="max_run_time"):
        check(10**9, ADM)


@pytest.mark.parametrize(
    ("server", "actor", "message", "limit"),
    [
        (60, None, None, 60),
        (0, None, None, None),
        (-1, None, 5.5, 5.5),
        (60, 90, None, 90),
        (60, 30, None, 30),
        (0, 30, None, 30),
        (60, None, 61, 60),
        (60, 30, 29.5, 29.5),
        (60, 30, 45, 30),
    ],
)
def test_the_actor_replaces_and_the_message_shortens(
    server: float, actor: int | None, message: float | None, limit: float | None
) -> None:
    assert run_limit(server, actor, message) == limit


@pytest.mark.parametrize(("text", "seconds"), [(None, None), ("90", 90), ("0.25", 0.25), ("315360000", 315_360_000)])
def test_a_message_may_say_seconds(text: str | None, seconds: float | None) -> None:
    assert message_run_time(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1e3", "nan", "inf", "9" * 20, "315360001", " 5", "5s", "٣", "1.", "0.0"]
)
def test_everything_else_is_refused(text: str) -> None:
    """P7"""
    with pytest.raises(InvalidInput, match="_abaco_max_run_time"):
        message_run_time(text)


def test_seconds_are_written_as_people_do() -> None:
    assert [seconds_text(one) for one in (43_200.0, 0.5, 315_360_000)] == ["43200", "0.5", "315360000"]
