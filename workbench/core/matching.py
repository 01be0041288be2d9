"""A venue seen through its quotes: which working orders an update fills, at what price, how much, at what fee.

An order is never filled by the update that it was computed from. Taking pays the touch plus slippage and square-root
impact (Almgren, Thum, Hauptmann, Li 2005: cost grows with the root of the share of volume, counted over all that an
update has filled); a resting limit order fills
at its limit as maker. All orders of one update share what participation leaves of its volume.
"""

from __future__ import annotations

import math

from workbench.core.codes import EventKind, Liquidity, OrderState, OrderType, Side, TimeInForce, VenueReason
from workbench.core.executions import execute
from workbench.core.jit import jit
from workbench.core.orders import cancel_order, finish, reject_order
from workbench.core.record import note_order
from workbench.core.rows import InstrumentRow, OrderRow
from workbench.core.sizing import to_lot, to_tick
from workbench.core.state import NONE, Desk

__all__ = ["match", "taker_price"]

MOST_COST = 0.9  # of the price: beyond it the root law says nothing, and a sale would bring less than nothing
BUY = int(Side.BUY)
MARKET = int(OrderType.MARKET)
LIMIT = int(OrderType.LIMIT)
STOP = int(OrderType.STOP)
STOP_LIMIT = int(OrderType.STOP_LIMIT)
IOC = int(TimeInForce.IOC)
FOK = int(TimeInForce.FOK)
DAY = int(TimeInForce.DAY)
MAKER = int(Liquidity.MAKER)
TAKER = int(Liquidity.TAKER)
EXPIRED = int(OrderState.EXPIRED)
ORDER_EXPIRED = int(EventKind.ORDER_EXPIRED)
STOP_TRIGGERED = int(EventKind.STOP_TRIGGERED)
POST_ONLY = int(VenueReason.POST_ONLY_WOULD_CROSS)
IOC_REMAINDER = int(VenueReason.IOC_REMAINDER)
NOT_FILLABLE = int(VenueReason.FOK_NOT_FILLABLE)
NOTHING_TO_REDUCE = int(VenueReason.NOTHING_TO_REDUCE)
END_OF_DAY = int(VenueReason.END_OF_DAY)


@jit
def taker_price(instrument: InstrumentRow, side: int, quantity: float, limit: float) -> float:
    """What taking `quantity` units costs per unit: touch, slippage, impact, tick; never worse than `limit` (or NaN)."""
    touch = instrument.ask if side == BUY else instrument.bid
    cost = instrument.slippage
    if instrument.impact > 0.0 and instrument.volume > 0.0:
        cost += instrument.impact * math.sqrt((instrument.taken + quantity) / instrument.volume)
    cost = cost if cost < MOST_COST else MOST_COST
    price = to_tick(touch * (1.0 + side * cost), instrument.tick, side)
    if (price - limit) * side > 0.0:
        return limit
    return price


@jit
def _fillable(desk: Desk, order: OrderRow, instrument: InstrumentRow, taking: bool) -> float:
    """Units of `order` that this update can fill."""
    units = order.venue_leaves
    if order.reduce_only:
        position = desk.positions[order.strategy * desk.head[0].instruments + order.instrument]
        held = -position.quantity * order.side
        units = held if held < units else units
    share = desk.venues[instrument.venue].fill_share
    if share < 1.0 and instrument.room == math.inf:
        units *= share  # an update without a volume: the share is of the order
    if instrument.room < units:
        units = instrument.room
    if taking:
        size = instrument.ask_size if order.side == BUY else instrument.bid_size
        if size < units:
            units = size
    if units >= order.venue_leaves:
        return order.venue_leaves
    return to_lot(units, instrument.lot) if units > 0.0 else 0.0


@jit
def _take(instrument: InstrumentRow, side: int, units: float) -> None:
    """Take units off what the quote shows, so that the next order of this update finds less and pays more."""
    instrument.taken += units
    if side == BUY:
        instrument.ask_size -= units
    else:
        instrument.bid_size -= units


@jit
def _triggered(desk: Desk, order: OrderRow, instrument: InstrumentRow) -> bool:
    if order.type == MARKET or order.type == LIMIT or order.triggered:
        return True
    if (instrument.last - order.stop) * order.side < 0.0:
        return False
    order.triggered = 1
    note_order(desk, STOP_TRIGGERED, order, 0, order.venue_leaves, instrument.last, order.stop, 0.0)
    return True


@jit
def _match_order(desk: Desk, slot: int, instrument: InstrumentRow) -> None:
    order = desk.orders[slot]
    if order.tif == DAY and desk.books[0].day > order.day:
        note_order(desk, ORDER_EXPIRED, order, END_OF_DAY, order.venue_leaves, order.limit, 0.0, 0.0)
        finish(desk, slot, EXPIRED)
        return
    if not _triggered(desk, order, instrument):
        return
    resting = order.rested == 1
    touch = instrument.ask if order.side == BUY else instrument.bid
    crosses = True
    if math.isfinite(order.limit):
        crosses = (order.limit - touch) * order.side >= 0.0
        if order.post_only and crosses and not resting:
            reject_order(desk, slot, POST_ONLY)
            return
        if not crosses:
            order.rested = 1
    if order.reduce_only:
        position = desk.positions[order.strategy * desk.head[0].instruments + order.instrument]
        if position.quantity * order.side >= 0.0:
            cancel_order(desk, slot, NOTHING_TO_REDUCE)
            return
    making = resting and math.isfinite(order.limit)
    units = _fillable(desk, order, instrument, not making) if crosses else 0.0
    if order.tif == FOK and units < order.venue_leaves:
        cancel_order(desk, slot, NOT_FILLABLE)
        return
    if units > 0.0:
        price = order.limit if making else taker_price(instrument, order.side, units, order.limit)
        instrument.room -= units
        if not making:
            _take(instrument, order.side, units)
        execute(desk, slot, units, price, MAKER if making else TAKER)
        if order.linked == 0:
            return
    if order.tif == IOC:
        cancel_order(desk, slot, IOC_REMAINDER)


@jit
def match(desk: Desk, k: int) -> None:
    """Work through the orders of instrument `k` in order of arrival against its present quote."""
    instrument = desk.instruments[k]
    now = desk.books[0].now_ns
    slot = instrument.first
    while slot != NONE:
        order = desk.orders[slot]
        following = order.next
        if order.seen_update < instrument.updates and order.active_ns <= now:
            _match_order(desk, slot, instrument)
        slot = following
