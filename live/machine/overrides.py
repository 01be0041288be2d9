"""One limit at another value for a while, as two people want it (RTS 6 article 15(6)); it ends by itself in event time.

The first person's request proposes it, the same request of a second person puts it in force.  What stops trading is no
limit to be overridden: breakers and the losses that trip them, the kill switch, restricted and permitted instruments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from workbench.core.codes import AlertSeverity
from workbench.core.facts import Fact
from workbench.core.limits import PositionLimit, RiskLimits
from workbench.core.messages import RiskAlert
from workbench.errors import EngineError, LimitsError

__all__ = ["LONGEST_S", "OVERRIDABLE", "LimitOverride", "Override", "Overrides"]

LONGEST_S: Final = 28_800.0  # a working day; what is needed for longer is a change of limits
PROPOSED_S: Final = 900.0  # in which a second person may agree
OVERRIDABLE: Final = (
    "position_limits.*.max_long",
    "position_limits.*.max_short",
    "position_limits.*.per_strategy_long",
    "position_limits.*.per_strategy_short",
    "notional_limits.per_strategy",
    "notional_limits.total_portfolio",
    "notional_limits.per_instrument",
    "notional_limits.per_venue",
    "notional_limits.net_per_strategy",
    "notional_limits.net_portfolio",
    "concentration_limits.max_symbol_share",
    "concentration_limits.min_gross",
    "global.max_portfolio_value",
    "per_strategy.max_position_notional",
    "per_strategy.max_daily_trades",
    "order_limits.price_collar_pct",
    "order_limits.max_order_value",
    "order_limits.max_order_volume",
    "order_limits.max_volume_share",
    "message_rate.per_strategy_per_second",
    "message_rate.per_strategy_burst",
    "message_rate.per_venue_per_second",
    "message_rate.per_venue_burst",
    "duplicate_order.max_identical",
    "buying_power.max_leverage",
)
"""Dotted keys of limits.yaml, `*` for any symbol: what refuses an order and no more."""


class LimitOverride(msgspec.Struct, frozen=True):
    """A person asks for another value of a limit, by its dotted key, for so many seconds of event time, and says why.

    value: None ends what is in force or proposed, for which one person is enough.
    """

    limit: str
    value: float | None
    seconds: float
    person: str
    reason: str


class Override(msgspec.Struct, frozen=True):
    """approver: the second person; "" while it is only proposed.  until_ns: end of the override, or of the proposal.

    usual: the value without it.
    """

    limit: str
    value: float
    seconds: float
    person: str
    reason: str
    usual: float
    until_ns: int
    approver: str = ""


class Overrides:
    """limits: as people have set them, without overrides.  lines: in force or proposed, by key."""

    def __init__(self, limits: RiskLimits, lines: Iterable[Override] = ()) -> None:
        self.limits = limits
        self.lines = {line.limit: line for line in lines}

    def over(self, limits: RiskLimits) -> RiskLimits:
        """`limits` with what is in force laid over them.  Raises LimitsError where both together make no sense."""
        for line in self.lines.values():
            if line.approver:
                limits = _with(limits, line.limit, line.value)
        return limits.checked()

    def ask(self, asked: LimitOverride, now_ns: int) -> list[Fact]:
        """Propose, agree or end; the alert where that changes what is in force.  Raises EngineError, LimitsError."""
        if not asked.person.strip() or not asked.reason.strip():
            raise EngineError("a limit is overridden by a named person with a reason; one of them is empty")
        usual = _usual(self.limits, asked.limit)
        before = self.lines.get(asked.limit)
        if asked.value is None:
            return self._end(asked.limit, now_ns)
        if not 0.0 < asked.seconds <= LONGEST_S:
            raise LimitsError(
                f"an override lasts up to {LONGEST_S:.0f} seconds, found {asked.seconds:g}; "
                "what is needed for longer is a change of limits"
            )
        if not math.isfinite(asked.value):
            raise LimitsError(
                f"an override needs a finite value, found {asked.value}; it may not switch a limit off"
            )
        _with(self.limits, asked.limit, asked.value).checked()
        proposed = before is not None and not before.approver
        same = before is not None and (before.value, before.seconds) == (asked.value, asked.seconds)
        if before is not None and proposed and same and before.person != asked.person:
            until = now_ns + int(asked.seconds * 1e9)
            agreed = msgspec.structs.replace(before, until_ns=until, approver=asked.person)
            self.lines[asked.limit] = agreed
            return [_alert(agreed, agreed.value, now_ns)]
        if before is not None and before.approver:
            raise EngineError(
                f"{asked.limit} is overridden already, by {before.person} and {before.approver}; end that first"
            )
        until = now_ns + int(PROPOSED_S * 1e9)
        self.lines[asked.limit] = Override(
            asked.limit, asked.value, asked.seconds, asked.person, asked.reason, usual, until
        )
        return []

    def _end(self, limit: str, now_ns: int) -> list[Fact]:
        line = self.lines.pop(limit, None)
        if line is None:
            known = ", ".join(self.lines) or "none"
            raise EngineError(f"no override of {limit} is in force or proposed; there is: {known}")
        return [_alert(line, _usual(self.limits, limit), now_ns)] if line.approver else []

    def expire(self, now_ns: int) -> list[Fact]:
        """End what has had its time; the alerts of what was in force."""
        over = [line.limit for line in self.lines.values() if line.until_ns <= now_ns]
        return [fact for limit in over for fact in self._end(limit, now_ns)]


def _alert(line: Override, value: float, now_ns: int) -> RiskAlert:
    """value: in force from now on.  limit: the usual one."""
    return RiskAlert(f"override:{line.limit}", AlertSeverity.WARNING, "", value, line.usual, now_ns)


def _split(key: str) -> tuple[str, str, str]:
    """Table, symbol ("" for most) and setting.  Raises LimitsError for what cannot be overridden."""
    table, _, rest = key.partition(".")
    symbol, _, setting = rest.rpartition(".") if table == "position_limits" else ("", "", rest)
    if (f"{table}.*.{setting}" if symbol else key) not in OVERRIDABLE:
        raise LimitsError(
            f"{key!r:.100} cannot be overridden: it is no limit, or a hard block. "
            f"Limits that can be: {', '.join(OVERRIDABLE)}"
        )
    return table, symbol, setting


def _field(limits: RiskLimits, table: str) -> str:
    return next(field.name for field in msgspec.structs.fields(limits) if field.encode_name == table)


def _usual(limits: RiskLimits, key: str) -> float:
    table, symbol, setting = _split(key)
    found: Any = getattr(limits, _field(limits, table))
    if symbol:
        found = found.get(symbol, PositionLimit())
    return float(getattr(found, setting))


def _with(limits: RiskLimits, key: str, value: float) -> RiskLimits:
    """`limits` with one of them changed.  Raises LimitsError where the value makes no sense."""
    table, symbol, setting = _split(key)
    name = _field(limits, table)
    before: Any = getattr(limits, name)
    if symbol:
        own = msgspec.structs.replace(before.get(symbol, PositionLimit()), **{setting: value})
        after: Any = {**before, symbol: own}
    else:
        after = msgspec.structs.replace(before, **{setting: value})
    changed = msgspec.structs.replace(limits, **{name: after})
    for place, reason in changed.problems():
        if place == key:
            raise LimitsError(f"{place}: {reason}")
    return changed
