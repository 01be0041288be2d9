"""Implementation shortfall, by a published example, by hand, and of backtests whose costs are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.performance.records import STRATEGIES, handmade, minute, record_of
from workbench.errors import ConfigError, DataError
from workbench.performance.attribution import attribute_pnl
from workbench.performance.shortfall import fill_costs, order_shortfall
from workbench.performance.trading_record import TradingRecord


def with_orders(record: TradingRecord, **columns: Any) -> TradingRecord:
    assert record.orders is not None
    sides = {"strategy_id": "s", "symbol": "X", "venue": "v", "ended": pd.NaT}
    orders = record.orders.assign(**{**sides, **columns})
    orders["ended"] = pd.to_datetime(orders["ended"], utc=True)
    return TradingRecord(record.fills, record.marks, orders, record.multipliers)


def test_the_published_example_of_an_order_that_was_filled_in_part() -> None:
    """An order for 1,000 shares is decided at 10.00; 800 are bought at 10.07, when the market stood at 10.05, for a
    commission of 20; at 10.08 the rest is given up.  Shortfall 0.92 %: commission 0.20, delay 0.40, price 0.16,
    missed trade 0.16 (J. Maginn, D. Tuttle, J. McLeavey, J. Pinto, "Managing Investment Portfolios", 3rd ed., ch. 10).
    """
    record = with_orders(
        handmade([10.00, 10.05, 10.08, 11.00], [(0, 1, 800, 10.07, 20.0)]),
        side="buy",
        quantity=1_000.0,
        ended=[minute(2)],
    )
    row = order_shortfall(record).iloc[0]
    assert row["shortfall"] == pytest.approx(92.0)
    assert row["shortfall_bps"] == pytest.approx(92.0)
    assert (row["execution"], row["fee"], row["opportunity"]) == (
        pytest.approx(56.0),
        20.0,
        pytest.approx(16.0),
    )
    costs = fill_costs(record).iloc[0]
    assert costs["delay"] == pytest.approx(40.0)
    assert costs["impact"] == pytest.approx(16.0)
    # Paper less real: 1,000 x 0.08 - (800 x 0.01 - 20).
    assert row["shortfall"] == pytest.approx(1_000 * 0.08 - (800 * 0.01 - 20.0))


def test_a_sale_is_the_mirror_image() -> None:
    record = with_orders(
        handmade([10.00, 9.95, 9.92], [(0, 1, -800, 9.93, 20.0)]),
        side="sell",
        quantity=1_000.0,
        ended=[minute(2)],
    )
    assert order_shortfall(record).iloc[0]["shortfall"] == pytest.approx(92.0)


def test_an_order_that_was_never_filled_costs_what_it_missed() -> None:
    none = handmade([100, 101, 104], [])
    orders = pd.DataFrame(
        {
            "order_id": [7, 0],
            "strategy_id": "s",
            "symbol": "X",
            "venue": "v",
            "side": "buy",
            "quantity": 2.0,
            "created": [minute(0), minute(1)],
            "ended": pd.Series([pd.NaT, pd.NaT]).dt.tz_localize("UTC"),
        }
    )
    table = order_shortfall(TradingRecord(none.fills, none.marks, orders))
    assert table.index.tolist() == [7]  # a refused order never left
    row = table.iloc[0]
    assert (row["filled"], row["execution"], row["opportunity"]) == (0.0, 0.0, pytest.approx(8.0))
    assert math.isnan(row["average_price"])


def test_an_order_on_one_instrument_sent_at_the_update_of_another_arrived_before_it() -> None:
    record = with_orders(handmade([100, 104], [(1, 1, 1, 104.5, 0)]), side="buy", quantity=1.0)
    row = order_shortfall(record).iloc[0]
    assert (row["arrival"], row["shortfall"]) == (100.0, pytest.approx(4.5))


def test_spread_and_impact_are_told_apart_where_the_touch_is_known() -> None:
    record = handmade([100, 101], [(0, 1, 2, 101.7, 0.1)], multiplier=3.0)
    marks = pd.DataFrame(record.marks["X@v"]).assign(bid=[99.5, 100.5], ask=[100.5, 101.5])
    quoted = TradingRecord(record.fills, {"X@v": marks}, record.orders, record.multipliers)
    row = fill_costs(quoted).iloc[0]
    assert row[["delay", "spread", "impact", "slippage"]].tolist() == pytest.approx([6.0, 3.0, 1.2, 10.2])
    assert row["slippage_bps"] == pytest.approx(1e4 * 10.2 / 600.0)


def test_a_run_pays_the_spread_the_slippage_and_the_fee_that_it_was_told_to() -> None:
    """Half of 4 bps, 3 bps and 5 bps of what was traded; no impact, no tick."""
    prices = wb.synthetic(["BTC-USD"], ["a"], bars=800, seed=2).with_instrument("BTC-USD", tick=0.0)
    costs = wb.Costs(spread_bps=4.0, slippage_bps=3.0, taker_bps=5.0, impact_bps=0.0)
    result = wb.backtest(STRATEGIES / "mean_reversion.py", prices, costs=costs)
    table = fill_costs(record_of(result), "strategy_id")
    row = table.iloc[0]
    assert row["fills"] == len(result.fills) > 10
    assert row["spread_bps"] == pytest.approx(2.0, rel=0.01)  # of the arrival price, which is not the fill's
    assert row["impact_bps"] == pytest.approx(3.0, rel=0.01)
    assert row["fee_bps"] == pytest.approx(5.0, rel=0.01)
    single = fill_costs(record_of(result))
    mid = single["quantity"].abs() * single["mid"]
    np.testing.assert_allclose(1e4 * single["spread"] / mid, 2.0)


def test_the_slippage_of_attribution_is_the_same_with_the_other_sign() -> None:
    result = wb.backtest(
        {"a": STRATEGIES / "market_making.py", "b": STRATEGIES / "momentum.py"},
        wb.synthetic(bars=600, seed=8),
    )
    record = record_of(result)
    costs = fill_costs(record, ["strategy_id", "venue"])
    parts = attribute_pnl(record, ("strategy", "venue"))
    np.testing.assert_allclose(costs["slippage"].sort_index(), -parts["slippage"].sort_index(), atol=1e-7)
    np.testing.assert_allclose(costs["fee"].sort_index(), -parts["fee"].sort_index(), atol=1e-7)
    orders = order_shortfall(record)
    assert len(orders) == (result.orders["state"] != "refused_by_risk").sum()
    assert orders["execution"].sum() == pytest.approx(costs["slippage"].sum())
    assert orders["filled"].sum() == pytest.approx(result.fills["quantity"].abs().sum())
    np.testing.assert_allclose(orders[["execution", "fee", "opportunity"]].sum(axis=1), orders["shortfall"])
    filled = orders[orders["filled"] > 0.0]
    sides = np.where(filled["side"] == "buy", 1.0, -1.0)
    by_average = sides * filled["filled"] * (filled["average_price"] - filled["arrival"])
    np.testing.assert_allclose(filled["execution"], by_average, atol=1e-6)


def test_a_record_that_cannot_tell_is_one_clear_error() -> None:
    record = handmade([100, 101], [(0, 1, 1, 101, 0)])
    with pytest.raises(
        ConfigError, match="by: expected columns of the fills, found 'desk'; there are timestamp"
    ):
        fill_costs(record, "desk")
    with pytest.raises(DataError, match="expected a record with orders, found none"):
        order_shortfall(TradingRecord(record.fills, record.marks))
    with pytest.raises(
        DataError, match=r"orders: expected the columns order_id, strategy_id, .* called strategy_id"
    ):
        order_shortfall(record)
