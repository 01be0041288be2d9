"""From a wish to an order: validate, size, and place what it comes to."""

from __future__ import annotations

import math
from typing import NamedTuple

from workbench.core.breakers import count_failure
from workbench.core.codes import EventKind, OutOfRange, Refusal, Side, Sizing
from workbench.core.jit import jit
from workbench.core.placement import place
from workbench.core.record import note
from workbench.core.sizing import expected_price, signed_quantity, to_lot, wanted_change
from workbench.core.state import Desk
from workbench.core.uses import Intent, reduces

__all__ = ["Wish", "submit"]

BUY = int(Side.BUY)
SELL = int(Side.SELL)
TARGET = int(Sizing.TARGET)
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
NOTHING_TO_REDUCE = int(Refusal.NOTHING_TO_REDUCE)
NO_CHANGE = int(Refusal.NO_CHANGE)


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
