"""The strategies that an engine knows, each with what is recorded of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog

from live.engine.catalog import Script
from live.engine.pump import Pump
from live.engine.slots import RUNNING, Slot, StartRequest
from live.machine import ChaosNoted, Input, StrategyNoted, StrategyRecord
from live.venues.clock import Clock
from workbench.core.intents import CancelOrders
from workbench.errors import JournalFailed, StrategyError

__all__ = ["Last", "Roster"]

_PASSING: Final = ("validating", "starting", "draining")  # another state follows, and is told

type Last = Callable[[StrategyRecord], Input]

_log = structlog.get_logger("live.strategies")


class Roster:
    """slots: by strategy id, in the order in which they were first started."""

    def __init__(self, pump: Pump, clock: Clock) -> None:
        self.slots: dict[str, Slot] = {}
        self._pump, self._clock = pump, clock

    def find(self, strategy_id: str) -> Slot:
        """Raises StrategyError where it was never started."""
        slot = self.slots.get(strategy_id)
        if slot is None:
            known = ", ".join(self.slots) or "none"
            raise StrategyError(f"no strategy {strategy_id!r:.100} was started; there is: {known}")
        return slot

    @property
    def running(self) -> int:
        """Strategies that have a process, or are about to have one."""
        return sum(1 for slot in self.slots.values() if slot.record.state in RUNNING)

    def add(self, strategy_id: str, script: Script, request: StartRequest) -> Slot:
        """A slot for what is about to be started for the first time, or anew."""
        record = StrategyRecord(
            strategy_id,
            script.class_name,
            script.version,
            script.source_hash,
            script.name,
            "validating",
            since_ns=self._clock.now_ns(),
            chaos=script.chaos_type,
            person=request.person,
            on_failure=request.on_failure,
            config=request.config,
            certificate=request.certificate,
        )
        slot = self.slots[strategy_id] = Slot(record, script)
        return slot

    async def note(self, slot: Slot, last: Last | None = None, **changes: Any) -> None:
        """Change what is known of a strategy; durable before anything goes on.

        last: makes another input, out of what is then known, that becomes durable together with it.
        Raises JournalFailed, nothing changed where the machine has not taken it in.
        """
        before = slot.record
        slot.record = msgspec.structs.replace(slot.record, since_ns=self._clock.now_ns(), **changes)
        level = logging.DEBUG if slot.record.state in _PASSING else logging.INFO
        _log.log(
            level,
            "strategy_state",
            strategy_name=slot.record.strategy_id,
            strategy_version=slot.record.version,
            state=slot.record.state,
            reason=slot.record.reason,
        )
        record = slot.record
        try:
            await self._pump.ask(StrategyNoted(record), None if last is None else lambda _: last(record))
        except JournalFailed:
            if slot.record is record and self._pump.machine.strategies.get(record.strategy_id) is not record:
                slot.record = before
            raise

    def give_up(self, slot: Slot, error: BaseException) -> None:
        """What was to be done for a strategy went wrong unforeseen: its orders go all the same, and it has failed."""
        self._pump.post(CancelOrders(slot.record.strategy_id))
        reason = f"an unforeseen error of the engine: {type(error).__name__}: {error}"[:500]
        slot.record = msgspec.structs.replace(
            slot.record,
            since_ns=self._clock.now_ns(),
            state="failed",
            reason=reason,
            restarting=False,
            flatten=slot.record.on_failure == "flatten",
        )
        self._pump.post(StrategyNoted(slot.record))

    async def note_chaos(self, slot: Slot, *, active: bool) -> None:
        """A strategy that misbehaves on purpose begins or ends to; nothing for others."""
        if slot.record.chaos:
            await self._pump.ask(ChaosNoted(slot.record.strategy_id, slot.record.chaos, active))
