"""The inside of the engine as answers: pure functions, as those of `views`."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from live.api.debug_answers import LedgerLine, LedgerView, LimitsInside, OrderQueue, SandboxView
from live.api.limit_changes import limits_tag
from live.api.views import order_view, quantile
from live.engine import Engine
from workbench.core.rows import LIMIT

__all__ = ["ledger", "limits_inside", "order_queue", "sandbox_status"]

_SHOWN: Final = 100
_SYMBOL_LIMITS: Final = ("max_long", "max_short", "strategy_long", "strategy_short", "restricted")


def sandbox_status(engine: Engine) -> SandboxView:
    """The sandbox's own account; it reads /proc, so ask at human pace."""
    status = engine.sandbox.status()
    return SandboxView(
        str(status.isolation),
        status.level.name.lower(),
        status.minimum.name.lower(),
        {str(layer): holds for layer, holds in status.layers.items()},
        status.missing,
        status.host_pid,
        status.host_restarts,
        engine.strategies.swaps,
        tuple(msgspec.to_builtins(worker) for worker in status.workers),
    )


def order_queue(engine: Engine) -> OrderQueue:
    """Orders that work, and what waits for the writer."""
    lines = list(engine.machine.blotter.working.values())
    seconds = sorted(taken for taken, _ in engine.pump.check_seconds)
    return OrderQueue(
        engine.machine.setup.order_capacity,
        int(engine.machine.desk.book.working),
        dict(Counter(line.state for line in lines)),
        dict(Counter(line.venue for line in lines)),
        engine.pump.waiting,
        engine.pump.unsaved,
        engine.pump.refused_late,
        engine.pump.unfit,
        quantile(seconds, 0.50) * 1e3,
        quantile(seconds, 0.99) * 1e3,
        tuple(order_view(line) for line in lines[:_SHOWN]),
    )


def ledger(engine: Engine) -> LedgerView:
    """The position calculator's rows, and whether they add up to the equity."""
    desk = engine.machine.desk
    rows = []
    total = float(desk.book.initial_cash)
    for s, strategy in enumerate(desk.strategies):
        for k, instrument in enumerate(desk.instruments):
            row = desk.view.positions[s * len(desk.instruments) + k]
            total += float(row.realised) + float(row.unrealised) - float(row.fees)
            if row.traded == 0.0 and row.working_buy == 0.0 and row.working_sell == 0.0:
                continue
            market = desk.view.instruments[k]
            rows.append(
                LedgerLine(
                    strategy,
                    instrument.symbol,
                    instrument.venue,
                    float(row.quantity),
                    float(row.average),
                    float(row.realised),
                    float(row.unrealised),
                    float(row.fees),
                    float(row.working_buy),
                    float(row.working_sell),
                    float(row.exposure),
                    float(row.unit),
                    bool(row.permitted),
                    int(row.bought_executions),
                    int(row.sold_executions),
                    float(row.traded),
                    float(market.mark),
                    int(market.mark_ns),
                    bool(market.good),
                    float(market.bid),
                    float(market.ask),
                )
            )
    equity = float(desk.book.equity)
    return LedgerView(int(desk.book.now_ns), equity, equity - total, tuple(rows))


def limits_inside(engine: Engine) -> LimitsInside:
    """Limits as the checks see them, beside those that were asked for."""
    desk = engine.machine.desk
    row = desk.view.limits[0]
    symbols = {
        name: {key: float(getattr(desk.view.symbols[place], key)) for key in _SYMBOL_LIMITS}
        for place, name in enumerate(desk.symbols)
    }
    return LimitsInside(
        limits_tag(desk.limits),
        {name: float(getattr(row, name)) for name in LIMIT.names or ()},
        symbols,
        msgspec.to_builtins(desk.limits),
    )
