"""What may start, and what becomes of all strategies when the engine starts again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog

from live.engine.catalog import Catalog, Script
from live.engine.pump import Pump
from live.engine.roster import Roster
from live.engine.slots import RUNNING, Slot
from live.files import off_loop
from live.machine import Machine, StrategyRecord
from live.settings import Settings
from workbench.core.intents import CancelOrders, ClosePositions
from workbench.errors import StrategyError

__all__ = ["Start", "check_latch", "check_leave", "latched", "resume_after_restart", "settle"]

_ERRORS: Final = "strategy_error"  # the breaker

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


async def settle(record: StrategyRecord, pump: Pump) -> None:
    """Orders are cancelled, positions held or closed."""
    await pump.ask(CancelOrders(record.strategy_id))
    if record.on_failure == "flatten":
        await pump.ask(ClosePositions(record.strategy_id))


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
                await _fail(roster, pump, slot, record, f"not started again: {error}")
            continue
        slot = roster.slots[record.strategy_id] = Slot(record, script)
        if (record.restarting or record.state in RUNNING) and latched(pump.machine, record.strategy_id):
            why = f"not started again, as its breaker {_ERRORS} is latched"
            await _fail(roster, pump, slot, record, why)
        elif record.restarting or record.state in ("running", "starting", "validating", "paused"):
            try:
                async with slot.busy:
                    await start(slot)
            except StrategyError as error:
                _log.error("strategy_not_restarted", strategy_name=record.strategy_id, error=str(error))
                await _fail(roster, pump, slot, record, str(error))
        elif record.state == "draining":
            await roster.note(slot, state="stopped")


async def _fail(roster: Roster, pump: Pump, slot: Slot, record: StrategyRecord, reason: str) -> None:
    """What ran when the engine ended does not any more: nobody watches its orders."""
    if record.strategy_id in pump.machine.desk.strategies:
        await settle(record, pump)
    flatten = record.on_failure == "flatten"
    await roster.note(slot, state="failed", reason=reason, restarting=False, flatten=flatten)
