"""`wb.backtest`: what it takes, and one clear line for whatever it cannot take."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

import workbench as wb
from workbench.backtest.api import read_costs
from workbench.backtest.result import BacktestResult
from workbench.core.costs import Costs
from workbench.core.limits import OrderLimits, RiskLimits
from workbench.data.prices import Prices
from workbench.errors import (
    ChaosError,
    ConfigError,
    DataError,
    LimitsError,
    ParameterError,
    StrategyError,
    StrategyFailure,
    StrategyLoadError,
    UnknownInstrumentError,
    WorkbenchError,
)
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SMA = Path(__file__).parents[2] / "strategies" / "sma_cross.py"
FLAT = pd.DataFrame(
    {"close": [100.0] * 6},
    index=pd.date_range("2024-01-01", periods=6, freq="1D", tz="UTC", name="timestamp"),
)

Table = Callable[..., Prices]
Run = Callable[..., BacktestResult]


class Buys(TradingStrategy):
    """Buys one unit at the first update."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        if config.get("broken"):
            raise RuntimeError("no\nidea")
        self.bought = False

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        if self.bought:
            return []
        self.bought = True
        return [MarketSignal(symbol=price_update.symbol, signal_strength=1.0)]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing to do."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Nothing to do."""


class Raises(Buys):
    """Raises at its first update."""

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        raise KeyError(price_update.symbol)


class Dices(Buys):
    """Takes a seed."""

    PARAMETERS: ClassVar = {"seed": 0}


def one_line(error: pytest.ExceptionInfo[WorkbenchError]) -> str:
    text = str(error.value)
    assert text
    assert "\n" not in text
    return text


# -- what it takes ----------------------------------------------------------------------------------------------


def test_a_script_and_a_sample() -> None:
    result = wb.backtest(str(SMA), "sp500", start="2005", end="2006", config={"unit": 10.0})
    assert result.strategies == ("SmaCrossStrategy",)
    assert result.instruments == ("SPX@US",)
    assert result.start == pd.Timestamp("2005-01-03", tz="UTC")
    assert len(result.fills) == len(result.orders) > 2
    assert result.stats()["periods_per_year"] == 252.0


def test_bounds_cover_whole_days() -> None:
    result = wb.backtest(Buys, FLAT, start="2024-01-02", end=date(2024, 1, 4))
    assert (result.start, result.end) == (
        pd.Timestamp("2024-01-02", tz="UTC"),
        pd.Timestamp("2024-01-05", tz="UTC"),
    )
    assert result.stats()["updates"] == 3


def test_a_frame_a_series_and_a_path_are_the_same_prices(tmp_path: Path) -> None:
    path = tmp_path / "X.csv"
    FLAT.to_csv(path)
    sources: list[Any] = [{"X": FLAT}, FLAT["close"].rename("X"), path, str(path), wb.load(path)]
    prints = {wb.backtest(Buys, source).fingerprint for source in sources}
    assert len(prints) == 1


def test_limits_as_values_a_mapping_or_a_file(tmp_path: Path) -> None:
    text = "risk_limits:\n  order_limits:\n    max_order_volume: 0.5\n"
    path = tmp_path / "limits.yaml"
    path.write_text(text)
    for limits in (
        path,
        str(path),
        {"order_limits": {"max_order_volume": 0.5}},
        RiskLimits(order_limits=OrderLimits(max_order_volume=0.5)),
    ):
        assert wb.backtest(Buys, FLAT, limits=limits).orders["reason"].tolist() == ["max_order_volume"]


def test_costs_per_venue_set_the_spread_of_each() -> None:
    prices = wb.merge(Prices({"X@A": FLAT}), Prices({"X@B": FLAT}))
    costs = {"A": {"spread_bps": 20.0, "participation": math.inf}, "B": Costs.free()}
    config = {"unit": 1.0}
    result = wb.backtest(Buys, prices, config=config, costs=costs)
    quotes = result.record.feed.quotes
    assert quotes[0, :2].tolist() == pytest.approx([99.9, 100.1])
    assert quotes[1, :2].tolist() == [100.0, 100.0]


def test_costs_by_field_are_those_of_every_venue() -> None:
    costs = read_costs({"taker_bps": 7}, ["A", "B"])
    assert costs == {"A": Costs(taker_bps=7.0), "B": Costs(taker_bps=7.0)}
    assert read_costs(None, ["A"]) == {"A": Costs()}


def test_one_chaos_event_a_list_and_mappings_are_the_same() -> None:
    event = wb.ChaosEvent("price_gap", "2024-01-03", "1d", -0.1)
    mapping = {"kind": "price_gap", "start": "2024-01-03", "duration": "1d", "intensity": -0.1}
    prints = {wb.backtest(Buys, FLAT, chaos=chaos).fingerprint for chaos in (event, [event], [mapping])}
    assert len(prints) == 1
    assert prints != {wb.backtest(Buys, FLAT).fingerprint}


def test_the_seed_reaches_a_strategy_that_asks_for_one() -> None:
    result = wb.backtest({"a": Dices, "b": Dices}, FLAT, seed=7, config={"b": {"seed": 3}})
    assert [player.strategy.config["seed"] for player in result.record.players] == [7, 3]
    assert result.seed == 7


def test_several_strategies_share_one_portfolio() -> None:
    result = wb.backtest({"a": Buys, "b": Buys}, FLAT, config={"a": {"unit": 3.0}, "b": {"unit": 2.0}})
    assert result.positions.set_index("strategy_id")["quantity"].to_dict() == {"a": 3.0, "b": 2.0}


def test_errors_end_the_run_or_count_against_the_strategy() -> None:
    with pytest.raises(StrategyFailure, match=r"Raises\.on_market_data raised KeyError: 'X'"):
        wb.backtest(Raises, {"X": FLAT})
    contained = wb.backtest({"bad": Raises, "good": Buys}, {"X": FLAT}, on_error="contain")
    assert set(contained.errors["strategy_id"]) == {"bad"}
    assert contained.fills["strategy_id"].tolist() == ["good"]


def test_the_prices_that_were_given_stay_as_they_were() -> None:
    prices = wb.load("sp500")
    before = prices.fingerprint
    wb.backtest(
        Buys,
        prices,
        start="2008-01",
        end="2008-03",
        chaos=wb.ChaosEvent("price_gap", "2008-02-01", "5d", -0.5),
    )
    assert wb.load("sp500").fingerprint == before == prices.fingerprint


def test_real_minutes_of_two_venues() -> None:
    folder = SHARED / "btc_usd_1m_two_venues_2023_03"
    if not folder.exists():
        pytest.skip("real prices are not here: ../shared/data")
    prices = wb.merge(
        wb.load(folder / "coinbase_BTCUSD_1m.parquet", symbol="BTC-USD", venue="coinbase"),
        wb.load(folder / "kraken_BTCUSD_1m.parquet", symbol="BTC-USD", venue="kraken"),
    )
    result = wb.backtest(SMA, prices, config={"fast": 60, "slow": 240}, start="2023-03-10", end="2023-03-12")
    assert result.equity.index.is_unique
    assert len(result.equity) < len(result.record.feed)  # both venues have most minutes
    assert result.trades["pnl"].sum() == pytest.approx(result.final_equity - 1_000_000.0)
    assert result.stats()["periods_per_year"] == 525_600.0
    assert (result.orders["state"] == "filled").all()


# -- what it cannot take ----------------------------------------------------------------------------------------

BAD: dict[str, tuple[type[WorkbenchError], str, dict[str, Any]]] = {
    "missing file": (DataError, "nowhere.csv", {"prices": "nowhere.csv"}),
    "no such sample": (DataError, "samples are sp500", {"prices": "sp501"}),
    "no prices": (DataError, "found NoneType", {"prices": None}),
    "start after the end": (DataError, "2024-01", {"start": "2024-01-05", "end": "2024-01-02"}),
    "date out of range": (DataError, "2024-01-01", {"start": "2031-01-01"}),
    "no date": (DataError, "expected a date", {"start": "soon"}),
    "missing script": (StrategyLoadError, "no such file", {"strategy": "missing.py"}),
    "no strategy": (StrategyError, "found NoneType", {"strategy": None}),
    "no strategies": (StrategyError, "at least one strategy", {"strategy": []}),
    "a number as strategy": (StrategyError, "found int", {"strategy": 3}),
    "not a strategy class": (StrategyLoadError, "TradingStrategy", {"strategy": int}),
    "an instance": (StrategyError, "found an instance", {"strategy": Buys({})}),
    "instances by id": (StrategyError, "found an instance", {"strategy": {"a": Buys({})}}),
    "the same twice": (StrategyError, "give them ids", {"strategy": [Buys, Buys]}),
    "a constructor that raises": (StrategyError, "RuntimeError: no idea", {"config": {"broken": True}}),
    "unknown parameter": (ParameterError, "no parameter 'fats'", {"strategy": SMA, "config": {"fats": 3}}),
    "config that is no mapping": (ParameterError, "config must map", {"config": ["fast", 3]}),
    "unit that is no number": (StrategyError, "cannot be set up", {"config": {"unit": "many"}}),
    "negative unit": (ParameterError, "unit must be", {"config": {"unit": -1.0}}),
    "unit of another symbol": (ParameterError, "unit names 'Z'", {"config": {"unit": {"Z": 1.0}}}),
    "unknown symbol": (UnknownInstrumentError, "no Z", {"config": {"symbols": ["Z"]}}),
    "unknown sizing": (ParameterError, "sizing must be", {"config": {"sizing": "huge"}}),
    "negative limit": (
        LimitsError,
        "max_order_volume",
        {"limits": {"order_limits": {"max_order_volume": -1}}},
    ),
    "limits that are none": (LimitsError, "found int", {"limits": 3}),
    "missing limits": (LimitsError, "limits.yaml", {"limits": "limits.yaml"}),
    "negative costs": (ConfigError, "spread_bps must be", {"costs": {"spread_bps": -1.0}}),
    "unknown cost": (ConfigError, "did you mean 'taker_bps'", {"costs": {"taker_bp": 1.0}}),
    "cost that is no number": (ConfigError, "taker_bps must be a number", {"costs": {"taker_bps": "5"}}),
    "costs that are none": (ConfigError, "costs: expected Costs", {"costs": 5.0}),
    "unknown venue": (UnknownInstrumentError, "no venue 'B'", {"costs": {"B": Costs()}}),
    "spread beyond the price": (DataError, "spread_bps", {"costs": {"spread_bps": 30_000.0}}),
    "chaos that is none": (ChaosError, "list of chaos events", {"chaos": "runaway"}),
    "unknown chaos": (
        ChaosError,
        "unknown chaos kind",
        {"chaos": [{"kind": "x", "start": "2024-01-02", "duration": 1}]},
    ),
    "chaos outside the prices": (
        ChaosError,
        "outside the prices",
        {"chaos": wb.ChaosEvent("runaway", "2025-01-01", 60)},
    ),
    "chaos on an unknown symbol": (
        ChaosError,
        "no symbol or venue 'Z'",
        {"chaos": wb.ChaosEvent("price_gap", "2024-01-03", 60, -0.1, "Z")},
    ),
    "chaos on an unknown strategy": (
        ChaosError,
        "no strategy 'Boys' in this run; did you mean 'Buys'",
        {"chaos": wb.ChaosEvent("runaway", "2024-01-03", 60, target="Boys")},
    ),
    "negative seed": (ConfigError, "seed must be", {"seed": -1}),
    "seed that is no number": (ConfigError, "seed must be", {"seed": "1"}),
    "no cash": (ConfigError, "initial_cash must be", {"initial_cash": 0.0}),
    "cash that is not finite": (ConfigError, "initial_cash must be", {"initial_cash": math.nan}),
    "cash that is no number": (ConfigError, "initial_cash must be", {"initial_cash": "1e6"}),
    "unknown on_error": (ConfigError, "on_error must be", {"on_error": "ignore"}),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_line_before_anything_is_played(
    case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def played(*_args: object, **_settings: object) -> None:
        raise AssertionError("the run began")

    monkeypatch.setattr("workbench.backtest.api.replay", played)
    monkeypatch.chdir(tmp_path)
    kind, words, settings = BAD[case]
    given: dict[str, Any] = {"strategy": Buys, "prices": {"X@A": FLAT}} | settings
    with pytest.raises(WorkbenchError) as error:
        wb.backtest(given.pop("strategy"), given.pop("prices"), **given)
    assert words in one_line(error)
    assert isinstance(error.value, kind)
    assert list(tmp_path.iterdir()) == []


def test_costs_of_every_venue_or_of_none() -> None:
    with pytest.raises(UnknownInstrumentError, match="found none for B"):
        read_costs({"A": Costs()}, ["A", "B"])
