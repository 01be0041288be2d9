"""Time as venues see it: UTC nanoseconds out of one injected clock, never the wall clock itself."""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import Final, Protocol

__all__ = ["Clock", "SimulatedClock", "WallClock", "sleep_until"]

_LONGEST_SLEEP: Final = (
    60.0  # seconds; a longer wait is cut in pieces, so that no float of a far time is slept on
)


class Clock(Protocol):
    """Reads the time, and lets a task wait for one."""

    def now_ns(self) -> int:
        """UTC nanoseconds; never falling."""
        ...

    async def wait_until(self, ns: int) -> None:
        """Come back once `now_ns()` is at or after `ns`, at once where it is already."""
        ...


class WallClock:
    """The machine's time, read once and counted on by the monotonic clock: no jump of the wall clock is seen."""

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        return self._offset + time.monotonic_ns()

    async def wait_until(self, ns: int) -> None:
        while (rest := ns - self.now_ns()) > 0:
            await asyncio.sleep(min(rest / 1e9, _LONGEST_SLEEP))


class SimulatedClock:
    """Stands still until `run_until` moves it, from one waiting task to the next.

    Each wake-up happens at exactly the instant that was asked for; tasks of one instant wake in the order in which
    they began to wait.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now = start_ns
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now_ns(self) -> int:
        return self._now

    async def wait_until(self, ns: int) -> None:
        if ns <= self._now:
            return
        self._count += 1
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (ns, self._count, future))
        await future

    async def run_until(self, ns: int, settle: int = 5) -> None:
        """Move on to `ns`; round each wake-up the loop turns `settle` times, so that all it set off is done."""
        await self._turn(settle)
        while self._waiting and self._waiting[0][0] <= ns:
            due, _, future = heapq.heappop(self._waiting)
            if future.done():  # its task was cancelled
                continue
            self._now = max(self._now, due)
            future.set_result(None)
            await self._turn(settle)
        self._now = max(self._now, ns)

    async def _turn(self, times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(0)


async def sleep_until(clock: Clock, ns: int, wake: asyncio.Event) -> None:
    """Wait for `ns` or for `wake`, whichever is first; `wake` is cleared."""
    if wake.is_set():
        wake.clear()
        return
    timer = asyncio.ensure_future(clock.wait_until(ns))
    bell = asyncio.ensure_future(wake.wait())
    try:
        await asyncio.wait((timer, bell), return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
        bell.cancel()
    wake.clear()
