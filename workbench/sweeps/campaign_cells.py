"""Cells of a campaign: runs without chaos, and what an event does to each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from workbench.chaos.kinds import Family
from workbench.core.column import Column
from workbench.core.outcome import HOLD, Cell, Path, judge, keep_run
from workbench.sweeps.campaign_result import Entry
from workbench.sweeps.columns import make_batch
from workbench.sweeps.crew import Batch, crew, undisturbed, wait_for
from workbench.sweeps.scenarios import Scenario
from workbench.sweeps.setting import ROOMS, Setting

__all__ = ["Calm", "Stop", "together"]

type Stop = npt.NDArray[np.int64]
type Floats = npt.NDArray[np.float64]

USUAL: Final = 0.95  # see backtest.recovery, where these figures are defined
LEAST_BAND: Final = 1e-6


def together(
    calls: Sequence[Callable[[], None]], stop: Stop, counts: list[int], tick: Callable[[int], object] | None
) -> bool:
    """Make all calls, each in a thread; whether somebody interrupted.  stop: set then, and they have to look at it."""
    with crew(len(calls), "campaign") as pool:
        try:
            futures = [pool.submit(call) for call in calls]
            interrupted = wait_for(futures, stop, counts, tick)
        except BaseException:
            stop[0] = 1  # or this would wait for every column
            raise
    for future in futures:
        future.result()
    return interrupted


class Calm:
    """Runs without chaos of some parameter sets of one strategy, and what chaos does beside them."""

    def __init__(self, entry: Entry, rows: slice) -> None:
        self.entry, self.rows = entry, rows
        grid = entry.grid.take(np.arange(rows.start, rows.stop)) if entry.grid.values else entry.grid
        self.batch: Batch = make_batch(entry.base, entry.config, grid)
        setting = entry.base
        closes = np.asarray(setting.tape.rows)["closes"][: len(setting.feed)]
        self.at = np.flatnonzero(closes)
        self.times = setting.tape.times[self.at]
        count, instruments = len(self.at), len(setting.instruments)
        self.paths = _room(len(self.batch), count, instruments)
        self.bands = np.zeros(len(self.batch))
        self.usual = np.zeros(len(self.batch), dtype=np.int64)

    def run(self, workers: int, stop: Stop) -> bool:
        """The runs without chaos; whether somebody interrupted."""
        count = len(self.batch)
        bounds = np.linspace(0, count, min(workers, count) + 1).astype(int).tolist()
        tallies = self.entry.normal[self.rows]

        def part(first: int, last: int) -> None:
            setting, batch = self.entry.base, self.batch
            for room in ROOMS:
                column = setting.column(room, traced=True)
                for c in range(first, last):
                    if stop[0]:
                        return
                    _run(setting, column, batch, c)
                    tallies[c] = column.glide.tally[0]
                    keep_run(column, self.at, self.paths, c)
                if not tallies["incomplete"][first:last].any():
                    break
            for c in range(first, last):
                self._measure(c)

        undisturbed(partial(part, 0, 1))
        calls = [partial(part, first, last) for first, last in pairwise(bounds)]
        interrupted = together(calls, stop, [], None)
        self.entry.played[self.rows] = not interrupted
        return interrupted

    def _measure(self, c: int) -> None:
        """What is usual in run `c`."""
        equity, breaches = self.paths.equity[c], self.paths.breaches[c]
        cash = self.entry.base.plan.initial_cash
        self.bands[c] = LEAST_BAND * cash
        if len(equity) > HOLD:
            windows = np.lib.stride_tricks.sliding_window_view(equity, HOLD + 1)
            moves = np.maximum(windows.max(axis=1) - windows[:, 0], windows[:, 0] - windows.min(axis=1))
            self.bands[c] = max(float(np.quantile(moves, USUAL)), LEAST_BAND * cash)
            self.usual[c] = int(
                np.lib.stride_tricks.sliding_window_view(breaches, HOLD + 1).sum(axis=1).max()
            )

    def disturb(self, scenario: Scenario, place: int, stop: Stop) -> int:
        """All parameter sets under one event; how many are finished."""
        event = scenario.event
        base = self.entry.base
        shares = event.family is not Family.MARKET
        setting = Setting(base.plan, base.kind, events=[event], tape=base.tape if shares else None)
        at = self.at
        if not shares:
            at = np.searchsorted(setting.tape.times, self.times, side="right") - 1
        count, instruments = len(self.at), len(setting.instruments)
        one = _room(1, count, instruments)
        cell = Cell(
            event.start_ns,
            event.end_ns,
            at,
            self.times,
            Path(*(array[0] for array in one)),
            np.zeros(count),
            np.zeros(count, dtype=np.int64),
        )
        outcomes, tallies = self.entry.outcomes[place, self.rows], self.entry.tallies[place, self.rows]
        finished = np.zeros(len(self.batch), dtype=np.bool_)
        for room in ROOMS:
            rest = np.flatnonzero(~finished)
            if not len(rest) or stop[0]:
                break
            column = setting.column(room, traced=True)
            for c in rest.tolist():
                if stop[0]:
                    break
                _run(setting, column, self.batch, c)
                tallies[c] = column.glide.tally[0]
                judge(column, cell, self.paths, c, self.bands[c], self.usual[c], outcomes)
                finished[c] = room is ROOMS[-1] or not tallies["incomplete"][c]
        self.entry.finished[place, self.rows] = finished
        return int(np.count_nonzero(finished))


def _run(setting: Setting, column: Column, batch: Batch, c: int) -> None:
    """Run column `c` of a batch."""
    if len(batch.units):
        column.work.units[:] = batch.units[c]
    setting.kernels.run_one(column, batch.params[c], setting.begin_ns, len(batch.units), 0)


def _room(columns: int, moments: int, instruments: int) -> Path:
    return Path(
        np.zeros((columns, moments)),
        np.zeros((columns, moments, instruments)),
        np.zeros((columns, moments), dtype=np.int64),
        np.zeros((columns, moments), dtype=np.int64),
        np.zeros((columns, instruments)),
    )
