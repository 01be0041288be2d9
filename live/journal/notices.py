"""From the journal's thread into the loop: what is durable, and what has failed."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable
from typing import Final

from workbench.errors import JournalFailed

__all__ = ["Notices"]

_log: Final = logging.getLogger(__name__)


class Notices:
    """All methods but `ring` are called in the loop.  durable, failure: ask for what is so now."""

    def __init__(self, durable: Callable[[], int], failure: Callable[[], JournalFailed | None]) -> None:
        self._durable = durable
        self._failure = failure
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = False
        self._told = 0
        self._when_durable: list[Callable[[int], object]] = []
        # Each with the failure that it was told last.
        self._when_failed: list[tuple[Callable[[JournalFailed], object], JournalFailed | None]] = []
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def on_durable(self, callback: Callable[[int], object]) -> None:
        self._bind()
        self._told = max(self._told, self._durable())
        self._when_durable.append(callback)

    def on_failure(self, callback: Callable[[JournalFailed], object]) -> None:
        self._bind()
        self._when_failed.append((callback, None))
        if self._failure() is not None:
            self.ring()

    async def wait(self, sequence: int) -> None:
        """Return once `sequence` is durable; raises JournalFailed."""
        self._bind()
        if self._durable() >= sequence:
            return
        failure = self._failure()
        if failure is not None:
            raise failure
        assert self._loop is not None
        future: asyncio.Future[None] = self._loop.create_future()
        heapq.heappush(self._waiting, (sequence, next(self._order), future))
        self.ring()  # it may have become durable, or failed, since it was asked
        await future

    def ring(self) -> None:
        """Have the loop look again.  Any thread; calls before it has looked make one."""
        loop = self._loop
        if self._rung or loop is None:
            return
        self._rung = True
        try:
            loop.call_soon_threadsafe(self._tell)
        except RuntimeError:  # the loop is closed, and nobody is left to be told
            _log.warning("the journal has news, but the engine's loop is closed")

    def _bind(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None or self._loop.is_closed():
            self._loop, self._rung = loop, False
        elif self._loop is not loop:
            raise RuntimeError("expected the loop that the journal is used in already, found another one")

    def _tell(self) -> None:
        self._rung = False  # before looking: what comes later rings again
        durable, failure = self._durable(), self._failure()
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0][0] <= durable:
            _settle(heapq.heappop(self._waiting)[2], None)
        if failure is not None:
            while self._waiting:
                _settle(heapq.heappop(self._waiting)[2], failure)
        if durable > self._told:
            self._told = durable
            for callback in self._when_durable:
                loop.call_soon(
                    callback, durable
                )  # each for itself: one that raises keeps none from the others
        if failure is not None:
            self._tell_failure(failure, loop)

    def _tell_failure(self, failure: JournalFailed, loop: asyncio.AbstractEventLoop) -> None:
        for callback, told in self._when_failed:
            if told is not failure:
                loop.call_soon(callback, failure)
        self._when_failed = [(callback, failure) for callback, _ in self._when_failed]


def _settle(future: asyncio.Future[None], failure: JournalFailed | None) -> None:
    if future.done():  # cancelled by the one who waited
        return
    if failure is None:
        future.set_result(None)
    else:
        future.set_exception(failure)
