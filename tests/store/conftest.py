"""Every test of the store runs on both databases."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from postgres import Cluster

from abaco.store.database import Database, open_database, require_url
from abaco.store.sql import SqlStore
from abaco.store.tables import metadata

OpenStore = Callable[[], SqlStore]


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def shared_postgres(postgres_cluster: Cluster, postgres_template: str) -> Iterator[str]:
    """The name of one database for all tests: emptying it is much quicker than making another."""
    name = postgres_cluster.create_database(postgres_template)
    yield name
    postgres_cluster.drop_database(name)


@pytest.fixture
def wiped_postgres_url(postgres_cluster: Cluster, shared_postgres: str) -> str:
    deletions = (f"DELETE FROM {table}" for table in reversed(metadata.sorted_tables))
    postgres_cluster.execute("; ".join(deletions), shared_postgres)
    return postgres_cluster.url(shared_postgres)


@pytest.fixture
def database_url(kind: str, request: pytest.FixtureRequest) -> str:
    """A migrated database without any rows."""
    url: str = request.getfixturevalue("sqlite_url" if kind == "sqlite" else "wiped_postgres_url")
    return url


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any tables."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(require_url(database_url))
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> SqlStore:
    return SqlStore(database)


@pytest.fixture
def open_store(database_url: str) -> Iterator[OpenStore]:
    """Opens further stores on the test's database, as other processes would."""
    with ExitStack() as stack:

        def opened() -> SqlStore:
            rival = SqlStore(open_database(require_url(database_url)))
            stack.callback(rival.close)
            return rival

        yield opened
