"""Limits as the rules read them: a row of numbers, those of each symbol, and what each strategy may trade."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workbench.core.codes import OutOfRange, SelfTrade
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument
from workbench.core.state import SECOND_NS, desk_views

__all__ = ["permit", "set_limits"]


def set_limits(
    buffer: npt.NDArray[np.uint8],
    limits: RiskLimits,
    instruments: Sequence[Instrument],
    strategies: Sequence[str],
) -> None:
    """Put `limits` in force; what is latched stays latched."""
    desk = desk_views(buffer)
    row = desk.limits[0]
    for name, value in _numbers(limits).items():
        setattr(row, name, value)
    symbols = list(dict.fromkeys(i.symbol for i in instruments))
    for y, symbol in enumerate(symbols):
        own = limits.position_limits.get(symbol)
        desk.symbols[y].max_long = math.inf if own is None else own.max_long
        desk.symbols[y].max_short = math.inf if own is None else -own.max_short
        desk.symbols[y].strategy_long = math.inf if own is None else own.per_strategy_long
        desk.symbols[y].strategy_short = math.inf if own is None else -own.per_strategy_short
        desk.symbols[y].restricted = int(symbol in limits.restricted_list)
    for s, strategy in enumerate(strategies):
        permit(buffer, s, strategy, instruments, limits)


def permit(
    buffer: npt.NDArray[np.uint8],
    s: int,
    strategy: str,
    instruments: Sequence[Instrument],
    limits: RiskLimits,
) -> None:
    """Which instruments strategy `s` may trade: all, or those that `limits` name for it."""
    desk = desk_views(buffer)
    allowed = limits.permitted_instruments.get(strategy)
    for k, instrument in enumerate(instruments):
        fits = allowed is None or instrument.symbol in allowed or instrument.name in allowed
        desk.positions[s * len(instruments) + k].permitted = int(fits)


def _numbers(limits: RiskLimits) -> dict[str, float]:
    """The row of limits; where two tables set the same thing, the tighter one counts."""
    notional, orders, rate = limits.notional_limits, limits.order_limits, limits.message_rate
    down, breakers, monitors = limits.drawdown_limits, limits.circuit_breakers, limits.monitors
    power, repeated, twice = limits.buying_power, limits.repeated_execution, limits.duplicate_order
    return {
        "strategy_gross": notional.per_strategy,
        "portfolio_gross": min(notional.total_portfolio, limits.global_limits.max_portfolio_value),
        "instrument_gross": notional.per_instrument,
        "venue_gross": notional.per_venue,
        "strategy_net": notional.net_per_strategy,
        "portfolio_net": notional.net_portfolio,
        "symbol_share": limits.concentration_limits.max_symbol_share,
        "min_gross": limits.concentration_limits.min_gross,
        "position_notional": limits.per_strategy.max_position_notional,
        "daily_orders": limits.per_strategy.max_daily_trades,
        "stop_loss": limits.per_strategy.stop_loss_pct,
        "collar": orders.price_collar_pct,
        "max_age_ns": orders.max_price_age_seconds * SECOND_NS,
        "bad_tick": orders.bad_tick_pct,
        "order_value": orders.max_order_value,
        "order_volume": orders.max_order_volume,
        "volume_share": orders.max_volume_share,
        "strategy_rate": rate.per_strategy_per_second,
        "strategy_burst": rate.per_strategy_burst,
        "venue_rate": rate.per_venue_per_second,
        "venue_burst": rate.per_venue_burst,
        "cancel_reserve": rate.cancel_reserve,
        "max_executions": repeated.max_executions,
        "execution_window_ns": repeated.window_seconds * SECOND_NS,
        "duplicate_window_ns": twice.window_seconds * SECOND_NS,
        "max_identical": twice.max_identical,
        "self_trade": SelfTrade[limits.self_trade_prevention.upper()],
        "cash_only": int(power.mode == "cash"),
        "max_leverage": power.max_leverage if power.mode == "margin" else math.inf,
        "out_of_range": OutOfRange[limits.signal_out_of_range.upper()],
        "daily_loss": min(-down.daily_loss, limits.global_limits.max_daily_loss),
        "strategy_drawdown": -down.strategy_drawdown,
        "max_drawdown": limits.global_limits.max_drawdown,
        "portfolio_var": down.portfolio_var,
        "var_tail": 1.0 - monitors.var_confidence,
        "portfolio_loss": -breakers.portfolio_loss_pct,
        "strategy_loss": -breakers.single_strategy_loss,
        "rapid_rate": -breakers.rapid_drawdown_rate,
        "bucket_ns": max(1, round(breakers.rapid_drawdown_minutes * 60 * SECOND_NS / 20)),
        "liquidate": int(breakers.liquidate),
        "pre_trade": int(limits.enable_pre_trade),
        "breakers": int(limits.enable_circuit_breakers),
        "interval_ns": max(1, round(monitors.interval_seconds * SECOND_NS)),
        "strategy_correlation": monitors.max_strategy_correlation,
        "holding_correlation": monitors.max_holding_correlation,
        "held_share": monitors.max_symbol_share,
        "warn_at": monitors.warn_at,
        "max_errors": limits.strategy_errors.max_errors,
        "error_window_ns": limits.strategy_errors.window_seconds * SECOND_NS,
    }
