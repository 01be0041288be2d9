"""Carrying a desk over many prices at once, to the same state as price by price.

Where no order works and no breaker is near, a price does three things only: it marks the position, moves equity, and
lets the monitors look. `carry` does just that from the tape, and falls back on the whole `price` at every row at which
anything more could happen: an order works, something is told of the price, a fault begins, or P&L comes down to the
`floor` below which an alert or a breaker could speak. The floor is set on the safe side; only the whole step decides.

One strategy to a desk. The tape must have been made from the desk's own template.
"""

from __future__ import annotations

from workbench.core.drawdown_window import rapid_peak, remember
from workbench.core.floor import (
    VAR_LEVELS,
    floor_of,
    keeps_peaks,
    remember_still,
    roll_day,
    settle_peaks,
    take_sample,
)
from workbench.core.glide import KEEP, PNL, SAMPLES, SEEN, SYNCED, UNITS, Glide, flat, sync, trace_still
from workbench.core.jit import jit
from workbench.core.ledger import net_gain, open_gain
from workbench.core.moments import moments_of, note_moment, note_still, put_moments, with_moment
from workbench.core.state import DAY_NS, NEVER, Desk
from workbench.core.step import price
from workbench.core.tally import tell
from workbench.core.tape import DAY, ROUGH, SAMPLE, Tape, row_at

__all__ = ["carry"]


@jit
def _fault_row(desk: Desk, tape: Tape, start: int, stop: int) -> int:
    """The first row in start..stop at which the fault schedule changes, or `stop`."""
    due = desk.books[0].fault_ns
    if due == NEVER or tape.rows[stop - 1].ns < due:
        return stop
    return row_at(tape, due, start, stop - 1)


@jit
def _pass_still(desk: Desk, tape: Tape, glide: Glide, start: int, stop: int) -> None:
    """Ordinary rows start..stop with nothing held."""
    count = tape.rows[stop].ends - tape.rows[start].ends
    if count > 0:
        last = stop - 1
        first = start
        if tape.alone[0] == 0:
            while tape.rows[last].closes == 0:
                last -= 1
            while tape.rows[first].closes == 0:
                first += 1
        note_still(glide.tally[0], count, tape.times[first], tape.times[last], desk.books[0].equity, 0)
    if keeps_peaks(desk):
        remember_still(desk, tape, start, stop)
    if len(glide.curve):
        trace_still(desk, glide, start, stop)
    if desk.head[0].instruments == 1:
        glide.rows[SEEN, 0] = stop - 1
    else:
        for r in range(start, stop):
            glide.rows[SEEN, tape.rows[r].instrument] = r


@jit
def _coast_flat(desk: Desk, tape: Tape, glide: Glide, start: int, stop: int) -> int:
    """Rows with nothing held; the first row that needs the whole step, or `stop`."""
    r = start
    book = desk.books[0]
    while r < stop:
        check = tape.rows[r].stop
        end = check if check < stop else stop
        if end > r:
            _pass_still(desk, tape, glide, r, end)
        if end == stop:
            break
        r = end
        flags = tape.rows[r].flags
        if flags & ROUGH:
            stop = r
            break
        if flags & DAY:
            roll_day(desk, tape.rows[r].ns, book.equity)
        _pass_still(desk, tape, glide, r, r + 1)
        if flags & SAMPLE:
            take_sample(desk, tape, glide, r)
        r += 1
    if stop > start and desk.head[0].instruments == 1:
        day_row = tape.rows[stop - 1].day_row
        if day_row >= start and tape.rows[day_row].ns // DAY_NS != book.day:
            roll_day(desk, tape.rows[day_row].ns, book.equity)
    return stop


@jit
def _coast_one(desk: Desk, tape: Tape, glide: Glide, start: int, stop: int) -> int:
    """Rows of the only instrument with a position in it; the first row that needs the whole step, or `stop`."""
    book = desk.books[0]
    own = desk.strategies[0]
    position = desk.positions[0]
    tally = glide.tally[0]
    quantity, average = position.quantity, position.average
    realised, fees = position.realised, position.fees
    multiplier, cash = desk.instruments[0].multiplier, book.initial_cash
    remembers = keeps_peaks(desk)
    traced = len(glide.curve) > 0
    alone = tape.alone[0] != 0
    seen = moments_of(tally)
    opening = book.equity
    pnl = top = own.pnl
    rapid = rapid_peak(desk, tape.rows[start].step, opening) if remembers else 0.0
    floor = floor_of(desk, top, rapid)
    r = start
    while r < stop:
        check = tape.rows[r].stop
        flags = 0
        end = check if check < stop else stop
        if end == r:
            flags = tape.rows[r].flags
            if flags & ROUGH:
                break
            if flags & DAY:
                roll_day(desk, tape.rows[r].ns, cash + pnl)
                floor = floor_of(desk, top, rapid)
            end = r + 1
        while r < end:
            gain = open_gain(tape.marks[r], average, quantity, multiplier)
            now = net_gain(realised, fees, gain)
            if not now > floor:
                break
            pnl = now
            equity = cash + pnl
            if pnl > top:
                floor += pnl - top
                top = pnl
            if remembers:
                remember(desk, tape.rows[r].step, equity)
                rapid = equity if equity > rapid else rapid
            if alone or tape.rows[r].closes:
                seen = with_moment(seen, tape.times[r], equity, 1)
            if traced:
                glide.curve[r, 0] = equity
                glide.curve[r, PNL] = pnl
                glide.curve[r, UNITS] = quantity
            r += 1
        if r < end:
            # The floor only rises on the way; look again with what is known now before the whole step is called.
            if remembers:
                rapid = rapid_peak(desk, tape.rows[r].step, cash + pnl)
            lower = floor_of(desk, top, rapid)
            now = net_gain(realised, fees, open_gain(tape.marks[r], average, quantity, multiplier))
            if now > lower and lower < floor:
                floor = lower
                continue
            break
        if flags & SAMPLE:
            settle_peaks(desk, top, pnl)
            take_sample(desk, tape, glide, r - 1)
    if r == start:
        return r
    put_moments(tally, seen)
    day_row = tape.rows[r - 1].day_row
    if day_row >= start and tape.rows[day_row].ns // DAY_NS != book.day:
        if day_row > start:
            gain = open_gain(tape.marks[day_row - 1], average, quantity, multiplier)
            opening = cash + net_gain(realised, fees, gain)
        roll_day(desk, tape.rows[day_row].ns, opening)
    position.unrealised = open_gain(tape.marks[r - 1], average, quantity, multiplier)
    settle_peaks(desk, top, pnl)
    glide.rows[SEEN, 0] = r - 1
    if len(glide.told):
        glide.told[start:r, 1] = 0
    return r


@jit
def _coast_many(desk: Desk, tape: Tape, glide: Glide, start: int, stop: int) -> int:
    """Rows of several instruments with positions in some of them, as `_coast_one`."""
    book = desk.books[0]
    own = desk.strategies[0]
    tally = glide.tally[0]
    instruments = desk.head[0].instruments
    cash = book.initial_cash
    remembers = keeps_peaks(desk)
    traced = len(glide.curve) > 0
    for k in range(instruments):
        position = desk.positions[k]
        glide.value[k] = net_gain(position.realised, position.fees, position.unrealised)
    pnl = top = own.pnl
    rapid = rapid_peak(desk, tape.rows[start].step, book.equity) if remembers else 0.0
    floor = floor_of(desk, top, rapid)
    r = start
    while r < stop:
        row = tape.rows[r]
        if row.flags & ROUGH:
            break
        k = row.instrument
        position = desk.positions[k]
        now = pnl
        gain = 0.0
        if position.quantity != 0.0:
            gain = open_gain(row.last, position.average, position.quantity, desk.instruments[k].multiplier)
            before = glide.value[k]
            glide.value[k] = net_gain(position.realised, position.fees, gain)
            now = 0.0
            for j in range(instruments):
                now += glide.value[j]
            if row.flags & DAY:
                roll_day(desk, row.ns, cash + pnl)
                floor = floor_of(desk, top, rapid)
            if not now > floor:
                if remembers:
                    rapid = rapid_peak(desk, row.step, cash + pnl)
                floor = floor_of(desk, top, rapid)
                if not now > floor:
                    glide.value[k] = before
                    break
            position.unrealised = gain
        elif row.flags & DAY:
            roll_day(desk, row.ns, cash + pnl)
            floor = floor_of(desk, top, rapid)
        pnl = now
        equity = cash + pnl
        if pnl > top:
            floor += pnl - top
            top = pnl
        if remembers:
            remember(desk, row.step, equity)
            rapid = equity if equity > rapid else rapid
        if row.closes:
            note_moment(tally, row.ns, equity, 1)
        glide.rows[SEEN, k] = r
        if traced:
            glide.curve[r, 0] = equity
            glide.curve[r, PNL] = pnl
            for j in range(instruments):
                glide.curve[r, UNITS + j] = desk.positions[j].quantity
            if len(glide.told):
                glide.told[r, 1] = 0
        if row.flags & SAMPLE:
            settle_peaks(desk, top, pnl)
            take_sample(desk, tape, glide, r)
        r += 1
    settle_peaks(desk, top, pnl)
    return r


@jit
def _whole_step(desk: Desk, tape: Tape, glide: Glide, r: int) -> int:
    """Row `r` by the step that all runners call; breaches told to the strategy."""
    row = tape.rows[r]
    k = row.instrument
    price(desk, k, row.ns, row.bid, row.ask, row.last, row.volume, row.bid_size, row.ask_size, row.sequence)
    glide.rows[SEEN, k] = r
    glide.rows[SYNCED, k] = r
    book = desk.books[0]
    glide.counts[SAMPLES] = book.sample
    breaches = tell(desk, glide.tally[0], glide.trips, glide.counts[KEEP]) if book.event_count else 0
    if row.closes:
        if book.held_reports:  # a report that comes at the very end changes the last moment
            glide.tally[1] = glide.tally[0]
        note_moment(glide.tally[0], row.ns, book.equity, 0 if flat(desk) else 1)
    if len(glide.curve):
        trace_still(desk, glide, r, r + 1)
        if len(glide.told):
            glide.told[r, 0] += breaches
    return breaches


@jit
def carry(desk: Desk, tape: Tape, glide: Glide, start: int, stop: int) -> int:
    """Carry the desk over rows start..stop; breaches told to the strategy on the way.

    `sync` has to follow before anything but `carry` looks at the desk.
    """
    if stop <= start:
        return 0
    book = desk.books[0]
    fault = _fault_row(desk, tape, start, stop)
    one = desk.head[0].instruments == 1
    breaches = 0
    r = start
    while r < stop:
        if book.working == 0 and book.held_reports == 0 and r > 0 and r != fault:
            end = fault if fault > r else stop
            if flat(desk):
                r = _coast_flat(desk, tape, glide, r, end)
            elif (
                book.trips == 0
                and (book.alert_levels & ~VAR_LEVELS) == 0
                and desk.strategies[0].alert_levels == 0
            ):
                if one:
                    r = _coast_one(desk, tape, glide, r, end)
                else:
                    r = _coast_many(desk, tape, glide, r, end)
            if r == stop:
                break
        sync(desk, tape, glide, r)
        breaches += _whole_step(desk, tape, glide, r)
        r += 1
        if r > fault:
            fault = _fault_row(desk, tape, r, stop) if r < stop else stop
    return breaches
