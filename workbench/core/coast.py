"""Carrying a desk over many prices at once, to the same state as price by price.

Where no order works and no breaker is near, a price does three things only: it marks the position, moves equity, and
lets the monitors look. `carry` does just that from the tape, and falls back on the whole `price` at every row at which
anything more could happen: an order works, something is told of the price, a fault begins, or P&L comes down to the
`floor` below which an alert or a breaker could speak. The floor is set on the safe side; only the whole step decides.

One strategy to a desk. The tape must have been made from the desk's own template.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.core.breakers import rapid_peak, remember, watch_samples
from workbench.core.codes import Monitor
from workbench.core.jit import jit
from workbench.core.ledger import net_gain, open_gain
from workbench.core.monitors import drawdown, var_bound
from workbench.core.orders import touch
from workbench.core.state import BUCKETS, DAY_NS, NEVER, NONE, Desk, Rows
from workbench.core.step import price
from workbench.core.tally import (
    Tally,
    Trip,
    moments_of,
    note_moment,
    note_still,
    put_moments,
    tell,
    with_moment,
)
from workbench.core.tape import DAY, ROUGH, SAMPLE, Tape

__all__ = ["Glide", "carry", "restart", "sync"]

INF = math.inf
SAFE = 1e-9  # how far the floor stays from what it guards, as a share of the money involved
VAR_LEVELS = 3 << (2 * int(Monitor.PORTFOLIO_VAR))
PNL = 1
UNITS = 2


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


SAMPLES = 0
KEEP = 1
SEEN = 0
SYNCED = 1


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
def _sync_samples(desk: Desk, tape: Tape, glide: Glide, taken: int) -> None:
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
    _sync_samples(desk, tape, glide, book.sample)


@jit
def _fault_row(desk: Desk, tape: Tape, start: int, stop: int) -> int:
    """The first row in start..stop at which the fault schedule changes, or `stop`."""
    due = desk.books[0].fault_ns
    if due == NEVER or tape.rows[stop - 1].ns < due:
        return stop
    low, high = start, stop - 1
    while low < high:
        middle = (low + high) // 2
        if tape.rows[middle].ns < due:
            low = middle + 1
        else:
            high = middle
    return low


@jit
def _flat(desk: Desk) -> bool:
    held = 0
    for k in range(desk.head[0].instruments):
        held += desk.positions[k].quantity != 0.0
    return held == 0


@jit
def _floor(desk: Desk, top: float, rapid: float) -> float:
    """P&L above which no alert on equity and no breaker can speak, as long as P&L has not been above `top`.

    rapid: highest equity of the rapid-drawdown window.
    """
    limits = desk.limits[0]
    book = desk.books[0]
    own = desk.strategies[0]
    warn = limits.warn_at if limits.warn_at < 1.0 else 1.0
    peak = own.capital + top
    peak = peak if peak > own.peak else own.peak
    high = book.initial_cash + top
    high = high if high > book.peak else book.peak
    floor = -INF
    if limits.strategy_drawdown < INF:
        floor = max(floor, peak * (1.0 - warn * limits.strategy_drawdown) - own.capital)
    if limits.max_drawdown < INF:
        floor = max(floor, high * (1.0 - warn * limits.max_drawdown) - book.initial_cash)
    if limits.stop_loss < INF:
        floor = max(floor, own.base_pnl - warn * limits.stop_loss * own.capital)
    if limits.daily_loss < INF:
        floor = max(floor, book.day_equity - warn * limits.daily_loss - book.initial_cash)
    if limits.breakers:
        if limits.strategy_loss < INF:
            floor = max(floor, own.base_pnl - limits.strategy_loss)
        if limits.portfolio_loss < INF:
            floor = max(floor, book.base_equity * (1.0 - limits.portfolio_loss) - book.initial_cash)
        if limits.rapid_rate < INF:
            floor = max(floor, rapid * (1.0 - limits.rapid_rate) - book.initial_cash)
        floor = max(floor, -book.initial_cash)  # nothing left: shares of equity mean nothing
    return floor + SAFE * (abs(high) + abs(peak) + abs(book.initial_cash))


@jit
def _remembers(desk: Desk) -> bool:
    limits = desk.limits[0]
    return limits.breakers != 0 and limits.rapid_rate < INF


@jit
def _remember_still(desk: Desk, tape: Tape, start: int, stop: int) -> None:
    """What the rapid-drawdown window keeps of rows start..stop (not empty) at which equity did not change."""
    newest = tape.rows[stop - 1].step
    equity = desk.books[0].equity
    r = stop - 1
    while r >= start and tape.rows[r].step > newest - BUCKETS:
        remember(desk, tape.rows[r].step, equity)
        r -= 1


@jit
def _roll_day(desk: Desk, ns: int, equity: float) -> None:
    book = desk.books[0]
    book.day = ns // DAY_NS
    if math.isfinite(equity):
        book.day_equity = equity
    desk.strategies[0].orders_today = 0


@jit
def _take_sample(desk: Desk, tape: Tape, glide: Glide, r: int) -> None:
    """The sample of row `r`, whose marks stand in the tape; P&L and equity of the desk are up to date."""
    book = desk.books[0]
    row = tape.rows[r]
    s = row.samples - 1
    interval = desk.limits[0].interval_ns
    book.now_ns = row.ns
    book.sample_ns = row.ns - row.ns % interval + interval
    own = desk.strategies[0]
    change = own.pnl - own.sampled_pnl
    desk.results[s % desk.head[0].window, 0] = change if math.isfinite(change) else 0.0
    own.sampled_pnl = own.pnl
    if s == 0:
        book.first_sample_ns = row.ns
    book.sample = s + 1
    book.sampled_ns = row.ns
    for k in range(desk.head[0].instruments):
        mine = desk.instruments[k]
        held = desk.positions[k].quantity
        mark = tape.sampled[s, 3 * k + 2]
        mine.sampled_value = held * mark * mine.multiplier if held != 0.0 else 0.0
        mine.reach = tape.sampled[s, 3 * k + 1]
    limits = desk.limits[0]
    book.var_due = 1
    if book.alert_levels & VAR_LEVELS or not var_bound(desk) < limits.warn_at * limits.portfolio_var:
        _sync_samples(desk, tape, glide, s + 1)
        watch_samples(desk)


@jit
def _settle_peaks(desk: Desk, top: float, pnl: float) -> None:
    """Write what was carried in registers back: P&L now, the highest on the way, and the falls from it."""
    book = desk.books[0]
    own = desk.strategies[0]
    own.pnl = pnl
    book.equity = book.initial_cash + pnl
    if own.capital + top > own.peak:
        own.peak = own.capital + top
    if book.initial_cash + top > book.peak:
        book.peak = book.initial_cash + top
    own.drawdown = drawdown(own.capital + pnl, own.peak)
    book.drawdown = drawdown(book.equity, book.peak)


@jit
def _trace_still(desk: Desk, glide: Glide, start: int, stop: int) -> None:
    book = desk.books[0]
    latched = book.halted | desk.strategies[0].halted << 16  # the portfolio's below, the strategy's above
    for r in range(start, stop):
        glide.curve[r, 0] = book.equity
        glide.curve[r, PNL] = desk.strategies[0].pnl
        for k in range(desk.head[0].instruments):
            glide.curve[r, UNITS + k] = desk.positions[k].quantity
    if len(glide.told):
        for r in range(start, stop):
            glide.told[r, 1] = latched


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
    if _remembers(desk):
        _remember_still(desk, tape, start, stop)
    if len(glide.curve):
        _trace_still(desk, glide, start, stop)
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
            _roll_day(desk, tape.rows[r].ns, book.equity)
        _pass_still(desk, tape, glide, r, r + 1)
        if flags & SAMPLE:
            _take_sample(desk, tape, glide, r)
        r += 1
    if stop > start and desk.head[0].instruments == 1:
        day_row = tape.rows[stop - 1].day_row
        if day_row >= start and tape.rows[day_row].ns // DAY_NS != book.day:
            _roll_day(desk, tape.rows[day_row].ns, book.equity)
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
    remembers = _remembers(desk)
    traced = len(glide.curve) > 0
    alone = tape.alone[0] != 0
    seen = moments_of(tally)
    opening = book.equity
    pnl = top = own.pnl
    rapid = rapid_peak(desk, tape.rows[start].step, opening) if remembers else 0.0
    floor = _floor(desk, top, rapid)
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
                _roll_day(desk, tape.rows[r].ns, cash + pnl)
                floor = _floor(desk, top, rapid)
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
            lower = _floor(desk, top, rapid)
            now = net_gain(realised, fees, open_gain(tape.marks[r], average, quantity, multiplier))
            if now > lower and lower < floor:
                floor = lower
                continue
            break
        if flags & SAMPLE:
            _settle_peaks(desk, top, pnl)
            _take_sample(desk, tape, glide, r - 1)
    if r == start:
        return r
    put_moments(tally, seen)
    day_row = tape.rows[r - 1].day_row
    if day_row >= start and tape.rows[day_row].ns // DAY_NS != book.day:
        if day_row > start:
            gain = open_gain(tape.marks[day_row - 1], average, quantity, multiplier)
            opening = cash + net_gain(realised, fees, gain)
        _roll_day(desk, tape.rows[day_row].ns, opening)
    position.unrealised = open_gain(tape.marks[r - 1], average, quantity, multiplier)
    _settle_peaks(desk, top, pnl)
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
    remembers = _remembers(desk)
    traced = len(glide.curve) > 0
    for k in range(instruments):
        position = desk.positions[k]
        glide.value[k] = net_gain(position.realised, position.fees, position.unrealised)
    pnl = top = own.pnl
    rapid = rapid_peak(desk, tape.rows[start].step, book.equity) if remembers else 0.0
    floor = _floor(desk, top, rapid)
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
                _roll_day(desk, row.ns, cash + pnl)
                floor = _floor(desk, top, rapid)
            if not now > floor:
                if remembers:
                    rapid = rapid_peak(desk, row.step, cash + pnl)
                floor = _floor(desk, top, rapid)
                if not now > floor:
                    glide.value[k] = before
                    break
            position.unrealised = gain
        elif row.flags & DAY:
            _roll_day(desk, row.ns, cash + pnl)
            floor = _floor(desk, top, rapid)
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
            _settle_peaks(desk, top, pnl)
            _take_sample(desk, tape, glide, r)
        r += 1
    _settle_peaks(desk, top, pnl)
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
        note_moment(glide.tally[0], row.ns, book.equity, 0 if _flat(desk) else 1)
    if len(glide.curve):
        _trace_still(desk, glide, r, r + 1)
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
            if _flat(desk):
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
