"""Landlock: a process gives up files, TCP and signals to others, for good (landlock(7), kernel 5.13 and later)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress

from live.sandbox.linux import syscall

__all__ = ["landlock_version", "restrict_files"]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# Rights that each version knows (include/uapi/linux/landlock.h): 13 at first, then REFER, TRUNCATE, IOCTL_DEV.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_BIND_AND_CONNECT = 0b11  # from version 4
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11  # from version 6
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def _pointer(part: ctypes.Structure) -> ctypes.c_void_p:
    return ctypes.cast(ctypes.byref(part), ctypes.c_void_p)


def landlock_version() -> int:
    """What this kernel offers; 0 for nothing."""
    try:
        return syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0  # not built in, or switched off at boot


def restrict_files(readable: Iterable[str]) -> None:
    """From here on, this process and its children read beneath `readable` and touch no other file.

    As far as the kernel goes they also open no TCP connection, reach no abstract unix socket and signal nobody
    outside.  `forbid_new_privileges` comes first.  A path that does not exist is left out.  Raises OSError.
    """
    version = landlock_version()
    rules = _Ruleset((1 << _FILE_RIGHTS[min(version, max(_FILE_RIGHTS))]) - 1 if version else 0)
    size = 8
    if version >= _NETWORK_SINCE:
        rules.network, size = _BIND_AND_CONNECT, 16
    if version >= _SCOPES_SINCE:
        rules.scopes, size = _ABSTRACT_SOCKETS_AND_SIGNALS, 24
    ruleset = syscall(_CREATE_RULESET, _pointer(rules), size, 0)
    try:
        for path in readable:
            with suppress(FileNotFoundError):
                _allow(ruleset, path)
        syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str) -> None:
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | _READ_DIR if os.path.isdir(path) else _READ_FILE
        rule = _PathBeneath(
            rights, folder
        )  # kept by its name until the call is over: a pointer keeps nothing
        syscall(_ADD_RULE, ruleset, _PATH_BENEATH, _pointer(rule), 0)
    finally:
        os.close(folder)
