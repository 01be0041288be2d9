"""A run by either runner on a random market, and what must be equal of the two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

import workbench as wb
from workbench.backtest.api import plan_run
from workbench.backtest.result import BacktestResult
from workbench.chaos.events import ChaosEvent
from workbench.chaos.kinds import KINDS, ChaosKind
from workbench.core.feed import LAST
from workbench.core.limits import (
    CircuitBreakers,
    DrawdownLimits,
    MonitorSettings,
    NotionalLimits,
    PositionLimit,
    RiskLimits,
)
from workbench.core.state import BUCKETS, Desk, desk_views
from workbench.strategy.compiled import CompiledStrategy, parameter_rows
from workbench.sweeps.setting import FULL, ROOMS, Setting

SYMBOLS, VENUES = ("BTC-USD", "ETH-USD"), ("exchange-1", "exchange-2")


class Reversal(CompiledStrategy):
    """Long after `run` falls in a row, short after as many rises, and out when the run is over; trades often."""

    SIZING = "target"
    PARAMETERS = {"run": 2}  # noqa: RUF012 - as the shipped scripts have it
    CONSTRAINTS = ("run >= 1",)

    @staticmethod
    def start(params: Any) -> Any:  # noqa: ARG004 - the signature of every strategy
        """Last price, length of the run (signed), last target."""
        return np.zeros(3)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        """See the class."""
        price = prices[LAST]
        if not 0.0 < price < np.inf:
            return np.nan
        before = state[0]
        state[0] = price
        if before == 0.0 or price == before:
            return np.nan
        if price > before:
            state[1] = state[1] + 1.0 if state[1] > 0.0 else 1.0
        else:
            state[1] = state[1] - 1.0 if state[1] < 0.0 else -1.0
        wanted = 0.0
        if state[1] >= params.run:
            wanted = -1.0
        elif state[1] <= -params.run:
            wanted = 1.0
        if wanted == state[2]:
            return np.nan
        state[2] = wanted
        return wanted


class Completing(CompiledStrategy):
    """Two legs that are opened together on a gap; looks at what it holds and completes what was cut short."""

    SIZING = "target"
    SCOPE = "market"
    READS_POSITION = True
    PARAMETERS = {"gap": 0.001}  # noqa: RUF012 - as the shipped scripts have it

    @staticmethod
    def start(params: Any, count: int) -> Any:  # noqa: ARG004 - the signature of every strategy
        """Strengths, and the first ratio."""
        return np.zeros(count), np.zeros(1)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        """See the class."""
        said, memory = state
        said[:] = np.nan
        if len(prices) < 2 or not (prices[0, LAST] > 0.0 and prices[1, LAST] > 0.0):
            return said
        ratio = prices[0, LAST] / prices[1, LAST]
        if memory[0] == 0.0:
            memory[0] = ratio
        gap = ratio / memory[0] - 1.0
        held, other = prices[0, 7], prices[1, 7]
        if held == 0.0 and other == 0.0:
            if abs(gap) > params.gap and prices[1, 8] < 1e9:
                said[0] = -1.0 if gap > 0.0 else 1.0
                said[1] = -said[0]
        elif gap * held >= 0.0:
            said[:] = 0.0
        elif other == 0.0:
            said[1] = -np.sign(held)
        return said


@st.composite
def markets(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of a backtest but for strategy and config: prices, limits, costs, cash, chaos."""
    symbols = SYMBOLS[: draw(st.sampled_from([1, 1, 2]))]
    venues = VENUES[: draw(st.sampled_from([1, 1, 2]))]
    prices = wb.synthetic(
        symbols=list(symbols),
        venues=list(venues),
        bars=draw(st.sampled_from([30, 200, 500])),
        interval=draw(st.sampled_from(["10s", "1min", "1h", "1D"])),
        seed=draw(st.integers(0, 10_000)),
    )
    return {
        "prices": prices,
        "limits": draw(limits(symbols)),
        "costs": draw(st.sampled_from([None, {"latency_seconds": 90.0}, {"participation": 0.001}])),
        "initial_cash": draw(st.sampled_from([1e6, 1e5, 3e4])),
        "chaos": draw(st.lists(events(prices), max_size=2)),
    }


@st.composite
def limits(draw: st.DrawFn, symbols: tuple[str, ...] = ()) -> RiskLimits | None:
    """House limits, none at all, or some that bite: the floor of what may be carried is then often near."""
    which = draw(st.sampled_from(["house", "none", "tight", "tight"]))
    if which != "tight":
        return None if which == "house" else RiskLimits.unlimited()
    return RiskLimits(
        position_limits=dict.fromkeys(symbols, PositionLimit(2.0, -2.0)),
        notional_limits=NotionalLimits(total_portfolio=draw(st.sampled_from([1e5, 5e6]))),
        drawdown_limits=DrawdownLimits(
            daily_loss=-draw(st.sampled_from([20.0, 200.0, 1e5])),
            portfolio_var=draw(st.sampled_from([300.0, 3_000.0, 5e5])),
        ),
        circuit_breakers=CircuitBreakers(
            portfolio_loss_pct=-draw(st.sampled_from([0.002, 0.1])),
            rapid_drawdown_rate=-draw(st.sampled_from([0.001, 0.05])),
        ),
        monitors=MonitorSettings(
            interval_seconds=draw(st.sampled_from([60.0, 3_600.0])),
            max_symbol_share=draw(st.sampled_from([1.0, 0.9])),
        ),
    )


@st.composite
def events(draw: st.DrawFn, prices: wb.Prices) -> ChaosEvent:
    """Any kind of chaos, somewhere in the prices."""
    kind = draw(st.sampled_from(sorted(ChaosKind)))
    low, high = KINDS[kind].typical
    span = prices.end - prices.start
    begin = prices.start + span * draw(st.floats(0.1, 0.9))
    return ChaosEvent(
        kind,
        begin.floor("s").to_pydatetime(),
        max(4.0 * prices.interval.total_seconds(), span.total_seconds() * draw(st.floats(0.01, 0.2))),
        intensity=draw(st.floats(low, high)),
        seed=draw(st.integers(0, 1_000)),
    )


def by_replay(
    strategy: type[CompiledStrategy], config: Mapping[str, Any], market: Mapping[str, Any]
) -> BacktestResult:
    """The run price by price, through the Python strategy."""
    return wb.backtest(strategy, config=config, on_error="contain", progress=False, **market)


def by_column(
    strategy: type[CompiledStrategy], config: Mapping[str, Any], market: Mapping[str, Any]
) -> BacktestResult:
    """The same as a column of a sweep."""
    plan = plan_run(strategy, config=config, **market)
    setting = Setting(plan, strategy)
    player = plan.players[0]
    column = setting.column(FULL)
    record = setting.play(column, parameter_rows(strategy, [player.strategy.config])[0], player)
    assert int(column.glide.tally[0].incomplete) == 0
    return plan.result(record)


def told(
    strategy: type[CompiledStrategy], config: Mapping[str, Any], market: Mapping[str, Any]
) -> list[tuple[int, int]]:
    """What a campaign goes by: at each moment of a column how many breaches, and how many breakers are latched then."""
    plan = plan_run(strategy, config=config, **market)
    setting = Setting(plan, strategy)
    column = setting.column(ROOMS[1], traced=True)
    params = parameter_rows(strategy, [plan.players[0].strategy.config])[0]
    setting.kernels.run_one(column, params, setting.begin_ns, 0, 0)
    breaches, latched = column.glide.told.T
    moments = np.flatnonzero(np.diff(setting.feed.timestamp_ns, append=-1))
    sums = np.diff(np.cumsum(breaches)[moments], prepend=0)
    return [(int(n), int(on).bit_count()) for n, on in zip(sums, latched[moments], strict=True)]


def told_by_replay(replayed: BacktestResult) -> list[tuple[int, int]]:
    """`told` out of a journal; nobody resets a breaker here, so each trip latches one more."""
    times = np.unique(replayed.record.feed.timestamp_ns)
    recorder = replayed.record.recorder
    breaches = np.array([fact.timestamp_ns for fact in recorder.breaches], dtype=np.int64)
    trips = np.array([fact.timestamp_ns for fact in recorder.trips], dtype=np.int64)
    return [(int((breaches == time).sum()), int((trips <= time).sum())) for time in times]


def assert_same(replayed: BacktestResult, column: BacktestResult) -> None:
    """Fingerprint, journal, figures, and the desk to the last bit."""
    assert column.fingerprint == replayed.fingerprint
    assert str(column.record.recorder.journal) == str(replayed.record.recorder.journal)
    assert column.record.recorder.signals == replayed.record.recorder.signals
    expected, found = replayed.stats(), column.stats()
    assert [name for name in expected.index if str(expected[name]) != str(found[name])] == []
    assert differences(replayed.record.desk.view, desk_views(column.record.desk.state)) == []


def differences(left: Desk, right: Desk) -> list[str]:
    """Names of the fields of two desks that differ in any bit that a later step could see."""
    found = []
    for name in set(left._fields) - {"head", "events", "held", "scratch", "bucket_peaks", "bucket_steps"}:
        one, two = np.asarray(getattr(left, name)), np.asarray(getattr(right, name))
        for field in one.dtype.names or ("",):
            a, b = (one[field], two[field]) if field else (one, two)
            same = np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
            if not same and field != "dirty":  # whether a sum has been taken since is no state
                found.append(f"{name}.{field}")
    return found + _buckets(left, right)


def _buckets(left: Desk, right: Desk) -> list[str]:
    """The rapid-drawdown window, as far back as it is looked at."""
    newest = max(left.bucket_steps.max(), right.bucket_steps.max())
    kept = [
        {
            (int(step), float(peak))
            for step, peak in zip(desk.bucket_steps, desk.bucket_peaks, strict=True)
            if step > newest - BUCKETS
        }
        for desk in (left, right)
    ]
    return [] if kept[0] == kept[1] else ["buckets"]
