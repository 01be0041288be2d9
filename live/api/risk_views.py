"""What can be asked about risk: pure functions from an engine's state to answers."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from live.api.limit_changes import limits_tag
from live.api.money_views import portfolio
from live.api.risk_answers import (
    AlertLine,
    BreachCount,
    KillView,
    LimitsView,
    LimitUse,
    RiskStatus,
    VenueRisk,
)
from live.engine import Engine
from workbench.core.facts import BreakerTripped

__all__ = [
    "limit_uses",
    "limits",
    "risk_status",
]


_ALERTS: Final = 50  # that are told


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
