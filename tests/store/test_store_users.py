"""Users, and the tokens that stand for them."""

import pytest
from sqlalchemy.exc import IntegrityError
from store.scene import NOW, later

from abaco.domain.tenant import Tenant
from abaco.domain.user import Role, User
from abaco.ports import Store, StoredToken

ADA = User("DEV", "ada", frozenset({Role.USER, Role.ADMIN}), uid=4_000_000_000, gid=100)


@pytest.fixture
def store(store: Store) -> Store:
    """With two tenants."""
    store.tenants.put(Tenant("DEV"))
    store.tenants.put(Tenant("OTHER"))
    return store


def test_a_user_is_found_in_the_own_tenant_only(store: Store) -> None:
    store.users.put(ADA, "hash")
    assert store.users.find("DEV", "ada") == ADA
    assert store.users.find("OTHER", "ada") is None
    assert store.users.find("DEV", "bob") is None


def test_putting_a_user_again_replaces_roles_and_ids(store: Store) -> None:
    store.users.put(ADA, "hash")
    demoted = User("DEV", "ada", frozenset({Role.LIMITED}))
    store.users.put(demoted, "hash2")
    assert store.users.find("DEV", "ada") == demoted


def test_a_user_needs_an_existing_tenant(store: Store) -> None:
    with pytest.raises(IntegrityError):
        store.users.put(User("NOWHERE", "ada", frozenset()), "hash")


def test_a_token_finds_its_user_until_it_expires(store: Store) -> None:
    store.users.put(ADA, "hash")
    store.tokens.add({"digest": StoredToken("DEV", "ada", expires_at=later(seconds=10))})
    assert store.tokens.find_user("digest", NOW) == ADA
    assert store.tokens.find_user("digest", later(seconds=9)) == ADA
    assert store.tokens.find_user("digest", later(seconds=10)) is None


def test_a_token_without_expiry_lasts(store: Store) -> None:
    store.users.put(ADA, "hash")
    store.tokens.add({"digest": StoredToken("DEV", "ada", expires_at=None)})
    assert store.tokens.find_user("digest", later(days=36_500)) == ADA


def test_a_token_finds_the_user_of_its_own_tenant(store: Store) -> None:
    """P6"""
    store.users.put(User("OTHER", "ada", frozenset({Role.ADMIN})), "hash")
    store.tokens.add({"digest": StoredToken("DEV", "ada", expires_at=None)})
    assert store.tokens.find_user("digest", NOW) is None


def test_an_unknown_token_finds_nobody(store: Store) -> None:
    assert store.tokens.find_user("unknown", NOW) is None
