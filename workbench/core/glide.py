"""What one column carries besides its desk, and how the desk is brought in step with the prices it has passed."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.core.jit import jit
from workbench.core.orders import touch
from workbench.core.state import DAY_NS, NONE, Desk, Rows
from workbench.core.tally import Tally, Trip
from workbench.core.tape import Tape

__all__ = [
    "KEEP",
    "PNL",
    "SAMPLES",
    "SEEN",
    "SYNCED",
    "UNITS",
    "Glide",
    "flat",
    "latched",
    "restart",
    "sync",
    "sync_samples",
    "trace_still",
]

INF = math.inf
PNL: Final = 1
UNITS: Final = 2
SAMPLES: Final = 0
KEEP: Final = 1
SEEN: Final = 0
SYNCED: Final = 1


class Glide(NamedTuple):
    """What one column carries besides its desk.

    value: float64[k], P&L of each position.  rows: int64[2, k], last row of each instrument that was passed (SEEN), and
    that the desk holds (SYNCED).  counts: int64[2], SAMPLES that the desk holds, and whether to KEEP events in their
    buffer.  tally: TALLY[3] and trips: TRIP[k + 1], the last row of each being zero.  curve: float64[n, 2 + k] (equity,
    P&L, units held), or [0, ...] where nobody wants it.  told: int64[n, 2], breaches at a row and breakers latched
    after it, or [0, 2].
    """

    value: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    tally: Rows[Tally]
    trips: Rows[Trip]
    curve: npt.NDArray[np.float64]
    told: npt.NDArray[np.int64]


@jit
def restart(glide: Glide, keep: int) -> None:
    """Make `glide` ready for another column; the last row of `tally` and of `trips` is zero and stays so."""
    glide.tally[0] = glide.tally[2]
    for k in range(len(glide.trips) - 1):
        glide.trips[k] = glide.trips[len(glide.trips) - 1]
    for r in range(len(glide.told)):
        glide.told[r, 0] = 0
    glide.rows[:] = NONE
    glide.counts[SAMPLES] = 0
    glide.counts[KEEP] = keep


@jit
def _copy_market(desk: Desk, tape: Tape, k: int, r: int) -> None:
    """What the desk would hold of instrument `k` after row `r`, which was an ordinary price."""
    row = tape.rows[r]
    mine = desk.instruments[k]
    mine.bid = row.bid
    mine.ask = row.ask
    mine.last = row.last
    mine.volume = row.volume
    mine.bid_size = row.bid_size
    mine.ask_size = row.ask_size
    mine.mark = row.last
    mine.mark_ns = row.ns
    mine.good = 1
    mine.suspect_count = 0
    mine.updates = row.updates
    mine.sequence = row.sequence
    mine.average_volume = row.average_volume
    mine.taken = 0.0
    mine.room = INF
    if row.volume >= 0.0 and row.volume < INF and mine.participation < INF:
        mine.room = row.volume * mine.participation * desk.venues[mine.venue].fill_share


@jit
def sync_samples(desk: Desk, tape: Tape, glide: Glide, taken: int) -> None:
    """Bring the ring of returns up to `taken` samples."""
    window = desk.head[0].window
    have = glide.counts[SAMPLES]
    if taken == have:
        return
    first = have if have > taken - window else taken - window
    for k in range(desk.head[0].instruments):
        for s in range(first, taken):
            desk.returns[s % window, k] = tape.sampled[s, 3 * k]
        desk.instruments[k].reach = tape.sampled[taken - 1, 3 * k + 1]
        desk.instruments[k].sampled = tape.sampled[taken - 1, 3 * k + 2]
    glide.counts[SAMPLES] = taken


@jit
def sync(desk: Desk, tape: Tape, glide: Glide, stop: int) -> None:
    """Make the desk hold what it would after the rows before `stop`, which were carried over."""
    if stop == 0:
        return
    book = desk.books[0]
    for k in range(desk.head[0].instruments):
        seen = glide.rows[SEEN, k]
        if seen != glide.rows[SYNCED, k]:
            glide.rows[SYNCED, k] = seen
            _copy_market(desk, tape, k, seen)
            touch(desk, 0, k)
    row = tape.rows[stop - 1]
    if row.ns > book.now_ns:
        book.now_ns = row.ns
        if row.ns // DAY_NS != book.day:
            book.day = row.ns // DAY_NS
            desk.strategies[0].orders_today = 0
    sync_samples(desk, tape, glide, book.sample)


@jit
def flat(desk: Desk) -> bool:
    """Whether nothing is held."""
    held = 0
    for k in range(desk.head[0].instruments):
        held += desk.positions[k].quantity != 0.0
    return held == 0


@jit
def latched(desk: Desk) -> int:
    """The breakers that are: the portfolio's below, the strategy's above."""
    return desk.books[0].halted | desk.strategies[0].halted << 16


@jit
def trace_still(desk: Desk, glide: Glide, start: int, stop: int) -> None:
    """Write rows start..stop, at which nothing changed, into the curves."""
    book = desk.books[0]
    for r in range(start, stop):
        glide.curve[r, 0] = book.equity
        glide.curve[r, PNL] = desk.strategies[0].pnl
        for k in range(desk.head[0].instruments):
            glide.curve[r, UNITS + k] = desk.positions[k].quantity
    if len(glide.told):
        on = latched(desk)
        for r in range(start, stop):
            glide.told[r, 1] = on
