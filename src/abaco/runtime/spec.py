"""From an image's configuration and a container's specification to the runtime specification that crun reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from abaco.ports import ContainerSpec, ContainerStartError
from abaco.runtime.accounts import Account
from abaco.runtime.seccomp import seccomp_profile

__all__ = ["BINARY_PATH", "RESULTS_PATH", "Files", "Network", "command", "environment", "runtime_spec"]

Network = Literal["host", "none"]
"""`host`: that of this machine. `none`: an empty one of its own."""

RESULTS_PATH: Final = "/_abaco_results.sock"
BINARY_PATH: Final = "/_abaco_binary_data"
_OOM_SCORE: Final = 500  # when memory is short the kernel is to kill a container, not its crun nor the engine
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MASKED: Final = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
_READ_ONLY: Final = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_CAPABILITY_SETS: Final = ("bounding", "effective", "inheritable", "permitted", "ambient")


@dataclass(frozen=True, slots=True)
class Files:
    """The files of this machine that one container is given."""

    root: Path
    results: Path
    binary: Path | None
    network: Network


def runtime_spec(config: Mapping[str, Any], spec: ContainerSpec, account: Account, files: Files) -> dict[str, Any]:
    """The OCI runtime specification. Raises ContainerStartError if the image does not say what to run."""
    return {
        "ociVersion": "1.0.2",
        "hostname": spec.execution_id,
        "root": {"path": str(files.root), "readonly": False},
        "process": _process(config, spec, account),
        "mounts": _mounts(files),
        "linux": {
            "namespaces": [{"type": kind} for kind in _namespaces(files.network)],
            "maskedPaths": list(_MASKED),
            "readonlyPaths": list(_READ_ONLY),
            "seccomp": seccomp_profile(),
        },
    }


def command(config: Mapping[str, Any]) -> list[str]:
    """What the image runs: its entry point with its command as arguments, as in Docker."""
    words = _strings(config, "Entrypoint") + _strings(config, "Cmd")
    if not words:
        raise ContainerStartError("the image has neither ENTRYPOINT nor CMD; add a CMD that says what to run")
    return words


def environment(config: Mapping[str, Any], spec: ContainerSpec, home: str) -> dict[str, str]:
    """The image's variables, overridden by the container's; PATH, HOME and HOSTNAME if neither sets them."""
    variables = {"PATH": _DEFAULT_PATH, "HOME": home, "HOSTNAME": spec.execution_id}
    for entry in _strings(config, "Env"):
        name, separator, value = entry.partition("=")
        if name and separator:
            variables[name] = value
    variables.update(spec.environment)
    return variables


def _process(config: Mapping[str, Any], spec: ContainerSpec, account: Account) -> dict[str, Any]:
    working_directory = config.get("WorkingDir")
    return {
        "terminal": False,
        "user": {"uid": account.uid, "gid": account.gid},
        "args": command(config),
        "env": [f"{name}={value}" for name, value in environment(config, spec, account.home).items()],
        "cwd": working_directory if isinstance(working_directory, str) and working_directory else "/",
        "capabilities": {name: [] for name in _CAPABILITY_SETS},
        "noNewPrivileges": True,
        "oomScoreAdj": _OOM_SCORE,
    }


def _namespaces(network: Network) -> tuple[str, ...]:
    own = ("pid", "ipc", "uts", "mount")
    return own if network == "host" else (*own, "network")


def _mounts(files: Files) -> list[dict[str, Any]]:
    mounts = [
        _mount("/proc", "proc", "nosuid", "noexec", "nodev"),
        _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
        _mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),  # noqa: S108
        _mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        _mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        _bind(files.results, RESULTS_PATH),
    ]
    if files.binary:
        mounts.append(_bind(files.binary, BINARY_PATH))
    if files.network == "host":
        mounts += [_bind(file, str(file)) for file in (Path("/etc/resolv.conf"), Path("/etc/hosts")) if file.exists()]
    return mounts


def _mount(destination: str, kind: str, *options: str) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": kind, "options": list(options)}


def _bind(source: Path, destination: str) -> dict[str, Any]:
    options = ["bind", "ro", "nosuid", "nodev", "noexec"]
    return {"destination": destination, "type": "bind", "source": str(source.resolve()), "options": options}


def _strings(config: Mapping[str, Any], key: str) -> list[str]:
    value = config.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ContainerStartError(f"the image's configuration is broken: {key} is not a list of strings")
    return value
