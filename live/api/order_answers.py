"""Orders and fills as the engine answers.  Units: see `answers`."""

from __future__ import annotations

import msgspec

__all__ = [
    "FillPage",
    "FillView",
    "OrderPage",
    "OrderView",
]


class OrderView(msgspec.Struct, frozen=True):
    """One order.  cursor: place in the order of last changes.  side: buy or sell.  quantity, filled: units > 0.

    state: accepted, working, cancelling, partially_filled, filled, cancelled, rejected_by_venue, expired.
    price: average of its fills.  correlation_id: the thread from price to fill.
    """

    cursor: int
    order_id: int
    client_order_id: int
    correlation_id: str
    strategy_id: str
    symbol: str
    venue: str
    side: str
    quantity: float
    filled: float
    price: float
    order_type: str
    time_in_force: str
    limit_price: float
    stop_price: float
    state: str
    reason: str
    created_ns: int
    updated_ns: int


class OrderPage(msgspec.Struct, frozen=True):
    """Orders by last change, oldest first.  next: the `after` of the next page.  more: there is one already."""

    orders: tuple[OrderView, ...]
    next: int
    more: bool


class FillView(msgspec.Struct, frozen=True):
    """One execution.  quantity: units > 0.  realised_pnl: what it closed, before its fee."""

    cursor: int
    order_id: int
    client_order_id: int
    execution_id: int
    correlation_id: str
    strategy_id: str
    symbol: str
    venue: str
    side: str
    quantity: float
    price: float
    fee: float
    liquidity: str
    leaves: float
    realised_pnl: float
    timestamp_ns: int


class FillPage(msgspec.Struct, frozen=True):
    """Fills, oldest first.  next: the `after` of the next page.  more: there is one already."""

    fills: tuple[FillView, ...]
    next: int
    more: bool
