"""Order slots: a free list, one list of working orders per instrument in order of arrival, and booked exposure.

Exposure is booked when an order is accepted and released on its final state, so working orders count against limits.
"""

from __future__ import annotations

from workbench.core.codes import EventKind, OrderState, OrderType, Side
from workbench.core.jit import jit
from workbench.core.ledger import settle
from workbench.core.record import note_order
from workbench.core.rows import OrderRow
from workbench.core.state import NONE, SECOND_NS, Desk

__all__ = [
    "EVERY",
    "ONLY_EMERGENCY",
    "SPARE_EMERGENCY",
    "book_units",
    "cancel_order",
    "cancel_working",
    "closing_failed",
    "finish",
    "link",
    "reject_order",
    "release_slot",
    "take_slot",
    "touch",
    "unlink",
]

FIRST_WAIT_NS = SECOND_NS // 10
LONGEST_WAIT_NS = 5 * SECOND_NS
EVERY = 0
SPARE_EMERGENCY = 1
ONLY_EMERGENCY = 2
BUY = int(Side.BUY)
MARKET = int(OrderType.MARKET)
CANCELLED = int(OrderState.CANCELLED)
ORDER_REJECTED = int(EventKind.ORDER_REJECTED)
REJECTED = int(OrderState.REJECTED_BY_VENUE)
ORDER_CANCELLED = int(EventKind.ORDER_CANCELLED)
CANCEL_REQUESTED = int(EventKind.CANCEL_REQUESTED)


@jit
def take_slot(desk: Desk) -> int:
    """A free order slot, or NONE when the queue is full."""
    book = desk.books[0]
    slot = book.free
    if slot != NONE:
        book.free = desk.orders[slot].next
        book.working += 1
    return slot


@jit
def release_slot(desk: Desk, slot: int) -> None:
    """Give a slot back; the order in it must be unlinked, final and without executions under way."""
    book = desk.books[0]
    desk.orders[slot].next = book.free
    book.free = slot
    book.working -= 1


@jit
def link(desk: Desk, slot: int) -> None:
    """Put an order at the end of its instrument's working list."""
    order = desk.orders[slot]
    instrument = desk.instruments[order.instrument]
    order.linked = 1
    instrument.priced += order.type != MARKET
    order.next = NONE
    order.previous = instrument.final
    if instrument.final == NONE:
        instrument.first = slot
    else:
        desk.orders[instrument.final].next = slot
    instrument.final = slot


@jit
def unlink(desk: Desk, slot: int) -> None:
    """Take an order off its instrument's working list; twice does no harm."""
    order = desk.orders[slot]
    if order.linked == 0:
        return
    order.linked = 0
    instrument = desk.instruments[order.instrument]
    instrument.priced -= order.type != MARKET
    if order.previous == NONE:
        instrument.first = order.next
    else:
        desk.orders[order.previous].next = order.next
    if order.next == NONE:
        instrument.final = order.previous
    else:
        desk.orders[order.next].previous = order.previous


@jit
def touch(desk: Desk, strategy: int, instrument: int) -> None:
    """Recompute the exposure of one position: the worst that its working orders could make of it, at the mark."""
    position = desk.positions[strategy * desk.head[0].instruments + instrument]
    row = desk.instruments[instrument]
    long_units = abs(position.quantity + position.working_buy)
    short_units = abs(position.quantity - position.working_sell)
    units = long_units if long_units > short_units else short_units
    position.exposure = units * row.mark * row.multiplier if units > 0.0 else 0.0
    desk.strategies[strategy].dirty = 1


@jit
def book_units(desk: Desk, strategy: int, instrument: int, side: int, units: float) -> None:
    """Book (units > 0) or release (units < 0) working exposure on one side."""
    position = desk.positions[strategy * desk.head[0].instruments + instrument]
    symbol = desk.symbols[desk.instruments[instrument].symbol]
    if side == BUY:
        position.working_buy = settle(position.working_buy, units)
        symbol.working_buy = settle(symbol.working_buy, units)
    else:
        position.working_sell = settle(position.working_sell, units)
        symbol.working_sell = settle(symbol.working_sell, units)
    touch(desk, strategy, instrument)


@jit
def finish(desk: Desk, slot: int, state: int) -> None:
    """Move a working order to its final state: unlink it, release its exposure, free the slot when it can be."""
    order: OrderRow = desk.orders[slot]
    unlink(desk, slot)
    if order.venue_leaves > 0.0:
        book_units(desk, order.strategy, order.instrument, order.side, -order.venue_leaves)
        order.leaves = settle(order.leaves, -order.venue_leaves)
        order.venue_leaves = 0.0
    order.state = state
    if order.pending == 0:
        release_slot(desk, slot)


@jit
def cancel_order(desk: Desk, slot: int, reason: int) -> None:
    """Cancel one working order at its venue and report it.

    A remote venue is asked, once: the order works and its exposure stays booked until the venue says that it has ended.
    """
    order = desk.orders[slot]
    if desk.venues[desk.instruments[order.instrument].venue].remote:
        if order.cancelling == 0:
            order.cancelling = 1
            note_order(desk, CANCEL_REQUESTED, order, reason, order.venue_leaves, order.limit, 0.0, 0.0)
        return
    note_order(desk, ORDER_CANCELLED, order, reason, order.venue_leaves, order.limit, 0.0, 0.0)
    finish(desk, slot, CANCELLED)


@jit
def reject_order(desk: Desk, slot: int, reason: int) -> None:
    """The venue rejects an order that has not traded; reported like a cancel, under its own name."""
    order = desk.orders[slot]
    if order.emergency:
        closing_failed(desk, order.strategy, order.instrument)
    note_order(desk, ORDER_REJECTED, order, reason, order.venue_leaves, order.limit, 0.0, 0.0)
    finish(desk, slot, REJECTED)


@jit
def closing_failed(desk: Desk, strategy: int, instrument: int) -> None:
    """A venue would not close a position: liquidation waits before it asks again, twice as long after each time."""
    position = desk.positions[strategy * desk.head[0].instruments + instrument]
    wait = FIRST_WAIT_NS << (position.closing_failures if position.closing_failures < 16 else 16)
    position.closing_failures += 1
    position.closing_ns = desk.books[0].now_ns + (wait if wait < LONGEST_WAIT_NS else LONGEST_WAIT_NS)


@jit
def cancel_working(
    desk: Desk, strategy: int, instrument: int, venue: int, client: int, reason: int, which: int
) -> int:
    """Cancel all working orders that match; NONE (0 for `client`) matches all.  Returns how many.

    which: EVERY, SPARE_EMERGENCY or ONLY_EMERGENCY (orders that close positions for a breaker).
    """
    count = 0
    for k in range(desk.head[0].instruments):
        row = desk.instruments[k]
        if (instrument != NONE and instrument != k) or (venue != NONE and venue != row.venue):
            continue
        slot = row.first
        while slot != NONE:
            order = desk.orders[slot]
            following = order.next
            mine = strategy in (NONE, order.strategy) and client in (0, order.client)
            spared = which == SPARE_EMERGENCY if order.emergency else which == ONLY_EMERGENCY
            if mine and not spared:
                cancel_order(desk, slot, reason)
                count += 1
            slot = following
    return count
