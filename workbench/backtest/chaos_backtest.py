"""Chaos in a backtest: one run with all events, one more for each event left out, and what each of them did."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import pandas as pd

from workbench.backtest.api import ChaosLike, CostsLike, LimitsLike, backtest, read_chaos
from workbench.backtest.performance import StrategyPerformance
from workbench.backtest.recovery import ChaosOutcome, assess_chaos, compare, path_of
from workbench.backtest.replay import ReplayRecord
from workbench.backtest.result import BacktestResult
from workbench.backtest.seating import StrategyLike
from workbench.backtest.tables import Kinds, table
from workbench.chaos.events import ChaosEvent
from workbench.core.facts import (
    BreakerReset,
    BreakerTripped,
    CancelRequested,
    Fact,
    MarketNotice,
    OrderAccepted,
    OrderAcknowledged,
    OrderEnded,
    OrderRefused,
    SignalRefused,
    StopTriggered,
)
from workbench.core.messages import OrderFill, RiskAlert, RiskBreach
from workbench.data.catalog import PriceLike, as_prices
from workbench.data.prices import Prices
from workbench.data.times import Moment

__all__ = ["ChaosBacktestResult", "ChaosBacktester", "journal_frame", "outcomes_frame"]


class ChaosBacktestResult(BacktestResult):
    """A finished backtest with chaos in it, and the `outcomes` of its events in the order in which they were given."""

    def __init__(self, record: ReplayRecord, *, outcomes: Sequence[ChaosOutcome], **run: Any) -> None:
        """run: as for BacktestResult."""
        super().__init__(record, **run)
        self.outcomes = tuple(outcomes)

    @cached_property
    def chaos_table(self) -> pd.DataFrame:
        """One row per event: kind, window, intensity, target, damage, breaches, emergency stops, recovery."""
        return outcomes_frame(self.outcomes)

    @cached_property
    def journal(self) -> pd.DataFrame:
        """Every fact of the run in order, with the windows of the events marked; see `journal_frame`."""
        return journal_frame(self.record.recorder.journal, self.chaos)

    @property
    def chaos_recovery_time(self) -> float | None:
        """Seconds of the slowest recovery; inf where an event was not got over, None without events."""
        times = [math.inf if o.recovery_seconds is None else o.recovery_seconds for o in self.outcomes]
        return max(times, default=None)

    def performance(
        self,
        strategy_id: str | None = None,
        *,
        periods_per_year: float | None = None,
        chaos_recovery_time: float | None = None,
    ) -> StrategyPerformance:
        """As BacktestResult.performance, with the recovery time that was measured."""
        measured = self.chaos_recovery_time if chaos_recovery_time is None else chaos_recovery_time
        return super().performance(
            strategy_id, periods_per_year=periods_per_year, chaos_recovery_time=measured
        )


class ChaosBacktester:
    """Backtests over the same prices, limits and costs, each with chaos events of its own.

    prices, limits, costs, initial_cash, seed, progress: as for `workbench.backtest`.  What a strategy raises is counted
    against it and does not end the run.
    """

    def __init__(
        self,
        prices: PriceLike,
        *,
        limits: LimitsLike = None,
        costs: CostsLike = None,
        initial_cash: float = 1_000_000.0,
        seed: int = 0,
        progress: bool | None = None,
    ) -> None:
        self.prices = as_prices(prices)
        self.limits = limits
        self.costs = costs
        self.initial_cash = initial_cash
        self.seed = seed
        self.progress = progress

    def run_backtest_with_chaos(
        self,
        strategy: StrategyLike,
        chaos_events: ChaosLike,
        start_date: Moment | None = None,
        end_date: Moment | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> ChaosBacktestResult:
        """Run `strategy` with all events, then once more without each of them, to tell what each did.

        chaos_events: events, or mappings as YAML gives them.  start_date, end_date: as in Prices.between; None: all.
        config: as for `workbench.backtest`.  Raises WorkbenchError of one line before the first price is played.
        """
        events = read_chaos(chaos_events)
        played = self._played(start_date, end_date)
        run = self._runner(strategy, played, config)
        record = run(events)
        return ChaosBacktestResult(
            record,
            outcomes=assess_chaos(record, run, events),
            begin_ns=played.start.value,
            interval_ns=played.interval.value,
            chaos=events,
            seed=self.seed,
        )

    def try_each(
        self,
        strategy: StrategyLike,
        chaos_events: ChaosLike,
        start_date: Moment | None = None,
        end_date: Moment | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> list[ChaosOutcome]:
        """What each event does when it comes alone: one run for each, and one without any.

        Arguments and errors as for `run_backtest_with_chaos`.
        """
        run = self._runner(strategy, self._played(start_date, end_date), config)
        normal = path_of(run(()))
        return [compare(path_of(run([event])), normal, event) for event in read_chaos(chaos_events)]

    def _played(self, start_date: Moment | None, end_date: Moment | None) -> Prices:
        if start_date is None and end_date is None:
            return self.prices
        return self.prices.between(start_date, end_date)

    def _runner(
        self, strategy: StrategyLike, played: Prices, config: Mapping[str, Any] | None
    ) -> Callable[[Sequence[ChaosEvent]], ReplayRecord]:
        """What plays `played` to a fresh `strategy` under the events that it is given."""

        def run(chaos: Sequence[ChaosEvent]) -> ReplayRecord:
            return backtest(
                strategy,
                played,
                config=config,
                limits=self.limits,
                costs=self.costs,
                chaos=chaos,
                seed=self.seed,
                initial_cash=self.initial_cash,
                on_error="contain",
                progress=self.progress,
            ).record

        return run


_OUTCOMES: Final[Kinds] = {
    "kind": "text",
    "start": "time",
    "end": "time",
    "intensity": "float",
    "target": "text",
    "damage_usd": "float",
    "worst_damage_usd": "float",
    "breach_count": "int",
    "emergency_stops": "int",
    "recovery_seconds": "float",
}


def outcomes_frame(outcomes: Sequence[ChaosOutcome]) -> pd.DataFrame:
    """One row per event; recovery_seconds is NaN where it never recovered."""
    return table(
        _OUTCOMES,
        [
            (
                str(o.event.kind),
                o.event.start_ns,
                o.event.end_ns,
                o.event.intensity,
                o.event.target,
                o.damage_usd,
                o.worst_damage_usd,
                o.breach_count,
                o.emergency_stops,
                math.nan if o.recovery_seconds is None else o.recovery_seconds,
            )
            for o in outcomes
        ],
    )


# -- journal ----------------------------------------------------------------------------------------------------

_JOURNAL: Final[Kinds] = {
    "timestamp": "time",
    "fact": "text",
    "strategy_id": "text",
    "symbol": "text",
    "venue": "text",
    "quantity": "float",
    "price": "float",
    "reason": "text",
    "value": "float",
    "limit": "float",
    "chaos": "text",
}
_NAN: Final = math.nan

type Details = tuple[float, float, str, float, float]
"""Signed units, price, reason, value, limit."""


def journal_frame(journal: Sequence[Fact], events: Sequence[ChaosEvent]) -> pd.DataFrame:
    """Facts in the order in which they happened, one row each, and two more rows per event: its start and its end.

    fact: the name of the fact, `ChaosStarted` or `ChaosEnded`.  quantity: signed units.  price: of a fill, the limit of
    an order (NaN without), what a refused one was valued at.  reason: failed checks, breach, breaker, ending, notice.
    chaos: the kinds whose window holds the moment, joined by "+" in the order of the events.
    """
    marks = sorted(_marks(events))
    rows: list[Sequence[Any]] = []
    for fact in journal:
        while marks and marks[0][0] <= fact.timestamp_ns:
            rows.append(_mark_row(events, *marks.pop(0)))
        rows.append(_fact_row(events, fact))
    rows.extend(_mark_row(events, *mark) for mark in marks)
    return table(_JOURNAL, rows)


def _marks(events: Sequence[ChaosEvent]) -> Iterator[tuple[int, bool, int]]:
    """Time, whether it is the start, and which event."""
    for place, event in enumerate(events):
        yield event.start_ns, True, place
        yield event.end_ns, False, place


def _active(events: Sequence[ChaosEvent], timestamp_ns: int) -> str:
    return "+".join(str(event.kind) for event in events if event.active(timestamp_ns))


def _mark_row(events: Sequence[ChaosEvent], time_ns: int, starts: bool, place: int) -> Sequence[Any]:
    event = events[place]
    name = "ChaosStarted" if starts else "ChaosEnded"
    active = _active(events, time_ns)
    return (
        time_ns,
        name,
        event.target,
        "",
        "",
        _NAN,
        _NAN,
        str(event.kind),
        event.intensity,
        _NAN,
        active,
    )


def _fact_row(events: Sequence[ChaosEvent], fact: Fact) -> Sequence[Any]:
    who = (getattr(fact, "strategy_id", ""), getattr(fact, "symbol", ""), getattr(fact, "venue", ""))
    active = _active(events, fact.timestamp_ns) if events else ""
    return (fact.timestamp_ns, type(fact).__name__, *who, *_details(fact), active)


def _details(fact: Fact) -> Details:
    match fact:
        case OrderAccepted():
            return fact.side * fact.quantity, fact.limit_price, fact.order_type, _NAN, _NAN
        case OrderRefused():
            reason = "+".join(fact.failed_checks)
            return fact.side * fact.quantity, fact.expected_price, reason, fact.value, fact.limit
        case OrderFill():
            return fact.quantity, fact.price, fact.liquidity, fact.fee, _NAN
        case OrderEnded():
            return fact.side * fact.leaves, _NAN, f"{fact.state}: {fact.reason}", _NAN, _NAN
        case OrderAcknowledged():
            return fact.side * fact.leaves, _NAN, "", _NAN, _NAN
        case CancelRequested():
            return fact.side * fact.leaves, _NAN, fact.reason, _NAN, _NAN
        case StopTriggered():
            return _NAN, fact.price, "", _NAN, fact.stop_price
        case SignalRefused():
            return _NAN, _NAN, fact.reason, fact.value, _NAN
        case RiskBreach():
            return _NAN, _NAN, fact.breach_type, fact.value, fact.limit
        case RiskAlert():
            return _NAN, _NAN, fact.monitor, fact.value, fact.limit
        case BreakerTripped():
            return _NAN, _NAN, fact.reason, fact.value, fact.limit
        case BreakerReset():
            return _NAN, _NAN, "+".join(fact.reasons), _NAN, _NAN
        case MarketNotice():
            return _NAN, _NAN, fact.kind, fact.value, fact.reference
