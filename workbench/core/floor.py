"""How low P&L may come before anything can speak, and what days, samples and peaks leave in a desk that is carried."""

from __future__ import annotations

import math
from typing import Final

from workbench.core.breakers import watch_samples
from workbench.core.codes import Monitor
from workbench.core.drawdown_window import remember
from workbench.core.glide import Glide, sync_samples
from workbench.core.jit import jit
from workbench.core.monitors import drawdown, var_bound
from workbench.core.state import BUCKETS, DAY_NS, Desk
from workbench.core.tape import Tape

__all__ = [
    "VAR_LEVELS",
    "floor_of",
    "keeps_peaks",
    "remember_still",
    "roll_day",
    "settle_peaks",
    "take_sample",
]

INF = math.inf
SAFE: Final = 1e-9  # how far the floor stays from what it guards, as a share of the money involved
VAR_LEVELS: Final = 3 << (2 * int(Monitor.PORTFOLIO_VAR))


@jit
def floor_of(desk: Desk, top: float, rapid: float) -> float:
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
def keeps_peaks(desk: Desk) -> bool:
    """Whether the rapid-drawdown window is looked at."""
    limits = desk.limits[0]
    return limits.breakers != 0 and limits.rapid_rate < INF


@jit
def remember_still(desk: Desk, tape: Tape, start: int, stop: int) -> None:
    """What the rapid-drawdown window keeps of rows start..stop (not empty) at which equity did not change."""
    newest = tape.rows[stop - 1].step
    equity = desk.books[0].equity
    r = stop - 1
    while r >= start and tape.rows[r].step > newest - BUCKETS:
        remember(desk, tape.rows[r].step, equity)
        r -= 1


@jit
def roll_day(desk: Desk, ns: int, equity: float) -> None:
    book = desk.books[0]
    book.day = ns // DAY_NS
    if math.isfinite(equity):
        book.day_equity = equity
    desk.strategies[0].orders_today = 0


@jit
def take_sample(desk: Desk, tape: Tape, glide: Glide, r: int) -> None:
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
        sync_samples(desk, tape, glide, s + 1)
        watch_samples(desk)


@jit
def settle_peaks(desk: Desk, top: float, pnl: float) -> None:
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
