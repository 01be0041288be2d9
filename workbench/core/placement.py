"""From an intent to a booked order: check, book exposure, hand to the venue."""

from __future__ import annotations

import math

from workbench.core.codes import Check, EventKind, OrderState, Refusal, SelfTrade, VenueReason
from workbench.core.conduct_rules import crossing_order
from workbench.core.exposure import gross_of_portfolio
from workbench.core.jit import jit
from workbench.core.orders import book_units, cancel_order, link, reject_order, take_slot
from workbench.core.record import note, note_order
from workbench.core.risk_rules import check_order
from workbench.core.rows import Event, OrderRow
from workbench.core.state import CHECKS, NONE, RECENT, Desk
from workbench.core.uses import Intent
from workbench.core.venue_faults import chance

__all__ = ["book_order", "forget_client", "place"]

WORKING = int(OrderState.WORKING)
ACCEPTED = int(EventKind.ORDER_ACCEPTED)
REFUSED = int(EventKind.ORDER_REFUSED)
OK = int(Refusal.NONE)
BY_RISK = int(Refusal.RISK)
VENUE_IS_DOWN = int(VenueReason.VENUE_DOWN)
STORM = int(VenueReason.REJECT_STORM)
SELF_TRADE = int(VenueReason.SELF_TRADE)
STP_OLDEST = int(SelfTrade.CANCEL_OLDEST)
STP_BOTH = int(SelfTrade.CANCEL_BOTH)
SELF_TRADE_BIT = 1 << int(Check.SELF_TRADE_PREVENTION)


@jit
def place(desk: Desk, intent: Intent) -> int:
    """Check an intent and book it; a `Refusal` code, 0 when it was booked.

    A refusal by risk leaves one ORDER_REFUSED event: code is the mask of failed checks, value and limit those of the
    first of them.
    """
    book = desk.books[0]
    mask = check_order(desk, intent)
    strategy = desk.strategies[intent.strategy]
    self_trade = desk.limits[0].self_trade
    if (self_trade == STP_OLDEST or self_trade == STP_BOTH) and mask & ~SELF_TRADE_BIT == 0:
        _cancel_crossing(desk, intent)
    _note_recent(desk, intent)
    if mask != 0:
        strategy.refused += 1
        book.refused += 1
        for check in range(CHECKS):  # a breach for each check that failed, as the strategy is told
            strategy.breaches += (mask >> check) & 1
            book.breaches += (mask >> check) & 1
        _note_refusal(desk, intent, mask)
        return BY_RISK
    if book.free == NONE:
        book.starved = 1
        return BY_RISK
    if book.risk_score > book.worst_use:
        book.worst_use = book.risk_score
    book_order(desk, intent, 0)
    gross = gross_of_portfolio(desk)
    if gross > book.worst_gross:
        book.worst_gross = gross
    return OK


@jit
def _note_recent(desk: Desk, intent: Intent) -> None:
    strategy = desk.strategies[intent.strategy]
    row = desk.recent[intent.strategy * RECENT + strategy.recent % RECENT]
    strategy.recent += 1
    row.instrument = intent.instrument
    row.side = intent.side
    row.type = intent.type
    row.client = intent.client
    row.ns = desk.books[0].now_ns
    row.quantity = intent.quantity
    row.limit = intent.limit if math.isfinite(intent.limit) else 0.0


@jit
def forget_client(desk: Desk, strategy: int, client: int) -> None:
    """Let a client order id come again, once its order was cancelled."""
    for row in range(strategy * RECENT, strategy * RECENT + RECENT):
        if desk.recent[row].client == client:
            desk.recent[row].client = NONE


@jit
def _cancel_crossing(desk: Desk, intent: Intent) -> None:
    slot = crossing_order(desk, intent, NONE)
    while slot != NONE:
        cancel_order(desk, slot, SELF_TRADE)
        slot = crossing_order(desk, intent, NONE)


@jit
def _note_refusal(desk: Desk, intent: Intent, mask: int) -> None:
    book = desk.books[0]
    first = 0
    while (mask >> first) & 1 == 0:
        first += 1
    seen = desk.uses[first]
    note(desk, REFUSED, intent.strategy, intent.instrument, mask, seen.value, seen.limit)
    if book.event_count == 0:
        return
    event: Event = desk.events[book.event_count - 1]
    if event.kind == REFUSED:
        event.side = intent.side
        event.quantity = intent.quantity
        event.price = intent.expected
        event.client = intent.client


@jit
def book_order(desk: Desk, intent: Intent, emergency: int) -> None:
    """Book exposure, then hand the order to the venue: law 4's order, also where nothing leaves the process."""
    book = desk.books[0]
    slot = take_slot(desk)
    order: OrderRow = desk.orders[slot]
    book.next_order += 1
    order.number = book.next_order
    order.strategy = intent.strategy
    order.instrument = intent.instrument
    order.side = intent.side
    order.type = intent.type
    order.tif = intent.tif
    order.reduce_only = intent.reduce_only
    order.post_only = intent.post_only
    order.emergency = emergency
    order.triggered = 0
    order.state = WORKING
    order.quantity = intent.quantity
    order.leaves = intent.quantity
    order.venue_leaves = intent.quantity
    order.limit = intent.limit
    order.stop = intent.stop
    order.submit_ns = book.now_ns
    order.day = book.day
    order.client = intent.client
    order.pending = 0
    order.rested = 0
    order.cancelling = 0
    order.acknowledged = 0
    instrument = desk.instruments[intent.instrument]
    venue = desk.venues[instrument.venue]
    order.active_ns = book.now_ns + instrument.latency_ns + venue.extra_latency_ns
    order.seen_update = instrument.updates
    book.accepted += 1
    desk.strategies[intent.strategy].accepted += 1
    desk.strategies[intent.strategy].orders_today += 1 - emergency
    book_units(desk, intent.strategy, intent.instrument, intent.side, intent.quantity)
    link(desk, slot)
    note_order(
        desk, ACCEPTED, order, intent.type, intent.quantity, intent.limit, intent.stop, float(intent.tif)
    )
    if venue.up == 0:
        reject_order(desk, slot, VENUE_IS_DOWN)
    elif venue.reject_probability > 0.0 and chance(venue.seed, order.number) < venue.reject_probability:
        reject_order(desk, slot, STORM)
