import json
from typing import Any

from .conftest import RunAbaco
from .fake_server import FakeServer
from .test_cli import Capture

TIMES = {"queued": "2026-01-02T03:04:05.678Z", "claimed": "2026-01-02T03:04:05.700Z", "started": None}
EXPLANATION: dict[str, Any] = {
    "code": "running",
    "reason": "It has been\nrunning\x1b[1m.",
    "messagesBefore": None,
    "times": TIMES,
    "durations": {"waiting": 22, "running": 12_345, "total": 12_367, "starting": None},
}


def test_explain_prints_phases_and_the_reason(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.add_actor("AbcActor00001", name="counter")
    server.add_execution("AbcActor00001", "Exec000000001", status="RUNNING")
    server.explanation = EXPLANATION
    assert abaco("explain", "counter") == 0
    head, *phases, blank, reason = capsys.readouterr().out.splitlines()
    assert head.split() == ["PHASE", "SINCE", "(UTC)", "TOOK"]
    rows = {phase.split()[0]: phase.split()[1:] for phase in phases}
    assert rows["waiting"] == ["2026-01-02", "03:04:05.678", "22", "ms"]
    assert rows["running"] == ["2026-01-02", "03:04:05.700", "12.3", "s"]
    assert rows["preparing"] == ["2026-01-02", "03:04:05.700", "-"]
    assert set(rows) == {"waiting", "preparing", "running", "total"}
    assert (blank, reason) == ("", "RUNNING: It has been running\N{REPLACEMENT CHARACTER}[1m.")


def test_explain_for_scripts_is_what_the_server_sent(server: FakeServer, abaco: RunAbaco, capsys: Capture) -> None:
    server.add_actor("AbcActor00001", name="counter")
    server.add_execution("AbcActor00001", "Exec000000001", status="RUNNING")
    server.explanation = EXPLANATION
    assert abaco("explain", "counter", "Exec", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["code"] == "running"
    assert abaco("explain", "counter", "Nope") == 3
