from dataclasses import replace

import pytest
from store.scene import an_actor

from abaco.domain.mount import MountPoint, MountRules, mounts_of, parse_mount

HOME = parse_mount("/home/{tenant_id}/{username}:/work:rw")
CORRAL = parse_mount("/corral:/corral:ro")
JANE = replace(an_actor("a"), tenant="dev", owner="jane", tasdir=None)


def test_a_rule_has_three_parts() -> None:
    assert MountPoint("/corral", "/corral", "ro") == CORRAL


@pytest.mark.parametrize(
    "text",
    [
        "", "/a", "/a:/b", "/a:/b:rx", "a:/b:ro", "/a:b:ro", "/a/../b:/b:ro", "/a:/b/..:ro", "/{home}:/b:ro", "/a:/:ro",
        "/a:/proc/:rw", "/a:/dev:rw", "/a:/_abaco_results.sock:ro", "/a:/b:ro:x",
    ],
)  # fmt: skip
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="mount"):
        parse_mount(text)


def test_rules_are_filled_in_for_the_owner() -> None:
    rules = MountRules([HOME, CORRAL])
    assert mounts_of(rules, JANE) == [MountPoint("/home/dev/jane", "/work", "rw"), CORRAL]


def test_a_tenants_own_rules_replace_the_others() -> None:
    rules = MountRules([HOME], {"dev": [CORRAL], "other": []})
    assert mounts_of(rules, JANE) == [CORRAL]
    assert mounts_of(rules, replace(JANE, tenant="other")) == []
    assert mounts_of(rules, replace(JANE, tenant="third")) == [MountPoint("/home/third/jane", "/work", "rw")]


def test_privileged_ones_get_more() -> None:
    rules = MountRules([CORRAL], privileged=[HOME])
    assert mounts_of(rules, JANE) == [CORRAL]
    assert [one.container_path for one in mounts_of(rules, replace(JANE, privileged=True))] == ["/corral", "/work"]


@pytest.mark.parametrize("owner", ["..", ".", "", "a/b"])
def test_nobody_gets_anothers_files_by_their_name(owner: str) -> None:
    assert mounts_of(MountRules([HOME]), replace(JANE, owner=owner)) == []


def test_a_home_is_known_or_the_rule_left_out() -> None:
    rules = MountRules([parse_mount("{tasdir}/abaco:/work:rw")])
    assert mounts_of(rules, JANE) == []
    assert mounts_of(rules, replace(JANE, tasdir="/home/jane")) == [MountPoint("/home/jane/abaco", "/work", "rw")]
    assert mounts_of(rules, replace(JANE, tasdir="/home/../root")) == []
