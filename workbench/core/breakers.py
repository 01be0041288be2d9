"""Post-trade limits and circuit breakers: alert, trip, cancel, liquidate; latched until a person resets them.

Every comparison is written so that NaN trips: `not (value < limit)`. A high-water mark only moves to a finite value.
"""

from __future__ import annotations

import math

from workbench.core.codes import AlertSeverity, Breaker, EventKind, Monitor, VenueReason
from workbench.core.jit import jit
from workbench.core.monitors import (
    drawdown,
    highest_holding_correlation,
    highest_strategy_correlation,
    largest_share,
    sample,
    value_at_risk,
    var_bound,
)
from workbench.core.orders import EVERY, ONLY_EMERGENCY, SPARE_EMERGENCY, cancel_working
from workbench.core.record import note
from workbench.core.state import BUCKETS, FAILURES, NEVER, NONE, Desk

__all__ = [
    "anybody_samples",
    "bucket_step",
    "condemned",
    "count_failure",
    "post_trade",
    "rapid_peak",
    "remember",
    "reset",
    "trip",
    "watch_equity",
    "watch_samples",
]

INF = math.inf
ALERT = int(EventKind.ALERT)
TRIPPED = int(EventKind.BREAKER_TRIPPED)
RESET = int(EventKind.BREAKER_RESET)
BREACH = int(EventKind.BREACH)
WARNING = int(AlertSeverity.WARNING)
CRITICAL = int(AlertSeverity.CRITICAL)
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
def condemned(desk: Desk, strategy: int) -> bool:
    """Whether a latched breaker wants a strategy flat.

    Not where the kill switch was used: a person has taken over, and what is held stays until that person closes it.
    """
    latched = desk.books[0].halted | desk.strategies[strategy].halted
    return latched != 0 and latched & (1 << KILL_SWITCH) == 0


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
        for i in range(BUCKETS):
            desk.bucket_steps[i] = -NEVER
        _remember_equity(desk)


@jit
def reset(desk: Desk, strategy: int, kill: bool) -> int:
    """Unlatch the breakers of one strategy (or the portfolio's and all strategies', NONE); the bits that were latched.

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
def _remember_equity(desk: Desk) -> int:
    """Keep the highest equity of the present step of the rapid-drawdown window; the step.

    A step is a nineteenth of the window: the twenty that are kept span all of it wherever in a step the fall ends, and
    at most a step more.
    """
    step = bucket_step(desk)
    if math.isfinite(desk.books[0].equity):
        remember(desk, step, desk.books[0].equity)
    return step


@jit
def bucket_step(desk: Desk) -> int:
    """The step of the rapid-drawdown window at the present time."""
    return desk.books[0].now_ns // (desk.limits[0].bucket_ns * BUCKETS // (BUCKETS - 1))


@jit
def remember(desk: Desk, step: int, equity: float) -> None:
    """Take a finite equity into the highest of its step."""
    place = step % BUCKETS
    if desk.bucket_steps[place] != step:
        desk.bucket_steps[place] = step
        desk.bucket_peaks[place] = equity
    elif equity > desk.bucket_peaks[place]:
        desk.bucket_peaks[place] = equity


@jit
def _rapid_drawdown(desk: Desk, step: int) -> float:
    """Fall of equity from its highest within the window, as a positive share."""
    equity = desk.books[0].equity
    return drawdown(equity, rapid_peak(desk, step, equity))


@jit
def rapid_peak(desk: Desk, step: int, equity: float) -> float:
    """Highest equity within the window that ends with `step`, at least `equity`."""
    peak = equity
    for i in range(BUCKETS):
        if desk.bucket_steps[i] > step - BUCKETS and desk.bucket_peaks[i] > peak:
            peak = desk.bucket_peaks[i]
    return peak


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
        fall = _rapid_drawdown(desk, _remember_equity(desk))
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
def _clear_the_way(desk: Desk) -> None:
    """Cancel what stopped strategies have working where they hold a position, but for liquidation's own orders.

    A reducing order that rests far from the market would stand in for the liquidation for ever.
    """
    instruments = desk.head[0].instruments
    for s in range(desk.head[0].strategies):
        if not condemned(desk, s):
            continue
        for k in range(instruments):
            position = desk.positions[s * instruments + k]
            if position.quantity != 0.0 and (position.working_buy > 0.0 or position.working_sell > 0.0):
                cancel_working(desk, s, k, NONE, 0, BY_BREAKER, SPARE_EMERGENCY)


@jit
def post_trade(desk: Desk) -> None:
    """Look at equity after a mark or a fill: high-water marks, alerts, breakers."""
    book = desk.books[0]
    if book.changed:
        book.changed = 0
        watch_equity(desk)
    elif desk.limits[0].breakers and desk.limits[0].rapid_rate < INF:
        _remember_equity(desk)
    if book.trips and desk.limits[0].liquidate:
        _clear_the_way(desk)
    if book.now_ns >= book.sample_ns and anybody_samples(desk):
        interval = desk.limits[0].interval_ns
        book.sample_ns = book.now_ns - book.now_ns % interval + interval
        sample(desk)
        watch_samples(desk)
