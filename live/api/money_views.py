"""Positions, P&L and exposure as answers; every figure is the ledger's own."""

from __future__ import annotations

import numpy as np

from live.api.money_answers import ExposureLine, Portfolio, Position, Positions, StrategyPnl
from live.engine import Engine

__all__ = ["portfolio", "positions"]


def positions(engine: Engine, strategy_id: str = "", symbol: str = "") -> Positions:
    """Positions that are not flat; "" matches all."""
    desk = engine.machine.desk
    found = []
    for k, instrument in enumerate(desk.instruments):
        if symbol not in ("", instrument.symbol):
            continue
        market = desk.view.instruments[k]
        for s, name in enumerate(desk.strategies):
            row = desk.view.positions[s * len(desk.instruments) + k]
            if strategy_id not in ("", name) or row.quantity == 0.0:
                continue
            mark = float(market.mark)
            found.append(
                Position(
                    name,
                    instrument.symbol,
                    instrument.venue,
                    float(row.quantity),
                    float(row.average),
                    mark,
                    int(market.mark_ns),
                    float(row.quantity) * mark * instrument.multiplier,
                    float(row.unrealised),
                    float(row.realised),
                    float(row.fees),
                    float(row.working_buy),
                    float(row.working_sell),
                )
            )
    return Positions(tuple(found), int(desk.book.now_ns))


def portfolio(engine: Engine) -> Portfolio:
    """Equity, P&L and exposure of all strategies together, and by strategy and symbol."""
    desk = engine.machine.desk
    book = desk.book
    strategies, instruments = len(desk.strategies), len(desk.instruments)
    cells = np.asarray(desk.view.positions)[: strategies * instruments].reshape(strategies, instruments)
    market = np.asarray(desk.view.instruments)
    size = market["mark"] * market["multiplier"]
    notional = np.where(cells["quantity"] == 0.0, 0.0, cells["quantity"] * size)
    lines = []
    for s, name in enumerate(desk.strategies):
        row = desk.view.strategies[s]
        lines.append(
            StrategyPnl(
                name,
                float(row.capital),
                float(row.pnl),
                float(cells["realised"][s].sum()),
                float(cells["unrealised"][s].sum()),
                float(cells["fees"][s].sum()),
                float(row.drawdown),
            )
        )
    exposures = []
    gained = cells["realised"] + cells["unrealised"] - cells["fees"]
    for symbol in desk.symbols:
        mine = [k for k, instrument in enumerate(desk.instruments) if instrument.symbol == symbol]
        part = notional[:, mine]
        held = float(cells["quantity"][:, mine].sum())
        pnl = float(gained[:, mine].sum())
        exposures.append(ExposureLine(symbol, held, float(part.sum()), float(np.abs(part).sum()), pnl))
    return Portfolio(
        int(book.now_ns),
        float(book.initial_cash),
        float(book.equity),
        float(book.equity) - float(book.initial_cash),
        float(cells["realised"].sum()),
        float(cells["unrealised"].sum()),
        float(cells["fees"].sum()),
        float(book.equity) - float(book.day_equity),
        float(book.peak),
        float(book.drawdown),
        float(np.abs(notional).sum()),
        float(notional.sum()),
        desk.value_at_risk,
        tuple(lines),
        tuple(exposures),
    )
