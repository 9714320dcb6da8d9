"""An engine on a real database: SQLite, and PostgreSQL too where a module asks for it."""

from collections.abc import Iterator

import pytest
from engine.rig import Rig

from abaco.store.database import open_database, require_url
from abaco.store.sql import SqlStore


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """A module that runs on both says ``parametrize("kind", [...], indirect=True)``."""
    name: str = getattr(request, "param", "sqlite")
    return name


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    url: str = request.getfixturevalue(f"{kind}_url")
    store = SqlStore(open_database(require_url(url)))
    yield store
    store.close()


@pytest.fixture
def rig(store: SqlStore) -> Rig:
    return Rig(store)
