"""How a role ends: in one line for what was foreseen, with a traceback in the log for what was not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from abaco.engine.reaper import LeaseLost
from abaco.errors import Unavailable
from abaco.role import SETTINGS_VARIABLE, _report, decode_settings, encode_settings
from abaco.settings import read_settings


def _settings(directory: Path) -> str:
    flags = {"data": str(directory), "tls_cert": "/c.pem", "tls_key": "/k.pem", "insecure_registries": "a:1,b:2"}
    settings, _ = read_settings(flags, {})
    return encode_settings(settings)


def test_settings_reach_the_role_as_they_are(tmp_path: Path) -> None:
    text = _settings(tmp_path)
    settings = decode_settings(text)
    assert settings.data == tmp_path
    assert settings.tls_key == Path("/k.pem")
    assert settings.insecure_registries == ("a:1", "b:2")
    assert encode_settings(settings) == text


@pytest.mark.parametrize(
    "error",
    [LeaseLost("gone"), Unavailable("gone"), ExceptionGroup("tasks", [ExceptionGroup("more", [LeaseLost("gone")])])],
    ids=["lease", "error of ours", "in groups"],
)
def test_what_was_foreseen_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    _report("engine", decode_settings(_settings(tmp_path)), error)
    assert capsys.readouterr().err == "abaco engine: gone\n"


def test_what_nobody_foresaw_is_logged_with_its_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        _ = 1 / 0
    _report("engine", decode_settings(_settings(tmp_path)), ExceptionGroup("tasks", [raised.value, LeaseLost("gone")]))
    [line] = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["role"], entry["event"]) == ("error", "engine", "role_failed")
    assert entry["reason"] == "ZeroDivisionError: division by zero; LeaseLost: gone"
    assert "Traceback" in entry["exception"]


def test_a_role_whose_supervisor_died_before_it_began_does_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, SETTINGS_VARIABLE: _settings(tmp_path)}
    command = [sys.executable, "-m", "abaco.role", "engine", "1"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
    assert list(tmp_path.iterdir()) == []
