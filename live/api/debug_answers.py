"""What the inside of the engine looks like, for development and audit.  Units as in `answers`."""

from __future__ import annotations

from typing import Any

import msgspec

from live.api.answers import OrderView

__all__ = ["LedgerLine", "LedgerView", "LimitsInside", "OrderQueue", "SandboxView"]


class OrderQueue(msgspec.Struct, frozen=True):
    """Orders on their way.

    capacity: ORDER_QUEUE_SIZE.  working: orders that count against it; by_state, by_venue: so many of each.
    inbox: inputs that wait for the writer.  unsaved: blocks that are not durable yet.
    refused_late: signals whose check came after RISK_CHECK_TIMEOUT_MS.  unfit: inputs that could not be acted on.
    check_p50_ms, check_p99_ms: pre-trade checks of one answer.  oldest: working orders, oldest first.
    """

    capacity: int
    working: int
    by_state: dict[str, int]
    by_venue: dict[str, int]
    inbox: int
    unsaved: int
    refused_late: int
    unfit: int
    check_p50_ms: float
    check_p99_ms: float
    oldest: tuple[OrderView, ...]


class LedgerLine(msgspec.Struct, frozen=True):
    """A ledger row.  traded: notional.  exposure: notional with working orders.  mark_good: it can be trusted."""

    strategy_id: str
    symbol: str
    venue: str
    quantity: float
    average_price: float
    realised_pnl: float
    unrealised_pnl: float
    fees: float
    working_buy: float
    working_sell: float
    exposure: float
    unit: float
    permitted: bool
    bought_executions: int
    sold_executions: int
    traded: float
    mark: float
    mark_ns: int
    mark_good: bool
    bid: float
    ask: float


class LedgerView(msgspec.Struct, frozen=True):
    """Every row that was ever traded or has working orders.

    equity_check: equity less (initial cash + realised + unrealised - fees of all rows), which is 0 but for rounding.
    """

    timestamp_ns: int
    equity: float
    equity_check: float
    rows: tuple[LedgerLine, ...]


class LimitsInside(msgspec.Struct, frozen=True):
    """Limits as the compiled checks have them.

    compiled: by their name there (losses positive, times in ns).  symbols: units.  tag: of the limits in force.
    """

    tag: str
    compiled: dict[str, float]
    symbols: dict[str, dict[str, float]]
    limits: dict[str, Any]


class SandboxView(msgspec.Struct, frozen=True):
    """How strategies are kept apart from the engine, layer by layer, and each of their processes.

    swaps: versions that took over from another one.
    """

    isolation: str
    level: str
    minimum: str
    layers: dict[str, bool]
    missing: tuple[str, ...]
    host_pid: int
    host_restarts: int
    swaps: int
    workers: tuple[dict[str, Any], ...]
