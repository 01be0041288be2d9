"""Closing positions past all limits: what stopped strategies hold, and what a person names."""

from __future__ import annotations

import math

from workbench.core.codes import OrderType, Side, TimeInForce, VenueReason
from workbench.core.jit import jit
from workbench.core.latches import condemned
from workbench.core.orders import SPARE_EMERGENCY, cancel_order, cancel_working
from workbench.core.placement import book_order
from workbench.core.sizing import expected_price
from workbench.core.state import NONE, Desk
from workbench.core.uses import Intent

__all__ = ["clear_the_way", "liquidate", "place_emergency"]

BUY = int(Side.BUY)
SELL = int(Side.SELL)
MARKET = int(OrderType.MARKET)
GTC = int(TimeInForce.GTC)
BY_BREAKER = int(VenueReason.BREAKER)


@jit
def clear_the_way(desk: Desk) -> None:
    """Cancel what stopped strategies have working where they hold a position, but for liquidation's own orders.

    A reducing order that rests far from the market would stand in for the liquidation for ever.
    """
    instruments = desk.head[0].instruments
    for s in range(desk.head[0].strategies):
        if not condemned(desk, s):
            continue
        for k in range(instruments):
            position = desk.positions[s * instruments + k]
            if position.quantity != 0.0 and (position.working_buy > 0.0 or position.working_sell > 0.0):
                cancel_working(desk, s, k, NONE, 0, BY_BREAKER, SPARE_EMERGENCY)


@jit
def liquidate(desk: Desk) -> None:
    """Keep a closing order working for every position that a latched breaker has condemned.

    A venue that a person has stopped gets none: it is closed there once that person says so.
    """
    for s in range(desk.head[0].strategies):
        if condemned(desk, s):
            for k in range(desk.head[0].instruments):
                if desk.venues[desk.instruments[k].venue].halted == 0:
                    place_emergency(desk, s, k, 1)


@jit
def _clear_side(desk: Desk, strategy: int, instrument: int, side: int) -> None:
    slot = desk.instruments[instrument].first
    while slot != NONE:
        order = desk.orders[slot]
        following = order.next
        if order.strategy == strategy and order.side == side and order.emergency == 0:
            cancel_order(desk, slot, BY_BREAKER)
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
    _clear_side(desk, strategy, instrument, side)
    working = position.working_sell if side == SELL else position.working_buy
    quantity = abs(position.quantity) - working
    if quantity <= 0.0:
        return
    nan = math.nan
    expected = expected_price(row, side, MARKET, nan, nan)
    intent = Intent(strategy, instrument, side, quantity, MARKET, GTC, 1, 0, nan, nan, expected, 0)
    book_order(desk, intent, 1)
