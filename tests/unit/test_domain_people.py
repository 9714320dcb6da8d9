"""Tenants, users, roles."""

import pytest

from abaco.domain.tenant import require_tenant_id
from abaco.domain.user import Principal, Role, require_role, require_username
from abaco.errors import InvalidInput


@pytest.mark.parametrize("text", ["DEV", "DEV-STAGING", "a_b.c", "7", "x" * 64])
def test_tenants_are_named_by_letters_digits_and_some_marks(text: str) -> None:
    assert require_tenant_id(text) == text


@pytest.mark.parametrize("text", ["", "_x", "a/b", "a b", "x" * 65, "a\n", "a\0", "é"])
def test_other_tenant_names_are_refused(text: str) -> None:
    """P7"""
    with pytest.raises(InvalidInput, match="cannot name a tenant"):
        require_tenant_id(text)


@pytest.mark.parametrize("text", ["ada", "ada@example.org", "a.b-c_d", "x" * 64])
def test_users_are_named_by_letters_digits_and_some_marks(text: str) -> None:
    assert require_username(text) == text


@pytest.mark.parametrize("text", ["", "@x", "a b", "x" * 65, "a\n", "a\0", "a:b"])
def test_other_user_names_are_refused(text: str) -> None:
    """P7"""
    with pytest.raises(InvalidInput, match="cannot name a user"):
        require_username(text)


def test_roles_are_named_exactly() -> None:
    assert [require_role(role.value) for role in Role] == list(Role)
    with pytest.raises(InvalidInput, match="admin, privileged, user, limited"):
        require_role("Admin")


@pytest.mark.parametrize(
    ("role", "is_admin", "may_set_restricted"),
    [(Role.ADMIN, True, True), (Role.PRIVILEGED, False, True), (Role.USER, False, False), (Role.LIMITED, False, False)],
)
def test_what_roles_allow(role: Role, is_admin: bool, may_set_restricted: bool) -> None:
    principal = Principal("DEV", "ada", frozenset({role}))
    assert (principal.is_admin, principal.may_set_restricted) == (is_admin, may_set_restricted)
