"""Recorded prices in lock step: each strategy answers a price before the next one is asked, as in a replay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from live.engine.pump import Pump
from live.engine.runner import Runner
from live.engine.strategies import Strategies
from live.machine import Answered
from live.messages import Answer
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
            await self._until_quiet()
            self._pump.carry(price)
            await self._settled()
            for runner in list(self._strategies.processes.listeners):
                if price.symbol in runner.symbols:
                    await self._ask(runner, price)
            self.done += 1
            if self.done % 64 == 0:
                await asyncio.sleep(0)  # commands and the journal want their turn

    async def _ask(self, runner: Runner, price: PriceUpdate) -> None:
        answers: list[tuple[int, Answer]] = []
        self._strategies.processes.hold(runner.strategy_id, answers)
        try:
            runner.price(price)
            await self._answered(runner)
        finally:
            self._strategies.processes.hold(runner.strategy_id, None)
        for correlation, answer in answers:
            self._pump.carry(Answered(runner.strategy_id, correlation, answer.signals))
            await self._until_quiet()

    async def _answered(self, runner: Runner) -> None:
        while runner.unanswered and runner.worker is not None and runner.worker.exit is None:
            await self._strategies.processes.something_said()

    async def _until_quiet(self) -> None:
        """Until everybody has heard of their fills and breaches, and what people asked is carried through."""
        while self._pump.waiting:
            await asyncio.sleep(0)
        for runner in self._strategies.processes.listeners:
            runner.flush()
        for runner in list(self._strategies.processes.listeners):
            await self._answered(runner)
