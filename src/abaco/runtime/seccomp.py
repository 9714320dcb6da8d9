"""The system calls that containers are refused.

Not yet the common default profile: those that let a process without capabilities reach the kernel's administration by
way of a user namespace of its own, where it has all of them (mount control groups, lift its limits, hide processes).
"""

from typing import Any, Final

__all__ = ["seccomp_profile"]

_CLONE_NEWUSER: Final = 0x10000000
_ENOSYS: Final = 38
_EPERM: Final = 1
_REFUSED: Final = (
    "add_key",
    "bpf",
    "delete_module",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "init_module",
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
    "umount2",
    "unshare",
    "userfaultfd",
)


def seccomp_profile() -> dict[str, Any]:
    """The ``linux.seccomp`` object of the runtime specification."""
    new_user = {"index": 0, "value": _CLONE_NEWUSER, "valueTwo": _CLONE_NEWUSER, "op": "SCMP_CMP_MASKED_EQ"}
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": list(_REFUSED), "action": "SCMP_ACT_ERRNO", "errnoRet": _EPERM},
            {"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": _EPERM, "args": [new_user]},
            # Its flags lie in memory, where a filter cannot look: libraries then use clone.
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS},
        ],
    }
