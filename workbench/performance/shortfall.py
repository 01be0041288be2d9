"""What trading cost against the prices at which it was decided: implementation shortfall, fill by fill, order by order.

Shortfall is what a paper portfolio, trading all that was ordered at the mid price at which the order was sent and
paying nothing, made more than the real one (A. F. Perold, "The implementation shortfall: paper versus reality", 1988).
Costs are positive here, quote currency; what a limit order earned is negative.  The slippage of `attribution` is the
same figure as a part of P&L: with the other sign.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.trading_record import FillBook, TradingRecord, last_at, nanoseconds_of

__all__ = ["fill_costs", "order_shortfall"]

type Floats = npt.NDArray[np.float64]

_COSTS: Final = ("delay", "spread", "impact", "slippage", "fee")
_ORDERS: Final = ("order_id", "strategy_id", "symbol", "venue", "side", "quantity", "created", "ended")


def fill_costs(record: TradingRecord, by: str | Sequence[str] | None = None) -> pd.DataFrame:
    """What each fill cost against its arrival price; one row per fill, in the order of `record.fills`.

    arrival: mid price when the order was sent (see TradingRecord.orders; a stop when it was triggered).  mid: when it
    filled.  delay: the move in between.  spread: from the mid to the touch, 0 where bid and ask are not known.  impact:
    from the touch (or the mid) to the fill, slippage included.  slippage: the three together.  fee.  notional: at the
    arrival price.  slippage_bps: of it.

    by: columns of the fills (strategy_id, symbol, venue, side, liquidity ...) to sum over: one row per group, with the
    columns fills, notional, the costs, and each cost per notional in basis points (delay_bps ...).
    Raises ConfigError for a column that is not there.
    """
    names = [by] if isinstance(by, str) else list(by or ())
    for name in names:
        if name not in record.fills:
            raise ConfigError(
                f"by: expected columns of the fills, found {name!r}; there are {', '.join(map(str, record.fills))}"
            )
    columns = {name: np.zeros(len(record.fills)) for name in ("arrival", "mid", "notional", *_COSTS)}
    for book in record.books():
        for name, values in _costs_of(book).items():
            columns[name][book.rows] = values
    table = record.fills.reset_index(drop=True)
    table = table.assign(**columns)
    if not names:
        return table.assign(slippage_bps=_bps(table["slippage"], table["notional"]))
    groups = table.groupby(names, sort=False)
    sums = groups[["notional", *_COSTS]].sum()
    sums.insert(0, "fills", groups.size())
    return sums.assign(**{f"{name}_bps": _bps(sums[name], sums["notional"]) for name in _COSTS})


def order_shortfall(record: TradingRecord) -> pd.DataFrame:
    """Implementation shortfall of each order that left, what was not filled included; index order_id.

    quantity, filled: units > 0.  arrival: mid price when it was sent.  average_price: of its fills, NaN without.
    end_price: mark when the order ended, or the last one.  execution: filled x (average_price - arrival), for a buy.
    fee.  opportunity: unfilled x (end_price - arrival), for a buy.  shortfall: their sum.  shortfall_bps: of
    quantity x arrival.  Quote currency.
    Raises DataError where the record has no orders, or the orders lack a column.
    """
    orders = record.orders
    if orders is None:
        raise DataError("expected a record with orders, found none; pass TradingRecord(orders=...)")
    missing = [name for name in _ORDERS if name not in orders]
    if missing:
        raise DataError(
            f"orders: expected the columns {', '.join(_ORDERS)}, found none called {', '.join(missing)}"
        )
    sent = orders[orders["order_id"] != 0].reset_index(drop=True)  # one that was refused has no number
    arrival, end = _order_prices(record, sent)
    fills = fill_costs(record)
    size = fills["quantity"].abs()
    sums = pd.DataFrame(
        {"filled": size, "paid": size * fills["price"], "fee": fills["fee"], "slippage": fills["slippage"]}
    )
    sums = sums.groupby(fills["order_id"]).sum().reindex(sent["order_id"]).fillna(0.0)
    filled = sums["filled"].to_numpy()
    quantity = sent["quantity"].abs().to_numpy(dtype=np.float64)
    side = np.where(sent["side"] == "buy", 1.0, -1.0)
    names = (sent["symbol"].astype(str) + "@" + sent["venue"].astype(str)).tolist()
    scale = np.array([record.multiplier(name) for name in names])
    average = sums["paid"].to_numpy() / np.where(filled > 0.0, filled, math.nan)
    execution = sums["slippage"].to_numpy()
    left = np.maximum(quantity - filled, 0.0)
    opportunity = side * np.where(left > 1e-12 * quantity, left, 0.0) * (end - arrival) * scale
    fee = sums["fee"].to_numpy()
    total = execution + fee + opportunity
    return pd.DataFrame(
        {
            **{name: sent[name].to_numpy() for name in ("strategy_id", "symbol", "venue", "side")},
            "sent": pd.DatetimeIndex(sent["created"]),
            "quantity": quantity,
            "filled": filled,
            "arrival": arrival,
            "average_price": average,
            "end_price": end,
            "execution": execution,
            "fee": fee,
            "opportunity": opportunity,
            "shortfall": total,
            "shortfall_bps": 1e4 * total / (quantity * arrival * scale),
        },
        index=pd.Index(sent["order_id"], name="order_id"),
    )


def _costs_of(book: FillBook) -> dict[str, Floats]:
    """Costs of the fills of one strategy and instrument, float64[m] each."""
    arrival, mid = book.arrival(), book.mid[book.at]
    touch = np.where(book.quantity > 0.0, book.ask[book.at], book.bid[book.at])
    touch = np.where(np.isfinite(touch), touch, mid)
    units = book.quantity * book.multiplier
    return {
        "arrival": arrival,
        "mid": mid,
        "notional": np.abs(units) * arrival,
        "delay": units * (mid - arrival),
        "spread": units * (touch - mid),
        "impact": units * (book.price - touch),
        "slippage": units * (book.price - arrival),
        "fee": book.fee,
    }


def _order_prices(record: TradingRecord, orders: pd.DataFrame) -> tuple[Floats, Floats]:
    """Mid when each order was sent, and mark when it ended (the last one where it works still); float64[n] each.

    What the fills of an order say of its arrival comes first: they know that an update cannot fill what it caused.
    """
    arrival, end = np.full(len(orders), math.nan), np.full(len(orders), math.nan)
    names = (orders["symbol"].astype(str) + "@" + orders["venue"].astype(str)).to_numpy(dtype=object)
    created, ended = nanoseconds_of(orders["created"]), nanoseconds_of(orders["ended"])
    for name in dict.fromkeys(names.tolist()):
        rows = np.flatnonzero(names == name)
        mark_ns, mark, mid, _, _ = record.marks_of(str(name))
        arrival[rows] = mid[np.maximum(last_at(mark_ns, created[rows]), 0)]
        until = np.where(orders["ended"].isna().to_numpy()[rows], mark_ns[-1], ended[rows])
        end[rows] = mark[np.maximum(last_at(mark_ns, until), 0)]
    places = pd.Index(orders["order_id"])
    for book in record.books():
        own = places.get_indexer(pd.Index(record.fills["order_id"].to_numpy()[book.rows]))
        arrival[own] = book.arrival()
    return arrival, end


def _bps(cost: pd.Series[float], notional: pd.Series[float]) -> pd.Series[float]:
    return 1e4 * cost / notional.where(notional > 0.0)
