"""Which kinds of sockets containers may open: what stands before the filter of system calls.

AF_VSOCK leads to the machine's hypervisor, past all rules of the network, and the others to seldom used parts of the
kernel. libseccomp cannot say it: what it is told of `socket` it takes for 32-bit `socketcall` as well, whose arguments
lie in memory, where a filter cannot look.
"""

import errno
import platform
import socket
import struct
from collections.abc import Sequence
from typing import Final

__all__ = ["socket_filter"]

_FAMILIES: Final = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
_I386: Final = 0x40000003
_SOCKETS: Final = {
    "x86_64": ((0xC000003E, 41), (_I386, 359)),
    "aarch64": ((0xC00000B7, 198), (0x40000028, 281)),
}
"""For each machine the kinds of programs it runs (linux/audit.h), and the number of `socket` in them."""
_X32: Final = 0x40000000
"""In the numbers of a third kind of programs, which otherwise are as x86_64."""
_SOCKETCALL: Final = 102
_SYS_SOCKET: Final = 1
# struct seccomp_data, the lower half of its first argument.
_NUMBER, _KIND, _FIRST = 0, 4, 16
# Instructions (linux/filter.h): a load, "and", a jump if equal, and the end.
_LOAD, _AND, _IF, _RETURN = 0x20, 0x54, 0x15, 0x06
_REFUSE: Final = (_RETURN, 0, 0, 0x00050000 | errno.EAFNOSUPPORT)

_Instruction = tuple[int, int, int, int]


def socket_filter() -> bytes:
    """Instructions that refuse such sockets (EAFNOSUPPORT), and go on behind themselves with all else."""
    program: list[_Instruction] = []
    for kind, number in _SOCKETS.get(platform.machine(), ()):
        program += [(_LOAD, 0, 0, _KIND), *_if(kind, _of_one_kind(kind, number))]
    return b"".join(struct.pack("=HBBI", *each) for each in program)


def _of_one_kind(kind: int, number: int) -> list[_Instruction]:
    allowed = [(_IF, len(_FAMILIES) - place, 0, family) for place, family in enumerate(_FAMILIES)]
    program = [(_LOAD, 0, 0, _NUMBER), (_AND, 0, 0, ~_X32 & 0xFFFFFFFF)]
    program += _if(number, [(_LOAD, 0, 0, _FIRST), *allowed, _REFUSE])
    if kind == _I386:
        program += [(_LOAD, 0, 0, _NUMBER), *_if(_SOCKETCALL, [(_LOAD, 0, 0, _FIRST), *_if(_SYS_SOCKET, [_REFUSE])])]
    return program


def _if(value: int, then: Sequence[_Instruction]) -> list[_Instruction]:
    return [(_IF, 0, len(then), value), *then]
