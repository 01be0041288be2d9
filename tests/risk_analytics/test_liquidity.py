"""Days and cost to close a book, worked by hand, and against fills of the core."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.errors import ConfigError, DataError
from workbench.risk.liquidation import liquidation_profile, liquidation_risk, liquidity_buckets
from workbench.risk.liquidity import average_daily_volume, liquidity_adjusted_var, liquidity_horizon
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy

BOOK = {"A@x": 100_000.0, "B@x": -250_000.0}
VOLUME = {"A@x": 1_000_000.0, "B@x": 1_000_000.0}
COSTS = wb.Costs(spread_bps=4.0, taker_bps=5.0, slippage_bps=1.0, impact_bps=10.0)
"""At 10 % of the volume A takes one day and B two and a half."""


def test_days_are_the_position_over_what_may_be_traded_a_day() -> None:
    table = liquidity_horizon(BOOK, VOLUME, participation=0.1)
    assert table.index.tolist() == ["B@x", "A@x", "portfolio"]  # the slowest first
    assert table["days"].tolist() == pytest.approx([2.5, 1.0, 2.5])
    assert table["volume_share"].tolist()[:2] == pytest.approx([0.25, 0.1])
    assert table["liquid_1d"].tolist() == pytest.approx([0.4, 1.0, (0.4 * 250 + 100) / 350])


def test_costs_are_spread_slippage_root_impact_and_fee() -> None:
    row = liquidity_horizon({"A@x": 100_000.0}, VOLUME, participation=0.1, costs=COSTS).loc["A@x"]
    # A sale at bid = 1 - 2 bps, less 1 bp + 10 bps x sqrt(0.1) of it; fee 5 bps of the price.
    taking = (1.0 + 10.0 * math.sqrt(0.1)) * 1e-4
    touch = 1.0 - 2e-4
    assert row["spread_cost"] == pytest.approx(20.0)
    assert row["impact_cost"] == pytest.approx(100_000.0 * touch * taking)
    assert row["fee"] == pytest.approx(100_000.0 * touch * (1.0 - taking) * 5e-4)
    assert row["cost"] == pytest.approx(row["spread_cost"] + row["impact_cost"] + row["fee"])
    assert row["cost_bps"] == pytest.approx(row["cost"] / 10.0)
    assert 11.0 < row["cost_bps"] < 11.2


def test_the_last_day_takes_a_smaller_share_and_pays_less_impact() -> None:
    free = wb.Costs(spread_bps=0.0, taker_bps=0.0, slippage_bps=0.0, impact_bps=10.0)
    row = liquidity_horizon({"B@x": -250_000.0}, VOLUME, participation=0.1, costs=free).loc["B@x"]
    by_hand = 200_000.0 * 1e-3 * math.sqrt(0.1) + 50_000.0 * 1e-3 * math.sqrt(0.05)
    assert row["impact_cost"] == pytest.approx(by_hand)
    # Taking less of the volume each day costs less and takes longer.
    slow = liquidity_horizon({"B@x": -250_000.0}, VOLUME, participation=0.05, costs=free).loc["B@x"]
    assert slow["cost"] < row["cost"]
    assert slow["days"] == pytest.approx(5.0)


def test_no_sale_costs_more_than_nine_tenths_of_the_price() -> None:
    """As in the core, where the root law ends: 30,000 bps x sqrt(0.1) would be 95 % of the price."""
    wild = wb.Costs(spread_bps=0.0, taker_bps=0.0, slippage_bps=0.0, impact_bps=30_000.0)
    row = liquidity_horizon({"A@x": 100_000.0}, VOLUME, participation=0.1, costs=wild).iloc[0]
    assert row["impact_cost"] == pytest.approx(90_000.0)


class Sells(TradingStrategy):
    """Sells `units` on its first update and nothing after."""

    PARAMETERS: ClassVar[dict[str, Any]] = {"units": 0.0}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.done = False

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        if self.done:
            return []
        self.done = True
        terms = {"quantity": abs(self.config["units"])}
        side = -1.0 if self.config["units"] > 0.0 else 1.0
        return [MarketSignal(price_update.symbol, signal_strength=side, metadata=terms)]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Hears nothing."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Hears nothing."""


@pytest.mark.parametrize("units", [30.0, 100.0, -60.0])
def test_the_cost_of_a_day_is_what_the_core_charges_for_it(units: float) -> None:
    """The core fills an order in a bar of 1,000 units; closing the same position in a day of them costs the same."""
    index = pd.date_range("2024-01-01", periods=3, freq="1D", tz="UTC", name="timestamp")
    bars = pd.DataFrame({"close": 100.0, "volume": 1_000.0}, index=index)
    prices = wb.Prices({"A@x": bars}, interval="1D")
    run = wb.backtest(Sells, prices, config={"units": units}, costs=COSTS, initial_cash=1e9)
    (fill,) = run.record.recorder.fills
    lost = -(100.0 - fill.price) * fill.quantity + fill.fee  # beside the mid, which is 100
    row = liquidity_horizon({"A@x": units * 100.0}, {"A@x": 100_000.0}, participation=0.1, costs=COSTS).loc[
        "A@x"
    ]
    assert fill.quantity == -units
    assert row["days"] <= 1.0
    assert row["cost"] == pytest.approx(lost, rel=1e-9)


def test_what_does_not_trade_is_never_closed() -> None:
    table = liquidity_horizon(BOOK, VOLUME | {"B@x": 0.0})
    assert table.loc["B@x", "days"] == math.inf
    assert math.isnan(table["cost"].iloc[0])
    assert table.loc["portfolio", "days"] == math.inf
    assert table["cost"].iloc[2] == table["cost"].iloc[1]  # of what trades
    profile = liquidation_profile(BOOK, VOLUME | {"B@x": 0.0})
    assert profile["B@x"].tolist() == [0.0, 0.0]
    assert liquidity_buckets(BOOK, VOLUME | {"B@x": 0.0})["notional"].iloc[-1] == 250_000.0


def test_the_profile_is_the_share_closed_after_each_day() -> None:
    profile = liquidation_profile(BOOK, VOLUME, participation=0.1)
    assert profile["A@x"].tolist() == pytest.approx([0.0, 1.0, 1.0, 1.0])
    assert profile["B@x"].tolist() == pytest.approx([0.0, 0.4, 0.8, 1.0])
    assert profile["portfolio"].tolist() == pytest.approx([0.0, 200 / 350, 300 / 350, 1.0])
    assert profile.index.name == "day"
    assert len(liquidation_profile(BOOK, VOLUME, days=1)) == 2


def test_the_buckets_of_the_supervisor_add_up_to_the_book() -> None:
    table = liquidity_buckets(BOOK, VOLUME, participation=0.1)
    assert table.index.tolist() == ["1", "2-7", "8-30", "31-90", "91-180", "181-365", ">365"]
    assert table["notional"].tolist() == pytest.approx([200_000.0, 150_000.0, 0, 0, 0, 0, 0])
    assert table["share"].sum() == pytest.approx(1.0)


def test_each_instrument_may_have_its_own_participation_and_costs() -> None:
    table = liquidity_horizon(
        BOOK, VOLUME, participation={"A@x": 0.2, "B@x": 0.05}, costs={"A@x": wb.Costs.free(), "B@x": COSTS}
    )
    assert table["days"].to_dict() == pytest.approx({"A@x": 0.5, "B@x": 5.0, "portfolio": 5.0})
    assert table.loc["A@x", "cost"] == 0.0


def test_value_at_risk_with_a_spread_is_a_half_spread_more() -> None:
    """K. Dowd, "Measuring Market Risk": 1m at 1 % volatility and a spread of 0.3 % has a 99 % VaR of 23,263; the spread
    adds 1,500, and LVaR is 24,763."""
    var = 1e6 * 0.01 * 2.3263478740408408
    found = liquidity_adjusted_var(var, {"A": 1e6}, {"A": 0.003})
    assert found["liquidity_cost"] == pytest.approx(1_500.0)
    assert round(found["liquidity_adjusted_var"]) == 24_763


def test_a_spread_that_moves_counts_with_its_deviations_and_shorts_as_longs() -> None:
    found = liquidity_adjusted_var(
        100.0, {"A": 1_000.0, "B": -2_000.0}, {"A": 0.01, "B": 0.02}, {"A": 0.005, "B": 0.01}, scale=2.0
    )
    assert found["liquidity_cost"] == pytest.approx(0.5 * (1_000 * 0.02 + 2_000 * 0.04))
    assert found["liquidity_adjusted_var"] == pytest.approx(150.0)


def test_the_price_risk_of_a_sale_falls_with_what_is_left() -> None:
    # One instrument of 2 % a day, closed in two days: 1,000 then 500 are at risk.
    covariance = pd.DataFrame([[0.0004]], index=["A"], columns=["A"])
    table = liquidation_risk({"A": 1_000.0}, {"A": 5_000.0}, covariance, participation=0.1)
    assert table["held"].tolist() == pytest.approx([1_000.0, 500.0])
    assert table["volatility"].tolist() == pytest.approx([20.0, 10.0])
    assert table["cumulative_volatility"].tolist() == pytest.approx([20.0, math.sqrt(500.0)])


def test_hedges_that_are_closed_at_different_speeds_leave_risk_behind() -> None:
    names = ["A", "B"]
    covariance = pd.DataFrame(0.0004, index=names, columns=names)  # they move as one
    together = liquidation_risk({"A": 1e3, "B": -1e3}, {"A": 5e3, "B": 5e3}, covariance, participation=0.1)
    assert together["volatility"].tolist() == pytest.approx([0.0, 0.0], abs=1e-9)
    apart = liquidation_risk({"A": 1e3, "B": -1e3}, {"A": 5e3, "B": 1e4}, covariance, participation=0.1)
    assert apart["volatility"].tolist() == pytest.approx([0.0, 10.0], abs=1e-9)


def test_daily_volume_is_summed_over_each_utc_day() -> None:
    index = pd.date_range("2024-01-01", periods=3 * 24, freq="1h", tz="UTC", name="timestamp")
    bars = pd.DataFrame({"close": 10.0, "volume": np.repeat([1.0, 2.0, 3.0], 24)}, index=index)
    prices = wb.Prices({"A@x": bars}, interval="1h")
    assert average_daily_volume(prices, 2)["A@x"] == pytest.approx(10.0 * 24 * 2.5)
    multiplied = prices.with_instrument("A@x", multiplier=5.0)
    assert average_daily_volume(multiplied, 2)["A@x"] == pytest.approx(50.0 * 24 * 2.5)
    # The last day, cut at noon, is not half a day's volume: it is left out.
    cut = prices.between(None, "2024-01-03 11:00")
    assert average_daily_volume(cut, 2)["A@x"] == pytest.approx(10.0 * 24 * 1.5)


def test_the_sample_index_trades_billions_of_units_a_day() -> None:
    prices = wb.load("sp500")
    found = average_daily_volume(prices, 20)["SPX@US"]
    last = prices.frame("SPX@US").iloc[-20:]
    assert found == pytest.approx(float((last["close"] * last["volume"]).mean()))


sizes = st.dictionaries(
    st.sampled_from(["A", "B", "C", "D"]),
    st.floats(1.0, 1e9).flatmap(lambda x: st.sampled_from([x, -x])),
    min_size=1,
)


@settings(max_examples=50)
@given(sizes, st.floats(1e3, 1e9), st.floats(0.01, 1.0))
def test_the_profile_rises_to_one_by_the_longest_horizon(
    book: dict[str, float], volume: float, participation: float
) -> None:
    volumes = dict.fromkeys(book, volume)
    table = liquidity_horizon(book, volumes, participation=participation)
    profile = liquidation_profile(book, volumes, participation=participation)
    assert (profile.diff().iloc[1:] >= -1e-12).to_numpy().all()
    longest = float(table["days"].max())
    if longest < 10_000:
        assert profile.iloc[-1].tolist() == pytest.approx([1.0] * (len(book) + 1))
        assert len(profile) - 2 <= longest <= len(profile) - 1 + 1e-6
    assert liquidity_buckets(book, volumes, participation=participation)["share"].sum() == pytest.approx(1.0)
    gross = sum(map(abs, book.values()))
    assert 0.0 <= table["cost"].iloc[-1] <= gross


def test_settings_that_make_no_sense_are_one_clear_error() -> None:
    with pytest.raises(
        DataError, match="daily_volume: expected a figure for each instrument, found none for B@x"
    ):
        liquidity_horizon(BOOK, {"A@x": 1.0})
    with pytest.raises(
        ConfigError, match="daily_volume of A@x must be a finite number of 0 or more, found nan"
    ):
        liquidity_horizon(BOOK, {"A@x": math.nan, "B@x": 1.0})
    with pytest.raises(ConfigError, match="participation must be above 0 and at most 1, found 0"):
        liquidity_horizon(BOOK, VOLUME, participation=0.0)
    with pytest.raises(ConfigError, match="costs: expected those of B@x"):
        liquidity_horizon(BOOK, VOLUME, costs={"A@x": COSTS})
    with pytest.raises(DataError, match="expected a position that is not 0, found none"):
        liquidity_horizon({"A@x": 0.0}, VOLUME)
    with pytest.raises(ConfigError, match="days must be a whole number from 1 to 10,000"):
        liquidation_profile(BOOK, VOLUME, days=0)
    with pytest.raises(ConfigError, match="buckets: expected days from 1 that rise"):
        liquidity_buckets(BOOK, VOLUME, buckets=(7, 1))
    with pytest.raises(ConfigError, match="var must be a finite number of 0 or more, found -1"):
        liquidity_adjusted_var(-1.0, BOOK, VOLUME)
    with pytest.raises(DataError, match="expected volumes, found none; give the daily volume yourself"):
        average_daily_volume(wb.load("wti"))
    with pytest.raises(DataError, match="expected 99999 days or more, found 5031"):
        average_daily_volume(wb.load("sp500"), 99_999)
