"""Taking in a price: what is believed, and what it does to the marks."""

from __future__ import annotations

import math

from workbench.core.codes import EventKind
from workbench.core.jit import jit
from workbench.core.ledger import open_gain, revalue
from workbench.core.orders import touch
from workbench.core.record import note
from workbench.core.rows import InstrumentRow
from workbench.core.state import DAY_NS, NONE, Desk

__all__ = ["ACCEPTED", "advance_clock", "take_quote"]

BAD_TICK = int(EventKind.BAD_TICK)
SEQUENCE_GAP = int(EventKind.SEQUENCE_GAP)
CLOCK_BACKWARDS = int(EventKind.CLOCK_BACKWARDS)
CONFIRMATIONS = 2  # updates that must agree with a suspect price before it is believed
LONG_CONFIRMATIONS = 20  # the same for a jump by more than the plausible factor
PLAUSIBLE = 2.0
IMPLAUSIBLE = 10.0  # a jump by more than this factor takes a person to accept it
ACCEPTED = -1  # what `suspect_count` is once a person has
MEMORY = 0.02  # weight of one update in the average volume


@jit
def advance_clock(desk: Desk, ns: int) -> None:
    """Move event time forward; a time before the present one is told and the clock stays."""
    book = desk.books[0]
    if ns < book.now_ns:
        note(desk, CLOCK_BACKWARDS, NONE, NONE, 0, float(ns), float(book.now_ns))
        return
    book.now_ns = ns
    day = ns // DAY_NS
    if day != book.day:
        book.day = day
        if math.isfinite(book.equity):
            book.day_equity = book.equity
        for s in range(desk.head[0].strategies):
            desk.strategies[s].orders_today = 0


@jit
def _believable(desk: Desk, row: InstrumentRow, bid: float, ask: float, last: float) -> bool:
    """Whether a quote may become a mark: finite, positive, not crossed, and no jump that nothing confirms."""
    finite = math.isfinite(bid) and math.isfinite(ask) and math.isfinite(last)
    if not finite or bid <= 0.0 or last <= 0.0 or bid > ask:
        return False
    limit = desk.limits[0].bad_tick
    if ask > last * (1.0 + limit) or bid < last * (1.0 - limit):
        return False  # nothing may trade at a side that is this far from the last trade
    if limit == math.inf or not row.mark > 0.0 or abs(last / row.mark - 1.0) <= limit:
        row.suspect_count = 0
        return True
    if row.suspect_count == ACCEPTED:
        row.suspect_count = 0
        return True
    if row.suspect_count > 0 and abs(last / row.suspect - 1.0) <= limit:
        row.suspect_count += 1
        jump = last / row.mark if last > row.mark else row.mark / last
        needed = CONFIRMATIONS if jump <= PLAUSIBLE else LONG_CONFIRMATIONS
        if row.suspect_count > needed and jump <= IMPLAUSIBLE:
            row.suspect_count = 0
            return True
        return False
    row.suspect = last
    row.suspect_count = 1
    return False


@jit
def take_quote(
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
) -> bool:
    """Take a quote of instrument `k` into the marks; False, with a BAD_TICK event, where it cannot be believed.

    bid, ask, last: quote currency per unit.  volume, sizes: units, NaN where unknown.
    """
    row = desk.instruments[k]
    if row.sequence != NONE and sequence > row.sequence + 1:
        note(desk, SEQUENCE_GAP, NONE, k, 0, float(sequence), float(row.sequence))
    row.sequence = sequence
    now = desk.books[0].now_ns
    if not _believable(desk, row, bid, ask, last):
        row.good = 0
        desk.books[0].bad_ticks += 1
        note(desk, BAD_TICK, NONE, k, 0, last, row.mark)
        return False
    row.good = 1
    row.bid = bid
    row.ask = ask
    row.last = last
    row.volume = volume
    row.bid_size = bid_size
    row.ask_size = ask_size
    row.updates += 1
    row.mark_ns = ns if ns < now else now  # a price that comes late moves the mark, and is as old as it is
    row.room = math.inf
    row.taken = 0.0
    if volume >= 0.0 and volume < math.inf:
        if row.participation < math.inf:
            row.room = volume * row.participation * desk.venues[row.venue].fill_share
        before = row.average_volume
        row.average_volume = volume if before == 0.0 else before + MEMORY * (volume - before)
    _mark(desk, k, last)
    return True


@jit
def _mark(desk: Desk, k: int, mark: float) -> None:
    """Set the mark of instrument `k` and revalue every position in it."""
    row = desk.instruments[k]
    row.mark = mark
    instruments = desk.head[0].instruments
    for s in range(desk.head[0].strategies):
        position = desk.positions[s * instruments + k]
        if position.quantity != 0.0:
            position.unrealised = open_gain(mark, position.average, position.quantity, row.multiplier)
            touch(desk, s, k)
            revalue(desk, s)
        elif position.exposure != 0.0:
            touch(desk, s, k)
