"""One server for all examples, and readers with accounts."""

from collections.abc import Iterator

import pytest
from bench.live import LiveServer, live_server
from userdocs.guide import Guide


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(
        tmp_path_factory.mktemp("userdocs") / "data", "test", "wc", webhook_private_addresses="true"
    ) as running:
        users = ("testuser", "jdoe", "testotheruser")
        running.administer(("user", "add", user, "--password", "secret") for user in users)
        yield running


@pytest.fixture(scope="session")
def guide(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Guide:
    return Guide(server, tmp_path_factory.mktemp("testuser"), "testuser")


@pytest.fixture(scope="session")
def jdoe(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Guide:
    return Guide(server, tmp_path_factory.mktemp("jdoe"), "jdoe")
