"""Records of trading for tests: of a backtest, and written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from workbench.backtest.result import BacktestResult
from workbench.performance.trading_record import TradingRecord, feed_marks

__all__ = ["STRATEGIES", "chaos_windows", "handmade", "minute", "record_of"]

STRATEGIES = Path(__file__).parents[2] / "strategies"


def minute(number: int) -> pd.Timestamp:
    """So many minutes after 2024-01-01 09:00."""
    return pd.Timestamp("2024-01-01 09:00", tz="UTC") + pd.Timedelta(minutes=number)


def record_of(result: BacktestResult) -> TradingRecord:
    """What a finished backtest traded."""
    notices = result.notices
    return TradingRecord(
        result.fills,
        feed_marks(result.record.feed, notices[notices["kind"] == "bad_tick"]),
        result.orders,
        {instrument.name: instrument.multiplier for instrument in result.record.desk.instruments},
    )


def chaos_windows(result: BacktestResult) -> pd.DataFrame:
    """Start, end and target of the faults of a run."""
    return pd.DataFrame(
        {
            "start": [event.start for event in result.chaos],
            "end": [event.start + event.duration for event in result.chaos],
            "target": [event.target for event in result.chaos],
        }
    )


def handmade(
    marks: Sequence[float],
    fills: Sequence[tuple[int, int, float, float, float]],
    multiplier: float = 1.0,
) -> TradingRecord:
    """One strategy in X@v: a mark each minute; fills as (minute sent, minute filled, quantity, price, fee)."""
    index = pd.DatetimeIndex([minute(n) for n in range(len(marks))])
    return TradingRecord(
        pd.DataFrame(
            {
                "timestamp": [minute(filled) for _, filled, *_ in fills],
                "strategy_id": "s",
                "symbol": "X",
                "venue": "v",
                "side": ["buy" if quantity > 0 else "sell" for _, _, quantity, _, _ in fills],
                "quantity": [float(quantity) for _, _, quantity, _, _ in fills],
                "price": [price for *_, price, _ in fills],
                "fee": [fee for *_, fee in fills],
                "liquidity": "taker",
                "order_id": range(1, len(fills) + 1),
            }
        ),
        {"X@v": pd.DataFrame({"mark": [float(mark) for mark in marks]}, index=index)},
        pd.DataFrame(
            {"order_id": range(1, len(fills) + 1), "created": [minute(sent) for sent, *_ in fills]},
        ),
        {"X@v": multiplier},
    )
