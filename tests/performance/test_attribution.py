"""Attribution of P&L: tables by hand, and every cut of real backtests sums to what equity gained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.performance.records import STRATEGIES, chaos_windows, handmade, minute, record_of
from workbench.backtest.result import BacktestResult
from workbench.core.feed import LAST
from workbench.errors import ConfigError, DataError
from workbench.performance.attribution import attribute_pnl
from workbench.performance.trading_record import TradingRecord, feed_marks

CUTS: list[Any] = [
    "strategy",
    "instrument",
    "symbol",
    "venue",
    "side",
    "trade_side",
    "liquidity",
    "hour",
    "weekday",
    "day",
    "month",
    "time",
    ("strategy", "symbol", "hour"),
    ("side", "venue", "weekday"),
    ("trade_side", "liquidity", "day"),
]
PARTS = ["price", "slippage", "fee", "chaos"]

ROUND_TRIP = [(0, 1, 10, 102.5, 1.0), (2, 3, -10, 104.8, 2.0)]
"""Ten bought at 102.5 on an order sent at 100; sold at 104.8 on one sent at 101: 23 of gain less 3 of fees."""


# -- by hand --------------------------------------------------------------------------------------------------------


def test_price_is_what_the_paper_portfolio_made_and_slippage_the_rest() -> None:
    row = attribute_pnl(handmade([100, 102, 101, 105], ROUND_TRIP)).iloc[0]
    assert row["price"] == pytest.approx(10 * (101 - 100))  # in at 100, out at 101
    assert row["slippage"] == pytest.approx(-10 * 2.5 + 10 * 3.8)  # paid 2.5 more, got 3.8 more
    assert row["fee"] == pytest.approx(-3.0)
    assert (row["chaos"], row["total"]) == (0.0, pytest.approx(20.0))
    assert (row["realised"], row["unrealised"]) == (pytest.approx(23.0), pytest.approx(0.0))
    assert (row["fills"], row["turnover"]) == (2, pytest.approx(10 * 102.5 + 10 * 104.8))


def test_a_multiplier_counts_for_price_and_slippage_and_not_for_fees() -> None:
    row = attribute_pnl(handmade([100, 102, 101, 105], ROUND_TRIP, multiplier=5.0)).iloc[0]
    assert row[["price", "slippage", "fee"]].tolist() == pytest.approx([50.0, 65.0, -3.0])


def test_an_open_position_is_valued_at_the_last_mark() -> None:
    row = attribute_pnl(handmade([100, 102, 101, 105], ROUND_TRIP[:1])).iloc[0]
    assert row["total"] == pytest.approx(10 * (105 - 102.5) - 1.0)
    assert (row["realised"], row["unrealised"]) == (0.0, pytest.approx(25.0))


def test_long_and_short_share_a_fill_that_flips_by_its_units() -> None:
    # Long 10 from 100 to 110, then short 5 from 110 to 108; the flip's fee of 3 is 2 and 1.
    record = handmade([100, 100, 110, 110, 108], [(0, 1, 10, 100, 0), (1, 2, -15, 110, 3), (3, 4, 5, 108, 0)])
    table = attribute_pnl(record, "side")
    assert table.index.tolist() == ["long", "short"]
    assert table["total"].tolist() == pytest.approx([100.0 - 2.0, 10.0 - 1.0])
    assert table["fee"].tolist() == pytest.approx([-2.0, -1.0])
    assert table["realised"].tolist() == pytest.approx([100.0, 10.0])
    assert table["fills"].tolist() == [1, 2]
    assert table["turnover"].tolist() == pytest.approx([2 * 1_000.0 + 100.0, 5 * 110.0 + 5 * 108.0])


def test_buys_and_sells_are_each_carried_to_the_last_mark() -> None:
    table = attribute_pnl(handmade([100, 102, 101, 105], ROUND_TRIP), "trade_side")
    assert table["total"].to_dict() == pytest.approx(
        {"buy": 10 * (105 - 102.5) - 1.0, "sell": -10 * (105 - 104.8) - 2.0}
    )
    assert "realised" not in table


def test_pnl_belongs_to_the_hour_in_which_the_mark_moved() -> None:
    # Bought at 9:00 for 100; 9:59 closes at 101, the bar that closes at 10:00 sharp at 103, 10:01 at 102.
    index = pd.DatetimeIndex(
        ["2024-01-01 09:00", "2024-01-01 09:59", "2024-01-01 10:00", "2024-01-01 10:01"], tz="UTC"
    )
    fills = handmade([100], [(0, 0, 1, 100, 0)]).fills
    record = TradingRecord(fills, {"X@v": pd.DataFrame({"mark": [100.0, 101.0, 103.0, 102.0]}, index=index)})
    assert attribute_pnl(record, "hour")["total"].to_dict() == pytest.approx({8: 0.0, 9: 3.0, 10: -1.0})
    by_time = attribute_pnl(record, "time")["total"]
    assert by_time.index.tolist() == index.tolist()
    assert by_time.tolist() == pytest.approx([0.0, 1.0, 2.0, -1.0])


def test_days_end_at_midnight_and_weekdays_and_months_follow() -> None:
    index = pd.DatetimeIndex(["2024-01-31", "2024-02-01", "2024-02-02"], tz="UTC")
    fills = handmade([100], [(0, 0, 1, 100, 0)]).fills.assign(timestamp=index[0])
    record = TradingRecord(fills, {"X@v": pd.DataFrame({"mark": [100.0, 101.0, 103.0]}, index=index)})
    # What stands at midnight of February 1 was made on Wednesday, January 31.
    assert attribute_pnl(record, "day")["total"].iloc[1:].to_dict() == {
        pd.Timestamp("2024-01-31", tz="UTC"): 1.0,
        pd.Timestamp("2024-02-01", tz="UTC"): 2.0,
    }
    assert attribute_pnl(record, "weekday")["total"].to_dict() == {1: 0.0, 2: 1.0, 3: 2.0}
    assert attribute_pnl(record, "month")["total"].to_dict() == {
        pd.Timestamp("2024-01-01", tz="UTC"): 1.0,
        pd.Timestamp("2024-02-01", tz="UTC"): 2.0,
    }


def test_the_update_that_filled_an_order_is_never_its_arrival() -> None:
    """Two instruments update at one time; the order sent on the first is filled by the second's update of that time."""
    record = handmade([100, 104], [(1, 1, 1, 104.5, 0)])
    row = attribute_pnl(record).iloc[0]
    assert row[["price", "slippage"]].tolist() == pytest.approx([4.0, -4.5])


def test_without_orders_the_update_before_the_fill_is_the_arrival() -> None:
    full = handmade([100, 101, 102, 105], [(0, 3, 1, 105.5, 0)])
    assert attribute_pnl(full).iloc[0]["slippage"] == pytest.approx(-5.5)
    bare = TradingRecord(full.fills, full.marks)
    assert attribute_pnl(bare).iloc[0]["slippage"] == pytest.approx(-3.5)


def test_a_stop_arrives_when_it_is_triggered() -> None:
    record = handmade([100, 95, 90, 89], [(0, 3, -1, 88.0, 0)])
    orders = record.orders
    assert orders is not None
    triggered = TradingRecord(record.fills, record.marks, orders.assign(triggered=[minute(2)]))
    assert attribute_pnl(record).iloc[0]["slippage"] == pytest.approx(100.0 - 88.0 - 24.0)  # -12
    assert attribute_pnl(triggered).iloc[0]["slippage"] == pytest.approx(-(90.0 - 88.0))


def test_the_arrival_is_the_mid_where_bid_and_ask_are_known() -> None:
    record = handmade([100, 102], [(0, 1, 1, 102.0, 0)])
    marks = record.marks["X@v"].assign(
        bid=[98.0, 101.0], ask=[99.0, 103.0]
    )  # the last trade was above the ask
    quoted = TradingRecord(record.fills, {"X@v": marks}, record.orders)
    assert attribute_pnl(quoted).iloc[0][["price", "slippage"]].tolist() == pytest.approx([3.5, -3.5])


def test_a_window_takes_what_accrued_in_it_on_its_target_alone() -> None:
    record = handmade([100, 102, 101, 105], ROUND_TRIP)
    window = pd.DataFrame({"start": [minute(3)], "end": [minute(4)]})
    row = attribute_pnl(record, chaos=window).iloc[0]
    # At minute 3 the mark rises by 4 on ten units, of which the sale at 104.8 keeps all but 0.2 each, less its fee.
    assert row["chaos"] == pytest.approx(10 * 4.0 - 10 * 0.2 - 2.0)
    assert row["total"] == pytest.approx(20.0)
    assert row["fee"] == pytest.approx(-1.0)
    before = window.assign(start=minute(2), end=minute(3))  # its end is not in it
    assert attribute_pnl(record, chaos=before).iloc[0]["chaos"] == pytest.approx(-10.0)
    for target, met in [("s", True), ("X", True), ("v", True), ("X@v", True), ("Y", False)]:
        aimed = attribute_pnl(record, chaos=window.assign(target=target)).iloc[0]
        assert (aimed["chaos"] != 0.0) == met
        assert aimed["total"] == pytest.approx(20.0)


def test_beside_the_run_without_faults_chaos_is_the_difference() -> None:
    normal, disturbed = (
        handmade([100, 102, 101, 105], ROUND_TRIP),
        handmade([100, 102, 90, 80], ROUND_TRIP[:1]),
    )
    row = attribute_pnl(disturbed, without=normal).iloc[0]
    assert row[["price", "slippage", "fee"]].tolist() == pytest.approx([10.0, 13.0, -3.0])
    assert row["total"] == pytest.approx(10 * (80 - 102.5) - 1.0)
    assert row["chaos"] == pytest.approx(row["total"] - 20.0)
    by_hour = attribute_pnl(disturbed, "hour", without=normal)
    assert by_hour["total"].sum() == pytest.approx(row["total"])


def test_nothing_traded_is_an_empty_table_with_its_columns() -> None:
    record = handmade([100, 101], [])
    for by in CUTS:
        table = attribute_pnl(record, by)
        assert len(table) == 0
        assert list(table.columns)[:5] == [*PARTS, "total"]


# -- of backtests ---------------------------------------------------------------------------------------------------


def assert_sums(result: BacktestResult, **chaos: Any) -> None:
    """Every cut sums to what equity gained, and each strategy's path over time is the desk's own."""
    record = record_of(result)
    gained = result.final_equity - result.initial_cash
    slack = 1e-9 * max(1.0, float(result.positions["traded_notional"].sum()))
    for by in CUTS:
        table = attribute_pnl(record, by, **chaos)
        assert float(table["total"].sum()) == pytest.approx(gained, abs=slack), by
        np.testing.assert_allclose(table[PARTS].sum(axis=1), table["total"], atol=slack)
        assert table["fills"].sum() == len(result.fills)
        assert table["turnover"].sum() == pytest.approx(result.positions["traded_notional"].sum())
    strategies = attribute_pnl(record, "strategy", **chaos)
    ledger = result.positions.groupby("strategy_id")
    for column, own in [("realised", "realised_pnl"), ("unrealised", "unrealised_pnl"), ("total", "pnl")]:
        expected = ledger[own].sum().reindex(strategies.index)
        np.testing.assert_allclose(strategies[column], expected, atol=slack)
    path = attribute_pnl(record, ("strategy", "time"), **chaos)["total"].unstack("strategy")
    path = path.reindex(index=result.strategy_pnl.index).fillna(0.0).cumsum()
    np.testing.assert_allclose(path, result.strategy_pnl[path.columns], atol=slack)


def test_a_trend_on_the_sample_index_is_split_without_a_rest() -> None:
    result = wb.backtest(
        STRATEGIES / "sma_cross.py",
        "sp500",
        config={"fast": 20, "slow": 100, "unit": 20},
        costs={"taker_bps": 2},
    )
    assert_sums(result)
    table = attribute_pnl(record_of(result))
    assert table["fee"].sum() == pytest.approx(-result.fills["fee"].sum())
    assert table["price"].iloc[0] > 0.0 > table["slippage"].iloc[0]


def test_free_trading_at_the_close_before_has_no_slippage_but_the_delay() -> None:
    """Without costs a fill is at the mid of the next update: slippage is the move from one update to the next."""
    prices = wb.synthetic(["BTC-USD"], ["a"], bars=600, seed=3)
    result = wb.backtest(
        STRATEGIES / "sma_cross.py", prices, config={"fast": 5, "slow": 20}, costs=wb.Costs.free()
    )
    closes = prices.frame("BTC-USD@a")["close"].to_numpy()
    times = pd.DatetimeIndex(prices.frame("BTC-USD@a").index) + pd.Timedelta("1min")
    at = times.get_indexer(pd.DatetimeIndex(result.fills["timestamp"]))
    delay = -(result.fills["quantity"].to_numpy() * (closes[at] - closes[at - 1])).sum()
    row = attribute_pnl(record_of(result)).iloc[0]
    assert row["slippage"] == pytest.approx(delay)
    assert row["fee"] == 0.0


def test_two_strategies_with_faults_of_every_family_are_split_without_a_rest() -> None:
    events = [
        wb.ChaosEvent("bad_tick", "2024-01-01 02:00", "2h", 0.3, seed=3),
        wb.ChaosEvent("volatility_burst", "2024-01-01 05:00", "3h", 3.0),
        wb.ChaosEvent("out_of_order_fills", "2024-01-01 09:00", "3h"),
        wb.ChaosEvent("duplicate_fills", "2024-01-01 13:00", "1h"),
        wb.ChaosEvent("runaway", "2024-01-01 15:00", "30min", 0.3, target="a"),
    ]
    strategies = {"a": STRATEGIES / "sma_cross.py", "b": STRATEGIES / "market_making.py"}
    config = {"a": {"fast": 5, "slow": 20, "unit": 2}, "b": {"max_position_size": 3.0}}
    prices = wb.synthetic(bars=1_100, seed=5).with_instrument("ETH-USD@exchange-2", multiplier=3.0)
    limits = {"circuit_breakers": {"single_strategy_loss": -6_000}}
    result = wb.backtest(strategies, prices, config=config, chaos=events, limits=limits)
    normal = wb.backtest(strategies, prices, config=config)
    assert set(result.fills["liquidity"]) == {"maker", "taker"}
    assert (result.notices["kind"] == "bad_tick").any()
    assert (result.alerts["kind"] == "breaker_tripped").any()
    assert_sums(result)
    assert_sums(result, chaos=chaos_windows(result))
    assert_sums(result, without=record_of(normal))
    effect = attribute_pnl(record_of(result), without=record_of(normal))["chaos"].sum()
    assert effect == pytest.approx(result.final_equity - normal.final_equity)


@settings(max_examples=6)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["mean_reversion", "momentum", "pairs", "arbitrage", "market_making"]),
)
def test_every_cut_of_any_run_sums_to_what_equity_gained(seed: int, strategy: str) -> None:
    prices = wb.synthetic(bars=400, seed=seed)
    costs = {"spread_bps": seed % 7, "latency_seconds": 60.0 * (seed % 3), "maker_bps": -0.5}
    assert_sums(wb.backtest(STRATEGIES / f"{strategy}.py", prices, costs=costs))


# -- marks ----------------------------------------------------------------------------------------------------------


def test_bad_ticks_are_no_marks() -> None:
    prices = wb.synthetic(["BTC-USD"], ["a"], bars=200, seed=1)
    event = wb.ChaosEvent("bad_tick", "2024-01-01 00:30", "1h", 0.5, seed=2)
    result = wb.backtest(STRATEGIES / "sma_cross.py", prices, chaos=[event])
    notices = result.notices[result.notices["kind"] == "bad_tick"]
    marks = feed_marks(result.record.feed, notices)["BTC-USD@a"]
    assert len(notices) > 10
    assert len(marks) == 200 - len(notices)
    assert marks["mark"].pct_change().abs().max() < 0.05
    raw = feed_marks(result.record.feed)["BTC-USD@a"]["mark"]
    assert len(raw) == 200
    assert not (raw.dropna().pct_change().abs() < 0.05).all()


def test_of_equal_updates_the_later_ones_are_believed() -> None:
    """A jump that two more updates confirm: of three equal rows at one time the desk refused the first two."""
    closes = pd.DataFrame({"close": [1.0, 1.0, 9.0, 9.0, 9.0]}, index=[minute(n) for n in range(5)])
    feed = wb.Prices({"X@v": closes}).to_feed()
    times = feed.timestamp_ns.copy()
    times[2:] = times[2]
    same = type(feed)(feed.instruments, times, feed.instrument, feed.quotes, feed.sequence)
    stamp = pd.Timestamp(int(times[2]), unit="ns", tz="UTC")
    refused = pd.DataFrame({"timestamp": [stamp, stamp], "symbol": "X", "venue": "v", "value": [9.0, 9.0]})
    assert feed_marks(same, refused)["X@v"]["mark"].tolist() == [1.0, 1.0, 9.0]


def test_a_price_that_is_no_number_is_left_out_whatever_its_bits() -> None:
    closes = pd.DataFrame({"close": [1.0, 2.0, 3.0]}, index=[minute(n) for n in range(3)])
    feed = wb.Prices({"X@v": closes}).to_feed()
    feed.quotes[1, LAST] = np.copysign(np.nan, -1.0)
    stamp = pd.Timestamp(int(feed.timestamp_ns[1]), unit="ns", tz="UTC")
    refused = pd.DataFrame({"timestamp": [stamp], "symbol": "X", "venue": "v", "value": [np.nan]})
    assert feed_marks(feed, refused)["X@v"]["mark"].tolist() == [1.0, 3.0]


# -- bad input ------------------------------------------------------------------------------------------------------


def test_cuts_that_make_no_sense_are_one_clear_error() -> None:
    record = handmade([100, 102, 101, 105], ROUND_TRIP)
    wrong: Any = "sector"
    with pytest.raises(
        ConfigError, match=r"by: expected one or several of strategy, instrument, .*, found 'sector'"
    ):
        attribute_pnl(record, wrong)
    with pytest.raises(ConfigError, match="side is of a position, trade_side and liquidity are of fills"):
        attribute_pnl(record, ("side", "liquidity"))
    with pytest.raises(ConfigError, match="expected at least one cut, each once"):
        attribute_pnl(record, ())
    with pytest.raises(ConfigError, match="expected at least one cut, each once"):
        attribute_pnl(record, ("hour", "hour"))
    window = pd.DataFrame({"start": [minute(3)], "end": [minute(4)]})
    with pytest.raises(ConfigError, match=r"expected windows \(chaos=\) or the run without the faults"):
        attribute_pnl(record, chaos=window, without=record)
    with pytest.raises(
        DataError, match="chaos: expected windows with the columns start and end, found no end"
    ):
        attribute_pnl(record, chaos=window[["start"]])
    with pytest.raises(DataError, match="chaos: expected each window to end after its start"):
        attribute_pnl(record, chaos=window.assign(end=minute(3)))
    with pytest.raises(DataError, match="expected fills with a column liquidity, found none"):
        attribute_pnl(TradingRecord(record.fills.drop(columns="liquidity"), record.marks), "liquidity")


def test_records_that_make_no_sense_are_one_clear_error() -> None:
    record = handmade([100, 102, 101, 105], ROUND_TRIP)
    fills, orders = record.fills, record.orders
    marks = {"X@v": pd.DataFrame(record.marks["X@v"])}
    assert orders is not None
    with pytest.raises(DataError, match=r"fills: expected the columns .*, found none called price"):
        TradingRecord(fills.drop(columns="price"), marks)
    with pytest.raises(
        DataError, match="fills: row 1: expected a quantity that is finite and not 0, found 0"
    ):
        TradingRecord(fills.assign(quantity=[1.0, 0.0]), marks)
    with pytest.raises(DataError, match="fills: row 0: expected a fee that is finite, found nan"):
        TradingRecord(fills.assign(fee=[np.nan, 0.0]), marks)
    with pytest.raises(DataError, match="fills: row 1 is earlier than the one before; sort them by time"):
        TradingRecord(fills.iloc[::-1].reset_index(drop=True), marks)
    with pytest.raises(DataError, match="marks: expected those of X@v, found Y@v"):
        attribute_pnl(TradingRecord(fills, {"Y@v": marks["X@v"]}))
    with pytest.raises(
        DataError, match="marks of X@v: expected one at or before the first fill, 2024-01-01 09:01"
    ):
        attribute_pnl(TradingRecord(fills, {"X@v": marks["X@v"].iloc[2:]}))
    with pytest.raises(
        DataError, match="marks of X@v: expected finite marks, found none at 2024-01-01 09:02"
    ):
        attribute_pnl(TradingRecord(fills, {"X@v": marks["X@v"].replace(101.0, np.nan)}))
    with pytest.raises(DataError, match="marks of X@v: expected times that rise as the index"):
        attribute_pnl(TradingRecord(fills, {"X@v": marks["X@v"].iloc[::-1]}))
    with pytest.raises(DataError, match="orders: expected order 2, of fill row 1, found none"):
        attribute_pnl(TradingRecord(fills, marks, orders.iloc[:1]))
    with pytest.raises(
        DataError, match="fills beside orders: expected the columns order_id, found none called order_id"
    ):
        TradingRecord(fills.drop(columns="order_id"), marks, orders)


def test_a_frame_of_closes_serves_as_marks() -> None:
    record = handmade([100, 102, 101, 105], ROUND_TRIP)
    wide = pd.DataFrame({"X@v": record.marks["X@v"]["mark"], "Y@v": np.nan})
    pd.testing.assert_frame_equal(
        attribute_pnl(TradingRecord(record.fills, wide, record.orders)), attribute_pnl(record)
    )
