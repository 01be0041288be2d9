"""What becomes of a strategy whose process dies, and of all of them when the engine starts again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog

from live.engine.catalog import Catalog, Script
from live.engine.pump import Pump
from live.engine.roster import Roster
from live.engine.slots import RUNNING, Slot
from live.files import off_loop
from live.machine import Machine, StrategyRecord
from live.sandbox import WorkerExit
from live.settings import Settings
from live.venues.clock import Clock
from workbench.core.intents import CancelOrders, ClosePositions, StrategyFailed
from workbench.errors import StrategyError

__all__ = ["check_latch", "check_leave", "died", "latched", "restart_later", "resume_after_restart"]

_FIRST_WAIT_S: Final = 0.5  # before the first restart; doubled each time
_LONGEST_WAIT_S: Final = 60.0
_ERRORS: Final = "strategy_error"  # the breaker
_STEADY_S: Final = 300.0  # a strategy that has run for so long has its restarts forgiven

_log = structlog.get_logger("live.strategies")

type Start = Callable[[Slot], Awaitable[StrategyRecord]]


def check_leave(script: Script, settings: Settings) -> None:
    """Raise StrategyError where a script may not run under these settings."""
    if script.chaos and not settings.enable_chaos_strategies:
        raise StrategyError(
            f"{script.class_name} misbehaves on purpose; set ENABLE_CHAOS_STRATEGIES=true to allow it"
        )


def latched(machine: Machine, strategy_id: str) -> bool:
    """Whether a strategy's own errors have stopped it from trading."""
    return strategy_id in machine.desk.strategies and _ERRORS in machine.desk.halted(strategy_id)


def check_latch(machine: Machine, strategy_id: str, script: Script, config: Mapping[str, Any]) -> None:
    """Raise StrategyError where the very version is to start whose errors have latched its breaker.

    Another one may, as the version before after a failed trial; it trades once a person has reset the breaker.
    """
    record = machine.strategies.get(strategy_id)
    if record is None or record.state in RUNNING or not latched(machine, strategy_id):
        return
    if (record.source_hash, record.config) == (script.source_hash, config):
        raise StrategyError(
            f"{strategy_id} was stopped for its errors: breaker {_ERRORS} is latched; look into them (its log), then "
            f'reset it (workbench live reset --strategy {strategy_id} --reason "…") and start it again'
        )


async def died(
    slot: Slot, ended: WorkerExit, roster: Roster, pump: Pump, settings: Settings, clock: Clock
) -> int | None:
    """A process died: its orders are cancelled, its positions held or closed.

    How many restarts it has had, where it is to be started again; None where it is not.
    """
    record = slot.record
    strategy_id = record.strategy_id
    why = f"{ended.reason}: {ended.detail}" if ended.detail else str(ended.reason)
    pump.post(StrategyFailed(strategy_id, why))
    await _settle(record, pump)
    await roster.note_chaos(slot, active=False)
    steady = clock.now_ns() - record.started_ns > _STEADY_S * 1e9
    restarts = 0 if steady else record.restarts
    flatten = record.on_failure == "flatten" or slot.record.flatten  # or a person wants it so
    halted = pump.machine.desk.halted(strategy_id) or pump.machine.desk.halted()
    if restarts >= settings.strategy_restarts or halted:
        limit = f"after {restarts} restarts" if not halted else "as a breaker is latched"
        reason = f"{why}; not started again {limit}"
        await roster.note(slot, state="failed", reason=reason, restarts=restarts, flatten=flatten)
        return None
    again = f"{why}; will be started again"
    restarts += 1
    await roster.note(slot, state="failed", reason=again, restarts=restarts, restarting=True, flatten=flatten)
    return restarts - 1


async def _settle(record: StrategyRecord, pump: Pump) -> None:
    """Orders are cancelled, positions held or closed."""
    await pump.ask(CancelOrders(record.strategy_id))
    if record.on_failure == "flatten":
        await pump.ask(ClosePositions(record.strategy_id))


async def restart_later(slot: Slot, restarts: int, start: Start) -> None:
    """Start a strategy again, the later the more often it has died."""
    await asyncio.sleep(min(_FIRST_WAIT_S * 2**restarts, _LONGEST_WAIT_S))
    async with slot.busy:
        slot.restart = None
        try:
            await start(slot)
        except StrategyError as error:
            _log.warning("strategy_restart_failed", strategy_name=slot.record.strategy_id, error=str(error))


async def resume_after_restart(
    roster: Roster, pump: Pump, catalog: Catalog, settings: Settings, start: Start
) -> None:
    """Start again what ran when the engine ended, or waited for it; what cannot be is noted as failed."""
    for record in list(pump.machine.strategies.values()):
        try:
            script = await off_loop(catalog.started, record.source_hash, record.script)
            check_leave(script, settings)
        except StrategyError as error:
            script = Script(record.script, "", record.source_hash, record.class_name)
            slot = roster.slots[record.strategy_id] = Slot(record, script)
            if record.state in RUNNING or record.restarting:
                await roster.note(
                    slot, state="failed", reason=f"not started again: {error}", restarting=False
                )
            continue
        slot = roster.slots[record.strategy_id] = Slot(record, script)
        if (record.restarting or record.state in RUNNING) and latched(pump.machine, record.strategy_id):
            await _settle(record, pump)
            why = f"not started again, as its breaker {_ERRORS} is latched"
            flatten = record.on_failure == "flatten"
            await roster.note(slot, state="failed", reason=why, restarting=False, flatten=flatten)
        elif record.restarting or record.state in ("running", "starting", "validating", "paused"):
            try:
                async with slot.busy:
                    await start(slot)
            except StrategyError as error:
                _log.error("strategy_not_restarted", strategy_name=record.strategy_id, error=str(error))
        elif record.state == "draining":
            await roster.note(slot, state="stopped")
