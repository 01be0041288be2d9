"""What becomes of a strategy whose process dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from live.engine.pump import Pump
from live.engine.restarting import Start, settle
from live.engine.roster import Roster
from live.engine.slots import Slot
from live.sandbox import WorkerExit
from live.settings import Settings
from live.venues.clock import Clock
from workbench.core.intents import StrategyFailed
from workbench.errors import JournalFailed, StrategyError

__all__ = ["Deaths"]

_FIRST_WAIT_S: Final = 0.5  # before the first restart; doubled each time
_LONGEST_WAIT_S: Final = 60.0
_STEADY_S: Final = 300.0  # a strategy that has run for so long has its restarts forgiven

_log = structlog.get_logger("live.strategies")

type Beside = Callable[[Slot, Coroutine[Any, Any, None]], asyncio.Task[None]]


class Deaths:
    """Has its orders cancelled and its positions held or closed, and starts it again, the later the more often."""

    def __init__(
        self, roster: Roster, pump: Pump, settings: Settings, clock: Clock, beside: Beside, start: Start
    ) -> None:
        """beside: has something done for a slot while everything else goes on.  start: starts what is in a slot."""
        self._roster, self._pump, self._settings, self._clock = roster, pump, settings, clock
        self._beside, self._start = beside, start
        self._unsettled: list[tuple[Slot, WorkerExit]] = []  # while nothing could be recorded
        self._unstarted: list[tuple[Slot, int]] = []  # the same, with restarts so far

    def died(self, slot: Slot, ended: WorkerExit) -> None:
        """A process ended unasked."""
        self._beside(slot, self._settle(slot, ended))

    def resumed(self) -> None:
        """What died while nothing could be recorded is settled now, and what was to be started again is started."""
        unsettled, self._unsettled = self._unsettled, []
        unstarted, self._unstarted = self._unstarted, []
        for slot, ended in unsettled:
            if self._is_mine(slot):
                self.died(slot, ended)
        for slot, restarts in unstarted:
            if self._is_mine(slot):
                slot.restart = self._beside(slot, self._start_later(slot, restarts))

    def _is_mine(self, slot: Slot) -> bool:
        """Nobody has started or stopped it meanwhile."""
        mine = self._roster.slots.get(slot.record.strategy_id) is slot and slot.runner is None
        return mine and not slot.stopping and slot.record.state not in ("draining", "stopped")

    async def _settle(self, slot: Slot, ended: WorkerExit) -> None:
        try:
            restarts = await self._tell(slot, ended)
        except JournalFailed:
            self._unsettled.append((slot, ended))
            raise
        if restarts is not None and self._is_mine(slot) and slot.record.restarting:
            slot.restart = self._beside(slot, self._start_later(slot, restarts))

    async def _tell(self, slot: Slot, ended: WorkerExit) -> int | None:
        """How many restarts it has had, where it is to be started again; None where it is not."""
        record, roster = slot.record, self._roster
        strategy_id = record.strategy_id
        why = f"{ended.reason}: {ended.detail}" if ended.detail else str(ended.reason)
        self._pump.post(StrategyFailed(strategy_id, why))
        await settle(record, self._pump)
        await roster.note_chaos(slot, active=False)
        if not self._is_mine(slot):
            return None
        steady = self._clock.now_ns() - record.started_ns > _STEADY_S * 1e9
        restarts = 0 if steady else record.restarts
        flatten = record.on_failure == "flatten" or slot.record.flatten  # or a person wants it so
        desk = self._pump.machine.desk
        if desk.halted(strategy_id) or desk.halted():
            limit = "as a breaker is latched"
        elif restarts >= self._settings.strategy_restarts:
            limit = f"after {restarts} restarts"
        else:
            again, count = f"{why}; will be started again", restarts + 1
            await roster.note(
                slot, state="failed", reason=again, restarts=count, restarting=True, flatten=flatten
            )
            return restarts
        reason = f"{why}; not started again {limit}"
        await roster.note(
            slot, state="failed", reason=reason, restarts=restarts, restarting=False, flatten=flatten
        )
        return None

    async def _start_later(self, slot: Slot, restarts: int) -> None:
        await asyncio.sleep(min(_FIRST_WAIT_S * 2**restarts, _LONGEST_WAIT_S))
        async with slot.busy:
            slot.restart = None
            try:
                await self._start(slot)
            except JournalFailed:
                self._unstarted.append((slot, restarts))
                raise
            except StrategyError as error:
                _log.warning(
                    "strategy_restart_failed", strategy_name=slot.record.strategy_id, error=str(error)
                )
