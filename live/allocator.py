"""Memory that is not used goes back to the system: an engine runs for months.

On glibc and Linux alone; elsewhere nothing is asked of anybody.  See mallopt(3), malloc_trim(3) and madvise(2).
"""

from __future__ import annotations

import ctypes
import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["few_arenas", "give_back", "let_go"]

_ARENA_MAX: Final = -8  # M_ARENA_MAX of malloc.h
_ARENAS: Final = 2  # a thread would get one of its own, up to eight a core, and keep what it had
_MAPPINGS: Final = Path("/proc/self/smaps")
_MAPPING: Final = re.compile(
    r"^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \d+ +(/.*)$"
    r"(?:\n\w+:.*)*?\nAnonymous: +0 kB$(?:\n\w+:.*)*?\nSwap: +0 kB$",  # neither in memory nor swapped out
    re.MULTILINE,
)


def few_arenas() -> bool:
    """Have threads share arenas; whether that was possible.  Before any thread begins."""
    return bool(_asked("mallopt", ctypes.c_int(_ARENA_MAX), ctypes.c_int(_ARENAS)))


def give_back() -> bool:
    """Return freed memory to the system, as after a snapshot, which takes some tens of megabytes for a moment."""
    return bool(_asked("malloc_trim", ctypes.c_size_t(0)))


def let_go(library: str) -> int:
    """Let go of the code and constants of shared libraries whose name begins so; bytes of address space, 0 for none.

    For what has done its work and stays loaded: what is needed after all is read from the file again.  Pages that this
    process has written are not touched.
    """
    dropped = 0
    for begin, size in list(_pages_of(library)):
        if _asked("madvise", ctypes.c_void_p(begin), ctypes.c_size_t(size), mmap.MADV_DONTNEED) == 0:
            dropped += size
    return dropped


def _pages_of(library: str) -> Iterator[tuple[int, int]]:
    """Address and size of each mapping of it that cannot be written, and never was."""
    try:
        mappings = _MAPPINGS.read_text()
    except OSError:  # another system
        return
    for begin, end, path in _MAPPING.findall(mappings):
        if Path(path).name.startswith(library):
            yield int(begin, 16), int(end, 16) - int(begin, 16)


def _asked(name: str, *arguments: object) -> int | None:
    """What the C library's function returns; None where there is no such function."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError):  # another C library
        return None
    return int(function(*arguments))
