"""What can be asked about strategies: pure functions from an engine's state to answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from live.api.strategy_answers import (
    ActiveStrategies,
    AvailableStrategies,
    LogLine,
    LogPage,
    ScriptView,
    StrategyStatus,
    StrategySummary,
)
from live.engine import Engine
from live.engine.slots import RUNNING
from live.machine import StrategyRecord
from live.machine.results import Performance
from live.scripts import Script
from workbench.errors import RequestError

__all__ = [
    "active_strategies",
    "available_strategies",
    "logs",
    "performance",
    "quantile",
    "record_of",
    "strategy_status",
]


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
        strategy_id=record.strategy_id,
        strategy_name=record.class_name,
        version=record.version,
        state=record.state,
        reason=record.reason,
        since_ns=record.since_ns,
        started_ns=record.started_ns,
        restarts=record.restarts,
        chaos=record.chaos,
        person=record.person,
        halted=account.halted,
        pnl=account.pnl,
        gross_exposure=account.gross,
        fills=account.fills,
        halted_by=_halted_by(engine, record, account.halted),
    )


def _halted_by(engine: Engine, record: StrategyRecord, own: Sequence[str]) -> str:
    """What keeps a strategy from trading, or at some venues of its.  own: breakers that are latched for it."""
    causes = [label.replace("_", " ") for label in own]
    causes += [f"{label.replace('_', ' ')} (everything)" for label in engine.machine.desk.halted()]
    if engine.state != "running":
        causes.append(f"the engine is {engine.state}")
    desk = engine.machine.desk
    trades = {i.venue for i in desk.instruments if not record.symbols or i.symbol in record.symbols}
    for v, venue in enumerate(desk.venues):
        row = desk.view.venues[v]
        if venue in trades and (row.halted or not row.up):
            causes.append(f"venue {venue} is {'halted' if row.halted else 'down'}")
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
        strategy_id=record.strategy_id,
        strategy_name=record.class_name,
        version=record.version,
        state=record.state,
        reason=record.reason,
        since_ns=record.since_ns,
        started_ns=record.started_ns,
        restarts=record.restarts,
        chaos=record.chaos,
        person=record.person,
        halted=account.halted,
        script=record.script,
        source_hash=record.source_hash,
        on_failure=record.on_failure,
        config=record.config,
        symbols=record.symbols,
        capital=account.capital,
        pnl=account.pnl,
        drawdown=account.drawdown,
        gross_exposure=account.gross,
        accepted=account.accepted,
        refused=account.refused,
        fills=account.fills,
        breaches=account.breaches,
        answered=runner.answered if runner else 0,
        signals=runner.signals if runner else 0,
        unanswered=runner.unanswered if runner else 0,
        conflated=runner.conflated if runner else 0,
        answer_p50_ms=quantile(seconds, 0.50) * 1e3,
        answer_p99_ms=quantile(seconds, 0.99) * 1e3,
        errors=tuple(slot.errors) if slot else (),
        newer_source_hash=newer.source_hash if newer else "",
        certificate=record.certificate,
        capital_share=engine.machine.canaries.share(strategy_id),
        halted_by=_halted_by(engine, record, account.halted),
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
