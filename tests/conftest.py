"""What every room's tests may ask for: fresh databases, both kinds, and a Docker engine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dockerd import Dockerd
from postgres import Cluster, binaries

from abaco.store.database import open_database, require_url


def _migrate(url: str) -> None:
    database = open_database(require_url(url))
    database.migrate()
    database.close()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """Started when the first test asks for it."""
    programs = binaries()
    if programs is None:
        pytest.fail("PostgreSQL's server programs are not installed: run `make setup`.")
    cluster = Cluster(programs)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: Cluster) -> str:
    name = postgres_cluster.create_database()
    _migrate(postgres_cluster.url(name))
    return name


@pytest.fixture
def postgres_url(postgres_cluster: Cluster, postgres_template: str) -> Iterator[str]:
    """The URL of a database of this test's own, migrated. The test fails if it leaves a connection open."""
    name = postgres_cluster.create_database(postgres_template)
    yield postgres_cluster.url(name)
    postgres_cluster.drop_database(name)


@pytest.fixture
def empty_postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """As `postgres_url`, without any tables."""
    name = postgres_cluster.create_database()
    yield postgres_cluster.url(name)
    postgres_cluster.drop_database(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a database of this test's own, migrated."""
    path = tmp_path / "abaco.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def dockerd() -> Iterator[Dockerd]:
    """Started when the first test asks for it."""
    dockerd = Dockerd()
    yield dockerd
    dockerd.stop()
