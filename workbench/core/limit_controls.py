"""Whole controls of the risk limits: switching them off by name, and which of two sets is looser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import msgspec

from workbench.core.limit_rules import RULES, leaves, rule_of
from workbench.errors import LimitsError

if TYPE_CHECKING:
    from workbench.core.limits import RiskLimits

__all__ = ["ALWAYS_ON", "CONTROLS", "looser_fields", "switched_off", "without"]

CONTROLS: Final[Mapping[str, tuple[str, ...]]] = {
    "position_limit": ("position_limits",),
    "notional_limit": (
        "notional_limits.per_strategy",
        "notional_limits.total_portfolio",
        "notional_limits.per_instrument",
        "notional_limits.per_venue",
        "notional_limits.net_per_strategy",
        "notional_limits.net_portfolio",
        "global.max_portfolio_value",
    ),
    "concentration_limit": ("concentration_limits.max_symbol_share",),
    "strategy_limit": (
        "per_strategy.max_position_notional",
        "per_strategy.max_daily_trades",
        "per_strategy.stop_loss_pct",
    ),
    "price_collar": ("order_limits.price_collar_pct", "order_limits.max_price_age_seconds"),
    "bad_tick": ("order_limits.bad_tick_pct",),
    "max_order_value": ("order_limits.max_order_value",),
    "max_order_volume": ("order_limits.max_order_volume", "order_limits.max_volume_share"),
    "message_rate": ("message_rate.per_strategy_per_second", "message_rate.per_venue_per_second"),
    "repeated_execution_throttle": ("repeated_execution.max_executions",),
    "repeated_execution": ("repeated_execution.max_executions",),
    "duplicate_order": ("duplicate_order.window_seconds", "duplicate_order.max_identical"),
    "self_trade_prevention": ("self_trade_prevention",),
    "permitted_instruments": ("permitted_instruments",),
    "restricted_list": ("restricted_list",),
    "buying_power": ("buying_power.mode",),
    "circuit_breaker": ("enable_circuit_breakers",),
    "portfolio_var": ("drawdown_limits.portfolio_var",),
    "daily_loss": ("drawdown_limits.daily_loss", "global.max_daily_loss"),
    "strategy_drawdown": ("drawdown_limits.strategy_drawdown",),
    "max_drawdown": ("global.max_drawdown",),
    "correlation": ("monitors.max_strategy_correlation",),
    "holding_correlation": ("monitors.max_holding_correlation",),
    "concentration": ("monitors.max_symbol_share",),
    "stop_loss": ("per_strategy.stop_loss_pct",),
    "portfolio_loss_pct": ("circuit_breakers.portfolio_loss_pct",),
    "single_strategy_loss": ("circuit_breakers.single_strategy_loss",),
    "rapid_drawdown_rate": ("circuit_breakers.rapid_drawdown_rate",),
    "strategy_error": ("strategy_errors.max_errors",),
    "signal_out_of_range": ("signal_out_of_range",),
}
"""Name of each control (Check, Monitor or Breaker in lower case, and two that guard signals and prices) and
the settings that switch it off."""

ALWAYS_ON: Final = ("queue_full", "equity_not_finite", "kill_switch", "manual", "unknown_execution")
"""Controls that no limit switches off: they guard the desk itself, or are a person's decision."""


def without(limits: RiskLimits, controls: Iterable[str]) -> RiskLimits:
    """`limits` with the named controls off; LimitsError for a name that no limit can switch off."""
    keys: list[str] = []
    for control in controls:
        if control in ALWAYS_ON:
            raise LimitsError(
                f"expected a control that limits can switch off, found {control!r}, which is always on"
            )
        if control not in CONTROLS:
            near = get_close_matches(control, CONTROLS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            known = ", ".join(sorted(CONTROLS))
            raise LimitsError(
                f"expected the name of a risk control, found {control!r}{hint or '.'} Known: {known}"
            )
        keys += CONTROLS[control]
    return _with_off(limits, keys)


def switched_off(limits: RiskLimits) -> RiskLimits:
    """`limits` with everything off that has an off value, the two enable flags included."""
    keys = [key for key, rule in RULES.items() if rule.off is not None and "*" not in key]
    return _with_off(limits, [*keys, "position_limits", "permitted_instruments", "restricted_list"])


def _with_off(limits: RiskLimits, keys: Iterable[str]) -> RiskLimits:
    """`limits` with each dotted key at its off value; lists and tables by symbol become empty."""
    names = {field.encode_name: field.name for field in msgspec.structs.fields(limits)}
    changes: dict[str, Any] = {}
    for key in keys:
        table, _, setting = key.partition(".")
        name = names[table]
        if setting:
            former = changes.get(name, getattr(limits, name))
            changes[name] = msgspec.structs.replace(former, **{setting: rule_of(key).off})
        else:
            changes[name] = rule_of(key).off if key in RULES else type(getattr(limits, name))()
    return msgspec.structs.replace(limits, **changes)


def looser_fields(limits: RiskLimits, other: RiskLimits) -> list[str]:
    """Dotted keys in which `limits` permits more than `other`; a symbol left out is unlimited."""
    own = dict(leaves(limits))
    on_margin = limits.buying_power.mode == other.buying_power.mode == "margin"
    found = []
    for key, reference in leaves(other):
        rule = rule_of(key)
        counts = on_margin or key != "buying_power.max_leverage"
        if counts and rule.is_looser(own.get(key, rule.off), reference):
            found.append(key)
    for strategy, permitted in other.permitted_instruments.items():
        mine = limits.permitted_instruments.get(strategy)
        if mine is None or not set(mine) <= set(permitted):
            found.append(f"permitted_instruments.{strategy}")
    if not set(other.restricted_list) <= set(limits.restricted_list):
        found.append("restricted_list")
    return found
