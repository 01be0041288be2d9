"""From a wish to a booked order: validate, size, check, book exposure, hand to the venue."""

from __future__ import annotations

import math
from typing import NamedTuple

from workbench.core.breakers import count_failure
from workbench.core.codes import (
    Check,
    EventKind,
    OrderState,
    OrderType,
    OutOfRange,
    Refusal,
    SelfTrade,
    Side,
    Sizing,
    VenueReason,
)
from workbench.core.conduct_rules import crossing_order
from workbench.core.exposure import gross_of_portfolio
from workbench.core.jit import jit
from workbench.core.orders import book_units, cancel_order, link, reject_order, take_slot
from workbench.core.record import note, note_order
from workbench.core.risk_rules import check_order
from workbench.core.rows import Event, OrderRow
from workbench.core.sizing import expected_price, signed_quantity, to_lot, wanted_change
from workbench.core.state import CHECKS, NONE, RECENT, Desk
from workbench.core.uses import Intent, reduces
from workbench.core.venue_faults import chance

__all__ = ["Wish", "forget_client", "place", "place_emergency", "submit"]

BUY = int(Side.BUY)
SELL = int(Side.SELL)
MARKET = int(OrderType.MARKET)
GTC = 0
TARGET = int(Sizing.TARGET)
WORKING = int(OrderState.WORKING)
ACCEPTED = int(EventKind.ORDER_ACCEPTED)
REFUSED = int(EventKind.ORDER_REFUSED)
SIGNAL_REFUSED = int(EventKind.SIGNAL_REFUSED)
BREACH = int(EventKind.BREACH)
OK = int(Refusal.NONE)
INVALID_SIGNAL = int(Refusal.INVALID_SIGNAL)
OUT_OF_RANGE = int(Refusal.SIGNAL_OUT_OF_RANGE)
REFUSE = int(OutOfRange.REFUSE)
TAKE_AS_IS = int(OutOfRange.OFF)
BELOW_LOT = int(Refusal.BELOW_LOT)
BELOW_MIN_NOTIONAL = int(Refusal.BELOW_MIN_NOTIONAL)
NO_PRICE = int(Refusal.NO_PRICE)
BY_RISK = int(Refusal.RISK)
NOTHING_TO_REDUCE = int(Refusal.NOTHING_TO_REDUCE)
NO_CHANGE = int(Refusal.NO_CHANGE)
VENUE_IS_DOWN = int(VenueReason.VENUE_DOWN)
STORM = int(VenueReason.REJECT_STORM)
SELF_TRADE = int(VenueReason.SELF_TRADE)
LIQUIDATED = int(VenueReason.BREAKER)
STP_OLDEST = int(SelfTrade.CANCEL_OLDEST)
STP_BOTH = int(SelfTrade.CANCEL_BOTH)
SELF_TRADE_BIT = 1 << int(Check.SELF_TRADE_PREVENTION)


class Wish(NamedTuple):
    """A signal as the core takes it.

    strength: -1..1.  confidence: 0..1.  quantity: units > 0 in place of strength x confidence x unit (sign from the
    strength), NaN for none.  limit, stop: NaN for none.  client: 0 for none.
    """

    strategy: int
    instrument: int
    strength: float
    confidence: float
    type: int
    tif: int
    reduce_only: int
    post_only: int
    limit: float
    stop: float
    quantity: float
    client: int


@jit
def _refuse_signal(desk: Desk, wish: Wish, reason: int, value: float, limit: float) -> int:
    note(desk, SIGNAL_REFUSED, wish.strategy, wish.instrument, reason, value, limit)
    return reason


@jit
def _validated(desk: Desk, wish: Wish) -> tuple[int, float]:
    """Refusal code and the strength to use: what is not a number is refused, what is out of range told and clipped."""
    strength = wish.strength
    sound = math.isfinite(strength) and wish.confidence >= 0.0 and wish.confidence <= 1.0
    prices = (wish.limit > 0.0 or wish.limit != wish.limit) and (wish.stop > 0.0 or wish.stop != wish.stop)
    bounded = wish.limit != math.inf and wish.stop != math.inf
    quantity = wish.quantity != wish.quantity or (wish.quantity > 0.0 and wish.quantity < math.inf)
    if not (sound and prices and bounded and quantity):
        note(desk, BREACH, wish.strategy, wish.instrument, INVALID_SIGNAL, strength, 1.0)
        count_failure(desk, wish.strategy)
        return _refuse_signal(desk, wish, INVALID_SIGNAL, strength, 1.0), 0.0
    if (strength > 1.0 or strength < -1.0) and desk.limits[0].out_of_range != TAKE_AS_IS:
        note(desk, BREACH, wish.strategy, wish.instrument, OUT_OF_RANGE, strength, 1.0)
        if desk.limits[0].out_of_range == REFUSE:
            return _refuse_signal(desk, wish, OUT_OF_RANGE, strength, 1.0), 0.0
        strength = 1.0 if strength > 1.0 else -1.0
    return OK, strength


@jit
def _sized(desk: Desk, wish: Wish, strength: float) -> float:
    """Signed units that the wish comes to."""
    row = desk.instruments[wish.instrument]
    position = desk.positions[wish.strategy * desk.head[0].instruments + wish.instrument]
    if strength == 0.0 or wish.confidence == 0.0:
        if desk.strategies[wish.strategy].sizing != TARGET:
            return 0.0
    elif wish.quantity == wish.quantity:
        return to_lot(wish.quantity if strength > 0.0 else -wish.quantity, row.lot)
    if desk.strategies[wish.strategy].sizing == TARGET:
        wanted = signed_quantity(strength, wish.confidence, position.unit, row.lot)
        return wanted_change(wanted, position, row.lot)
    return signed_quantity(strength, wish.confidence, position.unit, row.lot)


@jit
def submit(desk: Desk, wish: Wish) -> int:
    """Turn a wish into an order; a `Refusal` code, 0 when an order was booked.

    Every refusal leaves an event; wishes that come to nothing (target reached, below one lot) leave none but the code.
    """
    code, strength = _validated(desk, wish)
    if code != OK:
        desk.strategies[wish.strategy].refused += 1
        desk.books[0].refused += 1
        return code
    cell = wish.strategy * desk.head[0].instruments + wish.instrument
    signed = _sized(desk, wish, strength)
    target = desk.strategies[wish.strategy].sizing == TARGET
    if signed == 0.0:
        return NO_CHANGE if target or strength == 0.0 or wish.confidence == 0.0 else BELOW_LOT
    side = BUY if signed > 0.0 else SELL
    quantity = abs(signed)
    if wish.reduce_only:
        position = desk.positions[wish.strategy * desk.head[0].instruments + wish.instrument]
        working = position.working_buy if side == BUY else position.working_sell
        left = -position.quantity * side - working
        if left <= 0.0:
            return _refuse_signal(desk, wish, NOTHING_TO_REDUCE, quantity, 0.0)
        quantity = left if left < quantity else quantity
    row = desk.instruments[wish.instrument]
    expected = expected_price(row, side, wish.type, wish.limit, wish.stop)
    if not quantity < math.inf or quantity * expected * row.multiplier == math.inf:
        note(desk, BREACH, wish.strategy, wish.instrument, INVALID_SIGNAL, quantity, math.inf)
        return _refuse_signal(desk, wish, INVALID_SIGNAL, quantity, math.inf)
    if not expected > 0.0 and desk.limits[0].pre_trade == 0:
        return _refuse_signal(desk, wish, NO_PRICE, expected, 0.0)
    too_small = quantity * expected * row.multiplier < row.min_notional
    if too_small and not reduces(desk.positions[cell], side, quantity):
        return _refuse_signal(
            desk, wish, BELOW_MIN_NOTIONAL, quantity * expected * row.multiplier, row.min_notional
        )
    intent = Intent(
        wish.strategy,
        wish.instrument,
        side,
        quantity,
        wish.type,
        wish.tif,
        wish.reduce_only,
        wish.post_only,
        wish.limit,
        wish.stop,
        expected,
        wish.client,
    )
    return place(desk, intent)


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
    _book(desk, intent, 0)
    gross = gross_of_portfolio(desk)
    if gross > book.worst_gross:
        book.worst_gross = gross
    return OK


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
def _book(desk: Desk, intent: Intent, emergency: int) -> None:
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


@jit
def _clear_the_way(desk: Desk, strategy: int, instrument: int, side: int) -> None:
    slot = desk.instruments[instrument].first
    while slot != NONE:
        order = desk.orders[slot]
        following = order.next
        if order.strategy == strategy and order.side == side and order.emergency == 0:
            cancel_order(desk, slot, LIQUIDATED)
        slot = following


@jit
def place_emergency(desk: Desk, strategy: int, instrument: int, patient: int) -> None:
    """Close one position by a reduce-only market order past all limits; not while one works or the venue is down.

    patient: 1 waits longer and longer, in event time, where the venue would not close it; 0 asks at once.
    The strategy's own orders on the closing side are cancelled: a take-profit far away would be a closing order that
    never fills, and together with the market order it would close the position twice.
    """
    position = desk.positions[strategy * desk.head[0].instruments + instrument]
    row = desk.instruments[instrument]
    book = desk.books[0]
    if position.quantity == 0.0 or desk.venues[row.venue].up == 0:
        return
    if patient and position.closing_failures > 0 and book.now_ns < position.closing_ns:
        return
    if book.free == NONE:
        book.starved = 1
        return
    side = SELL if position.quantity > 0.0 else BUY
    _clear_the_way(desk, strategy, instrument, side)
    working = position.working_sell if side == SELL else position.working_buy
    quantity = abs(position.quantity) - working
    if quantity <= 0.0:
        return
    nan = math.nan
    expected = expected_price(row, side, MARKET, nan, nan)
    intent = Intent(strategy, instrument, side, quantity, MARKET, GTC, 1, 0, nan, nan, expected, 0)
    _book(desk, intent, 1)
