"""What the machine's state says: strategies, risk, chaos.  Reads, never writes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from live.machine import Machine
from live.metrics.sheet import OTHER, Names, Sheet
from workbench.core.codes import Breaker, label

__all__ = ["KILL_SCOPES", "LIMITS", "read_chaos", "read_portfolio", "read_risk", "read_strategies"]

KILL_SCOPES: Final = ("all", "strategy", "venue")
LIMITS: Final = ("daily_loss", "max_drawdown", "portfolio_gross", "portfolio_var", "strategy_drawdown")
_LONGEST_VERSION: Final = 64  # a script may call itself anything


def read_strategies(sheet: Sheet, machine: Machine, names: Names) -> None:
    """How each strategy has done.  Of those told as `other` sums, and the largest drawdown; ratios have no sum."""
    desk, results = machine.desk, machine.results
    rows: npt.NDArray[Any] = np.asarray(desk.view.strategies)
    figures = zip(desk.strategies, rows["pnl"].tolist(), rows["drawdown"].tolist(), strict=True)
    for strategy_id, pnl, drawdown in figures:
        name = names.of(strategy_id)
        record = machine.strategies.get(strategy_id)
        version = OTHER if name == OTHER else record.version[:_LONGEST_VERSION] if record else ""
        bought, sold = results.trades(strategy_id)
        sheet.add("trading_strategy_pnl", pnl, name, version)
        sheet.add("trading_strategy_trades_total", bought, name, "buy")
        sheet.add("trading_strategy_trades_total", sold, name, "sell")
        sheet.most("trading_risk_drawdown", drawdown, name)
        if name != OTHER:
            performance = results.performance(strategy_id, pnl, None)
            sheet.put("trading_strategy_win_rate", performance.win_rate, name)
            sheet.put("trading_strategy_sharpe_ratio", performance.sharpe_ratio, name)
            if record is not None:
                sheet.put("trading_strategy_restarts", record.restarts, name)


def read_risk(sheet: Sheet, machine: Machine, names: Names, symbols: Names) -> None:
    """Positions, breaches, breakers, kills and limits."""
    desk = machine.desk
    cells: npt.NDArray[Any] = np.asarray(desk.view.positions)
    units = cells["quantity"]
    for cell in np.flatnonzero(cells["traded"] > 0.0).tolist():
        s, k = divmod(cell, len(desk.instruments))
        symbol, name = symbols.of(desk.instruments[k].symbol), names.of(desk.strategies[s])
        sheet.add("trading_risk_position_size", float(units[cell]), symbol, name)
    for (kind, strategy_id), count in machine.breaches.items():
        sheet.add("trading_risk_limit_breaches_total", count, kind, names.of(strategy_id))
    latched = np.append(np.asarray(desk.view.strategies)["halted"], int(desk.book.halted))
    for reason in Breaker:
        count = int((latched >> int(reason) & 1).sum())
        sheet.put("trading_risk_circuit_breaker_triggered", count, label(reason))
    sheet.put("trading_risk_circuit_breaker_trips_total", float(desk.book.trips))
    for scope in KILL_SCOPES:
        sheet.put(
            "trading_risk_kill_switch_active", sum(1 for kill in machine.kills if kill[0] == scope), scope
        )
    lines = machine.overrides.lines.values()
    sheet.put("trading_risk_overrides_active", sum(1 for line in lines if line.approver))
    limits = desk.view.limits[0]
    for name in LIMITS:
        sheet.put("trading_risk_limit", float(getattr(limits, name)), name)


def read_portfolio(sheet: Sheet, machine: Machine) -> None:
    """Figures of all strategies together."""
    desk = machine.desk
    book = desk.book
    prices: npt.NDArray[Any] = np.asarray(desk.view.instruments)
    units = np.abs(np.asarray(desk.view.positions)["quantity"]).reshape(-1, len(desk.instruments)).sum(axis=0)
    held = units > 0.0
    gross = float(
        (units * prices["mark"] * prices["multiplier"])[held].sum()
    )  # no mark before the first price
    sheet.put("trading_portfolio_equity", float(book.equity))
    sheet.put("trading_portfolio_drawdown", float(book.drawdown))
    sheet.put("trading_portfolio_daily_pnl", float(book.equity - book.day_equity))
    sheet.put("trading_portfolio_gross_exposure", gross)
    # Asking the rules for the newest figure would write it into the state, which is the writer's alone.
    sheet.put("trading_portfolio_value_at_risk", float(book.value_at_risk))
    sheet.put("trading_engine_orders_total", float(book.accepted), "accepted")
    sheet.put("trading_engine_orders_total", float(book.refused), "refused")
    sheet.put("trading_engine_fills_total", float(book.fills))
    sheet.put("trading_engine_working_orders", float(book.working))
    sheet.put("trading_engine_inputs_total", machine.applied)


def read_chaos(sheet: Sheet, machine: Machine, names: Names, kinds: Names) -> None:
    """The newest misbehaviour of each strategy that had one.

    Of those told as `other` sums, and the slowest recovery, which is NaN until all are got over.
    """
    for episode in machine.chaos.values():
        labels = (kinds.of(episode.chaos), names.of(episode.strategy_id))
        sheet.add("trading_chaos_strategy_active", float(episode.active), *labels)
        sheet.add("trading_chaos_recovering", float(not episode.recovered_ns), *labels)
        sheet.add("trading_chaos_damage_usd", episode.damage, *labels)
        seconds = episode.recovery_seconds
        sheet.most(
            "trading_chaos_recovery_time_seconds", float("nan") if seconds is None else seconds, *labels
        )
