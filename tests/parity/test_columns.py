"""A column of a sweep and an event replay are the same run: fingerprint, journal, figures and desk, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.parity.columns import Completing, Reversal, assert_same, by_column, by_replay, markets
from workbench.chaos.kinds import KINDS, ChaosKind
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
