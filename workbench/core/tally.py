"""Figures of a run that are kept while it goes on, so that no curve has to be.

What equity does from moment to moment is taken in by `moments`; here are round trips, what events tell, and the end.
"""

from __future__ import annotations

from typing import Final

from workbench.core.codes import EventKind
from workbench.core.jit import jit
from workbench.core.ledger import settle
from workbench.core.rows import row_type
from workbench.core.state import NONE, Desk, Rows

__all__ = [
    "TALLY",
    "TRIP",
    "Tally",
    "Trip",
    "begin",
    "bits",
    "close_tally",
    "tell",
]

ORDER_FILLED = int(EventKind.ORDER_FILLED)
ORDER_REFUSED = int(EventKind.ORDER_REFUSED)
SIGNAL_REFUSED = int(EventKind.SIGNAL_REFUSED)
ORDER_REJECTED = int(EventKind.ORDER_REJECTED)
BREACH = int(EventKind.BREACH)
TRIPPED = int(EventKind.BREAKER_TRIPPED)
ALERT = int(EventKind.ALERT)


class Tally:
    """sum_down: squares of the negative returns.  broken: a return had nothing to be a share of.  worst: <= 0.

    low: lowest equity since the peak.  since_ns: last moment at a peak.  held: moments with a position.
    gained, lost: sums of the P&L of closed round trips, both >= 0.  told: events that were looked at.
    """

    moments: int
    equity: float  # at the last moment
    sum_r: float
    sum_square: float
    sum_down: float
    broken: int
    peak: float
    low: float
    worst: float
    since_ns: int
    below: int
    longest_ns: int
    held: int
    trades: int
    won: int
    gained: float
    lost: float
    sum_pnl: float
    told: int
    signals: int
    refused_signals: int
    refused_orders: int
    rejected: int
    breaches: int
    alerts: int
    trips: int
    final_equity: float
    fees: float
    turnover: float
    fills: int
    orders: int
    bad_ticks: int
    worst_use: float
    worst_gross: float
    worst_exposure: float  # largest share of a limit on position or gross notional that was held or worked
    halted: int  # breakers latched at the end
    incomplete: int  # something found no room: the column has to be run again with more


class Trip:
    """The round trip under way in one instrument; quantity 0 for none."""

    quantity: float
    side: float
    cost: float
    proceeds: float
    fees: float


TALLY: Final = row_type(Tally)
TRIP: Final = row_type(Trip)


@jit
def begin(tally: Tally, cash: float, begin_ns: int) -> None:
    """The tally of a run that starts with `cash`; it must be zeroed."""
    tally.peak = tally.low = cash
    tally.since_ns = begin_ns


@jit
def _fill(tally: Tally, trip: Trip, units: float, price: float, fee: float, multiplier: float) -> None:
    """Round trips from flat to flat or to the other side; a fill that flips ends one and begins another."""
    left = units
    share = 0.0
    if trip.quantity * units < 0.0:
        after = settle(trip.quantity, units)
        flips = after * units > 0.0
        closing = -trip.quantity if after == 0.0 or flips else units
        share = closing / units if flips else 1.0
        trip.proceeds += abs(closing) * price
        trip.fees += fee * share
        trip.quantity += closing
        if after != 0.0 and not flips:
            return
        pnl = trip.side * multiplier * (trip.proceeds - trip.cost) - trip.fees
        tally.trades += 1
        tally.sum_pnl += pnl
        if pnl > 0.0:
            tally.won += 1
            tally.gained += pnl
        elif pnl < 0.0:
            tally.lost -= pnl
        trip.quantity = 0.0
        if after == 0.0:
            return
        left = after
    if trip.quantity == 0.0:
        trip.side = 1.0 if left > 0.0 else -1.0
        trip.cost = trip.proceeds = trip.fees = 0.0
    trip.cost += abs(left) * price
    trip.fees += fee * (1.0 - share)
    trip.quantity += left


@jit
def bits(mask: int) -> int:
    """How many bits of `mask` are set."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@jit
def tell(desk: Desk, tally: Tally, trips: Rows[Trip], keep: int) -> int:
    """Count what the waiting events say, and take them out of the buffer unless `keep`; breaches told to the strategy.

    A refused order is one breach for each check that failed, a tripped breaker one for each strategy that it stops.
    """
    book = desk.books[0]
    breaches = 0
    for e in range(tally.told, book.event_count):
        event = desk.events[e]
        if event.kind == ORDER_FILLED:
            multiplier = desk.instruments[event.instrument].multiplier
            _fill(tally, trips[event.instrument], event.quantity, event.price, event.value, multiplier)
        elif event.kind == ORDER_REFUSED:
            tally.refused_orders += 1
            breaches += bits(event.code)
        elif event.kind == BREACH:
            breaches += 1 if event.strategy != NONE else 0
        elif event.kind == TRIPPED:
            tally.trips += 1
            breaches += 1
        elif event.kind == SIGNAL_REFUSED:
            tally.refused_signals += 1
        elif event.kind == ORDER_REJECTED:
            tally.rejected += 1
        elif event.kind == ALERT:
            tally.alerts += 1
    if keep:
        tally.told = book.event_count
    else:
        book.event_count = 0
    tally.breaches += breaches
    return breaches


@jit
def _share(value: float, limit: float) -> float:
    return value / limit if limit > 0.0 and value > 0.0 else 0.0  # 0 where the limit is infinite


@jit
def _worst_exposure(desk: Desk) -> float:
    limits = desk.limits[0]
    book = desk.books[0]
    worst = max(
        _share(book.worst_gross, limits.portfolio_gross), _share(book.worst_gross, limits.strategy_gross)
    )
    for y in range(desk.head[0].symbols):
        symbol = desk.symbols[y]
        worst = max(worst, _share(symbol.worst_long, symbol.max_long))
        worst = max(worst, _share(symbol.worst_short, symbol.max_short))
    return worst


@jit
def close_tally(desk: Desk, tally: Tally, last_ns: int) -> None:
    """The run is over: a drawdown that lasts ends here, and the desk's own figures are noted."""
    if tally.below and last_ns - tally.since_ns > tally.longest_ns:
        tally.longest_ns = last_ns - tally.since_ns
    book = desk.books[0]
    tally.final_equity = book.equity
    for k in range(desk.head[0].instruments):
        tally.fees += desk.positions[k].fees
        tally.turnover += desk.positions[k].traded
    tally.fills = book.fills
    tally.orders = book.accepted
    tally.bad_ticks = book.bad_ticks
    tally.worst_use = book.worst_use
    tally.worst_gross = book.worst_gross
    tally.worst_exposure = _worst_exposure(desk)
    tally.halted = book.halted | desk.strategies[0].halted
    tally.incomplete = book.starved + book.events_lost
