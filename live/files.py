"""Files are read and written beside the event loop: a slow disk holds up who waits for it, and not trading."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

__all__ = ["off_loop"]

_THREADS: Final = ThreadPoolExecutor(
    4, "files"
)  # apart from the usual ones, in which names of hosts are looked up


async def off_loop[**P, T](work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """What `work` returns, called in a thread.  It must not touch what belongs to the loop.  Raises what it raises."""
    called = partial(contextvars.copy_context().run, partial(work, *given, **named))
    return await asyncio.get_running_loop().run_in_executor(_THREADS, called)
