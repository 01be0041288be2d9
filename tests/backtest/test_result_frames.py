"""Frames of a result: one row per order, refused ones too; typed columns also where there is nothing to show."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from workbench.backtest.api import backtest
from workbench.backtest.frames import alerts_frame
from workbench.backtest.result import BacktestResult
from workbench.core.costs import Costs
from workbench.core.facts import BreakerTripped
from workbench.core.limits import OrderLimits, RiskLimits
from workbench.strategy import PriceUpdate, TradingStrategy

Run = Callable[..., BacktestResult]

PULLED_AND_TRIPPED = (("kill_switch", 0.0), ("daily_loss", 5.0))

FRAMES = (
    "orders",
    "fills",
    "trades",
    "positions",
    "position_history",
    "breaches",
    "alerts",
    "signals",
    "notices",
    "errors",
    "refusals",
)
MINUTES = {"step": "1min"}


def kind_of(dtype: Any) -> str:
    """What a column holds, in one word."""
    if isinstance(dtype, pd.DatetimeTZDtype):
        return f"time {dtype.unit} {dtype.tz}"
    return "text" if isinstance(dtype, pd.StringDtype) else str(dtype)


def only_row(frame: pd.DataFrame) -> dict[str, Any]:
    (row,) = frame.to_dict("records")
    return {str(name): value for name, value in row.items()}


@pytest.mark.parametrize("name", FRAMES)
def test_an_empty_frame_has_the_columns_and_types_of_a_full_one(run: Run, name: str) -> None:
    empty = getattr(run((100.0, 101.0)), name)
    assert len(empty) == 0
    assert len(empty.columns) >= 4
    assert {kind_of(dtype) for dtype in empty.dtypes} <= {
        "text",
        "float64",
        "int64",
        "time ns UTC",
        "timedelta64[ns]",
        "object",
    }
    orders = {0: [1.0, math.nan, (1.0, {"quantity": 1e9})], 2: [-1.0]}
    full = getattr(run((100.0, 101.0, 102.0, 103.0), orders), name)
    assert list(full.columns) == list(empty.columns)
    if len(full):
        assert [kind_of(d) for d in full.dtypes] == [kind_of(d) for d in empty.dtypes]


def test_frames_are_made_once(six: BacktestResult) -> None:
    assert six.orders is six.orders
    assert six.trades is six.trades


def test_a_filled_order(run: Run) -> None:
    row = only_row(run((100.0, 101.0, 102.0), {0: [1.0]}).orders)
    assert (row["order_id"], row["side"], row["order_type"], row["state"]) == (1, "buy", "market", "filled")
    assert (row["quantity"], row["filled_quantity"], row["average_price"]) == (10.0, 10.0, 101.0)
    assert row["created"] == pd.Timestamp("2024-01-02", tz="UTC")
    assert row["ended"] == pd.Timestamp("2024-01-03", tz="UTC")


def test_a_refused_order_stands_among_the_others_with_its_reasons(run: Run) -> None:
    limits = RiskLimits(order_limits=OrderLimits(max_order_volume=5.0, max_order_value=900.0))
    orders = {0: [(1.0, {"quantity": 5.0}), 1.0, (-1.0, {"quantity": 2.0})]}
    result = run((100.0, 100.0, 100.0), orders, limits=limits)
    assert result.orders["state"].tolist() == ["filled", "refused_by_risk", "filled"]
    refused = result.orders.iloc[1]
    assert refused["reason"] == "max_order_value, max_order_volume"
    assert (refused["order_id"], refused["quantity"], refused["filled_quantity"]) == (0, 10.0, 0.0)
    assert refused["created"] == refused["ended"] == pd.Timestamp("2024-01-02", tz="UTC")
    stats = result.stats()
    assert (stats["orders_sent"], stats["orders_refused"], stats["breaches"]) == (2, 1, 2)
    assert stats["refusal_reasons"] == "max_order_value 1, max_order_volume 1"
    assert result.breaches["breach_type"].tolist() == ["max_order_value", "max_order_volume"]


def test_refusals_count_orders_and_signals_by_reason(run: Run) -> None:
    limits = RiskLimits(order_limits=OrderLimits(max_order_volume=5.0))
    result = run((100.0, 100.0), {0: [1.0, 0.9, math.nan]}, limits=limits)
    rows = result.refusals.to_dict("records")
    assert [(r["what"], r["reason"], r["count"]) for r in rows] == [
        ("order", "max_order_volume", 2),
        ("signal", "invalid_signal", 1),
    ]


def test_an_order_that_works_to_the_end_has_no_end(run: Run) -> None:
    terms = {"order_type": "limit", "limit_price": 95.0}
    row = only_row(run((100.0, 101.0, 102.0), {0: [(1.0, terms)]}).orders)
    assert (row["state"], row["limit_price"], row["filled_quantity"]) == ("working", 95.0, 0.0)
    assert math.isnan(row["average_price"])
    assert pd.isna(row["ended"])


def test_a_cancelled_order(run: Run) -> None:
    terms = {"order_type": "limit", "limit_price": 95.0, "client_order_id": 7}
    orders = {0: [(1.0, terms)], 1: [(1.0, {"action": "cancel", "client_order_id": 7})]}
    row = only_row(run((100.0, 101.0, 102.0), orders).orders)
    assert (row["state"], row["reason"], row["client_order_id"]) == ("cancelled", "requested", 7)
    assert row["ended"] == pd.Timestamp("2024-01-03", tz="UTC")


def test_a_stop_order_says_when_it_was_triggered(run: Run) -> None:
    terms = {"order_type": "stop", "stop_price": 103.0}
    row = only_row(run((100.0, 101.0, 104.0, 105.0), {0: [(1.0, terms)]}).orders)
    assert row["triggered"] == pd.Timestamp("2024-01-04", tz="UTC")
    assert row["state"] == "filled"


def test_a_partial_fill_leaves_the_rest_working(run: Run) -> None:
    costs = Costs(0.0, 0.0, 0.0, 0.0, 0.0, participation=0.004)  # 4 of the 1,000 units of a bar
    result = run((100.0, 100.0, 102.0), {0: [1.0]}, costs=costs)
    row = only_row(result.orders)
    assert (row["state"], row["filled_quantity"], row["average_price"]) == ("partially_filled", 8.0, 101.0)
    assert result.fills["leaves"].tolist() == [6.0, 2.0]


def test_fills_are_signed_and_timed(six: BacktestResult) -> None:
    assert six.fills["quantity"].tolist() == [10.0, -10.0, -10.0, 10.0]
    assert six.fills["side"].tolist() == ["buy", "sell", "sell", "buy"]
    assert six.fills["price"].tolist() == [102.0, 105.0, 104.0, 107.0]
    assert six.fills["timestamp"].dt.day.tolist() == [3, 5, 6, 7]


def test_positions_at_the_end_add_up_to_what_equity_gained(run: Run) -> None:
    result = run((100.0, 100.0, 104.0, 103.0), {0: [1.0], 2: [(-1.0, {"quantity": 4.0})]})
    row = only_row(result.positions)
    assert (row["quantity"], row["average_price"], row["mark"], row["notional"]) == (6.0, 100.0, 103.0, 618.0)
    assert (row["realised_pnl"], row["unrealised_pnl"], row["pnl"]) == (12.0, 18.0, 30.0)
    assert result.final_equity == 10_030.0


def test_signals_show_what_is_no_number_as_nan(run: Run) -> None:
    result = run((100.0, 100.0), {0: [0.5, "much", (math.nan, {"quantity": 1.0})]})
    assert result.signals["signal_strength"].iloc[0] == 0.5
    assert result.signals["signal_strength"].isna().tolist() == [False, True, True]
    assert result.signals["metadata"].iloc[2] == {"quantity": 1.0}
    assert result.stats()["signals_refused"] == 2


def test_a_bad_tick_is_a_notice(run: Run) -> None:
    chaos = [{"kind": "bad_tick", "start": "2024-01-01T00:03", "duration": "1min"}]
    result = run((100.0,) * 6, chaos=chaos, **MINUTES)
    notice = only_row(result.notices)
    assert (notice["kind"], notice["symbol"], notice["venue"]) == ("bad_tick", "X", "SIM")
    assert notice["timestamp"] == pd.Timestamp("2024-01-01T00:03", tz="UTC")
    assert result.stats()["bad_ticks"] == 1


def test_a_breaker_trip_is_an_alert_and_an_emergency_stop(run: Run) -> None:
    result = run((100.0, 100.0, 85.0, 85.0), {0: [1.0]}, unit=80.0)  # 80 x -15 is 12 % of the cash
    trips = result.alerts[result.alerts["kind"] == "breaker_tripped"]
    assert "stop_loss" in set(trips["name"])
    expected = ["critical" if strategy_id else "emergency" for strategy_id in trips["strategy_id"]]
    assert trips["severity"].tolist() == expected
    assert result.performance().emergency_stops == len(trips) == result.stats()["breaker_trips"]
    assert "stopped " in repr(result)
    recorder = SimpleNamespace(journal=[BreakerTripped(name, "s", x, x, 0) for name, x in PULLED_AND_TRIPPED])
    assert [*alerts_frame(recorder)["message"]] == ["kill_switch tripped", "daily_loss tripped at 5, limit 5"]  # type: ignore[arg-type]


class Fails(TradingStrategy):
    """Raises at every update."""

    def on_market_data(self, price_update: PriceUpdate) -> list[Any]:
        raise ValueError(f"no idea about {price_update.symbol}")

    def on_order_fill(self, fill: object) -> None:
        """Never called."""

    def on_risk_breach(self, breach: object) -> None:
        """Nothing to do."""


def test_contained_errors_name_call_and_line(table: Callable[..., Any]) -> None:
    result = backtest(Fails, table(X=(100.0, 101.0)), on_error="contain")
    assert result.errors["call"].tolist() == ["on_market_data"] * 2
    assert result.errors["error"].str.contains("ValueError: no idea about X").all()
    assert result.errors["error"].str.contains("test_result_frames.py:").all()
    assert result.stats()["strategy_errors"] == 2
    assert "errors" in repr(result)
