"""A breaker's latch: what tripping it does, and what the person who resets it lets count anew."""

from __future__ import annotations

import math

from workbench.core.codes import Breaker, EventKind, VenueReason
from workbench.core.drawdown_window import forget_peaks
from workbench.core.jit import jit
from workbench.core.orders import EVERY, ONLY_EMERGENCY, SPARE_EMERGENCY, cancel_working
from workbench.core.record import note
from workbench.core.state import NONE, Desk

__all__ = ["anything_latched", "condemned", "reset", "trip"]

TRIPPED = int(EventKind.BREAKER_TRIPPED)
RESET = int(EventKind.BREAKER_RESET)
BY_BREAKER = int(VenueReason.BREAKER)
REQUESTED = int(VenueReason.REQUESTED)
DAILY_LOSS = int(Breaker.DAILY_LOSS)
MAX_DRAWDOWN = int(Breaker.MAX_DRAWDOWN)
STRATEGY_DRAWDOWN = int(Breaker.STRATEGY_DRAWDOWN)
STOP_LOSS = int(Breaker.STOP_LOSS)
PORTFOLIO_LOSS = int(Breaker.PORTFOLIO_LOSS_PCT)
STRATEGY_LOSS = int(Breaker.SINGLE_STRATEGY_LOSS)
REPEATED_EXECUTION = int(Breaker.REPEATED_EXECUTION)
STRATEGY_ERROR = int(Breaker.STRATEGY_ERROR)
RAPID = int(Breaker.RAPID_DRAWDOWN_RATE)
KILL_SWITCH = int(Breaker.KILL_SWITCH)


@jit
def trip(desk: Desk, strategy: int, reason: int, value: float, limit: float) -> None:
    """Latch a breaker for one strategy (or all, NONE): its working orders are cancelled, only reducing ones pass.

    A reason that is latched already changes nothing.  Liquidation follows in the step, where it is enabled; the kill
    switch ends one that is under way, each time that it is used.
    """
    book = desk.books[0]
    bit = 1 << reason
    which = EVERY if reason == KILL_SWITCH else SPARE_EMERGENCY
    latched = book.halted if strategy == NONE else desk.strategies[strategy].halted
    if latched & bit:
        if reason == KILL_SWITCH:
            cancel_working(desk, strategy, NONE, NONE, 0, BY_BREAKER, which)
        return
    if strategy == NONE:
        book.halted |= bit
    else:
        desk.strategies[strategy].halted |= bit
        desk.strategies[strategy].trips += 1
    book.trips += 1
    note(desk, TRIPPED, strategy, NONE, reason, value, limit)
    cancel_working(desk, strategy, NONE, NONE, 0, BY_BREAKER, which)


@jit
def anything_latched(desk: Desk) -> bool:
    """Whether a breaker of the portfolio or of any strategy is latched."""
    if desk.books[0].halted:
        return True
    latched = 0
    for s in range(desk.head[0].strategies):
        latched |= desk.strategies[s].halted
    return latched != 0


@jit
def condemned(desk: Desk, strategy: int) -> bool:
    """Whether a latched breaker wants a strategy flat.

    Not where the kill switch was used: a person has taken over, and what is held stays until that person closes it.
    """
    latched = desk.books[0].halted | desk.strategies[strategy].halted
    return latched != 0 and latched & (1 << KILL_SWITCH) == 0


@jit
def _rebase_strategy(desk: Desk, strategy: int, unlatched: int) -> None:
    """Count anew what unlatched breakers of a strategy look at; the two limits of its loss count from one base."""
    row = desk.strategies[strategy]
    cells = range(strategy * desk.head[0].instruments, (strategy + 1) * desk.head[0].instruments)
    if unlatched & (1 << STRATEGY_ERROR):
        row.failures = 0
    if unlatched & (1 << REPEATED_EXECUTION):
        for cell in cells:
            desk.positions[cell].bought_executions = 0
            desk.positions[cell].sold_executions = 0
    if math.isfinite(row.pnl):
        if unlatched & (1 << STRATEGY_LOSS | 1 << STOP_LOSS):
            row.base_pnl = row.pnl
        if unlatched & (1 << STRATEGY_DRAWDOWN):
            row.peak = row.capital + row.pnl
            row.drawdown = 0.0
    for cell in cells:
        desk.positions[cell].closing_failures = 0


@jit
def _rebase_portfolio(desk: Desk, unlatched: int) -> None:
    """Count anew what unlatched breakers of the portfolio look at."""
    book = desk.books[0]
    if not math.isfinite(book.equity):
        return
    if unlatched & (1 << PORTFOLIO_LOSS):
        book.base_equity = book.equity
    if unlatched & (1 << DAILY_LOSS):
        book.day_equity = book.equity
    if unlatched & (1 << MAX_DRAWDOWN):
        book.peak = book.equity
        book.drawdown = 0.0
    if unlatched & (1 << RAPID):
        forget_peaks(desk)


@jit
def reset(desk: Desk, strategy: int, kill: bool) -> int:
    """Unlatch the breakers of one strategy (or the portfolio's and all strategies', NONE); the bits that it cleared.

    kill: end the kill switch of that scope instead, and of nothing within it.  Either leaves the other in force.

    What a breaker that was latched looks at counts from here on, or the same loss would trip it again at once; other
    losses and drawdowns go on.  Not so where the P&L is not finite: the marks stay, and the next look trips again.
    """
    book = desk.books[0]
    book.changed = 1
    mask = 1 << KILL_SWITCH if kill else ~(1 << KILL_SWITCH)
    cancel_working(desk, strategy, NONE, NONE, 0, REQUESTED, ONLY_EMERGENCY)
    latched = 0
    for s in range(desk.head[0].strategies):
        if s == strategy or (strategy == NONE and not kill):
            row = desk.strategies[s]
            unlatched = row.halted & mask
            row.halted &= ~mask
            row.alert_levels = 0
            _rebase_strategy(desk, s, unlatched)
            latched |= unlatched
    if strategy == NONE:
        unlatched = book.halted & mask
        book.halted &= ~mask
        book.alert_levels = 0
        _rebase_portfolio(desk, unlatched)
        latched |= unlatched
    note(desk, RESET, strategy, NONE, 0, float(latched), 0.0)
    return latched
