"""The one order of operations. Every runner calls these functions; nothing else moves the state of a desk.

A price:   clock -> venue conditions -> mark -> venue matches -> fills -> ledger -> post-trade risk -> breakers
A signal:  validate -> size -> pre-trade risk -> book exposure -> venue

It is one ring, cut between breakers and strategy: risk sees each price before any strategy does, and a strategy that is
called knows all of its fills. The runner calls the strategies in between.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from workbench.core.breakers import condemned, count_failure, post_trade, reset, trip
from workbench.core.codes import Breaker, EventKind, Refusal, VenueReason
from workbench.core.conduct_rules import take_tokens
from workbench.core.executions import release_held
from workbench.core.feed import ASK, ASK_SIZE, BID, BID_SIZE, LAST, VOLUME
from workbench.core.jit import jit
from workbench.core.matching import match
from workbench.core.monitors import value_at_risk
from workbench.core.native import open_desk
from workbench.core.orders import EVERY, SPARE_EMERGENCY, cancel_working
from workbench.core.quotes import ACCEPTED, advance_clock, take_quote
from workbench.core.record import note
from workbench.core.risk_rules import check_order
from workbench.core.state import NONE, Desk
from workbench.core.submit import Wish, forget_client, place_emergency, submit
from workbench.core.uses import Intent
from workbench.core.venue_faults import refresh_faults

__all__ = [
    "ERROR_CODE",
    "accept_price",
    "book_time",
    "cancel",
    "check",
    "close_positions",
    "count_error",
    "deliver_held",
    "on_row",
    "on_wish",
    "price",
    "refuse",
    "refuse_late",
    "refuse_unread",
    "reset_breaker",
    "review",
    "risk_value",
    "trip_breaker",
    "watch",
]

BREACH = int(EventKind.BREACH)
SIGNAL_REFUSED = int(EventKind.SIGNAL_REFUSED)
RATE_LIMITED = int(Refusal.RATE_LIMITED)
RISK_CHECK_TIMEOUT = int(Refusal.RISK_CHECK_TIMEOUT)
REQUESTED = int(VenueReason.REQUESTED)
REPEATED_EXECUTION = int(Breaker.REPEATED_EXECUTION)
ERROR_CODE = 100  # breach code of a strategy that raised; the codes below it are Refusal's


@jit
def _liquidate(desk: Desk) -> None:
    """Keep a closing order working for every position that a latched breaker has condemned.

    A venue that a person has stopped gets none: it is closed there once that person says so.
    """
    for s in range(desk.head[0].strategies):
        if condemned(desk, s):
            for k in range(desk.head[0].instruments):
                if desk.venues[desk.instruments[k].venue].halted == 0:
                    place_emergency(desk, s, k, 1)


@jit
def _throttle(desk: Desk) -> None:
    """Stop a strategy that executed the same side of the same instrument too often (RTS 6 article 15(3))."""
    limits = desk.limits[0]
    if not limits.breakers or limits.max_executions > desk.head[0].executions:
        return
    most = int(limits.max_executions)
    kept = desk.head[0].executions
    since = book_time(desk) - limits.execution_window_ns
    instruments = desk.head[0].instruments
    for cell in range(desk.head[0].strategies * instruments):
        position = desk.positions[cell]
        for side in range(2):
            seen = position.bought_executions if side == 0 else position.sold_executions
            if seen >= most and desk.executed[(cell * 2 + side) * kept + (seen - most) % kept] > since:
                trip(desk, cell // instruments, REPEATED_EXECUTION, float(most), limits.max_executions)


@jit
def book_time(desk: Desk) -> int:
    """Event time of the desk."""
    return desk.books[0].now_ns


@jit
def watch(desk: Desk, fills: int) -> None:
    """Post-trade risk and breakers.  fills: how many there were before what has just happened."""
    book = desk.books[0]
    if book.fills != fills:
        _throttle(desk)
    post_trade(desk)
    if book.trips and desk.limits[0].liquidate:
        _liquidate(desk)


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
def _anything_latched(desk: Desk) -> bool:
    if desk.books[0].halted:
        return True
    latched = 0
    for s in range(desk.head[0].strategies):
        latched |= desk.strategies[s].halted
    return latched != 0


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
    which = EVERY if emergency and not _anything_latched(desk) else SPARE_EMERGENCY
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
def trip_breaker(buffer: npt.NDArray[np.uint8], strategy: int, reason: int) -> None:
    """A person stops one strategy, or everything (NONE)."""
    desk = open_desk(buffer)
    trip(desk, strategy, reason, 0.0, 0.0)
    if desk.limits[0].liquidate:
        _liquidate(desk)


@jit
def reset_breaker(buffer: npt.NDArray[np.uint8], strategy: int, kill: bool) -> int:
    """A person resets breakers, or (kill) ends a kill, of one strategy or of everything (NONE); the bits unlatched."""
    return reset(open_desk(buffer), strategy, kill)


@jit
def review(buffer: npt.NDArray[np.uint8]) -> None:
    """Look at everything again after a change of limits, without waiting for a price."""
    desk = open_desk(buffer)
    book = desk.books[0]
    book.changed = 1
    due = book.now_ns + desk.limits[0].interval_ns
    book.sample_ns = due if due < book.sample_ns else book.sample_ns
    post_trade(desk)
    if book.trips and desk.limits[0].liquidate:
        _liquidate(desk)


@jit
def accept_price(buffer: npt.NDArray[np.uint8], instrument: int) -> None:
    """A person takes the next price of an instrument for true, however far it has jumped."""
    open_desk(buffer).instruments[instrument].suspect_count = ACCEPTED


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


@jit
def close_positions(buffer: npt.NDArray[np.uint8], strategy: int, instrument: int, patient: int) -> None:
    """Close the positions that match (NONE matches all) by reduce-only market orders.

    patient: 1 waits where a venue has just refused to close them, 0 asks at once.
    """
    desk = open_desk(buffer)
    for s in range(desk.head[0].strategies):
        for k in range(desk.head[0].instruments):
            if strategy in (NONE, s) and instrument in (NONE, k):
                place_emergency(desk, s, k, patient)
