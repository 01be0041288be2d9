"""The compiled runner: one strategy over many columns, each a parameter set with a desk of its own.

The strategy and the desk meet only where something is said: `scan` runs the strategy to its next signal, `carry` brings
the desk to that row, the wishes are submitted as everywhere, and so on. A strategy that reads its own position is run
row by row while it holds one; and so is every strategy while a fault bends its signals.
What is here is compiled once for all strategies; the loop itself is in `patterns`.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.core.breakers import post_trade
from workbench.core.executions import release_held
from workbench.core.feed import QUOTE_COLUMNS
from workbench.core.glide import KEEP, Glide, flat, restart, sync, trace_still
from workbench.core.jit import jit
from workbench.core.moments import note_moment, take_back
from workbench.core.native import copy_bytes, open_desk
from workbench.core.signal_faults import FaultPlan, WishRow
from workbench.core.state import NONE, Desk, Rows
from workbench.core.tally import begin, close_tally, tell
from workbench.core.tape import Tape

__all__ = [
    "AGE",
    "GIVEN",
    "GROUP_COLUMNS",
    "POSITION",
    "SECOND",
    "SENT",
    "SENT_COLUMNS",
    "TIME",
    "WANTED",
    "Column",
    "Groups",
    "Work",
    "finish",
    "idle",
    "rows_before",
    "set_up",
    "show",
    "show_positions",
]

POSITION: Final = QUOTE_COLUMNS  # own signed units
AGE: Final = QUOTE_COLUMNS + 1  # seconds since the price came, NaN before the first
TIME: Final = QUOTE_COLUMNS + 2  # when the price came, seconds since 1970 (UTC), NaN before the first
GROUP_COLUMNS: Final = QUOTE_COLUMNS + 3
SECOND: Final = 1e9
SENT_COLUMNS: Final = 7
SENT: Final = 0
WANTED: Final = 1
GIVEN: Final = 2


class Groups(NamedTuple):
    """The rows of a feed by the groups of instruments that a strategy runs on, each group on its own.

    quotes: float64[m, 7], the rows of one group after those of another.  rows: int64[m], where they stand in the feed.
    places: int64[m], which instrument of its group each is of.  starts: int64[g + 1], first row of each group.
    members: int64[g, most], index in the feed of each instrument of a group.  sizes: int64[g], how many it has.
    times: int64[m].  listens: int64[k], whether the strategy is called with the prices of an instrument at all.
    """

    quotes: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    members: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    listens: npt.NDArray[np.int64]


class Work(NamedTuple):
    """Room for what one column has under way.

    prices: float64[g, most, GROUP_COLUMNS].  said: float64[g, most], the signal that waits.  seen: int64[g, most],
    times of the last prices.  next_row, cursor: int64[g], feed row of the signal that waits, and how far the strategy
    is.  wishes: WISH_ROW[MOST_WISHES].  units: float64[symbols].  sent: float64[n, SENT_COLUMNS], the signals as the
    desk got them (row, then what a wish has), or [0, ...] where nobody wants them.  counts: int64[3], how many signals
    those are (SENT; beyond n they are lost, which the tally calls incomplete); of a step that gave too many or too few
    strengths, how many were WANTED and 1 + how many were GIVEN, 0 where there was none.
    """

    prices: npt.NDArray[np.float64]
    said: npt.NDArray[np.float64]
    seen: npt.NDArray[np.int64]
    next_row: npt.NDArray[np.int64]
    cursor: npt.NDArray[np.int64]
    wishes: Rows[WishRow]
    units: npt.NDArray[np.float64]
    sent: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]


class Column(NamedTuple):
    """What a column is run on."""

    buffer: npt.NDArray[np.uint8]
    template: npt.NDArray[np.uint8]
    tape: Tape
    groups: Groups
    glide: Glide
    work: Work
    plans: Rows[FaultPlan]


@jit
def set_up(column: Column, begin_ns: int, own_units: int, keep: int) -> Desk:
    """Copy the template, all but its empty events, and clear what the column before left."""
    buffer, template, work = column.buffer, column.template, column.work
    origin = open_desk(template)
    head = origin.head[0]
    copy_bytes(buffer, template, 0, head.at_events)
    copy_bytes(buffer, template, head.at_uses, head.at_held)
    copy_bytes(buffer, template, head.at_bucket_peaks, len(template))
    desk = open_desk(buffer)
    restart(column.glide, keep)
    begin(column.glide.tally[0], desk.books[0].initial_cash, begin_ns)
    work.next_row[:] = NONE
    work.prices[:] = math.nan
    work.prices[:, :, POSITION] = 0.0
    work.seen[:] = NONE
    work.counts[:] = 0
    for g in range(len(column.groups.sizes)):
        work.cursor[g] = column.groups.starts[g]
    for k in range(desk.head[0].instruments):
        if own_units:
            desk.positions[k].unit = work.units[desk.instruments[k].symbol]
        else:
            work.units[desk.instruments[k].symbol] = desk.positions[k].unit
    for i in range(len(column.plans)):
        column.plans[i].breaches = 0
        column.plans[i].sent = 0
    return desk


@jit
def show(groups: Groups, work: Work, g: int, p: int) -> None:
    """Put row `p` into what group `g` sees."""
    now = groups.times[p]
    place = groups.places[p]
    for column in range(QUOTE_COLUMNS):
        work.prices[g, place, column] = groups.quotes[p, column]
    work.seen[g, place] = now
    work.prices[g, place, TIME] = float(now) / SECOND
    for j in range(groups.sizes[g]):
        if work.seen[g, j] != NONE:
            work.prices[g, j, AGE] = float(now - work.seen[g, j]) / SECOND


@jit
def show_positions(desk: Desk, groups: Groups, work: Work) -> None:
    """Put what is held into what the strategy sees."""
    for g in range(len(groups.sizes)):
        for j in range(groups.sizes[g]):
            work.prices[g, j, POSITION] = desk.positions[groups.members[g, j]].quantity


@jit
def idle(desk: Desk) -> bool:
    """Whether no position can change by itself."""
    return desk.books[0].working == 0 and desk.books[0].held_reports == 0 and flat(desk)


@jit
def rows_before(groups: Groups, g: int, cursor: int, row: int) -> int:
    """The first row of group `g`, from `cursor` on, that is not before feed row `row`."""
    low, high = cursor, int(groups.starts[g + 1])
    if low < high and groups.rows[high - 1] < row:
        return high
    while low < high:
        middle = (low + high) // 2
        if groups.rows[middle] < row:
            low = middle + 1
        else:
            high = middle
    return low


@jit
def finish(desk: Desk, column: Column) -> None:
    """What a faulty venue holds back is delivered, and the figures are closed."""
    tape, glide = column.tape, column.glide
    count = len(tape.marks)
    book = desk.books[0]
    sync(desk, tape, glide, count)
    late = book.held_reports > 0
    if late:
        release_held(desk)
        post_trade(desk)
    breaches = tell(desk, glide.tally[0], glide.trips, glide.counts[KEEP])
    if late:
        take_back(glide.tally)
        note_moment(glide.tally[0], tape.rows[count - 1].ns, book.equity, 0 if flat(desk) else 1)
    if len(glide.told):
        glide.told[count - 1, 0] += breaches
        trace_still(desk, glide, count - 1, count)
    close_tally(desk, glide.tally[0], tape.rows[count - 1].ns)
    lost = column.work.counts[SENT] - len(column.work.sent)
    if lost > 0:
        glide.tally[0].incomplete += lost
