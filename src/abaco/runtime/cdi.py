"""Devices by their CDI names: what an OCI specification needs so that a container has them.

The vendors' programs write the files (``nvidia-ctk cdi generate``): see the Container Device Interface, 0.8. All that
is in them is taken but `intelRdt`. Device nodes are bound from the machine's own, since in a user namespace nobody can
make any.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from abaco.ports import ContainerStartError

__all__ = ["CDI_DIRECTORIES", "CdiEdits", "CdiFile", "CdiFiles", "device_edits", "read_cdi_files"]

CDI_DIRECTORIES: Final = (Path("/etc/cdi"), Path("/var/run/cdi"))
"""Later ones take precedence."""
_SUFFIXES = {".json", ".yaml", ".yml"}


class _Node(msgspec.Struct, rename="camel"):
    path: str
    host_path: str | None = None


class _Mount(msgspec.Struct, rename="camel"):
    host_path: str
    container_path: str
    options: list[str] | None = None
    type: str | None = None


class _Hook(msgspec.Struct, rename="camel"):
    hook_name: str
    path: str
    args: list[str] | None = None
    env: list[str] | None = None
    timeout: int | None = None


class CdiEdits(msgspec.Struct, rename="camel", omit_defaults=True):
    """What devices change in a container; as in the files."""

    env: list[str] = []
    device_nodes: list[_Node] = []
    mounts: list[_Mount] = []
    hooks: list[_Hook] = []
    additional_gids: list[int] = msgspec.field(name="additionalGids", default=[])

    def apply(self, spec: dict[str, Any]) -> None:
        """Change the OCI runtime specification `spec`."""
        process = spec["process"]
        process["env"] = [*process.get("env", ()), *self.env]
        if self.additional_gids:
            known = process["user"].get("additionalGids", ())
            process["user"]["additionalGids"] = [*known, *self.additional_gids]
        nodes = (
            _bound(node.host_path or node.path, node.path, ["bind", "rw", "nosuid", "noexec"])
            for node in self.device_nodes
        )
        mounts = (
            _bound(one.host_path, one.container_path, one.options or ["bind", "ro"], one.type) for one in self.mounts
        )
        spec["mounts"] = [*spec.get("mounts", ()), *nodes, *mounts]
        for hook in self.hooks:
            said = {name: value for name, value in msgspec.to_builtins(hook).items() if value is not None}
            spec.setdefault("hooks", {}).setdefault(said.pop("hookName"), []).append(said)


class _Device(msgspec.Struct, rename="camel"):
    name: str
    container_edits: CdiEdits


class CdiFile(msgspec.Struct, rename="camel"):
    """What one file says of the devices of one kind (vendor/class)."""

    kind: str
    devices: list[_Device]
    container_edits: CdiEdits = msgspec.field(default_factory=CdiEdits)


@dataclass(frozen=True, slots=True)
class CdiFiles:
    """What the files of a machine say; `broken` names those that say nothing, each with the reason."""

    files: Sequence[CdiFile]
    broken: Sequence[str] = ()


def read_cdi_files(directories: Iterable[Path] = CDI_DIRECTORIES) -> CdiFiles:
    """The files in the directories. One that is broken keeps nobody from the devices of the others."""
    paths = [path for directory in directories for path in sorted(directory.glob("*")) if path.suffix in _SUFFIXES]
    files: list[CdiFile] = []
    broken: list[str] = []
    for path in paths:
        try:
            files.append(_read(path))
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            broken.append(f"{path} does not describe devices as CDI does: {error}")
    return CdiFiles(files, broken)


def device_edits(names: Sequence[str], found: CdiFiles) -> CdiEdits:
    """What the devices of these names change. Raises ContainerStartError for a name that no file knows."""
    known: dict[str, tuple[_Device, CdiFile]] = {}
    for file in found.files:
        known.update({f"{file.kind}={device.name}": (device, file) for device in file.devices})
    edits: list[CdiEdits] = []
    for name in names:
        if name not in known:
            has = f"it has {', '.join(sorted(known)) or 'none'}"
            raise ContainerStartError("; ".join([f"this machine has no device {name}", has, *found.broken]))
        device, file = known[name]
        # What is common to the devices of a file is needed once.
        edits += (
            [device.container_edits]
            if file.container_edits in edits
            else [file.container_edits, device.container_edits]
        )
    return CdiEdits(
        env=[variable for one in edits for variable in one.env],
        device_nodes=[node for one in edits for node in one.device_nodes],
        mounts=[mount for one in edits for mount in one.mounts],
        hooks=[hook for one in edits for hook in one.hooks],
        additional_gids=[gid for one in edits for gid in one.additional_gids],
    )


def _read(path: Path) -> CdiFile:
    text = path.read_bytes()
    return msgspec.convert(json.loads(text) if path.suffix == ".json" else msgspec.yaml.decode(text), CdiFile)


def _bound(source: str, target: str, options: list[str], kind: str | None = None) -> dict[str, Any]:
    return {"destination": target, "source": source, "type": kind or "bind", "options": options}
