"""From an image's configuration and a container's specification to the runtime specification that crun reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from abaco.ports import ContainerSpec, ContainerStartError
from abaco.runtime.accounts import Account
from abaco.runtime.seccomp import BPF_ANNOTATION

__all__ = [
    "BINARY_PATH",
    "DOCKER_SOCKET",
    "OOM_SCORE",
    "RESULTS_PATH",
    "SERVE_PATH",
    "Surroundings",
    "command",
    "environment",
    "runtime_spec",
]

RESULTS_PATH: Final = "/_abaco_results.sock"
BINARY_PATH: Final = "/_abaco_binary_data"
SERVE_PATH: Final = "/_abaco_serve.sock"
DOCKER_SOCKET: Final = "/var/run/docker.sock"
OOM_SCORE: Final = 500  # when memory is short the kernel is to kill a container, not its crun nor the engine
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
_CAPABILITIES: Final = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
    MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
"""In the order of their numbers (linux/capability.h)."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of this machine one container is given: files, namespaces (paths; None is the machine's own), a filter.

    `etc` are files for the container's ``/etc`` by name.
    """

    root: Path
    results: Path
    network: str | None
    users: str | None
    seccomp: str
    etc: Mapping[str, Path]
    binary: Path | None = None
    serve: Path | None = None
    docker_socket: Path | None = None
    process_limits: Sequence[Mapping[str, Any]] = ()


def runtime_spec(
    config: Mapping[str, Any], spec: ContainerSpec, account: Account, given: Surroundings
) -> dict[str, Any]:
    """The OCI runtime specification. Raises ContainerStartError if the image does not say what to run."""
    privileged = spec.privileged
    return {
        "ociVersion": "1.0.2",
        "hostname": spec.execution_id,
        "root": {"path": str(given.root), "readonly": False},
        "process": _process(config, spec, account) | {"rlimits": [*given.process_limits]},
        "mounts": _mounts(spec, given),
        "annotations": {} if privileged else {BPF_ANNOTATION: given.seccomp},
        "linux": {
            "rootfsPropagation": "rslave",
            "namespaces": list(_namespaces(given)),
            "maskedPaths": [] if privileged else _MASKED,
            "readonlyPaths": [] if privileged else _READ_ONLY,
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
        "capabilities": dict.fromkeys(_CAPABILITY_SETS, _own_capabilities() if spec.privileged else ()),
        "noNewPrivileges": not spec.privileged,
        "oomScoreAdj": OOM_SCORE,
    }


@cache
def _own_capabilities() -> tuple[str, ...]:
    """Those of this process: nobody can give what they do not have."""
    status = Path("/proc/self/status").read_text()
    bits = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    return tuple(f"CAP_{name}" for number, name in enumerate(_CAPABILITIES.split()) if bits >> number & 1)


def _namespaces(given: Surroundings) -> Iterator[dict[str, str]]:
    for kind in ("pid", "ipc", "uts", "mount", "cgroup"):
        yield {"type": kind}
    if given.network is not None:
        yield {"type": "network", "path": given.network}
    if given.users is not None:
        yield {"type": "user", "path": given.users}


def _mounts(spec: ContainerSpec, given: Surroundings) -> list[dict[str, Any]]:
    mounts = [
        _mount("/proc", "proc", "nosuid", "noexec", "nodev"),
        *_devices(privileged=spec.privileged),
        _mount("/sys", "sysfs", "nosuid", "noexec", "nodev", *(() if spec.privileged else ("ro",))),
        _bind(given.results, RESULTS_PATH),
        *(_bind(file, f"/etc/{name}") for name, file in given.etc.items()),
        *(_shared(one.source, one.target, read_only=one.read_only) for one in spec.mounts),
    ]
    if given.binary:
        mounts.append(_bind(given.binary, BINARY_PATH))
    if given.serve:
        mounts.append(_bind(given.serve, SERVE_PATH))
    if given.docker_socket:
        mounts.append(_shared(str(given.docker_socket), DOCKER_SOCKET, read_only=False))
    return mounts


def _devices(*, privileged: bool) -> Iterator[dict[str, Any]]:
    if privileged:
        yield {"destination": "/dev", "type": "bind", "source": "/dev", "options": ["rbind", "rslave", "rw"]}
        return
    yield _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k")
    # The machine has 4096 terminals for all.
    yield _mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "max=256")
    yield _mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k")  # noqa: S108
    yield _mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev")


def _mount(destination: str, kind: str, *options: str) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": kind, "options": list(options)}


def _bind(source: Path, destination: str) -> dict[str, Any]:
    options = ["bind", "ro", "nosuid", "nodev", "noexec"]
    return {"destination": destination, "type": "bind", "source": str(source), "options": options}


def _shared(source: str, target: str, *, read_only: bool) -> dict[str, Any]:
    # Mounts below a recursive one would stay writable.
    options = ["bind", "ro"] if read_only else ["rbind", "rw"]
    options += ["rslave", "nosuid", "nodev"]
    return {"destination": target, "type": "bind", "source": source, "options": options}


def _strings(config: Mapping[str, Any], key: str) -> list[str]:
    value = config.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ContainerStartError(f"the image's configuration is broken: {key} is not a list of strings")
    return value
