"""Writing down what happened: rows of the event buffer, which the runner drains after each call."""

from __future__ import annotations

import math

from workbench.core.codes import EventKind
from workbench.core.jit import jit
from workbench.core.rows import Event, OrderRow
from workbench.core.state import NONE, Desk

__all__ = ["note", "note_order"]

BREACH = int(EventKind.BREACH)


@jit
def note(
    desk: Desk, kind: int, strategy: int, instrument: int, code: int, value: float, limit: float
) -> None:
    """Append an event that belongs to no order.  value, limit: in the unit of the rule."""
    book = desk.books[0]
    if kind == BREACH:
        book.breaches += 1
        if strategy != NONE:
            desk.strategies[strategy].breaches += 1
    if book.event_count >= desk.head[0].events:
        book.events_lost += 1
        return
    event: Event = desk.events[book.event_count]
    book.event_count += 1
    event.kind = kind
    event.ns = book.now_ns
    event.strategy = strategy
    event.instrument = instrument
    event.order = 0
    event.number = 0
    event.code = code
    event.side = 0
    event.client = 0
    event.quantity = 0.0
    event.price = math.nan
    event.value = value
    event.limit = limit


@jit
def note_order(
    desk: Desk,
    kind: int,
    order: OrderRow,
    code: int,
    quantity: float,
    price: float,
    value: float,
    limit: float,
    number: int = 0,
) -> None:
    """Append an event of one order.

    ORDER_FILLED: quantity is signed, value the fee, limit the leaves, number the execution's, code the liquidity.
    Others: quantity is what the order had left, price its limit, code the reason.
    """
    book = desk.books[0]
    if book.event_count >= desk.head[0].events:
        book.events_lost += 1
        return
    event: Event = desk.events[book.event_count]
    book.event_count += 1
    event.kind = kind
    event.ns = book.now_ns
    event.strategy = order.strategy
    event.instrument = order.instrument
    event.order = order.number
    event.number = number
    event.code = code
    event.side = order.side
    event.client = order.client
    event.quantity = quantity
    event.price = price
    event.value = value
    event.limit = limit
