"""What can be asked of an engine: pure functions from its state to answers.  Nothing here changes anything."""

from __future__ import annotations

from typing import Any

from live.api.answers import AuditPage, AuditView, Health, JournalHealth
from live.api.money_views import portfolio, positions
from live.api.order_views import fills, order_view, orders
from live.api.paging import MOST_ROWS, check_page
from live.api.risk_views import limit_uses, limits, risk_status
from live.api.strategy_views import (
    active_strategies,
    available_strategies,
    logs,
    performance,
    quantile,
    record_of,
    strategy_status,
)
from live.engine import Engine
from workbench import __version__

__all__ = [
    "MOST_ROWS",
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


def audit(engine: Engine, limit: int = 100) -> AuditPage:
    """The newest `limit` lines of the audit log."""
    check_page(0, limit)
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
