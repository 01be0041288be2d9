"""What the engine answers, as structs; money in quote currency, quantities in units, times UTC nanoseconds.

A figure that is not known is NaN, a limit that is off is infinite.
"""

from __future__ import annotations

import math
from typing import Any, get_args, get_type_hints

import msgspec

from workbench.client.shown import Answer

__all__ = [
    "AlertLine",
    "BreachCount",
    "BreakerResponse",
    "CertificateView",
    "CloseResponse",
    "Correlations",
    "Event",
    "ExposureLine",
    "Exposures",
    "Health",
    "Identity",
    "JournalHealth",
    "KillResponse",
    "KillView",
    "LimitLine",
    "LimitUse",
    "LimitsResponse",
    "LimitsView",
    "LogLine",
    "OverrideView",
    "OverridesView",
    "Portfolio",
    "PriceAccepted",
    "PromoteResponse",
    "Resumed",
    "RiskStatus",
    "StrategyPnl",
    "StrategyResponse",
    "StrategyStatus",
    "TrialView",
    "UploadResponse",
    "VenueRisk",
    "read_answer",
]


class JournalHealth(Answer, frozen=True):
    """head: newest durable record.  backlog: records that are not durable yet.  failure: why it records no more."""

    head: int
    backlog: int
    lag_ms: float
    failure: str


class Health(Answer, frozen=True):
    """status: ok, degraded (some of it does not trade) or down (nothing does).  problems: by part, why.

    certificates_required: false where strategies start that nobody has certified.
    """

    status: str
    state: str
    problems: dict[str, str]
    version: str
    uptime_seconds: float
    isolation: str
    inputs: int
    journal: JournalHealth
    certificates_required: bool = True


class StrategyStatus(Answer, frozen=True):
    """Everything about one strategy.  drawdown: share of its peak, positive.  errors: newest last.

    certificate: id of the one that it runs under.  capital_share: of capital and limits, below 1 while it is on trial.
    halted_by: what keeps it from trading, whatever its state; "" for nothing.
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
    newer_source_hash: str = ""
    certificate: str = ""
    capital_share: float = 1.0
    halted_by: str = ""


class StrategyResponse(Answer, frozen=True):
    """What became of a strategy."""

    strategy_id: str
    strategy_name: str
    version: str
    state: str
    source_hash: str
    message: str
    since_ns: int


class UploadResponse(Answer, frozen=True):
    """What is kept now, to be started by name, class or hash.  certificate: its id, "" where none was kept."""

    name: str
    strategy_name: str
    version: str
    source_hash: str
    certificate: str = ""


class PromoteResponse(Answer, frozen=True):
    """What became of a promotion.  capital_share: of capital and limits that it has now.

    steps: shares that it has one after the other, before it has everything.
    """

    strategy_id: str
    strategy_name: str
    version: str
    state: str
    source_hash: str
    certificate: str
    capital_share: float
    steps: tuple[float, ...]


class CertificateView(Answer, frozen=True):
    """holds: it would admit the strategy now; problem: why not.  document: what it says."""

    strategy_id: str
    certificate: str
    holds: bool
    problem: str
    document: dict[str, Any]


class TrialView(Answer, frozen=True):
    """A canary.  state: growing, passed or failed.  step: of steps, from 0.  fills, min_fills, minutes: of the step."""

    state: str
    step: int
    steps: tuple[float, ...]
    share: float
    since_ns: int
    minutes: float
    fills: int
    min_fills: int
    max_unexplained_bps: float
    certificate: str
    source_hash: str


class LogLine(Answer, frozen=True):
    """What a strategy logged, or what happened to its process."""

    ns: int
    level: str
    text: str


class StrategyPnl(Answer, frozen=True):
    """total_pnl = realised_pnl + unrealised_pnl - fees."""

    strategy_id: str
    capital: float
    total_pnl: float
    realised_pnl: float
    unrealised_pnl: float
    fees: float
    drawdown: float


class ExposureLine(Answer, frozen=True):
    """One symbol.  net: signed notional.  total_pnl: realised + unrealised - fees."""

    symbol: str
    quantity: float
    net: float
    gross: float
    total_pnl: float


class Portfolio(Answer, frozen=True):
    """All strategies together.  day_pnl: since 00:00 UTC.  drawdown: share of the peak, positive."""

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


class KillView(Answer, frozen=True):
    """A kill in force.  scope: all, strategy or venue."""

    scope: str
    target: str
    person: str
    reason: str
    flatten: bool


class VenueRisk(Answer, frozen=True):
    """up: orders can be sent there.  problem: why not, "" where all is well."""

    venue: str
    kind: str
    up: bool
    halted: bool
    problem: str


class BreachCount(Answer, frozen=True):
    breach_type: str
    strategy_id: str
    count: int


class AlertLine(Answer, frozen=True):
    """A breaker that tripped.  strategy_id: "" for everything."""

    reason: str
    strategy_id: str
    value: float
    limit: float
    timestamp_ns: int


class LimitUse(Answer, frozen=True):
    """use: value / limit, 0 where the limit is off."""

    limit_type: str
    value: float
    limit: float
    use: float


class RiskStatus(Answer, frozen=True):
    """status: ok, warning or halted.  halted: breakers latched for everything.  alerts: newest last."""

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


class Identity(Answer, frozen=True):
    """Whose token this is.  may: the actions that its role allows, as `strategy.start` or `risk.kill`."""

    person: str
    role: str
    may: tuple[str, ...]


class LimitLine(Answer, frozen=True):
    """One limit and how much of it is used.

    scope: portfolio, strategy, symbol, instrument or venue.  target: which one, "" for the portfolio.
    unit: money, units, share, orders.  use: value / limit.  Notional and units count working orders.
    """

    scope: str
    target: str
    limit_type: str
    unit: str
    value: float
    limit: float
    use: float


class Exposures(Answer, frozen=True):
    """Limits that are on, and what is used of them.  warn_at: the share from which a limit is nearly used."""

    timestamp_ns: int
    warn_at: float
    lines: tuple[LimitLine, ...]


class Correlations(Answer, frozen=True):
    """Of sampled P&L of strategies and returns of instruments; matrices are empty before `needed` samples are taken."""

    samples: int
    needed: int
    interval_seconds: float
    strategies: tuple[str, ...]
    by_strategy: tuple[tuple[float, ...], ...]
    instruments: tuple[str, ...]
    by_instrument: tuple[tuple[float, ...], ...]


class LimitsView(Answer, frozen=True):
    """Limits in force, in the layout of risk_limits.yaml.  tag: of exactly these limits."""

    limits: dict[str, Any]
    tag: str


class LimitsResponse(Answer, frozen=True):
    """changed: dotted keys.  looser: those of them that permit more than before."""

    changed: tuple[str, ...]
    looser: tuple[str, ...]
    tag: str


class OverrideView(Answer, frozen=True):
    """One limit at another value for a while.  in_force: a second person (approver) has agreed.

    value, usual: with and without it.  until_ns: event time at which it ends, or the proposal lapses.
    """

    limit: str
    value: float
    usual: float
    seconds: float
    person: str
    reason: str
    approver: str
    in_force: bool
    until_ns: int


class OverridesView(Answer, frozen=True):
    """In force or proposed, in the order in which they were."""

    overrides: tuple[OverrideView, ...]


class Resumed(Answer, frozen=True):
    """state: of the engine, as in its health."""

    state: str


class PriceAccepted(Answer, frozen=True):
    """Whose next price is taken for true; venue "" for every venue."""

    symbol: str
    venue: str


class BreakerResponse(Answer, frozen=True):
    """halted: breakers that are latched now."""

    action: str
    strategy_id: str
    enabled: bool
    halted: tuple[str, ...]


class KillResponse(Answer, frozen=True):
    """killed: it is in force now.  cancelled, closing: orders."""

    scope: str
    target: str
    killed: bool
    cancelled: int
    closing: int


class CloseResponse(Answer, frozen=True):
    """orders: numbers of the closing orders.  refused: why others were not let through."""

    orders: tuple[int, ...]
    refused: tuple[str, ...]


class Event(Answer, frozen=True):
    """kind: prices, signals, orders, fills, alerts or strategies.  body: what happened."""

    sequence: int
    kind: str
    ns: int
    body: Any


def read_answer[T: msgspec.Struct](kind: type[T], plain: Any) -> T:
    """A decoded answer as `kind`; null becomes NaN, or infinity for a limit.  Raises msgspec.ValidationError."""
    return msgspec.convert(_with_figures(kind, plain), kind)


def _with_figures(kind: Any, plain: Any) -> Any:
    if isinstance(plain, list):
        (item, *_) = get_args(kind) or (Any,)
        return [_with_figures(item, entry) for entry in plain]
    if not (isinstance(plain, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return plain
    hints = get_type_hints(kind)
    found = dict(plain)
    for name, hint in hints.items():
        if hint is float and found.get(name, 0.0) is None:
            found[name] = math.inf if name == "limit" else math.nan
        elif name in found:
            found[name] = _with_figures(hint, found[name])
    return found
