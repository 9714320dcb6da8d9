"""The system calls that containers are refused, compiled once: crun takes 2 to 14 ms to do it for each container.

The profile is the common default one (that of Podman and CRI-O, a descendant of Docker's), which Debian brings with
skopeo's configuration. It lets a process make a user namespace of its own and be its administrator: what leads there,
and what only administrators need, we refuse besides, as Docker does.
"""

import base64
import errno
import json
import platform
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyseccomp

from abaco.runtime.socket_filter import socket_filter
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["BPF_ANNOTATION", "compile_profile"]

BPF_ANNOTATION: Final = "run.oci.seccomp_bpf_data"
"""What crun reads a compiled filter from (crun.1: "run.oci.seccomp_bpf_data"), in base64."""

_CLONE_NEWUSER: Final = 0x10000000
_REFUSED: Final = frozenset(
    (
        "add_key",
        "bpf",
        "delete_module",
        "finit_module",
        "fsconfig",
        "fsmount",
        "fsopen",
        "fspick",
        "init_module",
        "io_uring_enter",
        "io_uring_register",
        "io_uring_setup",
        "kexec_file_load",
        "kexec_load",
        "keyctl",
        "mount",
        "mount_setattr",
        "move_mount",
        "open_by_handle_at",
        "open_tree",
        "perf_event_open",
        "pivot_root",
        "request_key",
        "setns",
        "umount",
        "umount2",
        "unshare",
        "userfaultfd",
    )
)
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
"""As the profile's conditions call them."""
_OPTIMIZE_AS_TREE: Final = 2


def compile_profile(file: Path) -> str:
    """The filter of the profile in `file` for a container without capabilities, in base64.

    Raises RuntimeUnavailable if the profile is missing or not one.
    """
    try:
        profile = json.loads(file.read_bytes())
        return _compile(profile)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise RuntimeUnavailable(
            f"Abaco cannot use the seccomp profile {file} ({error}): "
            "apt-get install golang-github-containers-common, or set seccomp_profile.",
        ) from error


def _compile(profile: Mapping[str, Any]) -> str:
    refuse = pyseccomp.ERRNO(profile.get("defaultErrnoRet", errno.EPERM))
    filter_ = pyseccomp.SyscallFilter(refuse)
    filter_.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, _OPTIMIZE_AS_TREE)
    for name in _other_architectures(profile):
        filter_.add_arch(getattr(pyseccomp.Arch, name.removeprefix("SCMP_ARCH_")))
    for rule in filter(_applies, profile["syscalls"]):
        _add(filter_, rule)
    for name in _REFUSED:
        _add_one(filter_, pyseccomp.ERRNO(errno.EPERM), name, ())
    # Programs that make threads and processes must go on working. Flags of clone3 lie in memory, where a filter cannot
    # look: it stays "not there", and libraries then use clone.
    no_user_namespace = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_NEWUSER, 0)
    _add_one(filter_, pyseccomp.ALLOW, "clone", (no_user_namespace,))
    _add_one(filter_, pyseccomp.ERRNO(errno.ENOSYS), "clone3", ())
    with tempfile.TemporaryFile() as file:
        filter_.export_bpf(file)
        file.seek(0)
        return base64.b64encode(socket_filter() + file.read()).decode()


def _other_architectures(profile: Mapping[str, Any]) -> Iterator[str]:
    """Those whose programs this machine runs besides its own: a filter that left them out would kill those."""
    own = f"SCMP_ARCH_{platform.machine().upper()}"
    for entry in profile.get("archMap", ()):
        if entry["architecture"] == own:
            yield from entry.get("subArchitectures") or ()


def _applies(rule: Mapping[str, Any]) -> bool:
    """Whether a rule is meant for a container without capabilities on this architecture."""
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    machine = _ARCHITECTURES.get(platform.machine(), platform.machine())
    return (
        not includes.get("caps")
        and machine in (includes.get("arches") or [machine])
        and machine not in (excludes.get("arches") or ())
    )


def _add(filter_: "pyseccomp.SyscallFilter", rule: Mapping[str, Any]) -> None:
    action = pyseccomp.ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else pyseccomp.ERRNO(rule.get("errnoRet") or 1)
    arguments = [
        pyseccomp.Arg(
            one["index"], getattr(pyseccomp, one["op"].removeprefix("SCMP_CMP_")), one["value"], one.get("valueTwo", 0)
        )
        for one in rule.get("args") or ()
    ]
    for name in rule["names"]:
        if name not in _REFUSED and name not in {"clone", "clone3"}:
            _add_one(filter_, action, name, arguments)


def _add_one(
    filter_: "pyseccomp.SyscallFilter", action: int, name: str, arguments: Collection["pyseccomp.Arg"]
) -> None:
    try:
        filter_.add_rule(action, name, *arguments)
    except (OSError, ValueError, RuntimeError):
        # A system call that this machine's library does not know cannot be allowed; it meets the default.
        if name == "clone":
            raise
