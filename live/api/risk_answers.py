"""Breakers, kills, venues and limits as the engine answers.  Units: see `answers`."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = [
    "AlertLine",
    "BreachCount",
    "KillView",
    "LimitUse",
    "LimitsView",
    "RiskStatus",
    "VenueRisk",
]


class KillView(msgspec.Struct, frozen=True):
    """A kill in force.  scope: all, strategy or venue."""

    scope: str
    target: str
    person: str
    reason: str
    flatten: bool


class VenueRisk(msgspec.Struct, frozen=True):
    """up: orders can be sent there.  halted: by a person, or as it disagrees.  problem: why not, or ""."""

    venue: str
    kind: str
    up: bool
    halted: bool
    problem: str


class BreachCount(msgspec.Struct, frozen=True):
    breach_type: str
    strategy_id: str
    count: int


class AlertLine(msgspec.Struct, frozen=True):
    """A breaker that tripped.  strategy_id: "" for everything."""

    reason: str
    strategy_id: str
    value: float
    limit: float
    timestamp_ns: int


class LimitUse(msgspec.Struct, frozen=True):
    """How much of a limit is used.  use: value / limit, 0 where the limit is off."""

    limit_type: str
    value: float
    limit: float
    use: float


class RiskStatus(msgspec.Struct, frozen=True):
    """status: ok, warning (a limit is nearly used up, or something is stopped) or halted (everything is).

    halted: breakers latched for everything.  halted_strategies: breakers by strategy.  alerts: newest last.
    """

    status: str
    timestamp_ns: int
    halted: tuple[str, ...]
    halted_strategies: dict[str, tuple[str, ...]]
    kills: tuple[KillView, ...]
    venues: tuple[VenueRisk, ...]
    pre_trade_enabled: bool
    circuit_breakers_enabled: bool
    uses: tuple[LimitUse, ...]
    value_at_risk: float
    drawdown: float
    day_pnl: float
    working_orders: int
    orders_accepted: int
    orders_refused: int
    breaches: tuple[BreachCount, ...]
    alerts: tuple[AlertLine, ...]


class LimitsView(msgspec.Struct, frozen=True):
    """Limits in force, in the layout of risk_limits.yaml.  tag: of exactly these limits."""

    limits: dict[str, Any]
    tag: str
