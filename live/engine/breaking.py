"""Strategies whose errors have latched their breaker: a process whose answers are all refused is not kept."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from live.engine.restarting import latched
from live.engine.runner import Runner
from live.engine.slots import Slot
from live.engine.strategies import Strategies
from live.machine import Input
from workbench.core.intents import StrategyFailed
from workbench.errors import JournalFailed

__all__ = ["BreakerWatch"]

_AGAIN_S: Final = 1.0
_SHOWN: Final = 300  # characters of its newest error

_log = structlog.get_logger("live.strategies")


class BreakerWatch:
    """Stops a strategy that errs while its breaker `strategy_error` is latched, by that very error or before.

    What its losses have stopped goes on running: its code may be sound, and what reduces still passes.
    """

    def __init__(self, strategies: Strategies) -> None:
        self._strategies = strategies
        self._stopping: set[Runner] = set()

    def see(self, item: Input) -> None:
        """Take an input that was carried through."""
        if type(item) is not StrategyFailed or not latched(self._strategies.machine, item.strategy_id):
            return
        slot = self._strategies.slots.get(item.strategy_id)
        if slot is None or slot.runner is None or slot.runner in self._stopping:
            return
        self._stopping.add(slot.runner)
        self._strategies.spawn(
            self._stop(slot, slot.runner, item.error[:_SHOWN]),
            lambda error: self._strategies.roster.give_up(slot, error),
        )

    async def _stop(self, slot: Slot, runner: Runner, error: str) -> None:
        reason = f"its breaker strategy_error is latched; the newest error: {error}"
        try:
            while True:
                try:
                    await self._strategies.fail(slot, runner, reason)
                except JournalFailed as failure:
                    _log.error("strategy_not_stopped", strategy_name=runner.strategy_id, error=str(failure))
                    await asyncio.sleep(_AGAIN_S)
                else:
                    return
        finally:
            self._stopping.discard(runner)
