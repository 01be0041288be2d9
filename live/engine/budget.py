"""Strategies that miss their time budget again and again: slow for long counts as an error of theirs."""

from __future__ import annotations

from itertools import islice
from statistics import median
from typing import Final

from live.engine.pump import Pump
from live.engine.runner import Runner
from live.engine.strategies import Strategies
from workbench.core.intents import StrategyFailed

__all__ = ["BudgetWatch"]

_LOOKS: Final = 10  # in a row with half of the answers late, before that counts


class BudgetWatch:
    """Looks at the time that strategies spend in their own code; what the engine itself is late with does not count.

    After `strategy_errors.max_errors` of such errors the breaker latches, as for any other: its orders are cancelled,
    and nothing of it passes until a named person resets that.
    """

    def __init__(self, strategies: Strategies, pump: Pump, soft_s: float) -> None:
        """soft_s: STRATEGY_SOFT_MS, in seconds."""
        self._strategies, self._pump, self._soft_s = strategies, pump, soft_s
        self._slow: dict[
            int, tuple[int, int]
        ] = {}  # by launch: answers looked at, looks in a row that were slow

    def look(self) -> None:
        """Look once; called each second.  A version that warms up is no error of the one that runs."""
        runners = [runner for runner in self._strategies.processes.listeners if not runner.silent]
        self._slow = {runner.launch: self._looked_at(runner) for runner in runners}

    def _looked_at(self, runner: Runner) -> tuple[int, int]:
        seen, slow = self._slow.get(runner.launch, (0, 0))
        fresh = list(islice(reversed(runner.own_seconds), runner.answered - seen))
        if not fresh:
            return seen, slow
        slow = slow + 1 if median(fresh) > self._soft_s else 0
        if slow < _LOOKS:
            return runner.answered, slow
        if not self._pump.machine.desk.halted(runner.strategy_id):
            text = f"half of its answers took more than {self._soft_s * 1e3:g} ms for {slow} seconds with answers"
            self._pump.post(StrategyFailed(runner.strategy_id, text))
        return runner.answered, 0
