"""A column of a sweep and an event replay are the same run: fingerprint, journal, figures and desk, bit for bit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.parity.columns import (
    Completing,
    Reversal,
    assert_same,
    by_column,
    by_replay,
    markets,
    told,
    told_by_replay,
)
from workbench.chaos.kinds import KINDS, ChaosKind
from workbench.core.feed import ASK_SIZE, BID_SIZE, LAST, QUOTE_COLUMNS
from workbench.strategy.compiled import CompiledStrategy
from workbench.strategy.loader import load_strategy

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
sizes = st.sampled_from([0.1, 1.0, 3.0])
sizings = st.sampled_from(["target", "target", "order"])
many = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@many
@given(market=markets(), run=st.integers(1, 3), unit=sizes, sizing=sizings)
def test_one_instrument_at_a_time(market: dict[str, Any], run: int, unit: float, sizing: str) -> None:
    config = {"run": run, "unit": unit, "sizing": sizing}
    assert_same(by_replay(Reversal, config, market), by_column(Reversal, config, market))


@many
@given(market=markets(), gap=st.floats(1e-5, 3e-3), unit=sizes, sizing=sizings)
def test_several_instruments_and_a_look_at_the_position(
    market: dict[str, Any], gap: float, unit: float, sizing: str
) -> None:
    config = {"gap": gap, "unit": unit, "sizing": sizing}
    assert_same(by_replay(Completing, config, market), by_column(Completing, config, market))


@pytest.mark.parametrize("kind", sorted(ChaosKind))
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_kind_of_chaos(kind: ChaosKind, data: st.DataObject) -> None:
    prices = wb.synthetic(symbols=["BTC-USD", "ETH-USD"], venues=["exchange-1"], bars=400, seed=5)
    event = data.draw(of_kind(kind, prices))
    market = {"prices": prices, "chaos": [event], "limits": "config/risk_limits.yaml"}
    config = {"run": 1, "unit": 2.0}
    replayed = by_replay(Reversal, config, market)
    assert len(replayed.fills) > 20
    assert_same(replayed, by_column(Reversal, config, market))


def of_kind(kind: ChaosKind, prices: wb.Prices) -> st.SearchStrategy[wb.ChaosEvent]:
    low, high = KINDS[kind].typical
    begin = prices.start + (prices.end - prices.start) * 0.5
    return st.builds(
        wb.ChaosEvent,
        st.just(kind),
        st.just(begin.floor("s").to_pydatetime()),
        st.just("45min"),
        intensity=st.floats(low, high),
        seed=st.integers(0, 1_000),
    )


# -- what a campaign goes by -------------------------------------------------------------------------------------


@many
@given(market=markets(), run=st.integers(1, 2), unit=sizes, sizing=sizings)
def test_breaches_and_latches_of_every_moment(
    market: dict[str, Any], run: int, unit: float, sizing: str
) -> None:
    config = {"run": run, "unit": unit, "sizing": sizing}
    assert told(Reversal, config, market) == told_by_replay(by_replay(Reversal, config, market))


# -- the floor ---------------------------------------------------------------------------------------------------


class Holding(CompiledStrategy):
    """Buys at its first price, and never says anything again: the rest is carried over, up to where a breaker trips."""

    SIZING = "target"

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:  # noqa: ARG004 - the signature of every strategy
        """See the class."""
        state[0] += 1.0
        return 1.0 if state[0] == 1.0 else math.nan


@pytest.mark.parametrize("symbols", [1, 2])
@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("circuit_breakers", "portfolio_loss_pct", -0.02),
        ("circuit_breakers", "single_strategy_loss", -300.0),
        ("circuit_breakers", "rapid_drawdown_rate", -0.01),
        ("drawdown_limits", "daily_loss", -300.0),
        ("drawdown_limits", "strategy_drawdown", -0.02),
        ("global_limits", "max_drawdown", 0.02),
        ("per_strategy", "stop_loss_pct", 0.02),
    ],
)
def test_each_breaker_trips_at_its_row_while_nothing_else_happens(
    symbols: int, part: str, field: str, value: float
) -> None:
    """10,000 all in; up by 3 %, then down by 13 %."""
    moves = np.array([0.001] * 30 + [-0.002] * 70)
    index = pd.date_range("2024-01-01", periods=100, freq="1min", tz="UTC")
    bars = pd.DataFrame({"close": 100.0 * np.cumprod(1.0 + moves), "volume": 1e6}, index=index)
    none = wb.RiskLimits.unlimited()
    own = msgspec.structs.replace(getattr(none, part), **{field: value})
    limits = msgspec.structs.replace(none, enable_circuit_breakers=True, **{part: own})
    market = {
        "prices": wb.Prices({f"S{k}@v": bars for k in range(symbols)}),
        "limits": limits,
        "initial_cash": 10_000.0,
    }
    config = {"unit": 100.0 / symbols}
    replayed = by_replay(Holding, config, market)
    assert len(replayed.record.recorder.trips) == 1
    assert_same(replayed, by_column(Holding, config, market))


# -- what a step may do ------------------------------------------------------------------------------------------


class Scribbling(CompiledStrategy):
    """Reads a column of its choice before and after it has written all over the row."""

    SIZING = "target"
    PARAMETERS: ClassVar = {"column": 9}

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        """Long after a rise of what it reads."""
        found, before = prices[params.column], state[0]
        prices[LAST] += 10.0
        prices[params.column] = 1.0
        state[0] = found
        if found != found:
            return math.nan
        return 1.0 if found > before else 0.0


@pytest.mark.parametrize("column", range(10))
def test_a_step_sees_a_row_of_its_own_and_no_other(column: int) -> None:
    """POSITION, AGE and TIME stood in the next row of the market once, and what a step wrote stood in everybody's."""
    market = {"prices": wb.synthetic(symbols=["BTC-USD"], venues=["exchange-1"], bars=50, seed=3)}
    replayed = by_replay(Scribbling, {"column": column}, market)
    assert_same(replayed, by_column(Scribbling, {"column": column}, market))
    sizes_are_unknown = column in (BID_SIZE, ASK_SIZE)
    assert bool(replayed.record.recorder.signals) == (column < QUOTE_COLUMNS and not sizes_are_unknown)
    found = wb.sweep(Scribbling, market["prices"], {"column": range(10)}, metrics=["signals"], progress=False)
    said = found.table["signals"].tolist()
    assert said[column] == len(replayed.record.recorder.signals)


class Many(CompiledStrategy):
    """Wants one of everything at its second look, and nothing at its third."""

    SIZING = "target"
    SCOPE = "market"
    PARAMETERS: ClassVar = {"most": 2_000}

    @staticmethod
    def start(params: Any, count: int) -> Any:  # noqa: ARG004 - the signature of every strategy
        """Strengths, and how many prices there were."""
        return np.zeros(count), np.zeros(1, dtype=np.int64)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        """See the class."""
        said, seen = state
        seen[0] += 1
        said[:] = math.nan
        if seen[0] % len(prices) == 0:
            said[: params.most] = float(seen[0] // len(prices) % 2)
        return said


@pytest.mark.parametrize("kind", [None, "risk_ignorant", "slow_leak", "correlation_breaker"])
def test_more_signals_at_once_than_a_desk_looks_at(kind: str | None) -> None:
    """A desk looks at 1,000 of an update, and is told that there were more."""
    bars = wb.synthetic(symbols=["A"], venues=["v"], bars=4, seed=1).frame("A@v")
    prices = wb.Prices({f"S{k}@v": bars for k in range(1_100)})
    market: dict[str, Any] = {"prices": prices, "limits": wb.RiskLimits.unlimited()}
    if kind is not None:
        market["chaos"] = [wb.ChaosEvent(kind, "2024-01-01T00:01:00", "10min", 3.0)]
    replayed = by_replay(Many, {}, market)
    assert len(replayed.record.recorder.signals) >= 4_000
    assert len(replayed.record.recorder.signals_refused) >= 4
    assert_same(replayed, by_column(Many, {}, market))


# -- shipped strategies ------------------------------------------------------------------------------------------

SHORT: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "arbitrage": {"min_spread_bps": st.floats(3.0, 8.0), "close_spread_bps": st.floats(0.5, 2.0)},
    "bollinger": {"window": st.integers(6, 9), "width": st.floats(0.8, 1.5)},
    "donchian": {"entry": st.integers(4, 8), "exit": st.integers(2, 3)},
    "mean_reversion": {
        "window": st.integers(5, 9),
        "entry": st.floats(0.8, 1.5),
        "exit": st.floats(0.1, 0.4),
    },
    "momentum": {"lookback": st.integers(2, 6)},
    "pairs": {"window": st.integers(5, 9), "entry": st.floats(0.8, 1.3), "exit": st.floats(0.1, 0.4)},
    "rsi": {"window": st.integers(2, 5)},
    "sma_cross": {"fast": st.integers(1, 4), "slow": st.integers(5, 9)},
    "trend_volatility_target": {"fast": st.integers(2, 4), "slow": st.integers(5, 9)},
}
"""Parameters that trade often on short series."""


def compiled_scripts() -> list[str]:
    paths = sorted((ROOT / "strategies").glob("*.py"))
    return [path.stem for path in paths if issubclass(load_strategy(path), CompiledStrategy)]


def test_every_compiled_script_is_tried() -> None:
    assert set(compiled_scripts()) == set(SHORT)


@pytest.mark.parametrize("script", sorted(SHORT))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_shipped_strategies(script: str, data: st.DataObject) -> None:
    strategy = load_strategy(ROOT / "strategies" / f"{script}.py")
    assert issubclass(strategy, CompiledStrategy)
    market = data.draw(markets())
    config = data.draw(st.fixed_dictionaries(SHORT[script]))
    if "unit" not in (strategy.PARAMETERS or {}):
        config["unit"] = data.draw(sizes)
    assert_same(by_replay(strategy, config, market), by_column(strategy, config, market))


@pytest.mark.skipif(not SHARED.exists(), reason="the prices in ../shared/data are not here")
@pytest.mark.may_skip("real prices are not part of the project; synthetic ones cover the same")
@pytest.mark.parametrize("script", sorted(SHORT))
def test_shipped_strategies_on_real_minutes(script: str) -> None:
    folder = SHARED / "btc_usd_1m_two_venues_2023_03"
    parts = [
        wb.load(folder / f"{venue}_BTCUSD_1m.parquet", symbol="BTC-USD", venue=name) for venue, name in VENUES
    ]
    market = {
        "prices": wb.merge(*parts).between("2023-03-10 00:00", "2023-03-11 12:00"),
        "chaos": [wb.ChaosEvent("price_gap", "2023-03-10T18:00", "30min", -0.05)],
    }
    strategy = load_strategy(ROOT / "strategies" / f"{script}.py")
    assert issubclass(strategy, CompiledStrategy)
    assert_same(by_replay(strategy, {}, market), by_column(strategy, {}, market))


VENUES = (("coinbase", "exchange-1"), ("kraken", "exchange-2"))
