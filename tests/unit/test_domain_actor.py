"""Who may describe an actor how (contract 3.1, 3.2), and what a PUT makes of it (3.4)."""

from dataclasses import replace
from typing import Any

import pytest
from store.scene import NOW, an_actor, later

from abaco.domain.actor import ActorDescription, check_description, memory_bytes, require_privileged_allowed, revised
from abaco.domain.lifecycle import ActorStatus
from abaco.domain.user import Principal, Role
from abaco.errors import Conflict, InvalidInput, NotPermitted, TooLarge

USER = Principal("DEV", "ada", frozenset({Role.USER}))
PRIVILEGED = Principal("DEV", "ada", frozenset({Role.PRIVILEGED}))
ADMIN = Principal("DEV", "ada", frozenset({Role.ADMIN}))


def describe(**said: Any) -> ActorDescription:
    return ActorDescription(**({"image": "abacosamples/test"} | said))


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"image": "registry.test:5000/a/b:1.2@sha256:" + "0" * 64},
        {"state": {}},
        {"name": "x" * 255, "description": "é" * 16_384, "hints": ["sync", "7"]},
        {"stateless": False, "state": {"a": 1}},
        {"stateless": False, "state": 0},
        {"default_environment": {"a": {"nested": None}, "b": None}},
        {"log_ex": 16_000},
        {"token": True},
    ],
)
def test_ordinary_descriptions_need_no_role(said: dict[str, Any]) -> None:
    check_description(describe(**said), USER, None)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"image": ""}, "image is required"),
        ({"image": "white space"}, "image"),
        ({"image": "-rf"}, "image"),
        ({"image": "a\n"}, "image"),
        ({"image": "x" * 513}, "image"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\0b"}, "name.*NUL"),
        ({"description": "x" * 16_385}, "description"),
        ({"description": "\0"}, "description.*NUL"),
        ({"type": "\0"}, "type.*NUL"),
        *(({"hints": [f"a{mark}b"]}, "hints") for mark in "\"'{}[]\0"),
        ({"hints": ["x" * 256]}, "hints"),
        ({"hints": ["x"] * 101}, "hints"),
        ({"default_environment": {"a=b": 1}}, "default_environment"),
        ({"log_ex": 0}, "log_ex"),
        ({"log_ex": 2**63}, "log_ex"),
        ({"state": {"a": 1}}, "state.*stateless=false"),
        ({"stateless": True, "state": 0}, "state.*stateless=false"),
        ({"max_workers": 0}, "max_workers"),
        ({"max_workers": 2**63}, "max_workers"),
        ({"max_workers": 2, "stateless": False}, "stateful actors can only have 1 worker"),
        ({"mem_limit": "lots"}, "mem_limit"),
        ({"max_cpus": 9_999_999}, "max_cpus"),
        ({"max_cpus": -2}, "max_cpus"),
        ({"max_cpus": 2**63}, "max_cpus"),
    ],
)
def test_bad_descriptions_are_refused_even_from_an_admin_naming_the_attribute(said: dict[str, Any], named: str) -> None:
    """P7"""
    with pytest.raises(InvalidInput, match=named):
        check_description(describe(**said), ADMIN, None)


def test_an_environment_that_no_container_can_have_is_too_large() -> None:
    """P7"""
    with pytest.raises(TooLarge, match="default_environment"):
        check_description(describe(default_environment={"a": "x" * 131_070}), USER, None)


RESTRICTED: list[dict[str, Any]] = [
    {"use_container_uid": True},
    {"queue": "default"},
    {"gpus": ("example.com/gpu=0",)},
    {"max_workers": 3},
    {"privileged": True},
    {"mem_limit": "3g"},
    {"max_cpus": 3_000_000_000},
]


@pytest.mark.parametrize("said", RESTRICTED)
def test_restricted_attributes_need_a_role(said: dict[str, Any]) -> None:
    """Contract 3.2"""
    with pytest.raises(NotPermitted, match=next(iter(said))):
        check_description(describe(**said), USER, None)
    check_description(describe(**said), PRIVILEGED, None)
    check_description(describe(**said), ADMIN, None)


@pytest.mark.parametrize("said", RESTRICTED)
def test_a_restricted_attribute_left_as_it_is_needs_no_role(said: dict[str, Any]) -> None:
    check_description(describe(**said), USER, an_actor(**said))


def test_a_restricted_attribute_changed_or_sent_falsely_needs_one_only_if_it_asks_for_something() -> None:
    check_description(describe(use_container_uid=False, privileged=False), USER, None)
    check_description(describe(), USER, an_actor(mem_limit="3g", use_container_uid=True))
    with pytest.raises(NotPermitted):
        check_description(describe(mem_limit="4g"), USER, an_actor(mem_limit="3g"))


def test_a_server_may_have_no_privileged_containers() -> None:
    require_privileged_allowed(describe(privileged=True), allowed=True)
    require_privileged_allowed(describe(), allowed=False)
    with pytest.raises(InvalidInput, match="privileged containers are not available"):
        require_privileged_allowed(describe(privileged=True), allowed=False)


def test_max_workers_of_an_actor_that_is_stateful_already_is_refused() -> None:
    stateful = an_actor(stateless=False)
    with pytest.raises(InvalidInput, match="stateful actors can only have 1 worker"):
        check_description(describe(max_workers=2), ADMIN, stateful)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512m", 512 * 1024**2),
        ("1g", 1024**3),
        ("2GB", 2 * 1024**3),
        ("6291456", 6 * 1024**2),
        ("6144k", 6 * 1024**2),
        ("6291456b", 6 * 1024**2),
        ("-1", None),
    ],
)
def test_memory_limits_are_written_as_for_docker(text: str, size: int | None) -> None:
    assert memory_bytes(text) == size


@pytest.mark.parametrize("text", ["", "m", "1.5g", "-2", "1t", "5m", "0", "1 g", "9" * 16, "9" * 15 + "g", "1g\n1g"])
def test_other_memory_limits_are_refused(text: str) -> None:
    """P7"""
    with pytest.raises(InvalidInput, match="mem_limit"):
        memory_bytes(text)


def test_a_stateful_actor_runs_one_execution_at_a_time() -> None:
    """P3"""
    assert an_actor(stateless=False).worker_limit(20) == 1
    assert an_actor().worker_limit(20) == 20
    assert an_actor(max_workers=3).worker_limit(20) == 3


FULL = an_actor(
    description="d",
    type="json",
    default_environment={"a": "b"},
    state={"kept": True},
    stateless=False,
    hints=("sync",),
    token=True,
    use_container_uid=True,
    mem_limit="1g",
    max_cpus=10**9,
    log_ex=60,
    uid=7,
    revision=4,
    status=ActorStatus.ERROR,
    status_message="broken",
)


def test_a_put_returns_what_is_not_said_to_its_default_and_keeps_the_rest() -> None:
    after = revised(FULL, describe(name="ignored"), later(seconds=1))
    kept = {
        field: getattr(FULL, field)
        for field in (
            "name",
            "owner",
            "state",
            "stateless",
            "uid",
            "created_at",
            "revision",
            "status",
            "status_message",
        )
    }
    assert after == an_actor(**kept, updated_at=later(seconds=1))


@pytest.mark.parametrize("said", [{"image": "abacosamples/other"}, {"force": True}])
def test_another_image_or_force_starts_a_new_revision(said: dict[str, Any]) -> None:
    after = revised(FULL, describe(**said), NOW)
    assert (after.revision, after.status, after.status_message) == (5, ActorStatus.SUBMITTED, "")
    assert after.state == {"kept": True}


def test_a_put_takes_every_attribute_that_is_said() -> None:
    said: dict[str, Any] = {
        "description": "new",
        "type": "bin",
        "default_environment": {"c": 1},
        "token": False,
        "queue": "default",
        "max_workers": 2,
        "mem_limit": "2g",
        "max_cpus": -1,
        "log_ex": 9,
        "use_container_uid": True,
    }
    before = an_actor()
    after = revised(before, describe(**said, hints=["a"], state="ignored"), NOW)
    assert after == replace(before, **said, hints=("a",))


@pytest.mark.parametrize("said", [{"queue": "gpu"}, {"gpus": ("example.com/gpu=0",)}])
def test_what_needs_other_workers_makes_a_new_revision(said: dict[str, Any]) -> None:
    before = an_actor()
    after = revised(before, describe(image=before.image, **said), NOW)
    assert (after.revision, after.status) == (before.revision + 1, ActorStatus.SUBMITTED)
    again = revised(after, describe(image=before.image, **said), NOW)
    assert again.revision == after.revision


def test_stateless_may_become_stateful_and_never_back() -> None:
    assert not revised(an_actor(), describe(stateless=False), NOW).stateless
    with pytest.raises(Conflict, match="stateless"):
        revised(FULL, describe(stateless=True), NOW)
