"""What can be asked of an engine: pure functions from its state to answers.  Nothing here changes anything."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from live.api.answers import (
    ActiveStrategies,
    AlertLine,
    AuditPage,
    AuditView,
    AvailableStrategies,
    BreachCount,
    FillPage,
    FillView,
    Health,
    JournalHealth,
    KillView,
    LimitsView,
    LimitUse,
    LogLine,
    LogPage,
    OrderPage,
    OrderView,
    Performance,
    RiskStatus,
    ScriptView,
    StrategyStatus,
    StrategySummary,
    VenueRisk,
)
from live.api.limit_changes import limits_tag
from live.api.money_views import portfolio, positions
from live.engine import Engine, correlation_name
from live.engine.slots import RUNNING
from live.machine import FillLine, OrderLine, StrategyRecord
from live.scripts import Script
from workbench import __version__
from workbench.core.facts import BreakerTripped
from workbench.errors import RequestError

__all__ = [
    "active_strategies",
    "audit",
    "available_strategies",
    "fills",
    "health",
    "limit_uses",
    "limits",
    "logs",
    "order_view",
    "orders",
    "performance",
    "portfolio",
    "positions",
    "quantile",
    "record_of",
    "risk_status",
    "strategy_status",
]

MOST_ROWS = 1_000  # of a page
_ALERTS = 50


def health(engine: Engine) -> Health:
    """How the engine does; down where it records or trades nothing."""
    problems = engine.problems
    status = "down" if engine.state != "running" else "degraded" if problems else "ok"
    known = engine.info() if hasattr(engine, "pump") else {}
    journal: dict[str, Any] = known.get("journal", {})
    return Health(
        status,
        engine.state,
        problems,
        __version__,
        (engine.clock.now_ns() - engine.started_ns) / 1e9,
        known.get("isolation", ""),
        known.get("inputs", 0),
        JournalHealth(
            journal.get("head", 0),
            journal.get("backlog", 0),
            journal.get("lag_ms", 0.0),
            journal.get("failure") or "",
        ),
        engine.settings.require_certificate,
    )


def record_of(engine: Engine, strategy_id: str) -> StrategyRecord:
    """What is known of a strategy.  Raises RequestError (unknown)."""
    slot = engine.strategies.slots.get(strategy_id)
    record = slot.record if slot else engine.machine.strategies.get(strategy_id)
    if record is None:
        known = ", ".join(list(engine.machine.strategies)[:20]) or "none"
        raise RequestError(f"no strategy {strategy_id!r:.100} was started; there is: {known}", "unknown")
    return record


class _Account(msgspec.Struct, frozen=True):
    """A strategy's row of the desk as plain figures; zeros where it has no seat yet."""

    halted: tuple[str, ...] = ()
    capital: float = 0.0
    pnl: float = 0.0
    drawdown: float = 0.0
    gross: float = 0.0
    accepted: int = 0
    refused: int = 0
    fills: int = 0
    breaches: int = 0


def _account(engine: Engine, strategy_id: str) -> _Account:
    desk = engine.machine.desk
    if strategy_id not in desk.strategies:
        return _Account()
    s = desk.strategy_index(strategy_id)
    row = desk.view.strategies[s]
    count = len(desk.instruments)
    held = np.asarray(desk.view.positions)[s * count : (s + 1) * count]
    marks = np.asarray(desk.view.instruments)["mark"]
    sizes = np.array([instrument.multiplier for instrument in desk.instruments])
    gross = float(np.nansum(np.abs(held["quantity"] * marks * sizes)))
    figures = (float(row.capital), float(row.pnl), float(row.drawdown), gross)
    counts = (int(row.accepted), int(row.refused), int(row.fills), int(row.breaches))
    return _Account(desk.halted(strategy_id), *figures, *counts)


def active_strategies(engine: Engine) -> ActiveStrategies:
    """Strategies that run, or will be started again."""
    slots = engine.strategies.slots.values()
    living = [slot.record for slot in slots if slot.record.state in RUNNING or slot.restart is not None]
    return ActiveStrategies(
        tuple(_summary(engine, record) for record in living), engine.settings.max_concurrent_strategies
    )


def _summary(engine: Engine, record: StrategyRecord) -> StrategySummary:
    account = _account(engine, record.strategy_id)
    return StrategySummary(
        record.strategy_id,
        record.class_name,
        record.version,
        record.state,
        record.reason,
        record.since_ns,
        record.started_ns,
        record.restarts,
        record.chaos,
        record.person,
        account.halted,
        account.pnl,
        account.gross,
        account.fills,
        _halted_by(engine, account.halted),
    )


def _halted_by(engine: Engine, own: Sequence[str]) -> str:
    """What keeps a strategy from trading.  own: breakers that are latched for it."""
    causes = [label.replace("_", " ") for label in own]
    causes += [f"{label.replace('_', ' ')} (everything)" for label in engine.machine.desk.halted()]
    if engine.state != "running":
        causes.append(f"the engine is {engine.state}")
    return ", ".join(causes)


def strategy_status(engine: Engine, strategy_id: str) -> StrategyStatus:
    """Everything about one strategy.  Raises RequestError (unknown)."""
    record = record_of(engine, strategy_id)
    account = _account(engine, strategy_id)
    slot = engine.strategies.slots.get(strategy_id)
    runner = slot.runner if slot else None
    seconds = sorted(runner.seconds) if runner else []
    newer = engine.watcher.offers.get(strategy_id)
    return StrategyStatus(
        record.strategy_id,
        record.class_name,
        record.version,
        record.state,
        record.reason,
        record.since_ns,
        record.started_ns,
        record.restarts,
        record.chaos,
        record.person,
        account.halted,
        record.script,
        record.source_hash,
        record.on_failure,
        record.config,
        record.symbols,
        account.capital,
        account.pnl,
        account.drawdown,
        account.gross,
        account.accepted,
        account.refused,
        account.fills,
        account.breaches,
        runner.answered if runner else 0,
        runner.signals if runner else 0,
        runner.unanswered if runner else 0,
        runner.conflated if runner else 0,
        quantile(seconds, 0.50) * 1e3,
        quantile(seconds, 0.99) * 1e3,
        tuple(slot.errors) if slot else (),
        newer.source_hash if newer else "",
        record.certificate,
        engine.machine.canaries.share(strategy_id),
        _halted_by(engine, account.halted),
    )


def quantile(rising: Sequence[float], share: float) -> float:
    """The value below which `share` of a rising sequence lies; NaN of an empty one."""
    return rising[min(len(rising) - 1, int(share * len(rising)))] if rising else math.nan


def available_strategies(engine: Engine, scripts: Iterable[Script]) -> AvailableStrategies:
    """All scripts of the catalog."""
    enabled = engine.settings.enable_chaos_strategies
    newer = {offer.script: offer.source_hash for offer in engine.watcher.offers.values()}
    return AvailableStrategies(
        tuple(
            ScriptView(
                script.name,
                script.class_name,
                script.version,
                script.description,
                script.source_hash,
                script.chaos,
                script.uploaded,
                not script.broken and (enabled or not script.chaos),
                script.broken,
                "" if script.uploaded else newer.get(script.name, ""),
            )
            for script in scripts
        )
    )


def performance(engine: Engine, strategy_id: str) -> Performance:
    """Figures of a strategy that has a seat.  Raises RequestError (unknown)."""
    record_of(engine, strategy_id)
    if strategy_id not in engine.machine.desk.strategies:
        raise RequestError(f"{strategy_id} has not run yet, so it has no figures", "unknown")
    return engine.machine.performance(strategy_id)


def logs(engine: Engine, strategy_id: str, limit: int = 500) -> LogPage:
    """The newest lines of a strategy's log.  Raises RequestError (unknown)."""
    record_of(engine, strategy_id)
    slot = engine.strategies.slots.get(strategy_id)
    lines = list(slot.log)[-limit:] if slot and limit > 0 else []
    return LogPage(strategy_id, tuple(LogLine(*line) for line in lines))


def risk_status(engine: Engine) -> RiskStatus:
    """Breakers, kills, venues, and how much of each limit is used."""
    machine = engine.machine
    desk, book = machine.desk, machine.desk.book
    in_force = desk.limits
    stopped = {name: labels for name in desk.strategies if (labels := desk.halted(name))}
    uses = limit_uses(engine)
    venues = _venues(engine)
    halted = desk.halted()
    nearly = any(line.use >= in_force.monitors.warn_at for line in uses)
    uneasy = bool(stopped or machine.kills) or nearly or any(v.halted or not v.up for v in venues)
    return RiskStatus(
        "halted" if halted else "warning" if uneasy else "ok",
        int(book.now_ns),
        halted,
        stopped,
        tuple(
            KillView(kill.scope, kill.target, kill.person, kill.reason, kill.flatten)
            for kill in machine.kills.values()
        ),
        venues,
        in_force.enable_pre_trade,
        in_force.enable_circuit_breakers,
        uses,
        desk.value_at_risk,
        float(book.drawdown),
        float(book.equity) - float(book.day_equity),
        int(book.working),
        int(book.accepted),
        int(book.refused),
        tuple(BreachCount(kind, name, count) for (kind, name), count in machine.breaches.items()),
        tuple(
            AlertLine(fact.reason, fact.strategy_id, fact.value, fact.limit, fact.timestamp_ns)
            for fact in list(machine.alerts)[-_ALERTS:]
            if isinstance(fact, BreakerTripped)
        ),
    )


def limit_uses(engine: Engine) -> tuple[LimitUse, ...]:
    """How much of each limit of the whole portfolio is used, by what is held."""
    desk = engine.machine.desk
    limit, book = desk.limits, desk.book
    money = portfolio(engine)
    loss = max(0.0, -money.day_pnl)
    lost = max(0.0, 1.0 - money.equity / float(book.base_equity)) if book.base_equity > 0.0 else 0.0
    lines = (
        ("total_portfolio", money.gross_exposure, limit.notional_limits.total_portfolio),
        ("max_portfolio_value", money.gross_exposure, limit.global_limits.max_portfolio_value),
        ("net_portfolio", abs(money.net_exposure), limit.notional_limits.net_portfolio),
        ("daily_loss", loss, -limit.drawdown_limits.daily_loss),
        ("max_daily_loss", loss, limit.global_limits.max_daily_loss),
        ("max_drawdown", money.drawdown, limit.global_limits.max_drawdown),
        ("portfolio_loss_pct", lost, -limit.circuit_breakers.portfolio_loss_pct),
        ("portfolio_var", desk.value_at_risk, limit.drawdown_limits.portfolio_var),
        ("order_queue", float(book.working), float(engine.settings.order_queue_size)),
    )
    return tuple(
        LimitUse(name, value, most, value / most if 0.0 < most < math.inf else 0.0)
        for name, value, most in lines
    )


def _venues(engine: Engine) -> tuple[VenueRisk, ...]:
    desk = engine.machine.desk
    found = []
    for venue in engine.venues:
        row = desk.view.venues[desk.venues.index(venue.name)]
        problem = engine.sessions.problems.get(venue.name, "")
        found.append(VenueRisk(venue.name, venue.kind, bool(row.up), bool(row.halted), problem))
    return tuple(found)


def limits(engine: Engine) -> LimitsView:
    """The limits as people have set them; overrides stand beside them."""
    in_force = engine.machine.limits
    return LimitsView(msgspec.to_builtins(in_force), limits_tag(in_force))


def orders(
    engine: Engine,
    after: int = 0,
    limit: int = 100,
    *,
    strategy_id: str = "",
    symbol: str = "",
    states: Collection[str] = (),
) -> OrderPage:
    """Orders whose last change is behind cursor `after`, as far as they are kept; filters: "" and () match all.

    Raises RequestError (invalid) on a page without rows, or too large.
    """
    _check_page(after, limit)
    lines = engine.machine.blotter.orders(after, len(engine.machine.blotter.working) + MOST_ROWS * 20)
    wanted = [
        line
        for line in lines
        if strategy_id in ("", line.strategy_id)
        and symbol in ("", line.symbol)
        and (not states or line.state in states)
    ]
    page = tuple(order_view(line) for line in wanted[:limit])
    return OrderPage(page, page[-1].cursor if page else after, len(wanted) > limit)


def order_view(line: OrderLine) -> OrderView:
    """An order as people see it."""
    return OrderView(
        line.cursor,
        line.order_id,
        line.client_order_id,
        correlation_name(line.strategy_id, line.correlation),
        line.strategy_id,
        line.symbol,
        line.venue,
        "buy" if line.side > 0 else "sell",
        line.quantity,
        line.filled,
        line.price,
        line.order_type,
        line.time_in_force,
        line.limit_price,
        line.stop_price,
        line.state,
        line.reason,
        line.created_ns,
        line.updated_ns,
    )


def fills(
    engine: Engine, after: int = 0, limit: int = 100, *, strategy_id: str = "", symbol: str = ""
) -> FillPage:
    """Fills behind cursor `after`, as far as they are kept.  Raises RequestError (invalid) as `orders` does."""
    _check_page(after, limit)
    blotter = engine.machine.blotter
    wanted = [
        line
        for line in blotter.newest_fills(min(after, blotter.fill_cursor), MOST_ROWS * 20)
        if strategy_id in ("", line.fill.strategy_id) and symbol in ("", line.fill.symbol)
    ]
    page = tuple(_fill(line) for line in wanted[:limit])
    return FillPage(page, page[-1].cursor if page else after, len(wanted) > limit)


def _fill(line: FillLine) -> FillView:
    fill = line.fill
    return FillView(
        line.cursor,
        fill.order_id,
        fill.client_order_id,
        fill.execution_id,
        correlation_name(fill.strategy_id, line.correlation),
        fill.strategy_id,
        fill.symbol,
        fill.venue,
        fill.side,
        abs(fill.quantity),
        fill.price,
        fill.fee,
        fill.liquidity,
        fill.leaves,
        line.realised,
        fill.timestamp_ns,
    )


def _check_page(after: int, limit: int) -> None:
    if after < 0 or not 1 <= limit <= MOST_ROWS:
        raise RequestError(
            f"expected after >= 0 and limit from 1 to {MOST_ROWS}, found {after} and {limit}", "invalid"
        )


def audit(engine: Engine, limit: int = 100) -> AuditPage:
    """The newest `limit` lines of the audit log."""
    _check_page(0, limit)
    return AuditPage(
        tuple(
            AuditView(
                line.ns,
                line.person,
                line.role,
                line.action,
                line.target,
                line.outcome,
                line.detail,
                line.key,
            )
            for line in list(engine.machine.audit)[-limit:]
        )
    )
