"""What the strategy of a column says, on its way to the desk: bent by the faults that are active, routed, submitted."""

from __future__ import annotations

import math

from workbench.core.codes import Refusal
from workbench.core.column import SENT, Column, Work
from workbench.core.glide import KEEP, latched, sync
from workbench.core.jit import jit
from workbench.core.routing import route
from workbench.core.signal_faults import MOST_WISHES, FaultPlan, WishRow, bend
from workbench.core.state import NONE, Desk, Rows
from workbench.core.step import refuse_unread
from workbench.core.submit import Wish, submit
from workbench.core.tally import tell
from workbench.core.tape import Tape, row_at

__all__ = ["act", "first_bent", "hear"]

RATE_LIMITED = int(Refusal.RATE_LIMITED)


@jit
def first_bent(plans: Rows[FaultPlan], tape: Tape, row: int, count: int) -> int:
    """The first row from `row` on at which a fault bends signals, or `count`."""
    found = count
    for i in range(len(plans)):
        plan = plans[i]
        if tape.rows[count - 1].ns < plan.start_ns or plan.end_ns <= tape.rows[row].ns:
            continue
        begun = row_at(tape, plan.start_ns, row, count - 1)
        if tape.rows[begun].ns < plan.end_ns and begun < found:
            found = begun
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
