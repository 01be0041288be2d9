"""Answers as DataFrames: times as UTC, one row per position, order, fill, strategy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AUDIT",
    "EQUITY",
    "FILLS",
    "HISTORY",
    "ORDERS",
    "PERFORMANCE",
    "PNL",
    "POSITIONS",
    "SCRIPTS",
    "STRATEGIES",
    "frame_of",
]

# Columns and what they hold: s text, f figure, i whole number, b yes or no, t time (its name then loses _ns).
POSITIONS: Final = (
    "strategy_id:s symbol:s venue:s quantity:f average_price:f mark:f mark_ns:t notional:f unrealised_pnl:f "
    "realised_pnl:f fees:f working_buy:f working_sell:f"
)
ORDERS: Final = (
    "cursor:i order_id:i client_order_id:i correlation_id:s strategy_id:s symbol:s venue:s side:s quantity:f filled:f "
    "price:f order_type:s time_in_force:s limit_price:f stop_price:f state:s reason:s created_ns:t updated_ns:t"
)
FILLS: Final = (
    "cursor:i order_id:i client_order_id:i execution_id:i correlation_id:s strategy_id:s symbol:s venue:s side:s "
    "quantity:f price:f fee:f liquidity:s leaves:f realised_pnl:f timestamp_ns:t"
)
PNL: Final = "strategy_id:s capital:f total_pnl:f realised_pnl:f unrealised_pnl:f fees:f drawdown:f"
STRATEGIES: Final = (
    "strategy_id:s strategy_name:s version:s state:s reason:s since_ns:t started_ns:t restarts:i chaos:s person:s "
    "halted:s pnl:f gross_exposure:f fills:i halted_by:s"
)
SCRIPTS: Final = (
    "name:s strategy_name:s version:s description:s source_hash:s chaos:b uploaded:b allowed:b broken:s "
    "newer_source_hash:s"
)
PERFORMANCE: Final = (
    "strategy_name:s total_pnl:f sharpe_ratio:f max_drawdown:f win_rate:f avg_trade_pnl:f trades_per_day:f "
    "risk_adjusted_return:f trades:i fees:f chaos_recovery_time:f risk_breach_count:i emergency_stops:i"
)
EQUITY: Final = "ns:t equity:f drawdown:f gross_exposure:f"
AUDIT: Final = "ns:t person:s role:s action:s target:s outcome:s detail:s key:s"
HISTORY: Final = "ns:t action:s person:s outcome:s reason:s version:s source_hash:s certificate:s share:f"
_DTYPES: Final = {"s": "str", "f": "float64", "i": "int64", "b": "bool"}
_TIMES: Final = {"mark_ns": "mark_time", "ns": "time"}  # where the name without _ns is taken


def frame_of(rows: Sequence[dict[str, Any]], columns: str, index: str) -> pd.DataFrame:
    """Rows as a frame with these columns, however few rows there are.

    A time is UTC, NaT where there is none yet; null becomes NaN, and text that an older engine does not send "".
    """
    import pandas as pd

    table: dict[str, Any] = {}
    for column in columns.split():
        name, _, form = column.partition(":")
        values = [row.get(name) for row in rows]
        if form == "t":
            moments = pd.Series([value or None for value in values], dtype="Int64")
            times = pd.to_datetime(moments, utc=True).astype("datetime64[ns, UTC]")
            table[_TIMES.get(name, name.removesuffix("_ns"))] = times
        elif form == "s":
            table[name] = pd.Series([_text(value) for value in values], dtype="str")
        else:
            table[name] = pd.Series(values, dtype=_DTYPES[form])
    return pd.DataFrame(table).set_index(index)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
