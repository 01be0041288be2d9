"""What a process puts on itself before it runs a strategy's code: limits, no powers, no files, few system calls."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from typing import Final

import msgspec

from live.sandbox.contract import Layer
from live.sandbox.landlock import landlock_version, restrict_files
from live.sandbox.linux import drop_capabilities, forbid_new_privileges
from live.sandbox.seccomp import restrict_system_calls, seccomp_available
from live.sandbox.usage import LOOK_S

__all__ = [
    "Confinement",
    "address_space",
    "confine",
    "offered",
]

OPEN_FILES: Final = 32  # its channel, its output, and the modules that it imports
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Confinement(msgspec.Struct, frozen=True):
    """How a process is to be confined.

    memory_bytes: address space it may add.  cpu_s: CPU seconds until SIGXCPU; the engine renews them.
    layers: which to put on.  readable: paths.  log_lines_s: lines a second.
    """

    memory_bytes: int
    cpu_s: float
    layers: frozenset[Layer]
    readable: tuple[str, ...]
    log_lines_s: int


def address_space() -> int:
    """Bytes of address space of this process; 0 where /proc does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * _PAGE
    except (FileNotFoundError, PermissionError):
        return 0


def confine(order: Confinement) -> int:
    """Put every layer of `order` on this process, for good; bytes of address space that it began with.

    Raises OSError where the kernel refuses one: the process must end then.
    """
    began = address_space()
    if Layer.ENVIRONMENT in order.layers:
        os.environ.clear()
    if Layer.RLIMITS in order.layers:
        _limit(order, began)
    if sys.platform == "linux":
        if Layer.LANDLOCK in order.layers or Layer.SECCOMP in order.layers:
            drop_capabilities()
            forbid_new_privileges()
        if Layer.LANDLOCK in order.layers:
            restrict_files(order.readable)
        if Layer.SECCOMP in order.layers:
            restrict_system_calls()
    return began


def _limit(order: Confinement, began: int) -> None:
    if began:
        _lower(resource.RLIMIT_AS, began + order.memory_bytes)
    _lower(resource.RLIMIT_NOFILE, OPEN_FILES)
    for nothing in ("FSIZE", "CORE", "NPROC", "MEMLOCK", "MSGQUEUE", "RTPRIO"):
        if hasattr(resource, f"RLIMIT_{nothing}"):
            _lower(getattr(resource, f"RLIMIT_{nothing}"), 0)
    with suppress(ValueError):  # only the soft one, which the engine can raise again without being root
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (max(1, round(order.cpu_s)) + LOOK_S, hard))


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (least, least))


def offered() -> dict[Layer, str]:
    """What this kernel offers to any process: each layer with "", or with why it is not there."""
    linux = sys.platform == "linux"
    return {
        Layer.LANDLOCK: ""
        if linux and landlock_version()
        else "Landlock: not in this kernel (Linux 5.13 has it)",
        Layer.SECCOMP: ""
        if linux and seccomp_available()
        else "seccomp: not in this kernel, or not known for its CPU",
        Layer.RLIMITS: ""
        if address_space()
        else "limits: the address space cannot be read, so it is not limited",
        Layer.ENVIRONMENT: "",
    }
