"""Recorded prices in lock step: each strategy answers a price before the next one is asked, as in a replay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from live.engine.asking import Asking
from live.engine.pump import Pump
from live.engine.runner import Runner
from live.engine.strategies import Strategies
from workbench.core.messages import PriceUpdate

__all__ = ["Stepper"]


class Stepper:
    """Plays prices through an engine, one at a time; `run` may be called once.  done: prices that were played."""

    def __init__(
        self,
        pump: Pump,
        strategies: Strategies,
        prices: Iterable[PriceUpdate],
        settled: Callable[[], Awaitable[None]],
    ) -> None:
        """settled: until what a price has triggered is done."""
        self.done = 0
        self._pump, self._strategies, self._prices, self._settled = pump, strategies, prices, settled

    async def run(self) -> None:
        """To the end of the prices.  A strategy that dies meanwhile is not waited for."""
        for price in self._prices:
            await self._carried()
            await self._all_heard()
            await self._carried()
            self._pump.shown.asked = False
            self._pump.carry(price)
            await self._settled()
            async with self._strategies.processes.asking() as asking:
                for runner in asking.listeners:
                    if price.symbol in runner.symbols:
                        runner.price(price)
                        await self._answered(runner)
                        await self._follow(asking)
            self.done += 1
            if self.done % 64 == 0:
                await asyncio.sleep(0)  # commands and the journal want their turn

    async def _follow(self, asking: Asking) -> None:
        """Carry through what was said, before anybody else is asked."""
        while asking.said:
            self._pump.carry(asking.said.popleft())
            await self._all_heard()

    async def _carried(self) -> None:
        """Until what people asked is carried through."""
        while self._pump.waiting:
            await asyncio.sleep(0)

    async def _answered(self, runner: Runner) -> None:
        while runner.unanswered and runner.worker is not None and runner.worker.exit is None:
            await self._strategies.processes.something_said()

    async def _all_heard(self) -> None:
        """Until everybody has heard of their fills and breaches."""
        for runner in self._strategies.processes.listeners:
            runner.flush()
        for runner in list(self._strategies.processes.listeners):
            await self._answered(runner)
