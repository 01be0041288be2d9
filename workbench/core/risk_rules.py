"""The pre-trade checks together: all of them run, all failures are told, each under its own reason code.

What is checked stands in `exposure_rules` and `conduct_rules`.
"""

from __future__ import annotations

import math

from workbench.core.codes import Breaker, Check, SelfTrade, Side
from workbench.core.conduct_rules import (
    crossing_order,
    duplicate_order,
    executions_in_window,
    order_size,
    price_collar,
    take_tokens,
)
from workbench.core.exposure_rules import (
    buying_power,
    concentration_limit,
    notional_limit,
    position_limit,
    strategy_limit,
)
from workbench.core.jit import jit
from workbench.core.monitors import value_at_risk
from workbench.core.state import CHECKS, NONE, Desk
from workbench.core.uses import TOLERANCE, Intent, reduces, see

__all__ = ["check_order"]

INF = math.inf
BUY = int(Side.BUY)
STP_OFF = int(SelfTrade.OFF)
STP_OLDEST = int(SelfTrade.CANCEL_OLDEST)
MESSAGE_RATE = int(Check.MESSAGE_RATE)
REPEATED_EXECUTION = int(Check.REPEATED_EXECUTION_THROTTLE)
SELF_TRADE = int(Check.SELF_TRADE_PREVENTION)
PERMITTED = int(Check.PERMITTED_INSTRUMENTS)
RESTRICTED = int(Check.RESTRICTED_LIST)
CIRCUIT_BREAKER = int(Check.CIRCUIT_BREAKER)
PORTFOLIO_VAR = int(Check.PORTFOLIO_VAR)
QUEUE_FULL = int(Check.QUEUE_FULL)
KILL_SWITCH = int(Breaker.KILL_SWITCH)


@jit
def check_order(desk: Desk, intent: Intent) -> int:
    """Run every check on `intent`; the mask of those that failed (bit = Check), 0 to pass.

    Books nothing but the message itself (its rate token). `desk.uses` holds value, limit and use of each check and
    `risk_score` of the book the fullest use in 0..1.
    """
    book = desk.books[0]
    for check in range(CHECKS):
        row = desk.uses[check]
        row.use = 0.0
        row.value = 0.0
        row.limit = INF
    if desk.limits[0].pre_trade:
        _run_checks(desk, intent)
    _run_latches(desk, intent)
    mask = 0
    score = 0.0
    for check in range(CHECKS):
        use = desk.uses[check].use
        if not use <= TOLERANCE:
            mask |= 1 << check
        if use > score:
            score = use
    book.risk_score = score if score < 1.0 else 1.0
    return mask


@jit
def _reserved(desk: Desk) -> int:
    """Places in the queue that are kept for liquidation: one per position, and at most a tenth of all."""
    head = desk.head[0]
    positions = head.strategies * head.instruments
    tenth = head.queue // 10
    return positions if positions < tenth else tenth


@jit
def _run_latches(desk: Desk, intent: Intent) -> None:
    """What holds even where pre-trade risk is switched off: latched breakers and the size of the queue."""
    book = desk.books[0]
    latched = book.halted | desk.strategies[intent.strategy].halted
    venue_halted = desk.venues[desk.instruments[intent.instrument].venue].halted
    if latched or venue_halted:
        position = desk.positions[intent.strategy * desk.head[0].instruments + intent.instrument]
        if latched & (1 << KILL_SWITCH) or not reduces(position, intent.side, intent.quantity):
            see(desk, CIRCUIT_BREAKER, INF, 0.0)
    places = desk.head[0].queue - _reserved(desk)
    if book.working >= places:
        see(desk, QUEUE_FULL, INF, float(places))


@jit
def _run_checks(desk: Desk, intent: Intent) -> None:
    limits = desk.limits[0]
    cell = intent.strategy * desk.head[0].instruments + intent.instrument
    position = desk.positions[cell]
    row = desk.instruments[intent.instrument]
    reducing = reduces(position, intent.side, intent.quantity)
    units = (
        position.working_buy + position.quantity
        if intent.side == BUY
        else position.working_sell - position.quantity
    )
    exposure = (units + intent.quantity) * row.mark * row.multiplier
    added = 0.0 if reducing else exposure - position.exposure
    value = intent.quantity * row.mark * row.multiplier
    position_limit(desk, intent)
    if not reducing:
        notional_limit(desk, intent, added, value)
        concentration_limit(desk, intent, added)
        buying_power(desk, intent, added)
        if limits.portfolio_var < INF:
            at_risk = value_at_risk(desk)
            if at_risk == at_risk:  # NaN until there are samples enough
                see(desk, PORTFOLIO_VAR, at_risk, limits.portfolio_var)
        if desk.symbols[row.symbol].restricted:
            see(desk, RESTRICTED, INF, 0.0)
    strategy_limit(desk, intent, exposure, reducing)
    price_collar(desk, intent)
    order_size(desk, intent)
    duplicate_order(desk, intent)
    if limits.max_executions < INF:
        executed = executions_in_window(desk, cell, intent.side)
        see(desk, REPEATED_EXECUTION, executed + 1.0, limits.max_executions)
    if limits.self_trade != STP_OFF and limits.self_trade != STP_OLDEST:
        if crossing_order(desk, intent, NONE) != NONE:
            see(desk, SELF_TRADE, INF, 0.0)
    if position.permitted == 0:
        see(desk, PERMITTED, INF, 0.0)
    use = take_tokens(desk, intent.strategy, row.venue, 0)
    see(desk, MESSAGE_RATE, use, 1.0)
