"""Scripts written for agavepy run with Abaco's own client in its place: nothing is changed but how it is made."""

import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bench.live import LiveServer, until

from abaco import Abaco
from abaco.errors import AbacoError

WALKS = Path(__file__).parents[1] / "clients" / "walks"
PASSWORD = "it's a secret"


class Session:
    """What the scripts import from `session`, and `Agave`; closes every client in the end."""

    def __init__(self, url: str, username: str) -> None:
        self.url, self.username = url, username
        self.clients: list[Abaco] = []

    def open(self, **arguments: Any) -> Abaco:
        self.clients.append(Abaco(self.url, **arguments))
        return self.clients[-1]

    def agave(self, api_server: str, *, use_nonce: bool, verify: str) -> Abaco:
        return self.open(tenant="")

    def sign_in(self, username: str = "") -> Abaco:
        return self.open(username=username or self.username, password=PASSWORD)

    @staticmethod
    def wait(ab: Abaco, actor_id: str, execution_id: str) -> Any:
        until(lambda: ab.actors.getExecution(actorId=actor_id, executionId=execution_id).status == "COMPLETE")
        return ab.actors.getExecutionLogs(actorId=actor_id, executionId=execution_id).logs

    @staticmethod
    def refused(call: Any, **arguments: Any) -> str:
        with pytest.raises(AbacoError) as caught:
            call(**arguments)
        return str(caught.value)


@pytest.mark.parametrize("script", ["agavepy_messages", "agavepy_sharing"])
def test_old_code(script: str, server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.administer(("user", "add", name, "--password", PASSWORD) for name in ("jdoe", script))
    old = Session(server.url, script)
    session, agave = ModuleType("session"), ModuleType("agavepy.agave")
    vars(session).update(API_SERVER=server.url, AUTHORITY="", USERNAME=script, until=until)
    vars(session).update(sign_in=old.sign_in, wait=old.wait, refused=old.refused)
    vars(agave).update(Agave=old.agave)
    for name, module in (("session", session), ("agavepy", ModuleType("agavepy")), ("agavepy.agave", agave)):
        monkeypatch.setitem(sys.modules, name, module)
    try:
        runpy.run_path(str(WALKS / f"{script}.py"), run_name="__main__")
    finally:
        for client in old.clients:
            client.close()
