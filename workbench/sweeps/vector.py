"""Sweeps of signal functions: the function is called once for each parameter set, with all prices of an instrument.

What it answers stands beside the prices as one more column, and a strategy that says what stands there is run by the
same compiled loop, with the same rules, as any other. The function itself runs in the thread that called `sweep`, one
call at a time, while other threads run the columns that are ready; a column in the making costs one copy of the prices.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.backtest.api import RunPlan
from workbench.backtest.result import BacktestResult
from workbench.core.column import Column
from workbench.core.feed import ASK, BID, LAST, VOLUME
from workbench.errors import ParameterError
from workbench.strategy.compiled import CompiledStrategy, parameter_rows
from workbench.strategy.vector import SignalStrategy, price_frame, signal_strategy, to_say
from workbench.sweeps.columns import in_full
from workbench.sweeps.crew import Batch, crew, run_batch, undisturbed
from workbench.sweeps.grid import UNIT, Grid
from workbench.sweeps.result import Part
from workbench.sweeps.setting import ROOMS, Room, Setting

if TYPE_CHECKING:
    from workbench.sweeps.job import Job, Task

__all__ = [
    "Run",
    "SignalSetting",
    "ToldStrategy",
    "checked_settings",
    "column_of",
    "run_signals",
    "strategy_of",
    "told_rows",
]

type Floats = npt.NDArray[np.float64]

TOLD: Final = (
    LAST  # the column that holds what is to be said at a row, NaN for nothing, in place of the price
)
CHECKED: Final = 8  # instruments that the prefix test looks at, spread over all


class ToldStrategy(CompiledStrategy):
    """Says at each row what stands there in place of its price."""

    SIZING: ClassVar[str] = "target"

    @staticmethod
    def step(params: Any, state: Any, prices: Floats) -> Any:  # noqa: ARG004 - every strategy is called with these
        return prices[TOLD]


class SignalSetting(Setting):
    """A checked run of a signal function, made ready for any number of columns."""

    def __init__(self, plan: RunPlan) -> None:
        super().__init__(plan, ToldStrategy)
        strategy = self.player.strategy
        assert isinstance(strategy, SignalStrategy), "only their plans come here"
        self.signals, self.lookback = strategy.SIGNALS, strategy.WINDOW
        groups = self.groups
        self.spans = list(pairwise(groups.starts.tolist()))
        self.names = [self.instruments[k].name for k in groups.members[:, 0]]
        shown = np.asfortranarray(groups.quotes[:, (LAST, VOLUME, BID, ASK)])
        self.frames = [price_frame(groups.times[a:b], shown[a:b]) for a, b in self.spans]

    def params(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """What the function is called with for one column."""
        return self.signals.parameters({**self.player.strategy.config, **config})

    def quotes(self) -> Floats:
        """float64[rows, 7]: what `tell` writes to, in place of the groups' quotes."""
        return np.full_like(self.groups.quotes, np.nan)

    def tell(self, quotes: Floats, config: Mapping[str, Any]) -> None:
        """Call the function for one column, and write down in `quotes` what is to be said."""
        params = self.params(config)
        for place, (first, last) in enumerate(self.spans):
            if first < last:
                targets = self.signals.targets(self.frames[place], params, self.where(place))
                quotes[first:last, TOLD] = to_say(targets)

    def where(self, place: int) -> str:
        """Which instrument, where there are several."""
        return f" on {self.names[place]}" if len(self.names) > 1 else ""


def strategy_of(
    function: Callable[..., Any], params: Mapping[str, Iterable[Any]], config: Mapping[str, Any] | None
) -> tuple[type[SignalStrategy], Mapping[str, Iterable[Any]]]:
    """The strategy of a signal function, and `params` with their values as lists.

    For a parameter without a default the value in `config` stands in, or the first one of the grid.
    """
    given = config if isinstance(config, Mapping) else {}
    if not isinstance(params, Mapping):
        return signal_strategy(function, None, {}, given), params
    lists = {name: _listed(values) for name, values in params.items()}
    spare = {str(name): _example(values) for name, values in lists.items() if values}
    return signal_strategy(function, None, {}, {**spare, **given}), lists


def _listed(values: Any) -> list[Any]:
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        return [values]
    return [value.item() if isinstance(value, np.generic) else value for value in values]


def _example(values: Sequence[Any]) -> Any:
    """The first value; a float where there is one among whole numbers."""
    return next((value for value in values if isinstance(value, float)), values[0])


# -- the sweep -------------------------------------------------------------------------------------------------------


def checked_settings(job: Job) -> list[SignalSetting]:
    """The settings of a job, one for each task, once its first and its last parameter set have passed the prefix test.

    Raises StrategyError where the function looks ahead or answers what it should not, StrategyFailure where it raises,
    ParameterError where it never has anything to say.
    """
    configs = [job.grid.config(0), job.grid.config(len(job.grid) - 1)]
    settings = [SignalSetting(task.plan({**job.base, **configs[0]})) for task in job.tasks]
    _check(settings, configs if len(job.grid) > 1 else configs[:1])
    return settings


def run_signals(job: Job, tick: Callable[[int], object]) -> tuple[list[Part], bool]:
    """Every column of a sweep of a signal function, and whether somebody interrupted it."""
    batches = [_batch(setting, job.grid) for setting in job.signal_settings]
    if job.client is not None:
        from workbench.sweeps.vector_remote import run_over_cluster

        interrupted = run_over_cluster(job, batches, tick)
    else:
        interrupted = Run(job.grid, tick, job.workers).play(batches)
    parts = [
        job.part(task, batch, partial(column_of, task, job.base))
        for task, batch in zip(job.tasks, batches, strict=True)
    ]
    return parts, interrupted


def column_of(task: Task, base: Mapping[str, Any], config: Mapping[str, Any]) -> BacktestResult:
    """One column in full, run by the same kernel as in the sweep."""
    setting = SignalSetting(task.plan({**base, **config}))
    quotes = setting.quotes()
    setting.tell(quotes, {})
    return in_full(setting, told_rows(1)[0], quotes)


def _check(settings: Sequence[SignalSetting], configs: Sequence[Mapping[str, Any]]) -> None:
    """The prefix test on some of the instruments, for some parameter sets; one of them must have something to say."""
    places = [(s, place) for s in settings for place, frame in enumerate(s.frames) if len(frame)]
    spread = np.linspace(0, len(places) - 1, min(CHECKED, len(places))).round().astype(np.int64)
    silent = True
    for config in configs:
        for setting, place in (places[k] for k in spread.tolist()):
            params = setting.params(config)
            where = setting.where(place)
            answers = setting.signals.check(setting.frames[place], params, setting.lookback, where)
            silent = silent and not (answers == answers).any()
    if silent:
        calls = " and ".join(settings[0].signals.shown(settings[0].params(config)) for config in configs)
        updates = max((len(frame) for s in settings for frame in s.frames), default=0)
        raise ParameterError(
            f"{calls}: NaN for all of {updates:,} updates; expected more updates than it looks back over"
        )


def told_rows(count: int) -> Any:
    """Parameters of `count` columns: none, since what they say is worked out beforehand."""
    return np.repeat(parameter_rows(ToldStrategy, [{}]), count).view(np.recarray)


def _batch(setting: SignalSetting, grid: Grid) -> Batch:
    units: Floats = np.zeros((0, 1))
    if UNIT in grid.values:
        symbols = len({i.symbol for i in setting.instruments})
        units = np.repeat(np.asarray(grid.values[UNIT], dtype=np.float64)[:, None], symbols, axis=1)
    return Batch(setting, told_rows(len(grid)), units)


class _Seat(NamedTuple):
    """Where one column is worked out.  quotes: what `column` shows the strategy, written anew for each."""

    quotes: Floats
    column: Column


class _Done(NamedTuple):
    """A seat that is free again, how many columns were finished in it, and what went wrong."""

    seat: _Seat
    finished: int = 0
    error: BaseException | None = None


class Run:
    """Calls the function in this thread, and has others run the columns."""

    def __init__(self, grid: Grid, tick: Callable[[int], object], workers: int | None) -> None:
        self.grid, self.tick = grid, tick
        self.threads = max(1, workers or os.cpu_count() or 1)
        self.stop = np.zeros(1, dtype=np.int64)

    def play(self, batches: Sequence[Batch]) -> bool:
        """Every column of every batch; whether somebody interrupted it."""
        with crew(self.threads, "sweep") as pool:
            try:
                for batch in batches:
                    self._rows(pool, batch, range(len(batch)), ROOMS[0])
                    # Columns that found no room for their orders or events.
                    again = np.flatnonzero(batch.tallies["incomplete"] != 0)
                    self._rows(pool, batch, again.tolist(), ROOMS[1], counted=True)
            except KeyboardInterrupt:
                self.stop[0] = 1
                pool.shutdown()
                for batch in batches:
                    batch.finished &= batch.tallies["incomplete"] == 0
                return True
            finally:
                self.stop[0] = 1
        return False

    def _rows(
        self, pool: ThreadPoolExecutor, batch: Batch, rows: Sequence[int], room: Room, counted: bool = False
    ) -> None:
        """counted: `tick` knows of these columns already."""
        if not len(rows):
            return
        setting = batch.setting
        assert isinstance(setting, SignalSetting), "made above"
        seats = [self._seat(setting, room) for _ in range(min(self.threads + 1, len(rows)))]
        self._compile(batch, seats[0])
        free: SimpleQueue[_Done] = SimpleQueue()
        for seat in seats:
            free.put(_Done(seat))
        for row in rows:
            seat = self._next(free)
            setting.tell(seat.quotes, self.grid.config(row))
            pool.submit(self._column, batch, row, seat, free, counted)
        for _ in seats:
            self._next(free)

    def _seat(self, setting: SignalSetting, room: Room) -> _Seat:
        quotes = setting.quotes()
        return _Seat(quotes, setting.column(room, quotes))

    def _compile(self, batch: Batch, seat: _Seat) -> None:
        undisturbed(partial(run_batch, batch, 0, 0, seat.column, self.stop))

    def _next(self, free: SimpleQueue[_Done]) -> _Seat:
        done = free.get()
        if done.error is not None:
            raise done.error
        if done.finished:
            self.tick(done.finished)
        return done.seat

    def _column(self, batch: Batch, row: int, seat: _Seat, free: SimpleQueue[_Done], counted: bool) -> None:
        try:
            reached = run_batch(batch, row, row + 1, seat.column, self.stop)
        except BaseException as error:  # noqa: BLE001 - the thread that waits for the seat raises it
            free.put(_Done(seat, 0, error))
        else:
            free.put(_Done(seat, 0 if counted else reached - row))
