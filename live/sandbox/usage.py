"""What the kernel says of a process: memory, CPU time, whether it is stopped.  Zeros where there is no /proc."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from typing import Final, NamedTuple

__all__ = ["LOOK_S", "Vitals", "memory", "proportional", "renew_cpu", "vitals"]

LOOK_S: Final = (
    1  # seconds between two looks at a process; a busy one must live that long on what it was given
)
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_TICK: Final = os.sysconf("SC_CLK_TCK")
_GONE: Final = (FileNotFoundError, ProcessLookupError, PermissionError)


class Vitals(NamedTuple):
    """state: R running, S asleep, T stopped, Z dead, ...; "" where not known.  cpu_s: seconds, user and system."""

    state: str = ""
    cpu_s: float = 0.0


def vitals(pid: int) -> Vitals:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except _GONE:
        return Vitals()
    return Vitals(fields[0].decode(), (int(fields[11]) + int(fields[12])) / _TICK)


def memory(pid: int) -> tuple[int, int]:
    """Bytes of address space, and bytes resident; zeros where not known."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            size, resident, *_ = file.read().split()
    except _GONE:
        return 0, 0
    return int(size) * _PAGE, int(resident) * _PAGE


def proportional(pid: int) -> int:
    """Bytes of memory, shared pages divided among those who share them (takes some 0.5 ms); 0 where not known."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except _GONE:
        return 0
    return 0


def renew_cpu(pid: int, used_s: float, more_s: float) -> None:
    """Let a process use `more_s` seconds from now on, before SIGXCPU ends it."""
    if not hasattr(resource, "prlimit"):
        return
    with suppress(*_GONE):
        _, hard = resource.prlimit(pid, resource.RLIMIT_CPU)
        soft = int(used_s + more_s) + 1 + LOOK_S
        soft = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
        resource.prlimit(pid, resource.RLIMIT_CPU, (soft, hard))
