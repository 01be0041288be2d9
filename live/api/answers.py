"""What the engine answers, whatever the protocol.

Money is quote currency, quantities are units (signed where said), times UTC nanoseconds (0: not yet), shares fractions.
A figure that is not known is NaN, a limit that is off is infinite; JSON has null for both.
"""

from __future__ import annotations

import msgspec

from live.api.money_answers import (
    ExposureLine,
    Portfolio,
    Position,
    Positions,
    StrategyPnl,
)
from live.api.order_answers import (
    FillPage,
    FillView,
    OrderPage,
    OrderView,
)
from live.api.risk_answers import (
    AlertLine,
    BreachCount,
    KillView,
    LimitsView,
    LimitUse,
    RiskStatus,
    VenueRisk,
)
from live.api.strategy_answers import (
    ActiveStrategies,
    AvailableStrategies,
    LogLine,
    LogPage,
    ScriptView,
    StrategyStatus,
    StrategySummary,
)
from live.machine.results import Performance

__all__ = [
    "ActiveStrategies",
    "AlertLine",
    "AuditPage",
    "AuditView",
    "AvailableStrategies",
    "BreachCount",
    "ErrorView",
    "ExposureLine",
    "FillPage",
    "FillView",
    "Health",
    "JournalHealth",
    "KillView",
    "LimitUse",
    "LimitsView",
    "LogLine",
    "LogPage",
    "OrderPage",
    "OrderView",
    "Performance",
    "Portfolio",
    "Position",
    "Positions",
    "RiskStatus",
    "ScriptView",
    "StrategyPnl",
    "StrategyStatus",
    "StrategySummary",
    "VenueRisk",
]


class JournalHealth(msgspec.Struct, frozen=True):
    """head: newest durable record.  backlog: records that are not durable yet.  failure: why it records no more."""

    head: int
    backlog: int
    lag_ms: float
    failure: str


class Health(msgspec.Struct, frozen=True):
    """status: ok, degraded (some of it does not trade) or down (nothing does).  problems: by part, why.

    state: starting, running, halted, stopping or stopped.  certificates_required: false where strategies start that
    nobody has certified.
    """

    status: str
    state: str
    problems: dict[str, str]
    version: str
    uptime_seconds: float
    isolation: str
    inputs: int
    journal: JournalHealth
    certificates_required: bool


class AuditView(msgspec.Struct, frozen=True):
    """Who did what, when, and how it ended.  outcome: done, refused, failed or denied."""

    ns: int
    person: str
    role: str
    action: str
    target: str
    outcome: str
    detail: str
    key: str


class AuditPage(msgspec.Struct, frozen=True):
    """The newest lines, newest last."""

    lines: tuple[AuditView, ...]


class ErrorView(msgspec.Struct, frozen=True):
    """An RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
