"""Positions, orders and fills as they are shown: few columns, in words, newest or largest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from workbench.dashboards.state.figures import age, clock, money, signed, units
from workbench.dashboards.state.link import STALE_S
from workbench.dashboards.state.notices import words

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FILLS", "ORDERS", "POSITIONS", "fill_rows", "order_rows", "position_rows"]

ORDERS: Final = (
    "time",
    "strategy",
    "symbol",
    "venue",
    "side",
    "quantity",
    "filled",
    "price",
    "type",
    "state",
    "why",
)
FILLS: Final = (
    "time",
    "strategy",
    "symbol",
    "venue",
    "side",
    "quantity",
    "price",
    "fee",
    "realised",
    "liquidity",
)
POSITIONS: Final = (
    "strategy",
    "symbol",
    "venue",
    "quantity",
    "average",
    "mark",
    "notional",
    "unrealised",
    "realised",
    "price age",
)


def order_rows(orders: pd.DataFrame) -> pd.DataFrame:
    """Of orders as `EngineClient.orders` has them; the index is the order's number."""
    return _frame(
        orders,
        {
            "time": _times(orders["updated"]),
            "strategy": orders["strategy_id"],
            "symbol": orders["symbol"],
            "venue": orders["venue"],
            "side": orders["side"],
            "quantity": _each(orders["quantity"], units),
            "filled": _each(orders["filled"], units),
            "price": _each(orders["price"].where(orders["filled"] > 0.0, orders["limit_price"]), _price),
            "type": orders["order_type"].str.replace("_", " "),
            "state": _each(orders["state"], words),
            "why": _each(orders["reason"], words),
        },
    )


def fill_rows(fills: pd.DataFrame) -> pd.DataFrame:
    """Of fills as `EngineClient.fills` has them; the index is the cursor."""
    return _frame(
        fills,
        {
            "time": _times(fills["timestamp"]),
            "strategy": fills["strategy_id"],
            "symbol": fills["symbol"],
            "venue": fills["venue"],
            "side": fills["side"],
            "quantity": _each(fills["quantity"], units),
            "price": _each(fills["price"], _price),
            "fee": _each(fills["fee"], money),
            "realised": _each(fills["realised_pnl"], signed),
            "liquidity": fills["liquidity"],
        },
    )


def position_rows(positions: pd.DataFrame, now_ns: int) -> pd.DataFrame:
    """Of positions as `EngineClient.positions` has them, the largest first.  now_ns: the engine's time."""
    flat = positions.reset_index()
    rows = flat.iloc[flat["notional"].abs().argsort(kind="stable")[::-1]]
    ages = [(now_ns - ns) / 1e9 for ns in rows["mark_time"].dt.as_unit("ns").astype("int64").tolist()]
    return _frame(
        rows.set_index(rows["strategy_id"] + " " + rows["symbol"] + "@" + rows["venue"]),
        {
            "strategy": rows["strategy_id"].tolist(),
            "symbol": rows["symbol"].tolist(),
            "venue": rows["venue"].tolist(),
            "quantity": _each(rows["quantity"], units),
            "average": _each(rows["average_price"], _price),
            "mark": _each(rows["mark"], _price),
            "notional": _each(rows["notional"], money),
            "unrealised": _each(rows["unrealised_pnl"], signed),
            "realised": _each(rows["realised_pnl"] - rows["fees"], signed),
            "price age": [_price_age(seconds) for seconds in ages],
        },
    )


def _frame(like: pd.DataFrame, columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: list(values) for name, values in columns.items()}, index=like.index)


def _times(moments: pd.Series) -> list[str]:
    return [clock(ns) for ns in moments.dt.as_unit("ns").astype("int64").tolist()]


def _each(values: pd.Series, shown: Callable[[Any], str]) -> list[str]:
    return [shown(value) for value in values.tolist()]


def _price(value: float) -> str:
    return money(value, 2 if abs(value) >= 10.0 else 5)


def _price_age(seconds: float) -> str:
    """Rounded to what a person notices, so that a table does not change for it ten times a second."""
    if not seconds < 1e9:
        return "no price"
    return (
        f"{age(seconds)}, stale" if seconds > STALE_S else "fresh" if seconds < 2.0 else age(round(seconds))
    )
