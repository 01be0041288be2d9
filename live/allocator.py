"""The C library's allocator, asked to give back what is not used: an engine runs for months.

On glibc alone; elsewhere nothing is asked of anybody.  See mallopt(3) and malloc_trim(3).
"""

from __future__ import annotations

import ctypes
from typing import Final

__all__ = ["few_arenas", "give_back"]

_ARENA_MAX: Final = -8  # M_ARENA_MAX of malloc.h
_ARENAS: Final = 2  # a thread would get one of its own, up to eight a core, and keep what it had


def few_arenas() -> bool:
    """Have threads share arenas; whether that was possible.  Before any thread begins."""
    return _ask("mallopt", _ARENA_MAX, _ARENAS)


def give_back() -> bool:
    """Return freed memory to the system, as after a snapshot, which takes some tens of megabytes for a moment."""
    return _ask("malloc_trim", 0)


def _ask(name: str, *arguments: int) -> bool:
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError):  # another C library
        return False
    return bool(function(*arguments))
