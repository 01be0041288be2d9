"""Threads that run columns, in pieces short enough to stop within a second and to show progress."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from workbench.backtest.compiling import is_watched
from workbench.core.tally import TALLY
from workbench.sweeps.setting import ROOMS, Room, Setting

__all__ = [
    "Batch",
    "Progress",
    "crew",
    "progress_bar",
    "run_batch",
    "run_batches",
    "undisturbed",
    "wait_for",
]

PIECE_SECONDS: Final = 0.1
LOOK_SECONDS: Final = 0.05
LONG_RUN: Final = 100_000_000  # price updates from which on a bar is shown where somebody looks

type Floats = npt.NDArray[np.float64]
type Progress = bool | Callable[[int, int], object] | None
"""A bar or none (None: on long runs that are watched), or what is told how many are done, and of how many.  Where that
raises KeyboardInterrupt the run stops as by Ctrl-C, and keeps what is finished."""


@dataclass(slots=True, eq=False)
class Batch:
    """Columns of one setting.

    params: a record array, one row a column.  units: float64[columns, symbols], or [0, symbols] for the setting's own.
    tallies: TALLY[columns].  finished: bool[columns].
    """

    setting: Setting
    params: Any
    units: Floats
    tallies: Any = None
    finished: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def __post_init__(self) -> None:
        self.tallies = np.zeros(len(self.params), dtype=TALLY)
        self.finished = np.zeros(len(self.params), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.params)


def run_batch(batch: Batch, first: int, last: int, column: Any, stop: npt.NDArray[np.int64]) -> int:
    """Run columns first..last of a batch in `column`; the first that was not run."""
    setting = batch.setting
    done: int = setting.kernels.run_many(
        column, batch.params, batch.units, first, last, setting.begin_ns, stop, batch.tallies
    )
    batch.finished[first:done] = True
    return done


class _Pieces:
    """Hands out pieces of the batches, each worth about a tenth of a second."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches
        self._lock = threading.Lock()
        self._batch, self._next = 0, 0

    def take(self, size: int) -> tuple[int, int, int] | None:
        """Batch, first column, and the one after the last; None when all is given out."""
        with self._lock:
            while self._batch < len(self._batches) and self._next >= len(self._batches[self._batch]):
                self._batch, self._next = self._batch + 1, 0
            if self._batch == len(self._batches):
                return None
            first = self._next
            self._next = min(first + size, len(self._batches[self._batch]))
            return self._batch, first, self._next


def _work(
    batches: Sequence[Batch],
    pieces: _Pieces,
    stop: npt.NDArray[np.int64],
    done: Callable[[int], None],
    room: Room,
) -> None:
    size = 4
    held, column = -1, None
    while not stop[0]:
        piece = pieces.take(size)
        if piece is None:
            return
        which, first, last = piece
        if which != held:
            held, column = which, batches[which].setting.column(room)
        began = time.perf_counter()
        reached = run_batch(batches[which], first, last, column, stop)
        took = time.perf_counter() - began
        done(reached - first)
        if reached > first:
            size = max(1, min(4 * size, int(PIECE_SECONDS * (reached - first) / max(took, 1e-6))))


def _compile(batches: Sequence[Batch]) -> None:
    """Let every kernel be compiled here, before threads would do it at once."""
    for setting in {b.setting.kernels.digest: b.setting for b in batches}.values():
        batch = Batch(setting, batches[0].params[:0], np.zeros((0, 1)))
        stop = np.zeros(1, dtype=np.int64)
        undisturbed(partial(run_batch, batch, 0, 0, setting.column(), stop))


def undisturbed[T](work: Callable[[], T]) -> T:
    """What `work`, which may compile, answers; it runs in a thread of its own, and Ctrl-C is heard at once.

    An interrupt in the middle of numba would leave kernels behind that are neither compiled nor to be compiled again.
    Here it ends the waiting alone: the work goes on, and whoever needs a kernel next finds it, or waits for it.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            answer.set_exception(error)

    threading.Thread(target=run, name="compiling", daemon=True).start()
    while not answer.done():
        wait([answer], timeout=LOOK_SECONDS)
    return answer.result()


@contextmanager
def crew(threads: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """A pool whose threads all run: one that an interrupt finds starting a thread would leave that behind, at work.

    name: of its threads.
    """
    all_here = threading.Barrier(threads)
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        try:
            undisturbed(lambda: wait([pool.submit(all_here.wait) for _ in range(threads)]))
        except BaseException:
            all_here.abort()
            raise
        yield pool


def run_batches(
    batches: Sequence[Batch], progress: Callable[[int], object] | None = None, threads: int | None = None
) -> bool:
    """Run every column of `batches` over threads (as many as there are cores); whether somebody interrupted.

    Ctrl-C stops it and keeps what is done.  progress: called with how many columns were finished since the last call.
    """
    total = sum(len(batch) for batch in batches)
    if total == 0:
        return False
    _compile(batches)
    workers = max(1, min(threads or os.cpu_count() or 1, total))
    stop = np.zeros(1, dtype=np.int64)
    counts: list[int] = []
    pieces = _Pieces(batches)
    with crew(workers, "sweep") as pool:
        try:
            futures = [
                pool.submit(_work, batches, pieces, stop, counts.append, ROOMS[0]) for _ in range(workers)
            ]
            interrupted = wait_for(futures, stop, counts, progress)
        finally:
            stop[0] = 1  # or an error here would wait for every column
    for future in futures:
        future.result()
    interrupted = interrupted or _run_again(batches)
    if interrupted:
        for batch in batches:  # what found no room has wrong figures, and there is no time to run it again
            batch.finished &= batch.tallies["incomplete"] == 0
    return interrupted


def wait_for(
    futures: Sequence[Future[None]],
    stop: npt.NDArray[np.int64],
    counts: list[int],
    progress: Callable[[int], object] | None,
) -> bool:
    """Until all are done, or somebody interrupts; whether somebody did."""
    shown = 0
    pending = set(futures)
    try:
        while pending:
            _, pending = wait(pending, timeout=LOOK_SECONDS)
            total = sum(counts)
            if progress is not None and total > shown:
                progress(total - shown)
                shown = total
            if any(future.done() and future.exception() is not None for future in futures):
                stop[0] = 1
    except KeyboardInterrupt:
        stop[0] = 1
        wait(futures)
        return True
    return False


def _run_again(batches: Sequence[Batch]) -> bool:
    """Columns that found no room for orders or events, with as much as a replay has; whether somebody interrupted."""
    stop = np.zeros(1, dtype=np.int64)
    try:
        for batch in batches:
            rows = np.flatnonzero((batch.tallies["incomplete"] != 0) & batch.finished)
            column = batch.setting.column(ROOMS[1]) if len(rows) else None
            for row in rows.tolist():
                run_batch(batch, row, row + 1, column, stop)
    except KeyboardInterrupt:
        return True
    return False


def progress_bar(total: int, updates: int, wanted: Progress, name: str, unit: str) -> Any:
    """A context that hands out a function of how many more are done; a bar where `wanted`, or on long runs (None)."""
    if callable(wanted):
        return nullcontext(_counting(wanted, total))
    if not (updates > LONG_RUN and is_watched() if wanted is None else wanted):
        return nullcontext(lambda _: None)
    from tqdm.auto import tqdm

    return _ticking(tqdm(total=total, unit=unit, desc=name, leave=False))


def _counting(tell: Callable[[int, int], object], total: int) -> Callable[[int], object]:
    done = 0

    def tick(more: int) -> None:
        nonlocal done
        done += more
        tell(done, total)

    return tick


@contextmanager
def _ticking(bar: Any) -> Iterator[Callable[[int], object]]:
    with bar:
        yield bar.update
