"""Tokens and the clients they are granted to."""

from collections.abc import Callable
from threading import Thread

import pytest
from sqlalchemy import insert, select
from store.scene import NOW, later

from abaco.domain.client import OAuthClient
from abaco.domain.tenant import Tenant
from abaco.domain.user import Role, User
from abaco.errors import Conflict
from abaco.ports import Store, StoredToken
from abaco.store.database import Database
from abaco.store.sql import SqlStore
from abaco.store.tables import nonces

ADA, BOB = (User("DEV", name, frozenset({Role.USER})) for name in ("ada", "bob"))
SOON = later(seconds=10)


def client(name: str = "notebook", user: User = ADA, key: str = "key1") -> OAuthClient:
    return OAuthClient(user.tenant, user.name, name, key, "", "", "Unlimited", NOW)


def access(key: str | None = "key1", user: User = ADA) -> StoredToken:
    return StoredToken(user.tenant, user.name, SOON, "access", key)


def refresh(key: str = "key1", user: User = ADA) -> StoredToken:
    return StoredToken(user.tenant, user.name, SOON, "refresh", key)


@pytest.fixture
def store(store: Store) -> Store:
    for tenant in ("DEV", "OTHER"):
        store.tenants.put(Tenant(tenant))
        for user in (ADA, BOB):
            store.users.put(User(tenant, user.name, user.roles), "hash")
    return store


def known(store: Store, *digests: str) -> list[str]:
    """Those that stand for somebody, as access or as refresh token."""
    return [
        digest
        for digest in digests
        if store.tokens.find_user(digest, NOW)
        or any(store.tokens.find_refresh(digest, key, NOW) for key in ("key1", "key2"))
    ]


def test_a_refresh_token_opens_nothing(store: Store) -> None:
    store.tokens.add({"a": access(), "r": refresh()})
    assert store.tokens.find_user("a", NOW) == ADA
    assert store.tokens.find_user("r", NOW) is None


def test_a_refresh_token_is_found_by_its_client_until_it_expires(store: Store) -> None:
    store.tokens.add({"a": access(), "r": refresh()})
    assert store.tokens.find_refresh("r", "key1", later(seconds=9)) == refresh()
    assert store.tokens.find_refresh("r", "key1", SOON) is None
    assert store.tokens.find_refresh("r", "key2", NOW) is None
    assert store.tokens.find_refresh("a", "key1", NOW) is None
    assert store.tokens.find_refresh("x", "key1", NOW) is None


def test_a_refresh_token_is_replaced_once(store: Store) -> None:
    store.tokens.add({"r": refresh()})
    assert store.tokens.rotate("r", {"a2": access(), "r2": refresh()})
    assert not store.tokens.rotate("r", {"a3": access(), "r3": refresh()})
    assert known(store, "r", "a2", "r2", "a3", "r3") == ["a2", "r2"]


def test_of_many_who_refresh_at_once_one_succeeds(store: Store, open_store: Callable[[], SqlStore]) -> None:
    store.tokens.add({"r": refresh()})
    done: list[bool] = []

    def run(number: int, rival: SqlStore) -> None:
        done.append(rival.tokens.rotate("r", {f"a{number}": access(), f"r{number}": refresh()}))

    threads = [Thread(target=run, args=(number, open_store())) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == [False] * 5 + [True]
    assert len(known(store, *(f"{kind}{number}" for kind in "ar" for number in range(6)))) == 2


def test_revoking_an_access_token_ends_that_one(store: Store) -> None:
    store.tokens.add({"a": access(), "r": refresh(), "a2": access("key2")})
    store.tokens.revoke("a", "key2")
    store.tokens.revoke("x", "key1")
    assert known(store, "a", "r", "a2") == ["a", "r", "a2"]
    store.tokens.revoke("a", "key1")
    assert known(store, "a", "r", "a2") == ["r", "a2"]
    store.tokens.revoke("a2", None)
    assert known(store, "a", "r", "a2") == ["r"]


def test_revoking_a_refresh_token_ends_all_of_its_user_and_client(store: Store) -> None:
    store.tokens.add({"a": access(), "r": refresh(), "a2": access("key2"), "b": access(user=BOB), "own": access(None)})
    store.tokens.revoke("r", "key1")
    assert known(store, "a", "r", "a2", "b", "own") == ["a2", "b", "own"]


def test_what_was_granted_ends_and_what_was_issued_stays(store: Store) -> None:
    store.tokens.add({"a": access(), "r": refresh(), "v3": access(""), "own": access(None), "b": access(user=BOB)})
    store.tokens.revoke_granted("DEV", "ada")
    assert known(store, "a", "r", "v3", "own", "b") == ["own", "b"]


def test_expired_tokens_are_removed(store: Store) -> None:
    store.tokens.add({"a": access(), "r": refresh(), "own": StoredToken("DEV", "ada", None)})
    assert store.tokens.prune(later(seconds=9)) == 0
    assert store.tokens.prune(SOON) == 2
    assert known(store, "a", "r", "own") == ["own"]


def test_a_client_is_found_as_it_was_added(store: Store) -> None:
    store.clients.add(client(), "digest")
    assert store.clients.find("DEV", "ada", "notebook") == client()
    assert store.clients.find_key("key1") == (client(), "digest")
    assert store.clients.find("OTHER", "ada", "notebook") is None
    assert store.clients.find("DEV", "bob", "notebook") is None
    assert store.clients.find_key("key2") is None


def test_clients_are_listed_as_they_were_made(store: Store) -> None:
    made = [client("z", key="1"), client("a", key="2")]
    for one in (*made, client("b", BOB, "3")):
        store.clients.add(one, "digest")
    assert store.clients.of_user("DEV", "ada") == made
    assert store.clients.of_user("OTHER", "ada") == []


def test_a_clients_name_is_its_users_once(store: Store) -> None:
    store.clients.add(client(), "digest")
    with pytest.raises(Conflict, match="notebook"):
        store.clients.add(client(key="key2"), "digest")
    store.clients.add(client(user=BOB, key="key3"), "digest")
    assert store.clients.find_key("key2") is None


def test_removing_a_client_ends_its_tokens(store: Store) -> None:
    store.clients.add(client(), "digest")
    store.clients.add(client("other", key="key2"), "digest")
    store.tokens.add({"a": access(), "r": refresh(), "b": access(user=BOB), "a2": access("key2"), "own": access(None)})
    store.clients.remove(client())
    assert store.clients.find_key("key1") is None
    assert known(store, "a", "r", "b", "a2", "own") == ["a2", "own"]


def add_nonce(database: Database, digest: str, tenant: str, owner: str) -> None:
    row = {
        "digest": digest,
        "sealed": "",
        "tenant": tenant,
        "actor_id": "a",
        "owner": owner,
        "roles": ["user"],
        "api_server": "",
        "level": 1,
        "max_uses": 1,
        "current_uses": 0,
        "description": "",
        "created_at": NOW,
    }
    with database.write() as connection:
        connection.execute(insert(nonces).values(row))


@pytest.mark.parametrize("verb", ["revoke", "remove"])
def test_all_that_stands_for_a_user_ends(store: Store, database: Database, verb: str) -> None:
    store.clients.add(client(), "digest")
    store.clients.add(client(user=BOB, key="key2"), "digest")
    store.tokens.add({"a": access(), "r": refresh(), "own": access(None), "b": access(user=BOB)})
    for digest, tenant, owner in (("1", "DEV", "ada"), ("2", "DEV", "bob"), ("3", "OTHER", "ada")):
        add_nonce(database, digest, tenant, owner)
    getattr(store.users, verb)("DEV", "ada")
    assert known(store, "a", "r", "own", "b") == ["b"]
    assert store.clients.find_key("key1") is None
    assert store.clients.find_key("key2") is not None
    with database.read() as connection:
        assert sorted(connection.scalars(select(nonces.c.digest))) == ["2", "3"]


def test_a_removed_user_is_known_and_gets_in_no_more(store: Store) -> None:
    store.users.remove("DEV", "ada")
    ada = store.users.find("DEV", "ada")
    assert ada is not None
    assert ada.is_removed
    assert store.users.find_password("DEV", "ada") == (ada, "")
    assert store.users.all("DEV") == [BOB]
    assert [user.name for user in store.users.all("OTHER")] == ["ada", "bob"]
    store.tokens.add({"late": access()})
    assert store.tokens.find_user("late", NOW) is None
    store.users.put(ADA, "hash2")
    assert store.users.find_password("DEV", "ada") == (ADA, "hash2")
