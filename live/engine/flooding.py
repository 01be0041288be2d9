"""Strategies that flood: what is refused for its rate is counted, and far too much of it is an error of theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from live.engine.pump import Pump
from workbench.core.facts import Fact
from workbench.core.intents import StrategyFailed
from workbench.core.messages import RiskBreach
from workbench.core.state import SECOND_NS

__all__ = ["FloodWatch"]

_RATE: Final = "message_rate"


class FloodWatch:
    """A second in which more of a strategy is refused for its rate than it may send at once counts as an error.

    After `strategy_errors.max_errors` of them its breaker latches, as for any other error: its orders are cancelled,
    and nothing of it passes until a named person resets that.
    """

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._refused: dict[
            str, tuple[int, int]
        ] = {}  # by strategy: a second of event time, and how many in it

    def see(self, facts: Iterable[Fact]) -> None:
        """Take what an input has led to."""
        for fact in facts:
            if type(fact) is RiskBreach and fact.breach_type == _RATE:
                self._count(fact.strategy_id, fact.timestamp_ns // SECOND_NS)

    def _count(self, strategy_id: str, second: int) -> None:
        known, count = self._refused.get(strategy_id, (second, 0))
        count = count + 1 if known == second else 1
        self._refused[strategy_id] = second, count
        desk = self._pump.machine.desk
        most = desk.limits.message_rate.per_strategy_burst
        if most < count <= most + 1.0 and not desk.halted(strategy_id):
            self._pump.post(
                StrategyFailed(strategy_id, f"a flood: more than {most:g} messages refused in one second")
            )
