"""What venues outside of the desk report: executions, acknowledgements, ends of orders, sessions; and time by itself.

An order at such a venue works, and its exposure stays booked, until the venue says otherwise. Nothing that a venue
says is taken twice, and an execution that belongs to no order stops everything until a person has looked.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from workbench.core.codes import Breaker, EventKind, OrderState, Report, VenueReason
from workbench.core.executions import deliver, release_held, was_seen
from workbench.core.jit import jit
from workbench.core.latches import trip
from workbench.core.ledger import settle
from workbench.core.native import open_desk
from workbench.core.orders import book_units, closing_failed, finish, take_slot, unlink
from workbench.core.quotes import advance_clock
from workbench.core.record import note, note_order
from workbench.core.rows import OrderRow
from workbench.core.state import NONE, Desk
from workbench.core.step import watch
from workbench.core.venue_faults import refresh_faults

__all__ = ["on_report", "on_session", "on_tick"]

TOLERANCE = 1e-9  # of an order's quantity: what sums of binary fractions may overshoot
ACKNOWLEDGED = int(Report.ACKNOWLEDGED)
FILLED = int(Report.FILLED)
CANCELLED = int(Report.CANCELLED)
REJECTED = int(Report.REJECTED)
CANCEL_REJECTED = int(Report.CANCEL_REJECTED)
STATE_CANCELLED = int(OrderState.CANCELLED)
STATE_REJECTED = int(OrderState.REJECTED_BY_VENUE)
STATE_EXPIRED = int(OrderState.EXPIRED)
ORDER_CANCELLED = int(EventKind.ORDER_CANCELLED)
ORDER_REJECTED = int(EventKind.ORDER_REJECTED)
ORDER_EXPIRED = int(EventKind.ORDER_EXPIRED)
ORDER_ACKNOWLEDGED = int(EventKind.ORDER_ACKNOWLEDGED)
DUPLICATE = int(EventKind.DUPLICATE_EXECUTION)
UNKNOWN = int(EventKind.UNKNOWN_EXECUTION)
VENUE_DOWN = int(EventKind.VENUE_DOWN)
VENUE_UP = int(EventKind.VENUE_UP)
UNKNOWN_EXECUTION = int(Breaker.UNKNOWN_EXECUTION)
AT_VENUE = int(VenueReason.AT_VENUE)
REQUESTED = int(VenueReason.REQUESTED)


@jit
def _find(desk: Desk, k: int, number: int) -> int:
    """Slot of the working order with this number; NONE where it has ended or never was."""
    slot = desk.instruments[k].first
    while slot != NONE:
        if desk.orders[slot].number == number:
            return slot
        slot = desk.orders[slot].next
    return NONE


@jit
def _stand_in(desk: Desk, strategy: int, k: int, side: int, number: int, client: int, units: float) -> int:
    """A slot for an execution whose order has ended here: it takes the units to the ledger and is free again."""
    slot = take_slot(desk)
    if slot == NONE:
        return NONE
    order: OrderRow = desk.orders[slot]
    order.number = number
    order.strategy = strategy
    order.instrument = k
    order.side = side
    order.client = client
    order.state = STATE_CANCELLED
    order.quantity = order.leaves = units
    order.venue_leaves = 0.0
    order.linked = 0
    order.pending = 1
    order.emergency = 0
    order.limit = order.stop = math.nan
    book_units(desk, strategy, k, side, units)
    return slot


@jit
def _stop_everything(desk: Desk, k: int, execution: int, number: int) -> None:
    note(desk, UNKNOWN, NONE, k, 0, float(execution), float(number))
    trip(desk, NONE, UNKNOWN_EXECUTION, float(number), 0.0)


@jit
def _filled(
    desk: Desk,
    slot: int,
    strategy: int,
    k: int,
    side: int,
    number: int,
    client: int,
    execution: int,
    units: float,
    price: float,
    liquidity: int,
) -> None:
    venue = desk.instruments[k].venue
    if was_seen(desk, venue, execution):
        note(desk, DUPLICATE, NONE, NONE, venue, float(execution), 0.0)
        return
    sound = units > 0.0 and units < math.inf and price > 0.0 and price < math.inf
    if strategy == NONE or not sound:
        _stop_everything(desk, k, execution, number)
        return
    fits = slot != NONE
    if fits:
        order = desk.orders[slot]
        fits = order.side == side and units <= order.venue_leaves + TOLERANCE * order.quantity
    if fits:
        order = desk.orders[slot]
        order.venue_leaves = settle(order.venue_leaves, -units)
        order.pending += 1
        if not order.venue_leaves > 0.0:
            unlink(desk, slot)
    else:
        if (
            slot != NONE
        ):  # more than the order had: the venue and the desk disagree, which a person must look at
            _stop_everything(desk, k, execution, number)
        slot = _stand_in(desk, strategy, k, side, number, client, units)
        if slot == NONE:
            desk.books[0].starved = 1
            _stop_everything(desk, k, execution, number)
            return
    deliver(desk, venue, execution, slot, units, price, liquidity)


@jit
def _ended(desk: Desk, slot: int, kind: int) -> None:
    order = desk.orders[slot]
    event, state = ORDER_EXPIRED, STATE_EXPIRED
    if kind == CANCELLED:
        event, state = ORDER_CANCELLED, STATE_CANCELLED
    elif kind == REJECTED:
        event, state = ORDER_REJECTED, STATE_REJECTED
    reason = REQUESTED if kind == CANCELLED and order.cancelling else AT_VENUE
    if order.emergency and reason == AT_VENUE and order.leaves == order.quantity:
        closing_failed(desk, order.strategy, order.instrument)
    note_order(desk, event, order, reason, order.venue_leaves, order.limit, 0.0, 0.0)
    finish(desk, slot, state)


@jit
def on_report(
    buffer: npt.NDArray[np.uint8],
    kind: int,
    strategy: int,
    k: int,
    side: int,
    number: int,
    client: int,
    execution: int,
    units: float,
    price: float,
    liquidity: int,
) -> int:
    """Take one report of a remote venue; how many events wait.

    kind: `Report`.  strategy: NONE where nobody knows the order.  number: the order's.  execution: number of the
    execution at this venue.  units: > 0, of this execution.  price: quote currency per unit.
    """
    desk = open_desk(buffer)
    book = desk.books[0]
    fills = book.fills
    slot = _find(desk, k, number)
    if kind == FILLED:
        _filled(desk, slot, strategy, k, side, number, client, execution, units, price, liquidity)
    elif slot != NONE:
        order = desk.orders[slot]
        if kind == CANCEL_REJECTED:
            order.cancelling = 0
        elif kind == ACKNOWLEDGED:
            if order.acknowledged == 0:
                order.acknowledged = 1
                note_order(desk, ORDER_ACKNOWLEDGED, order, 0, order.venue_leaves, order.limit, 0.0, 0.0)
        else:
            _ended(desk, slot, kind)
    watch(desk, fills)
    return book.event_count


@jit
def on_session(buffer: npt.NDArray[np.uint8], venue: int, up: int) -> int:
    """A remote venue can be traded at (1), or not (0); what works there stays booked; how many events wait."""
    desk = open_desk(buffer)
    row = desk.venues[venue]
    if row.up != up:
        row.up = up
        for cell in range(desk.head[0].strategies * desk.head[0].instruments):
            if desk.instruments[cell % desk.head[0].instruments].venue == venue:
                desk.positions[cell].closing_failures = 0  # another session, another try
        note(desk, VENUE_UP if up else VENUE_DOWN, NONE, NONE, venue, 0.0, 0.0)
    watch(desk, desk.books[0].fills)
    return desk.books[0].event_count


@jit
def on_tick(buffer: npt.NDArray[np.uint8], ns: int) -> int:
    """Time goes on without a price: days, limits over time and breakers are looked at; how many events wait."""
    desk = open_desk(buffer)
    book = desk.books[0]
    fills = book.fills
    if ns > book.now_ns:
        advance_clock(desk, ns)
        if ns >= book.fault_ns:
            refresh_faults(desk)
        if book.held_reports > 0:
            release_held(desk)
    watch(desk, fills)
    return book.event_count
