"""Executions on their way from the venue to the ledger, where each is applied exactly once.

Numbers run per venue. A number that was seen before is a duplicate and changes nothing; one that skips others is a gap,
told at once; the missing ones are still taken when they come late, also after a cancel.
"""

from __future__ import annotations

from workbench.core.codes import EventKind, Liquidity, OrderState, Side
from workbench.core.jit import jit
from workbench.core.ledger import add_fill, revalue, settle
from workbench.core.orders import book_units, release_slot, unlink
from workbench.core.record import note, note_order
from workbench.core.rows import Execution
from workbench.core.state import NONE, SEEN, Desk

__all__ = ["deliver", "execute", "release_held", "was_seen"]

BUY = int(Side.BUY)
MAKER = int(Liquidity.MAKER)
FILLED = int(OrderState.FILLED)
PARTIALLY_FILLED = int(OrderState.PARTIALLY_FILLED)
WORKING = int(OrderState.WORKING)
ORDER_FILLED = int(EventKind.ORDER_FILLED)
DUPLICATE = int(EventKind.DUPLICATE_EXECUTION)
GAP = int(EventKind.EXECUTION_GAP)


@jit
def execute(desk: Desk, slot: int, units: float, price: float, liquidity: int) -> None:
    """The venue fills `units` (> 0) of an order; its report reaches the ledger now, or later if the venue is faulty."""
    order = desk.orders[slot]
    instrument = desk.instruments[order.instrument]
    venue = desk.venues[instrument.venue]
    order.venue_leaves = settle(order.venue_leaves, -units)
    order.pending += 1
    if order.venue_leaves == 0.0:
        unlink(desk, slot)
    number = venue.executions
    venue.executions += 1
    book = desk.books[0]
    if venue.reorder and book.held_reports == desk.head[0].orders:
        book.starved = 1
    elif venue.reorder:
        report: Execution = desk.held[book.held_reports]
        report.venue = instrument.venue
        report.number = number
        report.slot = slot
        report.quantity = units
        report.price = price
        report.liquidity = liquidity
        report.ns = book.now_ns
        book.held_reports += 1
        return
    duplicate = venue.duplicate
    deliver(desk, instrument.venue, number, slot, units, price, liquidity)
    if duplicate:
        deliver(desk, instrument.venue, number, slot, units, price, liquidity)


@jit
def release_held(desk: Desk) -> None:
    """Deliver the reports that were held back, the newest first."""
    book = desk.books[0]
    while book.held_reports > 0:
        book.held_reports -= 1
        report = desk.held[book.held_reports]
        deliver(
            desk, report.venue, report.number, report.slot, report.quantity, report.price, report.liquidity
        )


@jit
def was_seen(desk: Desk, venue: int, number: int) -> bool:
    """Whether this execution of this venue has reached the ledger already."""
    return bool(desk.seen[venue * SEEN + number % SEEN] == number + 1)


@jit
def _is_new(desk: Desk, venue: int, number: int) -> bool:
    row = desk.venues[venue]
    place = venue * SEEN + number % SEEN
    if was_seen(desk, venue, number):
        note(desk, DUPLICATE, NONE, NONE, venue, float(number), 0.0)
        return False
    desk.seen[place] = number + 1
    if number > row.last_execution + 1:
        note(desk, GAP, NONE, NONE, venue, float(number), float(row.last_execution))
    if number > row.last_execution:
        row.last_execution = number
    return True


@jit
def deliver(
    desk: Desk, venue: int, number: int, slot: int, units: float, price: float, liquidity: int
) -> None:
    """Apply one execution report to order, exposure and ledger, once.

    units: > 0.  price: quote currency per unit.
    """
    if not _is_new(desk, venue, number):
        return
    order = desk.orders[slot]
    instrument = desk.instruments[order.instrument]
    strategy = order.strategy
    cell = strategy * desk.head[0].instruments + order.instrument
    position = desk.positions[cell]
    rate = instrument.maker if liquidity == MAKER else instrument.taker
    fee = rate * units * price * instrument.multiplier
    signed = units if order.side == BUY else -units
    add_fill(position, signed, price, fee, instrument.multiplier, instrument.mark)
    symbol = desk.symbols[instrument.symbol]
    symbol.quantity = settle(symbol.quantity, signed)
    order.pending -= 1
    order.leaves = settle(order.leaves, -units)
    book_units(desk, strategy, order.instrument, order.side, -units)
    _note_execution(desk, cell, order.side)
    if order.emergency:
        position.closing_failures = 0
    desk.books[0].fills += 1
    desk.strategies[strategy].fills += 1
    if order.state == WORKING or order.state == PARTIALLY_FILLED:
        order.state = FILLED if order.leaves == 0.0 else PARTIALLY_FILLED
    note_order(desk, ORDER_FILLED, order, liquidity, signed, price, fee, order.leaves, number)
    _see_worst(desk, order.instrument)
    if order.pending == 0 and order.linked == 0:
        release_slot(desk, slot)
    revalue(desk, strategy)


@jit
def _note_execution(desk: Desk, cell: int, side: int) -> None:
    position = desk.positions[cell]
    kept = desk.head[0].executions
    if side == BUY:
        desk.executed[cell * 2 * kept + position.bought_executions % kept] = desk.books[0].now_ns
        position.bought_executions += 1
    else:
        desk.executed[(cell * 2 + 1) * kept + position.sold_executions % kept] = desk.books[0].now_ns
        position.sold_executions += 1


@jit
def _see_worst(desk: Desk, instrument: int) -> None:
    symbol = desk.symbols[desk.instruments[instrument].symbol]
    if symbol.quantity > symbol.worst_long:
        symbol.worst_long = symbol.quantity
    if -symbol.quantity > symbol.worst_short:
        symbol.worst_short = -symbol.quantity
