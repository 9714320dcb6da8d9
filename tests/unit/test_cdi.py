"""From the files that vendors write to what crun reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from abaco.ports import ContainerStartError
from abaco.runtime.cdi import device_edits, read_cdi_files

NULL = {
    "cdiVersion": "0.6.0",
    "kind": "example.com/null",
    "devices": [
        {"name": "0", "containerEdits": {"deviceNodes": [{"path": "/dev/example0", "hostPath": "/dev/null"}]}},
        {"name": "1", "containerEdits": {"deviceNodes": [{"path": "/dev/zero", "type": "c", "major": 1, "minor": 5}]}},
    ],
    "containerEdits": {
        "env": ["EXAMPLE=1"],
        "mounts": [{"hostPath": "/opt/lib", "containerPath": "/lib/example", "options": ["ro", "nosuid", "bind"]}],
        "hooks": [{"hookName": "createContainer", "path": "/bin/hook", "args": ["hook", "x"], "timeout": 5}],
        "additionalGids": [44],
        "intelRdt": {},
    },
}
YAML = """
cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- name: all
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
containerEdits:
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
    args: [nvidia-cdi-hook, update-ldcache]
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "null.json").write_text(json.dumps(NULL))
    (tmp_path / "nvidia.yaml").write_text(YAML)
    (tmp_path / "README").write_text("no device")
    return tmp_path


def _applied(directory: Path, *names: str) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "process": {"env": ["A=1"], "user": {"uid": 1, "gid": 1}},
        "mounts": [{"destination": "/proc"}],
    }
    device_edits(names, read_cdi_files([directory])).apply(spec)
    return spec


def test_a_device_brings_its_node_and_what_is_common_to_its_kind(directory: Path) -> None:
    spec = _applied(directory, "example.com/null=0")
    assert spec["process"] == {"env": ["A=1", "EXAMPLE=1"], "user": {"uid": 1, "gid": 1, "additionalGids": [44]}}
    common, node = spec["mounts"][2], spec["mounts"][1]
    assert spec["mounts"][0] == {"destination": "/proc"}
    assert (node["destination"], node["source"], node["type"]) == ("/dev/example0", "/dev/null", "bind")
    assert "nodev" not in node["options"]
    assert common == {
        "destination": "/lib/example",
        "source": "/opt/lib",
        "type": "bind",
        "options": ["ro", "nosuid", "bind"],
    }
    assert spec["hooks"] == {"createContainer": [{"path": "/bin/hook", "args": ["hook", "x"], "timeout": 5}]}


def test_what_is_common_comes_once_for_several_devices(directory: Path) -> None:
    spec = _applied(directory, "example.com/null=1", "nvidia.com/gpu=all", "example.com/null=0")
    assert [mount["destination"] for mount in spec["mounts"]] == [
        "/proc",
        "/dev/zero",
        "/dev/nvidia0",
        "/dev/example0",
        "/lib/example",
    ]
    assert [hook["path"] for hook in spec["hooks"]["createContainer"]] == ["/bin/hook", "/usr/bin/nvidia-cdi-hook"]


def test_without_devices_nothing_changes(directory: Path) -> None:
    spec = _applied(directory)
    assert (spec["process"]["env"], len(spec["mounts"]), "hooks" in spec) == (["A=1"], 1, False)


def test_a_later_directory_takes_precedence(directory: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    own = {"kind": "example.com/null", "devices": [{"name": "0", "containerEdits": {"env": ["RUN=1"]}}]}
    (run / "own.json").write_text(json.dumps(own))
    edits = device_edits(["example.com/null=0"], read_cdi_files([directory, run]))
    assert (edits.env, edits.device_nodes) == (["RUN=1"], [])


def test_a_device_that_is_not_there_is_named_with_those_that_are(directory: Path) -> None:
    with pytest.raises(ContainerStartError, match=r"no device example\.com/null=7; it has example\.com/null=0, "):
        _applied(directory, "example.com/null=7")
    with pytest.raises(ContainerStartError, match="it has none"):
        _applied(directory / "nowhere", "example.com/null=0")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "{"),
        ("a.json", "[]"),
        ("a.json", '{"kind": "a/b"}'),
        ("a.yaml", "a: ["),
        ("a.yml", "x"),
        ("a.json", "\xff"),
        ("a.json", "[" * 100_000),
        ("a.yaml", ""),
    ],
)
def test_a_broken_file_is_named_to_who_wants_a_device_that_is_not_there(directory: Path, name: str, text: str) -> None:
    (directory / name).write_text(text, "latin-1")
    assert _applied(directory, "example.com/null=0", "nvidia.com/gpu=all")["hooks"]
    with pytest.raises(ContainerStartError, match=rf"no device a/b=1; it has .*; .*{name} does not describe devices"):
        _applied(directory, "a/b=1")
