"""seccomp: a filter over system calls that a process puts on itself, for good (seccomp(2)).

The filter is a program of the classic packet filter; the kernel keeps its verdict for calls whose arguments it does
not look at, so that the usual ones cost nothing.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
from collections.abc import Iterable
from typing import Final

from live.sandbox.linux import prctl
from live.sandbox.syscalls import ARCHITECTURES

__all__ = ["filter_program", "restrict_system_calls", "seccomp_available"]

PR_GET_SECCOMP, PR_SET_SECCOMP, MODE_FILTER = 21, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = (
    0x20,
    0x15,
    0x35,
    0x06,
)  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JGE|K, BPF_RET|K
_NUMBER, _AUDIT, _ARGUMENTS = 0, 4, 16  # offsets into struct seccomp_data
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_REFUSE, _ABSENT = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_X32 = 0x40000000  # the other calling convention of x86_64 begins here
# fcntl: descriptors' own flags and copies; not who is signalled (F_SETOWN), leases or locks.
_FCNTL: Final = (0, 1, 2, 3, 4, 1030)

type Line = tuple[int, int, int, int]
"""code, lines to skip if true, if false, operand."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_void_p))


def seccomp_available() -> bool:
    """Whether this kernel filters, and this machine is one whose system calls are known."""
    try:
        prctl(PR_GET_SECCOMP)
    except OSError:
        return False
    return platform.machine() in ARCHITECTURES


def _argument(place: int, *, high: bool = False) -> Line:
    """Load half of an argument; both architectures are little-endian."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * place + 4 * high)


def _one_of(number: int, place: int, values: Iterable[int], *, allow: bool = True) -> list[Line]:
    """Call `number` with argument `place` (its low half) among `values`: allowed, or with `allow` false refused."""
    hit, miss = (_ALLOW, _REFUSE) if allow else (_REFUSE, _ALLOW)
    checks: list[Line] = [_argument(place)]
    for value in values:
        checks += [(_EQUAL, 0, 1, value & 0xFFFFFFFF), (_RETURN, 0, 0, hit)]
    checks.append((_RETURN, 0, 0, miss))
    return [(_EQUAL, 0, len(checks), number), *checks]


def filter_program(machine: str, pid: int) -> list[Line]:
    """What a process with this pid may call: everything in `syscalls`, with arguments that reach nobody else."""
    architecture = ARCHITECTURES[machine]
    allowed = dict(architecture.allowed)
    program: list[Line] = [
        (_LOAD, 0, 0, _AUDIT),
        (_EQUAL, 1, 0, architecture.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for number in architecture.absent:
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ABSENT)]
    for name in ("kill", "tgkill"):
        program += _one_of(allowed.pop(name), 0, [pid])
    program += _one_of(allowed.pop("tkill"), 0, [pid])  # it has one thread
    program += _one_of(allowed.pop("fcntl"), 1, _FCNTL)
    # Its CPU time runs out with this signal.
    program += _one_of(allowed.pop("rt_sigaction"), 0, [signal.SIGXCPU], allow=False)
    # Reading limits is fine; the third argument points to new ones.
    no_new_limit = [_argument(2), (_EQUAL, 0, 3, 0), _argument(2, high=True), (_EQUAL, 0, 1, 0)]
    no_new_limit += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    program += [(_EQUAL, 0, len(no_new_limit), allowed.pop("prlimit64")), *no_new_limit]
    for number in allowed.values():
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    program.append((_RETURN, 0, 0, _REFUSE))
    return program


def restrict_system_calls() -> None:
    """From here on this process makes the calls of `filter_program` and no others; `forbid_new_privileges` comes first.

    Raises OSError, or KeyError on a machine whose system calls are not known.
    """
    lines = filter_program(platform.machine(), os.getpid())
    packed = b"".join(struct.pack("<HBBI", *line) for line in lines)
    kept = ctypes.create_string_buffer(packed, len(packed))
    program = _Program(len(lines), ctypes.cast(kept, ctypes.c_void_p))
    prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(program))
