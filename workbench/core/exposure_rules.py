"""Pre-trade checks of what an order adds to: positions, notional, concentration, a strategy's share, buying power.

An order that can only bring a position nearer to zero passes them, since refusing it would keep the risk on.
Sources: RTS 6 (EU 2017/589) article 15(4)-(5), SEC Rule 15c3-5(c)(1)(i).
"""

from __future__ import annotations

import math

from workbench.core.codes import Check, Side
from workbench.core.exposure import (
    gross_of_instrument,
    gross_of_portfolio,
    gross_of_strategy,
    gross_of_symbol,
    gross_of_venue,
    net_worst,
    units_worst,
)
from workbench.core.jit import jit
from workbench.core.state import NONE, Desk
from workbench.core.uses import Intent, see

__all__ = ["buying_power", "concentration_limit", "notional_limit", "position_limit", "strategy_limit"]

INF = math.inf
BUY = int(Side.BUY)
POSITION_LIMIT = int(Check.POSITION_LIMIT)
NOTIONAL_LIMIT = int(Check.NOTIONAL_LIMIT)
CONCENTRATION_LIMIT = int(Check.CONCENTRATION_LIMIT)
STRATEGY_LIMIT = int(Check.STRATEGY_LIMIT)
BUYING_POWER = int(Check.BUYING_POWER)


@jit
def position_limit(desk: Desk, intent: Intent) -> None:
    """Units of the symbol over all venues, held and working: of all strategies, and of this one."""
    y = desk.instruments[intent.instrument].symbol
    symbol = desk.symbols[y]
    if intent.side == BUY:
        see(desk, POSITION_LIMIT, symbol.quantity + symbol.working_buy + intent.quantity, symbol.max_long)
        own_limit = symbol.strategy_long
    else:
        see(desk, POSITION_LIMIT, symbol.working_sell - symbol.quantity + intent.quantity, symbol.max_short)
        own_limit = symbol.strategy_short
    if own_limit != INF:
        own = units_worst(desk, intent.strategy, y, intent.side)
        see(desk, POSITION_LIMIT, own + intent.quantity, own_limit)


@jit
def notional_limit(desk: Desk, intent: Intent, added: float, value: float) -> None:
    """Gross notional by strategy, portfolio, instrument and venue; net by strategy and portfolio.  added: gross that
    the order adds; value: its own notional."""
    limits = desk.limits[0]
    if added > 0.0 or added != added:
        see(desk, NOTIONAL_LIMIT, gross_of_strategy(desk, intent.strategy) + added, limits.strategy_gross)
        see(desk, NOTIONAL_LIMIT, gross_of_portfolio(desk) + added, limits.portfolio_gross)
        if limits.instrument_gross < INF:
            gross = gross_of_instrument(desk, intent.instrument)
            see(desk, NOTIONAL_LIMIT, gross + added, limits.instrument_gross)
        if limits.venue_gross < INF:
            gross = gross_of_venue(desk, desk.instruments[intent.instrument].venue)
            see(desk, NOTIONAL_LIMIT, gross + added, limits.venue_gross)
    if limits.strategy_net < INF:
        net = net_worst(desk, intent.strategy, intent.side)
        see(desk, NOTIONAL_LIMIT, net + value, limits.strategy_net)
    if limits.portfolio_net < INF:
        see(desk, NOTIONAL_LIMIT, net_worst(desk, NONE, intent.side) + value, limits.portfolio_net)


@jit
def concentration_limit(desk: Desk, intent: Intent, added: float) -> None:
    """Share of gross exposure in the symbol, once gross exposure is worth looking at."""
    limits = desk.limits[0]
    if limits.symbol_share >= 1.0 or added <= 0.0:
        return
    total = gross_of_portfolio(desk) + added
    if total > limits.min_gross:
        gross = gross_of_symbol(desk, desk.instruments[intent.instrument].symbol) + added
        see(desk, CONCENTRATION_LIMIT, gross / total, limits.symbol_share)


@jit
def strategy_limit(desk: Desk, intent: Intent, exposure: float, reducing: bool) -> None:
    """Notional of the position, orders of the day, and loss against the strategy's stop."""
    limits = desk.limits[0]
    strategy = desk.strategies[intent.strategy]
    if reducing:
        return
    see(desk, STRATEGY_LIMIT, exposure, limits.position_notional)
    see(desk, STRATEGY_LIMIT, strategy.orders_today + 1.0, limits.daily_orders)
    if limits.stop_loss < INF:
        loss = strategy.base_pnl - strategy.pnl
        see(desk, STRATEGY_LIMIT, loss, limits.stop_loss * strategy.capital)


@jit
def buying_power(desk: Desk, intent: Intent, added: float) -> None:
    """Cash: what working buys and this one cost, units that a sale needs.  Margin: gross against equity x leverage."""
    limits = desk.limits[0]
    equity = desk.books[0].equity
    if not math.isfinite(equity):
        equity = math.nan  # infinite equity is no buying power
    if limits.cash_only:
        instruments = desk.head[0].instruments
        position = desk.positions[intent.strategy * instruments + intent.instrument]
        if intent.side == BUY:
            row = desk.instruments[intent.instrument]
            price = intent.expected if intent.expected > row.mark else row.mark
            cost = intent.quantity * price * row.multiplier * (1.0 + row.taker)
            see(desk, BUYING_POWER, net_worst(desk, NONE, BUY) + cost, equity)
        else:
            units = position.working_sell + intent.quantity
            see(desk, BUYING_POWER, units, position.quantity if position.quantity > 0.0 else 0.0)
    elif limits.max_leverage < INF and (added > 0.0 or added != added):
        see(desk, BUYING_POWER, gross_of_portfolio(desk) + added, limits.max_leverage * equity)
