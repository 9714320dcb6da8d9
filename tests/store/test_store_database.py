"""Connections, durability and the schema's version."""

import multiprocessing
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, bindparam, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError
from store.scene import add_actor, new_message

from abaco.domain.tenant import Tenant
from abaco.errors import InvalidInput, Unavailable
from abaco.store.database import Database, open_database, require_url
from abaco.store.sql import SqlStore
from abaco.store.statement import Statement
from abaco.store.tables import metadata, tenants


def migrate(url: str) -> None:
    database = open_database(require_url(url))
    try:
        database.migrate()
        assert SqlStore(database).tenants.find("DEV") is None
    finally:
        database.close()


def differences(connection: Connection) -> list[object]:
    """Between tables and migrations; the full-text indexes are the migrations' own."""

    def is_ours(_object: object, name: str | None, *_rest: object) -> bool:
        return name is None or "words" not in name

    context = MigrationContext.configure(connection, opts={"include_object": is_ours})
    return list(compare_metadata(context, metadata))


def test_the_migrated_schema_is_that_of_the_tables(database: Database) -> None:
    with database.write() as connection:
        assert differences(connection) == []


def test_a_difference_of_the_schema_would_be_seen(database: Database) -> None:
    def drop() -> None:
        with database.write() as connection:
            connection.execute(text("DROP INDEX messages_waiting"))
            assert len(differences(connection)) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drop()


def test_the_migrated_schema_has_the_constraints_of_the_tables(database: Database, empty_url: str) -> None:
    """What alembic does not compare."""
    created = open_database(require_url(empty_url))
    with created.write() as connection:
        metadata.create_all(connection)
        expected = {table: inspect(connection).get_check_constraints(table) for table in metadata.tables}
    created.close()
    with database.write() as connection:
        migrated = {table: inspect(connection).get_check_constraints(table) for table in metadata.tables}
    assert migrated == expected
    assert any(expected.values())


def test_migrating_twice_changes_nothing(database: Database) -> None:
    SqlStore(database).tenants.put(Tenant("DEV"))
    database.migrate()
    assert SqlStore(database).tenants.find("DEV") == Tenant("DEV")


def test_several_processes_may_migrate_at_once(empty_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=migrate, args=(empty_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    migrate(empty_url)


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            connection.execute(text("INSERT INTO tenants (id) VALUES ('DEV')"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert SqlStore(database).tenants.find("DEV") is None


def test_what_sqlalchemy_and_the_busy_paths_write_is_one_transaction(database: Database) -> None:
    """Either may come first; each knows of the other's."""
    raw = Statement(insert(tenants).values({**dict.fromkeys(tenants.c.keys()), "id": bindparam("name")}))
    plain = insert(tenants)

    def write(first: str, second: str, *, fail: bool) -> None:
        with database.write() as connection:
            raw.run(connection, {"name": first})
            connection.execute(plain, {"id": second})
            if fail:
                raise RuntimeError
        with database.write() as connection:
            connection.execute(plain, {"id": f"{first}-again"})
            raw.run(connection, {"name": f"{second}-again"})

    with pytest.raises(RuntimeError):
        write("A", "B", fail=True)
    write("C", "D", fail=False)
    with database.read() as connection:
        found = set(connection.execute(select(tenants.c.id)).scalars())
    assert found >= {"C", "D", "C-again", "D-again"}
    assert not found & {"A", "B", "A-again", "B-again"}


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_who_ends_a_transaction_inside_its_block_is_told(database: Database) -> None:
    """Or what follows would be committed statement by statement."""

    def write(end: Callable[[Connection], None]) -> None:
        with database.write() as connection:
            connection.execute(text("SELECT 1"))
            end(connection)

    for end in (Connection.commit, Connection.rollback):
        with pytest.raises(RuntimeError, match="inside its block"):
            write(end)


def test_a_savepoint_may_fail_alone(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(tenants), {"id": "KEPT"})
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(insert(tenants), {"id": "KEPT"})
        connection.execute(insert(tenants), {"id": "ALSO"})
    assert SqlStore(database).tenants.find("KEPT")
    assert SqlStore(database).tenants.find("ALSO")


def test_a_commit_that_fails_undoes_all_and_keeps_nobody_waiting(sqlite_url: str) -> None:
    database = open_database(require_url(sqlite_url))

    def write() -> None:
        with database.write() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("CREATE TABLE one (id INTEGER PRIMARY KEY)")
            driver.execute("CREATE TABLE two (one REFERENCES one (id) DEFERRABLE INITIALLY DEFERRED)")
            driver.execute("INSERT INTO two VALUES (1)")

    with pytest.raises(sqlite3.IntegrityError):
        write()
    with database.write() as connection:
        assert not {"one", "two"} & set(inspect(connection).get_table_names())
    database.close()


def test_sqlite_commits_reach_the_disk(sqlite_url: str) -> None:
    """P1: every commit is synced."""
    database = open_database(require_url(sqlite_url))
    with database.write() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    database.close()


def test_postgresql_commits_reach_the_disk_even_if_the_server_is_set_up_otherwise(postgres_url: str) -> None:
    """P1: the database's own default may be to answer before the disk does."""
    setting_up = open_database(require_url(postgres_url))
    with setting_up.write() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    setting_up.close()
    database = open_database(require_url(postgres_url))
    for _ in range(2):
        with database.write() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
    database.close()


def test_a_postgresql_that_falls_silent_is_given_up_soon(postgres_url: str) -> None:
    """Or the engine, which asks it in its loop, would neither work nor stop for a quarter of an hour."""
    separator = "&" if "?" in postgres_url else "?"
    for url, timeout in ((postgres_url, "8000"), (f"{postgres_url}{separator}tcp_user_timeout=500", "500")):
        database = open_database(require_url(url))
        with database.read() as connection:
            driver: Any = connection.connection.driver_connection
            told = driver.info.get_parameters()
        assert (told["keepalives_idle"], told["tcp_user_timeout"]) == ("5", timeout)
        database.close()


def test_foreign_keys_hold(database: Database) -> None:
    message = "INSERT INTO users (tenant, name, password_hash, roles) VALUES ('none', 'x', 'x', '[]')"
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.write() as connection:
        connection.execute(text(message))


@pytest.mark.parametrize("text_", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_every_spelling_of_a_postgresql_url_is_understood(text_: str) -> None:
    assert require_url(text_).drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    "text_", ["", "nonsense", "mysql://u@h/d", "postgresql+asyncpg://u@h/d", "sqlite+aiosqlite:///x"]
)
def test_other_urls_are_refused_with_advice(text_: str) -> None:
    """P7"""
    with pytest.raises(InvalidInput, match="postgresql://"):
        require_url(text_)


def test_a_database_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/missing/abaco.db", f"postgresql://u@/d?host={tmp_path}"):
        with pytest.raises(Unavailable, match="does not answer"):
            open_database(require_url(url))


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_what_need_not_last_is_not_synced_and_what_comes_next_is(database: Database) -> None:
    levels = []
    for lasting in (True, False, True):
        with database.write(lasting=lasting) as connection:
            levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())
    assert levels == [2, 1, 2]
    with pytest.raises(ZeroDivisionError), database.write(lasting=False):
        raise ZeroDivisionError
    with database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_connection_is_kept_for_the_next_use_unless_it_failed(database: Database) -> None:
    for use in (database.read, database.write):
        with use() as first, database.read() as beside:
            assert beside is not first
        with use() as next_:
            assert next_ is first
        with pytest.raises(ZeroDivisionError), use() as failing:
            raise ZeroDivisionError
        with use() as other:
            assert other is not failing
            assert failing.closed


def test_a_crowd_keeps_no_more_connections_than_there_are_to_be(sqlite_url: str) -> None:
    database = open_database(require_url(sqlite_url), connections=2)
    with database.read() as one, database.read() as two, database.read() as three:
        pass
    assert [one.closed, two.closed, three.closed] == [True, False, False]
    database.close()
    assert two.closed
    assert three.closed


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_sync_takes_the_log_of_what_was_committed_to_the_disk(
    database: Database, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    add_actor(store)
    store.mailbox.add([new_message("e1")], lasting=False)
    store.mailbox.sync()
    assert synced == [f"{database._engine.url.database}-wal"]
