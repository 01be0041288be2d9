"""Post-trade limits and circuit breakers: what is looked at, what alerts, what trips.

Every comparison is written so that NaN trips: `not (value < limit)`. A high-water mark only moves to a finite value.
"""

from __future__ import annotations

import math

from workbench.core.codes import AlertSeverity, Breaker, EventKind, Monitor
from workbench.core.drawdown_window import rapid_drawdown, remember_equity
from workbench.core.jit import jit
from workbench.core.latches import trip
from workbench.core.liquidation import clear_the_way
from workbench.core.monitors import (
    drawdown,
    highest_holding_correlation,
    highest_strategy_correlation,
    largest_share,
    sample,
    value_at_risk,
    var_bound,
)
from workbench.core.record import note
from workbench.core.state import FAILURES, NONE, Desk

__all__ = [
    "anybody_samples",
    "count_failure",
    "post_trade",
    "watch_equity",
    "watch_executions",
    "watch_samples",
]

INF = math.inf
ALERT = int(EventKind.ALERT)
WARNING = int(AlertSeverity.WARNING)
CRITICAL = int(AlertSeverity.CRITICAL)
DAILY_LOSS = int(Breaker.DAILY_LOSS)
MAX_DRAWDOWN = int(Breaker.MAX_DRAWDOWN)
STRATEGY_DRAWDOWN = int(Breaker.STRATEGY_DRAWDOWN)
STOP_LOSS = int(Breaker.STOP_LOSS)
PORTFOLIO_LOSS = int(Breaker.PORTFOLIO_LOSS_PCT)
STRATEGY_LOSS = int(Breaker.SINGLE_STRATEGY_LOSS)
REPEATED_EXECUTION = int(Breaker.REPEATED_EXECUTION)
STRATEGY_ERROR = int(Breaker.STRATEGY_ERROR)
RAPID = int(Breaker.RAPID_DRAWDOWN_RATE)
NOT_FINITE = int(Breaker.EQUITY_NOT_FINITE)
M_DAILY_LOSS = int(Monitor.DAILY_LOSS)
M_STRATEGY_DRAWDOWN = int(Monitor.STRATEGY_DRAWDOWN)
M_MAX_DRAWDOWN = int(Monitor.MAX_DRAWDOWN)
M_VAR = int(Monitor.PORTFOLIO_VAR)
M_CORRELATION = int(Monitor.CORRELATION)
M_CONCENTRATION = int(Monitor.CONCENTRATION)
M_STOP_LOSS = int(Monitor.STOP_LOSS)
M_HOLDING_CORRELATION = int(Monitor.HOLDING_CORRELATION)


@jit
def count_failure(desk: Desk, strategy: int) -> None:
    """A strategy raised, or sent what cannot be read; too often within the window, and its breaker trips."""
    row = desk.strategies[strategy]
    limits = desk.limits[0]
    now = desk.books[0].now_ns
    ring = strategy * FAILURES
    desk.failures[ring + row.failures % FAILURES] = now
    row.failures += 1
    if not limits.breakers or limits.max_errors > FAILURES:
        return
    most = int(limits.max_errors)
    if (
        row.failures >= most
        and desk.failures[ring + (row.failures - most) % FAILURES] >= now - limits.error_window_ns
    ):
        trip(desk, strategy, STRATEGY_ERROR, float(most), limits.max_errors)


@jit
def watch_executions(desk: Desk) -> None:
    """Stop a strategy that executed the same side of the same instrument too often (RTS 6 article 15(3))."""
    limits = desk.limits[0]
    if not limits.breakers or limits.max_executions > desk.head[0].executions:
        return
    most = int(limits.max_executions)
    kept = desk.head[0].executions
    since = desk.books[0].now_ns - limits.execution_window_ns
    instruments = desk.head[0].instruments
    for cell in range(desk.head[0].strategies * instruments):
        position = desk.positions[cell]
        for side in range(2):
            seen = position.bought_executions if side == 0 else position.sold_executions
            if seen >= most and desk.executed[(cell * 2 + side) * kept + (seen - most) % kept] > since:
                trip(desk, cell // instruments, REPEATED_EXECUTION, float(most), limits.max_executions)


@jit
def _alert(desk: Desk, strategy: int, monitor: int, value: float, limit: float) -> bool:
    """Tell of a monitor that comes near its limit or reaches it, once per rise; whether the limit is reached."""
    if limit == INF:
        return False
    level = 0
    if not value < limit:
        level = 2
    elif value >= desk.limits[0].warn_at * limit:
        level = 1
    shift = 2 * monitor
    levels = desk.books[0].alert_levels if strategy == NONE else desk.strategies[strategy].alert_levels
    before = (levels >> shift) & 3
    if level != before:
        levels = (levels & ~(3 << shift)) | (level << shift)
        if strategy == NONE:
            desk.books[0].alert_levels = levels
        else:
            desk.strategies[strategy].alert_levels = levels
        if level > before:
            severity = CRITICAL if level == 2 else WARNING
            note(desk, ALERT, strategy, monitor, severity, value, limit)
    return level == 2


@jit
def _watch_strategy(desk: Desk, strategy: int) -> None:
    limits = desk.limits[0]
    row = desk.strategies[strategy]
    equity = row.capital + row.pnl
    if equity > row.peak and equity < INF:
        row.peak = equity
    row.drawdown = drawdown(equity, row.peak)
    loss = row.base_pnl - row.pnl
    stop = limits.stop_loss * row.capital if limits.stop_loss < INF else INF
    deep = _alert(desk, strategy, M_STRATEGY_DRAWDOWN, row.drawdown, limits.strategy_drawdown)
    lost = _alert(desk, strategy, M_STOP_LOSS, loss, stop)
    if not limits.breakers:
        return
    if not math.isfinite(equity):
        trip(desk, strategy, NOT_FINITE, row.pnl, 0.0)
    if deep:
        trip(desk, strategy, STRATEGY_DRAWDOWN, row.drawdown, limits.strategy_drawdown)
    if lost:
        trip(desk, strategy, STOP_LOSS, loss, stop)
    if limits.strategy_loss < INF and not loss < limits.strategy_loss:
        trip(desk, strategy, STRATEGY_LOSS, loss, limits.strategy_loss)


@jit
def _watch_portfolio(desk: Desk) -> None:
    limits = desk.limits[0]
    book = desk.books[0]
    if book.equity > book.peak and book.equity < INF:
        book.peak = book.equity
    book.drawdown = drawdown(book.equity, book.peak)
    day_loss = book.day_equity - book.equity
    deep = _alert(desk, NONE, M_MAX_DRAWDOWN, book.drawdown, limits.max_drawdown)
    lost = _alert(desk, NONE, M_DAILY_LOSS, day_loss, limits.daily_loss)
    if not limits.breakers:
        return
    if not math.isfinite(book.equity):
        trip(desk, NONE, NOT_FINITE, book.equity, 0.0)
    if deep:
        trip(desk, NONE, MAX_DRAWDOWN, book.drawdown, limits.max_drawdown)
    if lost:
        trip(desk, NONE, DAILY_LOSS, day_loss, limits.daily_loss)
    if limits.portfolio_loss < INF:
        loss = drawdown(book.equity, book.base_equity)
        if not loss < limits.portfolio_loss:
            trip(desk, NONE, PORTFOLIO_LOSS, loss, limits.portfolio_loss)
    if limits.rapid_rate < INF:
        fall = rapid_drawdown(desk, remember_equity(desk))
        if not fall < limits.rapid_rate:
            trip(desk, NONE, RAPID, fall, limits.rapid_rate)


@jit
def watch_equity(desk: Desk) -> None:
    """The monitors and breakers that look at equity, of each strategy and of the portfolio."""
    for strategy in range(desk.head[0].strategies):
        _watch_strategy(desk, strategy)
    _watch_portfolio(desk)


@jit
def anybody_samples(desk: Desk) -> bool:
    """Whether any limit looks at samples; none are taken for nobody."""
    limits = desk.limits[0]
    others = limits.strategy_correlation < 1.0 or limits.holding_correlation < 1.0 or limits.held_share < 1.0
    return limits.portfolio_var < INF or others


@jit
def watch_samples(desk: Desk) -> None:
    """The monitors that look at samples: value at risk, correlations, concentration."""
    limits = desk.limits[0]
    book = desk.books[0]
    if limits.portfolio_var < INF:
        book.var_due = 1
        quiet = (book.alert_levels >> (2 * M_VAR)) & 3 == 0
        if not (quiet and var_bound(desk) < limits.warn_at * limits.portfolio_var):
            value = value_at_risk(desk)
            if value == value:
                _alert(desk, NONE, M_VAR, value, limits.portfolio_var)
    if limits.strategy_correlation < 1.0:
        value = highest_strategy_correlation(desk)
        if value == value:
            _alert(desk, NONE, M_CORRELATION, value, limits.strategy_correlation)
    if limits.holding_correlation < 1.0:
        value = highest_holding_correlation(desk)
        if value == value:
            _alert(desk, NONE, M_HOLDING_CORRELATION, value, limits.holding_correlation)
    if limits.held_share < 1.0:
        _alert(desk, NONE, M_CONCENTRATION, largest_share(desk), limits.held_share)


@jit
def post_trade(desk: Desk) -> None:
    """Look at equity after a mark or a fill: high-water marks, alerts, breakers."""
    book = desk.books[0]
    if book.changed:
        book.changed = 0
        watch_equity(desk)
    elif desk.limits[0].breakers and desk.limits[0].rapid_rate < INF:
        remember_equity(desk)
    if book.trips and desk.limits[0].liquidate:
        clear_the_way(desk)
    if book.now_ns >= book.sample_ns and anybody_samples(desk):
        interval = desk.limits[0].interval_ns
        book.sample_ns = book.now_ns - book.now_ns % interval + interval
        sample(desk)
        watch_samples(desk)
