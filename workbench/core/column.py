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
from workbench.core.codes import Refusal
from workbench.core.executions import release_held
from workbench.core.feed import QUOTE_COLUMNS
from workbench.core.glide import KEEP, Glide, flat, latched, restart, sync, trace_still
from workbench.core.jit import jit
from workbench.core.native import copy_bytes, open_desk
from workbench.core.outcome import Outcome, Path, assess, keep_path
from workbench.core.routing import route
from workbench.core.signal_faults import MOST_WISHES, FaultPlan, WishRow, bend
from workbench.core.state import NONE, Desk, Rows
from workbench.core.step import refuse_unread
from workbench.core.submit import Wish, submit
from workbench.core.tally import begin, close_tally, note_moment, take_back, tell
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
    "Cell",
    "Column",
    "Groups",
    "Work",
    "act",
    "finish",
    "first_bent",
    "hear",
    "idle",
    "judge",
    "keep_run",
    "rows_before",
    "set_up",
    "show",
    "show_positions",
]

POSITION: Final = QUOTE_COLUMNS  # own signed units
AGE: Final = QUOTE_COLUMNS + 1  # seconds since the price came, NaN before the first
TIME: Final = QUOTE_COLUMNS + 2  # when the price came, seconds since 1970 (UTC), NaN before the first
GROUP_COLUMNS: Final = QUOTE_COLUMNS + 3
RATE_LIMITED = int(Refusal.RATE_LIMITED)
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


class Cell(NamedTuple):
    """One disturbance, for `judge`: its window, where moments stand in its feed, and room for one path."""

    start_ns: int
    end_ns: int
    at: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    path: Path
    gap: npt.NDArray[np.float64]
    settled: npt.NDArray[np.int64]


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
def first_bent(plans: Rows[FaultPlan], tape: Tape, row: int, count: int) -> int:
    """The first row from `row` on at which a fault bends signals, or `count`."""
    found = count
    for i in range(len(plans)):
        plan = plans[i]
        if tape.rows[count - 1].ns < plan.start_ns or plan.end_ns <= tape.rows[row].ns:
            continue
        low, high = row, count - 1
        while low < high:
            middle = (low + high) // 2
            if tape.rows[middle].ns < plan.start_ns:
                low = middle + 1
            else:
                high = middle
        if tape.rows[low].ns < plan.end_ns and low < found:
            found = low
    return found


@jit
def hear(plans: Rows[FaultPlan], ns: int, breaches: int) -> None:
    """Tell the faults that are active at `ns` of breaches."""
    if breaches:
        for i in range(len(plans)):
            if plans[i].start_ns <= ns < plans[i].end_ns:
                plans[i].breaches += breaches


@jit
def act(desk: Desk, column: Column, r: int) -> None:
    """What the strategy says at row `r`, bent by the faults that are active, goes to the desk."""
    tape, groups, work, glide = column.tape, column.groups, column.work, column.glide
    sync(desk, tape, glide, r + 1)
    count = 0
    for g in range(len(groups.sizes)):
        if work.next_row[g] == r:
            for j in range(groups.sizes[g]):
                if work.said[g, j] == work.said[g, j]:
                    count = _say(desk, work, count, groups.members[g, j], work.said[g, j])
    row = tape.rows[r]
    if groups.listens[row.instrument]:
        symbol = desk.instruments[row.instrument].symbol
        for i in range(len(column.plans)):
            plan = column.plans[i]
            if plan.start_ns <= row.ns < plan.end_ns:
                count = bend(plan, work.wishes, count, symbol, desk.head[0].symbols, row.change, work.units)
    if count == 0:
        return
    glide.tally[0].signals += count if count < MOST_WISHES else MOST_WISHES - 1
    for i in range(count):
        wish = work.wishes[i]
        if i == MOST_WISHES - 1:
            refuse_unread(desk, 0, NONE, RATE_LIMITED)
            break
        k = wish.instrument
        if k == NONE:
            k = route(desk, 0, wish.symbol, wish.strength, 0)
        if len(work.sent):
            _write_down(work, wish, r)
        submit(desk, Wish(0, k, wish.strength, 1.0, 0, 0, 0, 0, math.nan, math.nan, wish.quantity, 0))
    if desk.books[0].event_count > glide.tally[0].told:
        breaches = tell(desk, glide.tally[0], glide.trips, glide.counts[KEEP])
        if len(glide.told):
            glide.told[r, 0] += breaches
            glide.told[r, 1] = latched(desk)
        hear(column.plans, row.ns, breaches)


@jit
def _write_down(work: Work, wish: WishRow, r: int) -> None:
    place = work.counts[SENT]
    work.counts[SENT] += 1
    if place < len(work.sent):
        work.sent[place, 0] = float(r)
        work.sent[place, 1] = float(wish.symbol)
        work.sent[place, 2] = float(wish.instrument)
        work.sent[place, 3] = wish.strength
        work.sent[place, 4] = wish.quantity
        work.sent[place, 5] = float(wish.fault)
        work.sent[place, 6] = float(wish.made)


@jit
def _say(desk: Desk, work: Work, count: int, instrument: int, strength: float) -> int:
    if count == MOST_WISHES:  # the desk looks at no more, whoever sends them
        return count
    wish = work.wishes[count]
    wish.instrument = instrument
    wish.symbol = desk.instruments[instrument].symbol
    wish.strength = strength
    wish.quantity = math.nan
    wish.fault = wish.made = 0
    return count + 1


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


@jit
def keep_run(column: Column, at: npt.NDArray[np.int64], paths: Path, c: int) -> None:
    """Keep the run that `column` has just traced as number `c` of `paths`, which have one more axis in front."""
    path = Path(paths.equity[c], paths.units[c], paths.breaches[c], paths.latched[c], paths.most[c])
    keep_path(column.glide, at, open_desk(column.template).books[0].initial_cash, path)


@jit
def judge(
    column: Column, cell: Cell, normal: Path, c: int, band: float, usual: int, outcomes: Rows[Outcome]
) -> None:
    """Say in `outcomes[c]` what the disturbance did to the run that `column` has just traced, beside its normal run.

    normal: paths with one more axis in front.  band, usual: see `recovered`.
    """
    keep_path(column.glide, cell.at, open_desk(column.template).books[0].initial_cash, cell.path)
    without = Path(normal.equity[c], normal.units[c], normal.breaches[c], normal.latched[c], normal.most[c])
    assess(
        cell.path,
        without,
        cell.times,
        cell.start_ns,
        cell.end_ns,
        band,
        usual,
        cell.gap,
        cell.settled,
        outcomes[c],
    )
