"""What each setting of the risk limits may be, which value switches it off, and which way is looser.

One rule per setting, under its dotted name in the `risk_limits` configuration; `*` stands for any symbol. The
loader, `RiskLimits.problems` and the comparison of two sets of limits all read this one table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING, Final, get_args, get_origin

import msgspec

from workbench.core.codes import SelfTrade, label
from workbench.core.limit_bounds import Bound, Flag, Rule, Words

if TYPE_CHECKING:
    from workbench.core.limits import MessageRate, RiskLimits

__all__ = ["RULES", "leaves", "problems", "rule_of", "symbol_problem"]


_CAP: Final = Bound("a number above 0, or inf for no limit", 0.0, inf, open_low=True, off=inf)
_LONG: Final = Bound("a number of units, 0 or above, or inf for no limit", 0.0, inf, off=inf)
_SHORT: Final = Bound("a number of units, 0 or below, or -inf for no limit", -inf, 0.0, off=-inf, looser=-1)
_LOSS: Final = Bound(
    "a loss, as a number below 0, or -inf for no limit", -inf, 0.0, open_high=True, off=-inf, looser=-1
)
_LOSS_SHARE: Final = Bound(
    "a loss, as a fraction from -1 to below 0, or -inf for no limit",
    -1.0,
    0.0,
    open_high=True,
    off=-inf,
    looser=-1,
)
_SHARE: Final = Bound("a fraction above 0, at most 1, or inf for no limit", 0.0, 1.0, open_low=True, off=inf)
_FULL_SHARE: Final = Bound("a fraction above 0, at most 1 (1 is no limit)", 0.0, 1.0, open_low=True, off=1.0)
_COUNT: Final = Bound("a whole number, 1 or above, or inf for no limit", 1.0, inf, off=inf, whole=True)
_LOOKBACK: Final = Bound("seconds, a finite number above 0", 0.0, inf, open_low=True, looser=-1)
_RATE: Final = _CAP._replace(expected="messages per second, a number above 0, or inf for no limit")
_BURST: Final = Bound("a number of messages, 1 or above, and not inf", 1.0, inf)

RULES: Final[Mapping[str, Rule]] = {
    "position_limits.*.max_long": _LONG,
    "position_limits.*.max_short": _SHORT,
    "position_limits.*.per_strategy_long": _LONG,
    "position_limits.*.per_strategy_short": _SHORT,
    "notional_limits.per_strategy": _CAP,
    "notional_limits.total_portfolio": _CAP,
    "notional_limits.per_instrument": _CAP,
    "notional_limits.per_venue": _CAP,
    "notional_limits.net_per_strategy": _CAP,
    "notional_limits.net_portfolio": _CAP,
    "concentration_limits.max_symbol_share": _FULL_SHARE,
    "concentration_limits.min_gross": Bound("a number, 0 or above, or inf for never", 0.0, inf, off=inf),
    "drawdown_limits.daily_loss": _LOSS,
    "drawdown_limits.strategy_drawdown": _LOSS_SHARE,
    "drawdown_limits.portfolio_var": _CAP,
    "circuit_breakers.portfolio_loss_pct": _LOSS_SHARE,
    "circuit_breakers.single_strategy_loss": _LOSS,
    "circuit_breakers.rapid_drawdown_rate": _LOSS_SHARE,
    "circuit_breakers.rapid_drawdown_minutes": Bound(
        "minutes from 0.01 to 525600", 0.01, 525_600.0, looser=-1
    ),
    "circuit_breakers.liquidate": Flag(off=None),
    "global.max_portfolio_value": _CAP,
    "global.max_daily_loss": _CAP,
    "global.max_drawdown": _SHARE,
    "per_strategy.max_position_notional": _CAP,
    "per_strategy.max_daily_trades": _COUNT,
    "per_strategy.stop_loss_pct": _SHARE,
    "order_limits.price_collar_pct": _SHARE,
    "order_limits.max_price_age_seconds": _CAP._replace(expected="seconds above 0, or inf for no limit"),
    "order_limits.bad_tick_pct": _SHARE,
    "order_limits.max_order_value": _CAP,
    "order_limits.max_order_volume": _CAP,
    "order_limits.max_volume_share": _CAP,
    "message_rate.per_strategy_per_second": _RATE,
    "message_rate.per_strategy_burst": _BURST,
    "message_rate.per_venue_per_second": _RATE,
    "message_rate.per_venue_burst": _BURST,
    "message_rate.cancel_reserve": Bound(
        "a fraction, 0 or above and below 1", 0.0, 1.0, open_high=True, off=0.0, looser=-1
    ),
    "repeated_execution.max_executions": Bound(
        "a whole number from 1 to 256, or inf for no limit", 1.0, 256.0, off=inf, whole=True
    ),
    "repeated_execution.window_seconds": _LOOKBACK,
    "duplicate_order.window_seconds": Bound("seconds, 0 (off) or above", 0.0, inf, off=0.0, looser=-1),
    "duplicate_order.max_identical": Bound(
        "a whole number from 1 to 64, or inf for no limit", 1.0, 64.0, off=inf, whole=True
    ),
    "buying_power.mode": Words({"cash": 0, "margin": 1, "off": 2}, off="off"),
    "buying_power.max_leverage": _CAP,
    "monitors.interval_seconds": Bound("seconds from 0.001 to 31536000", 0.001, 31_536_000.0),
    "monitors.window": Bound("a whole number of samples from 8 to 512", 8.0, 512.0, looser=-1, whole=True),
    "monitors.var_confidence": Bound(
        "a fraction, 0.5 or above and below 1, such as 0.99", 0.5, 1.0, open_high=True, looser=-1
    ),
    "monitors.max_strategy_correlation": _FULL_SHARE,
    "monitors.max_holding_correlation": _FULL_SHARE,
    "monitors.max_symbol_share": _FULL_SHARE,
    "monitors.warn_at": Bound("a fraction above 0, at most 1", 0.0, 1.0, open_low=True),
    "strategy_errors.max_errors": Bound(
        "a whole number from 1 to 64, or inf for no limit", 1.0, 64.0, off=inf, whole=True
    ),
    "strategy_errors.window_seconds": _LOOKBACK,
    "self_trade_prevention": Words(
        {label(kind): int(kind == SelfTrade.OFF) for kind in SelfTrade}, off="off"
    ),
    "signal_out_of_range": Words({"refuse": 0, "clip": 1, "off": 2}, off="off"),
    "enable_pre_trade": Flag(),
    "enable_circuit_breakers": Flag(),
}


def rule_of(key: str) -> Rule:
    """The rule of a dotted key; KeyError for a key that has none."""
    if key.startswith("position_limits."):
        return RULES[f"position_limits.*.{key.rpartition('.')[2]}"]
    return RULES[key]


def leaves(limits: RiskLimits) -> Iterator[tuple[str, object]]:
    """Dotted key and value of every setting that has a rule, in the order of the configuration."""
    for field in msgspec.structs.fields(limits):
        value = getattr(limits, field.name)
        if field.name == "position_limits":
            for symbol, limit in limits.position_limits.items():
                yield from _leaves_of(f"position_limits.{symbol}", limit)
        elif isinstance(value, msgspec.Struct):
            yield from _leaves_of(field.encode_name, value)
        elif field.encode_name in RULES:
            yield field.encode_name, value


def _leaves_of(name: str, table: msgspec.Struct) -> Iterator[tuple[str, object]]:
    for field in msgspec.structs.fields(table):
        yield f"{name}.{field.encode_name}", getattr(table, field.name)


def symbol_problem(symbol: object) -> str | None:
    """Why `symbol` cannot name what is traded; None where it can."""
    if not isinstance(symbol, str) or not symbol or not symbol.isprintable() or " " in symbol:
        return f"expected a symbol such as BTC-USD, found {symbol!r}"
    return None


def problems(limits: RiskLimits) -> list[tuple[str, str]]:
    """Dotted key and one-line reason of all in `limits` that makes no sense; empty where all is well."""
    found = _shape_problems(limits)
    if found:
        return found
    for symbol in limits.position_limits:
        reason = symbol_problem(symbol)
        if reason is None and "@" in symbol:
            reason = f"expected a symbol over all venues, found {symbol!r}; write {symbol.partition('@')[0]}"
        if reason is not None:
            found.append((f"position_limits.{symbol}", reason))
    found += [(key, reason) for key, value in leaves(limits) if (reason := rule_of(key).problem(value))]
    if not found:
        found += _bucket_problems(limits.message_rate)
    listed = {f"permitted_instruments.{name}": names for name, names in limits.permitted_instruments.items()}
    for key, names in (listed | {"restricted_list": limits.restricted_list}).items():
        found += [(key, reason) for name in names if (reason := symbol_problem(name))]
    return found


def _bucket_problems(rate: MessageRate) -> list[tuple[str, str]]:
    """Buckets whose reserve leaves less than one message for anything else."""
    found = []
    for name in ("per_strategy_burst", "per_venue_burst"):
        burst = getattr(rate, name)
        if burst * (1.0 - rate.cancel_reserve) < 1.0:
            reason = f"expected room for one message beside the reserve of {rate.cancel_reserve:g}, found {burst:g}"
            found.append((f"message_rate.{name}", reason))
    return found


def _shape_problems(limits: RiskLimits) -> list[tuple[str, str]]:
    """Tables and lists that are none: code may put anything into a Struct."""
    found = []
    for field in msgspec.structs.fields(limits):
        value = getattr(limits, field.name)
        kind = get_origin(field.type) or field.type
        if field.encode_name not in RULES and not isinstance(value, kind):
            found.append((field.encode_name, f"expected {kind.__name__}, found {value!r}"))
        elif kind is dict:
            part = get_args(field.type)[1]
            part = get_origin(part) or part
            wrong = [(key, item) for key, item in value.items() if not isinstance(item, part)]
            found += [
                (f"{field.name}.{key}", f"expected {part.__name__}, found {item!r}") for key, item in wrong
            ]
    return found
