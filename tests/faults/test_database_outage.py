"""P1, P2 when the database goes away under a live server: it comes back by itself, and nothing is lost."""

from pathlib import Path

import pytest
from bench.live import live_server, until
from postgres import Cluster, binaries

from abaco.client import Abaco, Actor
from abaco.errors import AbacoError

_MESSAGES = 60


def _done(ab: Abaco, actor: Actor) -> int:
    """Executions that are complete; -1 while the server cannot say."""
    try:
        return sum(e.status == "COMPLETE" for e in ab.executions.list(actor.id).executions)
    except AbacoError:
        return -1


def test_a_restart_of_postgresql_is_survived(tmp_path: Path) -> None:
    programs = binaries()
    assert programs is not None
    cluster = Cluster(programs)
    try:
        url = cluster.url(cluster.create_database())
        with live_server(tmp_path / "data", "sum_reducer", database=url) as server, server.client() as ab:
            actor = ab.actors.wait(ab.actors.add("abacosamples/sum_reducer", stateless=False).id, timeout=60)
            assert actor.status == "READY", actor.status_message
            sent = [ab.messages.send(actor.id, json={"message": {"count": n}}) for n in range(1, _MESSAGES + 1)]
            until(lambda: _done(ab, actor) >= _MESSAGES // 10, 120, step=0.2)

            cluster.pause()
            with pytest.raises(AbacoError):
                ab.executions.list(actor.id)
            until(lambda: "starting it again" in server.log)
            cluster.resume()

            until(lambda: _done(ab, actor) == _MESSAGES, 300, step=0.2)
            assert [e.id for e in ab.executions.list(actor.id).executions] == [one.execution_id for one in sent]
            assert ab.state.get(actor.id) == {"count": _MESSAGES * (_MESSAGES + 1) // 2}
            assert ab.messages.send(actor.id, json={"message": {"count": 1}}).execution_id
    finally:
        cluster.stop()
