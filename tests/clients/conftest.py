"""A server that speaks TLS on port 443 of an address of its own, as stock agavepy needs it."""

import os
import secrets
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench.live import ROOT, LiveServer, started
from clients.certificates import issue

PASSWORD = "it's a secret"
WALKS = Path(__file__).parent / "walks"
_WALK_SECONDS = 120
Walk = Callable[[str, str], None]


class TlsServer(LiveServer):
    """At ``https://HOST`` without a port: agavepy sends its token nowhere else."""

    def __init__(self, folder: Path, host: str) -> None:
        issue(host, folder)
        self.authority = folder / "ca.pem"
        super().__init__(folder / "data", host=host, tls_cert=str(folder / "cert.pem"), tls_key=str(folder / "key.pem"))
        self.port = 443
        self.url = f"https://{host}"
        self.trust = ssl.create_default_context(cafile=str(self.authority))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    # Any address of 127.0.0.0/8 is this machine's; one at random has no other server on its port 443.
    host = f"127.77.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
    tls = TlsServer(tmp_path_factory.mktemp("clients"), host)
    with started(tls, "test", "wc", "py3_func"):
        tls.administer(
            ("user", "add", user, "--password", PASSWORD, "--email", f"{user}@example.org")
            for user in ("jdoe", *(path.stem for path in WALKS.glob("*.py")))
        )
        yield tls


@pytest.fixture
def walk(server: TlsServer, tmp_path: Path) -> Walk:
    """Run a script of ``walks/`` with the Python of a stock client, as a user would."""

    def run(client: str, script: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        done = subprocess.run(
            [str(ROOT / "build/clients" / client / "bin/python"), str(WALKS / script)],
            env=inherited
            | {
                "HOME": str(tmp_path),  # where the clients keep sessions
                "API_SERVER": server.url,
                "USERNAME": script.removesuffix(".py"),  # one for each walk: none sees the actors of another
                "PASSWORD": PASSWORD,
                "AUTHORITY": str(server.authority),
                # What clients use where they have no argument for it.
                "REQUESTS_CA_BUNDLE": str(server.authority),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=_WALK_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    return run
