"""The stock Python clients, unmodified, against our server: each walk is a script as their users write it.

And our own, for the one thing that needs TLS.
"""

from collections.abc import Callable

import pytest
from clients.conftest import PASSWORD, TlsServer

from abaco import Abaco
from abaco.errors import Unavailable

Walk = Callable[[str, str], None]


@pytest.mark.parametrize(
    "script",
    [
        "agavepy_getting_started.py",
        "agavepy_sessions.py",
        "agavepy_messages.py",
        "agavepy_sharing.py",
        "agavepy_workers.py",
        "agavepy_search.py",
        "agavepy_executor.py",
    ],
)
def test_agavepy(walk: Walk, script: str) -> None:
    walk("agavepy", script)


@pytest.mark.parametrize("script", ["tapispy_walk.py"])
def test_tapispy(walk: Walk, script: str) -> None:
    walk("tapispy", script)


@pytest.mark.parametrize("script", ["tapipy_walk.py", "tapipy_listings.py"])
def test_tapipy(walk: Walk, script: str) -> None:
    walk("tapipy", script)


def test_our_own(server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    with Abaco(server.url, username="jdoe", password=PASSWORD) as ab:
        assert ab.profiles.get().username == "jdoe"
    monkeypatch.delenv("SSL_CERT_FILE")
    with Abaco(server.url, username="jdoe", password=PASSWORD) as ab, pytest.raises(Unavailable, match="CERTIFICATE"):
        ab.profiles.get()
