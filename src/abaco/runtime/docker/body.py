"""From a container's specification to what the engine is asked to make."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from abaco.ports import ContainerSpec
from abaco.runtime.docker.network import ContainerNetwork
from abaco.runtime.spec import BINARY_PATH, DOCKER_SOCKET, OOM_SCORE, RESULTS_PATH

__all__ = ["Surroundings", "container_body"]

_MAX_HOSTNAME: Final = 63


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the engine gives one container beside its specification.

    `cgroup_parent` None is the engine's own choice; `disk` in bytes limits the writable layer.
    """

    image: str
    network: ContainerNetwork
    results: Path
    binary: Path | None
    labels: Mapping[str, str]
    cgroup_parent: str | None = None
    disk: int | None = None
    docker_socket: Path | None = None


def container_body(spec: ContainerSpec, given: Surroundings) -> dict[str, Any]:
    """What ``POST /containers/create`` takes."""
    body = {
        "Image": given.image,
        "Hostname": spec.execution_id[:_MAX_HOSTNAME],
        "Env": [f"{name}={value}" for name, value in given.network.translated(spec.environment).items()],
        "AttachStdout": True,
        "AttachStderr": True,
        # An image may have one; nobody would ask for it.
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": dict(given.labels),
        "HostConfig": _limits(spec, given) | _isolation(spec, given),
    }
    if spec.user:
        body["User"] = f"{spec.user[0]}:{spec.user[1]}"
    return body


def _limits(spec: ContainerSpec, given: Surroundings) -> dict[str, Any]:
    limits: dict[str, Any] = {"OomScoreAdj": OOM_SCORE}
    if spec.memory is not None:
        # Swap is counted along: as much as memory alone is none.
        limits |= {"Memory": spec.memory, "MemorySwap": spec.memory}
    if spec.cpus is not None:
        limits["NanoCpus"] = round(spec.cpus * 1e9)
    if spec.pids is not None:
        limits["PidsLimit"] = spec.pids
    if given.disk is not None:
        limits["StorageOpt"] = {"size": str(given.disk)}
    if given.cgroup_parent is not None:
        limits["CgroupParent"] = given.cgroup_parent
    return limits


def _isolation(spec: ContainerSpec, given: Surroundings) -> dict[str, Any]:
    host: dict[str, Any] = {
        "Mounts": _mounts(spec, given),
        "NetworkMode": given.network.name,
        "ExtraHosts": list(given.network.hosts),
        "IpcMode": "private",
        # Where control groups are of version 1, the engine's own choice is the machine's.
        "CgroupnsMode": "private",
        "Init": False,
        # What it says goes to us, not to the engine's disk as well.
        "LogConfig": {"Type": "none"},
    }
    if spec.privileged:
        host["Privileged"] = True
    else:
        host |= {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}
    if spec.devices:
        host["DeviceRequests"] = [{"Driver": "cdi", "DeviceIDs": list(spec.devices)}]
    return host


def _mounts(spec: ContainerSpec, given: Surroundings) -> list[dict[str, Any]]:
    mounts = [_mount(str(given.results), RESULTS_PATH, read_only=True)]
    if given.binary is not None:
        mounts.append(_mount(str(given.binary), BINARY_PATH, read_only=True))
    mounts += [_mount(one.source, one.target, read_only=one.read_only) for one in spec.mounts]
    if spec.privileged and given.docker_socket is not None:
        mounts.append(_mount(str(given.docker_socket), DOCKER_SOCKET, read_only=False))
    return mounts


def _mount(source: str, target: str, *, read_only: bool) -> dict[str, Any]:
    # Not `Binds`, which makes directories where there is nothing, and stumbles over colons.
    # Mounts below a recursive one would stay writable.
    options = {"NonRecursive": read_only}
    return {"Type": "bind", "Source": source, "Target": target, "ReadOnly": read_only, "BindOptions": options}
