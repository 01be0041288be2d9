"""Sweeps of signal functions over a cluster: each worker calls the function and runs the columns, piece by piece."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.backtest.api import plan_run
from workbench.sweeps.cluster import run_tallies
from workbench.sweeps.crew import Batch
from workbench.sweeps.grid import Grid
from workbench.sweeps.payload import arguments_of, pack, unpack
from workbench.sweeps.remote import MOST_KEPT, Parcel, check_version
from workbench.sweeps.vector import Run, SignalSetting, told_rows

if TYPE_CHECKING:
    from workbench.sweeps.job import Job

__all__ = ["play_signals", "run_over_cluster"]

_settings: OrderedDict[str, SignalSetting] = OrderedDict()
_lock = threading.Lock()


def run_over_cluster(job: Job, batches: Sequence[Batch], tick: Callable[[int], object]) -> bool:
    """Fill in the tallies of `batches`, as `Run.play` does; whether it ended early."""

    def call(parcel: Any, batch: int, first: int, last: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        grid = job.grid.take(np.arange(first, last))
        return play_signals, (parcel, grid, batches[batch].units[first:last])

    return run_tallies(job, batches, tick, [_packed(batch.setting) for batch in batches], call, first=1)


def _packed(setting: Any) -> bytes:
    player = setting.plan.players[0]
    arguments = arguments_of(setting.plan, type(player.strategy))
    return pack((arguments, dict(player.strategy.config)), "the signal function")


def play_signals(found: Parcel, grid: Grid, units: npt.NDArray[np.float64]) -> tuple[bytes, float]:
    """Tallies (TALLY[columns], as bytes) of the columns of `grid`, and how many seconds they took.

    One piece at a time in each process: the function need not stand being called by several threads.
    """
    with _lock:
        setting = _setting(found)
        batch = Batch(setting, told_rows(len(grid)), units)
        began = time.perf_counter()
        Run(grid, lambda _: None, 1).play([batch])
        return batch.tallies.tobytes(), time.perf_counter() - began


def _setting(found: Parcel) -> SignalSetting:
    setting = _settings.get(found.digest)
    if setting is None:
        check_version(found)
        arguments, config = unpack(found.data)
        setting = _settings[found.digest] = SignalSetting(plan_run(**arguments, config=config))
    _settings.move_to_end(found.digest)
    while len(_settings) > MOST_KEPT:
        _settings.popitem(last=False)
    return setting
