"""What the engine answers, whatever the protocol.

Money is quote currency, quantities are units (signed where said), times UTC nanoseconds (0: not yet), shares fractions.
A figure that is not known is NaN, a limit that is off is infinite; JSON has null for both.
"""

from __future__ import annotations

from typing import Any

import msgspec

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


class StrategySummary(msgspec.Struct, frozen=True):
    """A strategy in a list.

    state: available, validating, starting, running, paused, draining, stopped, failed.  halted: breakers latched.
    chaos: its kind where it misbehaves on purpose, else "".  halted_by: what keeps it from trading, whatever its
    state: "stop loss, kill switch (everything)"; "" where nothing does.
    """

    strategy_id: str
    strategy_name: str
    version: str
    state: str
    reason: str
    since_ns: int
    started_ns: int
    restarts: int
    chaos: str
    person: str
    halted: tuple[str, ...]
    pnl: float
    gross_exposure: float
    fills: int
    halted_by: str


class ActiveStrategies(msgspec.Struct, frozen=True):
    """Strategies that run or are on their way to.  most: as many may run at once (MAX_CONCURRENT_STRATEGIES)."""

    strategies: tuple[StrategySummary, ...]
    most: int


class StrategyStatus(msgspec.Struct, frozen=True):
    """Everything about one strategy.

    source_hash: SHA-256 (hex).  on_failure: hold or flatten.  drawdown: share of its peak, positive.
    accepted, refused: orders.  answered, signals, unanswered: calls of the present process; conflated: prices that a
    newer one replaced.
    answer_p50_ms, answer_p99_ms: from price sent to answer received.  errors: newest last.
    newer_source_hash: of its script's text where that has changed since: start it again to swap; "" where it has not.
    certificate: id of the one that it runs under.  capital_share: of capital and limits, below 1 while it is on trial.
    halted_by: what keeps it from trading, whatever its state: "stop loss, kill switch (everything)"; "" for nothing.
    """

    strategy_id: str
    strategy_name: str
    version: str
    state: str
    reason: str
    since_ns: int
    started_ns: int
    restarts: int
    chaos: str
    person: str
    halted: tuple[str, ...]
    script: str
    source_hash: str
    on_failure: str
    config: dict[str, Any]
    symbols: tuple[str, ...]
    capital: float
    pnl: float
    drawdown: float
    gross_exposure: float
    accepted: int
    refused: int
    fills: int
    breaches: int
    answered: int
    signals: int
    unanswered: int
    conflated: int
    answer_p50_ms: float
    answer_p99_ms: float
    errors: tuple[str, ...]
    newer_source_hash: str
    certificate: str
    capital_share: float
    halted_by: str


class ScriptView(msgspec.Struct, frozen=True):
    """A script that can be started.  allowed: it may be (chaos must be enabled).  broken: why it cannot be used.

    newer_source_hash: its present text's, where a strategy runs an older one and can be swapped; else "".
    """

    name: str
    strategy_name: str
    version: str
    description: str
    source_hash: str
    chaos: bool
    uploaded: bool
    allowed: bool
    broken: str
    newer_source_hash: str


class AvailableStrategies(msgspec.Struct, frozen=True):
    scripts: tuple[ScriptView, ...]


class LogLine(msgspec.Struct, frozen=True):
    ns: int
    level: str
    text: str


class LogPage(msgspec.Struct, frozen=True):
    """What a strategy logged or printed, and what happened to its process; oldest first."""

    strategy_id: str
    lines: tuple[LogLine, ...]


class Position(msgspec.Struct, frozen=True):
    """What one strategy holds of one instrument.

    quantity: signed.  notional: quantity x mark x multiplier, signed.  mark_ns: when the mark was made.
    working_buy, working_sell: units of working orders.
    """

    strategy_id: str
    symbol: str
    venue: str
    quantity: float
    average_price: float
    mark: float
    mark_ns: int
    notional: float
    unrealised_pnl: float
    realised_pnl: float
    fees: float
    working_buy: float
    working_sell: float


class Positions(msgspec.Struct, frozen=True):
    """Positions that are not flat, at event time `timestamp_ns`."""

    positions: tuple[Position, ...]
    timestamp_ns: int


class StrategyPnl(msgspec.Struct, frozen=True):
    """total_pnl = realised_pnl + unrealised_pnl - fees.  drawdown: share of its peak, positive."""

    strategy_id: str
    capital: float
    total_pnl: float
    realised_pnl: float
    unrealised_pnl: float
    fees: float
    drawdown: float


class ExposureLine(msgspec.Struct, frozen=True):
    """One symbol over all strategies and venues, without working orders.  net: signed notional.

    total_pnl: realised + unrealised - fees.
    """

    symbol: str
    quantity: float
    net: float
    gross: float
    total_pnl: float


class Portfolio(msgspec.Struct, frozen=True):
    """All strategies together.

    day_pnl: since 00:00 UTC.  drawdown: share of the peak, positive.  value_at_risk: one day, NaN before there are
    samples enough.  gross_exposure, net_exposure: notional of positions.
    """

    timestamp_ns: int
    initial_cash: float
    equity: float
    total_pnl: float
    realised_pnl: float
    unrealised_pnl: float
    fees: float
    day_pnl: float
    peak_equity: float
    drawdown: float
    gross_exposure: float
    net_exposure: float
    value_at_risk: float
    strategies: tuple[StrategyPnl, ...]
    exposures: tuple[ExposureLine, ...]


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


class OrderView(msgspec.Struct, frozen=True):
    """One order.  cursor: place in the order of last changes.  side: buy or sell.  quantity, filled: units > 0.

    state: accepted, working, cancelling, partially_filled, filled, cancelled, rejected_by_venue, expired.
    price: average of its fills.  correlation_id: the thread from price to fill.
    """

    cursor: int
    order_id: int
    client_order_id: int
    correlation_id: str
    strategy_id: str
    symbol: str
    venue: str
    side: str
    quantity: float
    filled: float
    price: float
    order_type: str
    time_in_force: str
    limit_price: float
    stop_price: float
    state: str
    reason: str
    created_ns: int
    updated_ns: int


class OrderPage(msgspec.Struct, frozen=True):
    """Orders by last change, oldest first.  next: the `after` of the next page.  more: there is one already."""

    orders: tuple[OrderView, ...]
    next: int
    more: bool


class FillView(msgspec.Struct, frozen=True):
    """One execution.  quantity: units > 0.  realised_pnl: what it closed, before its fee."""

    cursor: int
    order_id: int
    client_order_id: int
    execution_id: int
    correlation_id: str
    strategy_id: str
    symbol: str
    venue: str
    side: str
    quantity: float
    price: float
    fee: float
    liquidity: str
    leaves: float
    realised_pnl: float
    timestamp_ns: int


class FillPage(msgspec.Struct, frozen=True):
    """Fills, oldest first.  next: the `after` of the next page.  more: there is one already."""

    fills: tuple[FillView, ...]
    next: int
    more: bool


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
