"""The few calls of Linux that the standard library lacks, by ctypes.  Each raises OSError where the kernel refuses."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys

__all__ = [
    "die_with_parent",
    "drop_capabilities",
    "forbid_inspection",
    "forbid_new_privileges",
    "prctl",
    "syscall",
]

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3 = 0x20080522
_EINVAL = 22

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def syscall(number: int, *arguments: int | ctypes.c_void_p | None) -> int:
    """A system call by its number; pointers as `ctypes.c_void_p`."""
    passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *passed), f"system call {number}")


def prctl(option: int, *arguments: int) -> int:
    return _checked(_libc.prctl(option, *(*arguments, 0, 0, 0, 0)[:4]), f"prctl {option}")


def forbid_inspection() -> None:
    """Let no process of the same user read this one's memory or environment, or trace it; also: no core dumps.

    Does nothing where there is no Linux.
    """
    if sys.platform == "linux":
        prctl(PR_SET_DUMPABLE, 0)


def die_with_parent(parent: int) -> None:
    """Be killed when the thread that started this process ends.  parent: the pid that it should have.

    Raises ProcessLookupError where the parent is gone already.
    """
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent and os.getppid() != parent:
        raise ProcessLookupError("the parent process is gone")


def forbid_new_privileges() -> None:
    """No program that is run from here on gains anything by being set-uid; Landlock and seccomp demand it."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Give up all of root's powers, whoever this is; files that root owns stay its own."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except PermissionError:
            break  # nothing to drop
        except OSError as error:
            if error.errno != _EINVAL:  # beyond the last one that this kernel knows
                raise
            break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    number = _CAPSET[platform.machine()]
    syscall(number, ctypes.cast(header, ctypes.c_void_p), ctypes.cast(nothing, ctypes.c_void_p))
