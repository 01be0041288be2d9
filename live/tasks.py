"""Work that goes on for as long as the engine: what fails unforeseen is told, and begun again.

Errors that can be foreseen are handled where they arise. Whatever else ends such a task would end it silently, and
nobody would miss a watcher or a clock before it is needed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from workbench.errors import JournalFailed

__all__ = ["Tasks"]

_FIRST_WAIT_S: Final = 0.5  # before it is begun again; doubled each time
_LONGEST_WAIT_S: Final = 30.0
_STEADY_S: Final = 60.0  # a task that has run for so long since is well again

_log = structlog.get_logger("live.tasks")


class Tasks:
    """failures: how often each kind of task has failed.  problems: by kind, what is wrong, until it runs steadily."""

    def __init__(self, *, first_wait_s: float = _FIRST_WAIT_S, steady_s: float = _STEADY_S) -> None:
        self.failures: Counter[str] = Counter()
        self.problems: dict[str, str] = {}
        self._first_wait_s, self._steady_s = first_wait_s, steady_s
        self._running: set[asyncio.Task[None]] = set()

    def keep(self, kind: str, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Have `work` done until it returns or is cancelled; where it raises, it is begun again after a while."""
        self.failures[kind] += 0  # known from the beginning
        return self._hold(asyncio.create_task(self._kept(kind, work), name=kind))

    async def _kept(self, kind: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        failed = 0
        while True:
            steady = asyncio.get_running_loop().call_later(self._steady_s, self._well, kind)
            begun = asyncio.get_running_loop().time()
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - told with all that is known; nothing else may end it
                failed = 1 if asyncio.get_running_loop().time() - begun > self._steady_s else failed + 1
                self.note(kind, error, f"failed {failed} times, begun again")
            else:
                self._well(kind)
                return
            finally:
                steady.cancel()
            await asyncio.sleep(min(self._first_wait_s * 2 ** min(failed - 1, 16), _LONGEST_WAIT_S))

    def once(
        self,
        kind: str,
        work: Coroutine[Any, Any, None],
        failed: Callable[[BaseException], object] | None = None,
    ) -> asyncio.Task[None]:
        """Have `work` done; where it raises, that is told, and `failed` called."""
        self.failures[kind] += 0
        task = self._hold(asyncio.create_task(work, name=kind))

        def ended(task: asyncio.Task[None]) -> None:
            if task.cancelled() or (error := task.exception()) is None:
                return
            if isinstance(error, JournalFailed):  # which the engine tells by itself
                _log.error("task_ended", task=kind, error=str(error))
                return
            self.note(kind, error, "gave up")
            if failed is not None:
                failed(error)

        task.add_done_callback(ended)
        return task

    def note(self, kind: str, error: BaseException, outcome: str, *, lasting: bool = True) -> None:
        """Tell of an error that nobody had foreseen.  lasting: it is a problem from now on."""
        self.failures[kind] += 1
        if lasting:
            self.problems[kind] = f"{outcome}: {type(error).__name__}: {error}"[:500]
        _log.error("task_failed", task=kind, outcome=outcome, error=repr(error), exc_info=error)

    def _well(self, kind: str) -> None:
        self.problems.pop(kind, None)

    def _hold(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        """The loop itself keeps no hold of a task."""
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        """Cancel what still runs, and wait for it."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
