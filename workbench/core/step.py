"""The one order of operations. Every runner calls these functions.

A price:   clock -> venue conditions -> mark -> venue matches -> fills -> ledger -> post-trade risk -> breakers
A signal:  validate -> size -> pre-trade risk -> book exposure -> venue

It is one ring, cut between breakers and strategy: risk sees each price before any strategy does, and a strategy that is
called knows all of its fills. The runner calls the strategies in between. Apart from the ring stand what remote venues
report (`reports`) and what people do (`interventions`).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from workbench.core.breakers import count_failure, post_trade, watch_executions
from workbench.core.codes import EventKind, Refusal, VenueReason
from workbench.core.conduct_rules import take_tokens
from workbench.core.executions import release_held
from workbench.core.feed import ASK, ASK_SIZE, BID, BID_SIZE, LAST, VOLUME
from workbench.core.jit import jit
from workbench.core.latches import anything_latched
from workbench.core.liquidation import liquidate
from workbench.core.matching import match
from workbench.core.monitors import value_at_risk
from workbench.core.native import open_desk
from workbench.core.orders import EVERY, SPARE_EMERGENCY, cancel_working
from workbench.core.placement import forget_client
from workbench.core.quotes import advance_clock, take_quote
from workbench.core.record import note
from workbench.core.risk_rules import check_order
from workbench.core.state import NONE, Desk
from workbench.core.submit import Wish, submit
from workbench.core.uses import Intent
from workbench.core.venue_faults import refresh_faults

__all__ = [
    "ERROR_CODE",
    "cancel",
    "check",
    "count_error",
    "deliver_held",
    "on_row",
    "on_wish",
    "price",
    "refuse",
    "refuse_late",
    "refuse_unread",
    "risk_value",
    "watch",
]

BREACH = int(EventKind.BREACH)
SIGNAL_REFUSED = int(EventKind.SIGNAL_REFUSED)
RATE_LIMITED = int(Refusal.RATE_LIMITED)
RISK_CHECK_TIMEOUT = int(Refusal.RISK_CHECK_TIMEOUT)
REQUESTED = int(VenueReason.REQUESTED)
ERROR_CODE = 100  # breach code of a strategy that raised; the codes below it are Refusal's


@jit
def watch(desk: Desk, fills: int) -> None:
    """Post-trade risk and breakers.  fills: how many there were before what has just happened."""
    book = desk.books[0]
    if book.fills != fills:
        watch_executions(desk)
    post_trade(desk)
    if book.trips and desk.limits[0].liquidate:
        liquidate(desk)


@jit
def price(
    desk: Desk,
    k: int,
    ns: int,
    bid: float,
    ask: float,
    last: float,
    volume: float,
    bid_size: float,
    ask_size: float,
    sequence: int,
) -> None:
    """Carry one price update of instrument `k` through the desk, up to the breakers."""
    book = desk.books[0]
    fills = book.fills
    advance_clock(desk, ns)
    if book.now_ns >= book.fault_ns:
        refresh_faults(desk)
    if book.held_reports > 0:
        release_held(desk)
    if take_quote(desk, k, ns, bid, ask, last, volume, bid_size, ask_size, sequence):
        venue = desk.venues[desk.instruments[k].venue]
        if desk.instruments[k].first != NONE and venue.up and not venue.remote:
            match(desk, k)
    watch(desk, fills)


@jit
def on_row(
    buffer: npt.NDArray[np.uint8],
    quotes: npt.NDArray[np.float64],
    keys: npt.NDArray[np.int64],
    curves: npt.NDArray[np.float64],
    i: int,
) -> int:
    """Row `i` of a feed; equity and each strategy's P&L after it go to `curves[i]`; how many events wait.

    quotes: float64[n, 7].  keys: int64[n, 3], time, instrument, sequence.  curves: float64[n, 1 + strategies].
    """
    desk = open_desk(buffer)
    price(
        desk,
        keys[i, 1],
        keys[i, 0],
        quotes[i, BID],
        quotes[i, ASK],
        quotes[i, LAST],
        quotes[i, VOLUME],
        quotes[i, BID_SIZE],
        quotes[i, ASK_SIZE],
        keys[i, 2],
    )
    book = desk.books[0]
    curves[i, 0] = book.equity
    for s in range(desk.head[0].strategies):
        curves[i, 1 + s] = desk.strategies[s].pnl
    return book.event_count


@jit
def on_wish(
    buffer: npt.NDArray[np.uint8],
    strategy: int,
    instrument: int,
    strength: float,
    confidence: float,
    order_type: int,
    tif: int,
    reduce_only: int,
    post_only: int,
    limit: float,
    stop: float,
    quantity: float,
    client: int,
) -> int:
    """One signal of one strategy; a `Refusal` code, 0 when an order was booked."""
    desk = open_desk(buffer)
    wish = Wish(
        strategy,
        instrument,
        strength,
        confidence,
        order_type,
        tif,
        reduce_only,
        post_only,
        limit,
        stop,
        quantity,
        client,
    )
    return submit(desk, wish)


@jit
def check(
    buffer: npt.NDArray[np.uint8],
    strategy: int,
    instrument: int,
    side: int,
    quantity: float,
    order_type: int,
    reduce_only: int,
    limit: float,
    stop: float,
    expected: float,
    client: int,
) -> int:
    """Run the pre-trade checks on an order without booking it; the mask of failed checks."""
    desk = open_desk(buffer)
    intent = Intent(
        strategy, instrument, side, quantity, order_type, 0, reduce_only, 0, limit, stop, expected, client
    )
    return check_order(desk, intent)


@jit
def cancel(
    buffer: npt.NDArray[np.uint8], strategy: int, instrument: int, venue: int, client: int, emergency: int
) -> int:
    """Cancel working orders that match (NONE and client 0 match all); how many, or -RATE_LIMITED.

    A strategy's cancel is a message and costs a token; an operator's (`emergency`) is never refused. Orders that close
    positions are spared, but from an operator once nothing is latched.
    """
    desk = open_desk(buffer)
    if strategy != NONE and instrument != NONE and not emergency:
        use = take_tokens(desk, strategy, desk.instruments[instrument].venue, 0)
        if desk.limits[0].pre_trade and not use <= 1.0:
            note(desk, BREACH, strategy, instrument, RATE_LIMITED, use, 1.0)
            return -RATE_LIMITED
    which = EVERY if emergency and not anything_latched(desk) else SPARE_EMERGENCY
    count = cancel_working(desk, strategy, instrument, venue, client, REQUESTED, which)
    if count > 0 and client != 0:
        forget_client(desk, strategy, client)
    return count


@jit
def refuse(buffer: npt.NDArray[np.uint8], strategy: int, instrument: int, reason: int) -> None:
    """Count a signal that could not even be parsed (instrument NONE where it names none that exists)."""
    refuse_unread(open_desk(buffer), strategy, instrument, reason)


@jit
def refuse_late(buffer: npt.NDArray[np.uint8], strategy: int) -> None:
    """Refuse a signal that could not be checked in time, which is no failure of the strategy."""
    desk = open_desk(buffer)
    desk.strategies[strategy].refused += 1
    desk.books[0].refused += 1
    note(desk, SIGNAL_REFUSED, strategy, NONE, RISK_CHECK_TIMEOUT, math.nan, math.nan)


@jit
def refuse_unread(desk: Desk, strategy: int, instrument: int, reason: int) -> None:
    """`refuse` for compiled code."""
    desk.strategies[strategy].refused += 1
    desk.books[0].refused += 1
    note(desk, BREACH, strategy, instrument, reason, math.nan, math.nan)
    note(desk, SIGNAL_REFUSED, strategy, instrument, reason, math.nan, math.nan)
    count_failure(desk, strategy)


@jit
def count_error(buffer: npt.NDArray[np.uint8], strategy: int) -> int:
    """Note that a strategy raised; too often within the window, and its breaker trips.  Its latch mask."""
    desk = open_desk(buffer)
    row = desk.strategies[strategy]
    note(desk, BREACH, strategy, NONE, ERROR_CODE, float(row.failures + 1), desk.limits[0].max_errors)
    count_failure(desk, strategy)
    return row.halted


@jit
def risk_value(buffer: npt.NDArray[np.uint8]) -> float:
    """One-day value at risk as of the last sample; NaN before there are enough."""
    return value_at_risk(open_desk(buffer))


@jit
def deliver_held(buffer: npt.NDArray[np.uint8]) -> int:
    """Deliver what a faulty venue still holds back, at the end of a run; how many events wait."""
    desk = open_desk(buffer)
    release_held(desk)
    post_trade(desk)
    return desk.books[0].event_count
