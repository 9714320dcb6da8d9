"""Starting a program without holding the interpreter.

`subprocess` (and `os.posix_spawn`) hold Python's lock from the fork until the child has got to its exec: with all cores
busy that is milliseconds, in which no other thread of the engine runs. A call through ctypes lets go of the lock.
"""

import ctypes
import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

__all__ = ["spawn"]

_SETSID: Final = 0x80
_SETSIGMASK: Final = 0x08
_ROOM: Final = 512
"""Bytes; more than glibc's posix_spawnattr_t, posix_spawn_file_actions_t and sigset_t take on any architecture."""


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def spawn(arguments: Sequence[str], environment: Mapping[str, str], output: int) -> int:
    """Start the program at the path ``arguments[0]`` as leader of a session; its process id.

    stdin is empty, stdout and stderr are the descriptor `output`; nothing else is handed down. Raises OSError.
    """
    libc = _libc()
    actions, attributes, signals = (ctypes.create_string_buffer(_ROOM) for _ in range(3))
    _check(libc.posix_spawn_file_actions_init(actions))
    _check(libc.posix_spawnattr_init(attributes))
    try:
        _check(libc.posix_spawn_file_actions_addopen(actions, 0, b"/dev/null", os.O_RDONLY, 0))
        for descriptor in (1, 2):
            _check(libc.posix_spawn_file_actions_adddup2(actions, output, descriptor))
        libc.sigemptyset(signals)
        _check(libc.posix_spawnattr_setsigmask(attributes, signals))
        _check(libc.posix_spawnattr_setflags(attributes, ctypes.c_short(_SETSID | _SETSIGMASK)))
        pid = ctypes.c_int()
        argv = _strings(arguments)
        envp = _strings([f"{name}={value}" for name, value in environment.items()])
        _check(libc.posix_spawn(ctypes.byref(pid), os.fsencode(arguments[0]), actions, attributes, argv, envp))
        return pid.value
    finally:
        libc.posix_spawn_file_actions_destroy(actions)
        libc.posix_spawnattr_destroy(attributes)


def _strings(texts: Sequence[str]) -> "ctypes.Array[ctypes.c_char_p]":
    return (ctypes.c_char_p * (len(texts) + 1))(*map(os.fsencode, texts), None)


def _check(number: int) -> None:
    if number:
        raise OSError(number, os.strerror(number))
