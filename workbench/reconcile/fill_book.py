"""Which fills are the same in two runs: of the same signal to the same price, or of the same order of the desk's."""

from __future__ import annotations

from typing import Final, NamedTuple

from workbench.core.facts import Fact, OrderAccepted, OrderRefused, SignalRefused
from workbench.core.messages import OrderFill

__all__ = ["FillBook", "FillKey"]

_OUTCOMES: Final = (OrderAccepted, OrderRefused, SignalRefused)  # one of each signal


class FillKey(NamedTuple):
    """Which fill: by what led to it, so that the same one is found again in another run.

    number: of the price that was answered, -1 where no signal led to the order.  signal: which of the answer, or which
    of such orders.  part: which execution of the order.
    """

    strategy_id: str
    symbol: str
    venue: str
    number: int
    signal: int
    part: int


class FillBook:
    """Follows the facts of a run.  fills: those that were kept."""

    def __init__(self) -> None:
        self.fills: dict[FillKey, OrderFill] = {}
        self._orders: dict[int, tuple[int, int]] = {}
        self._unsigned: dict[tuple[str, str, str], int] = {}
        self._parts: dict[int, int] = {}

    def take(self, facts: list[Fact], strategy_id: str, number: int, *, keep: bool) -> None:
        """Take what one input led to.

        strategy_id, number: whose answer to which price it was; "" and -1 for any other input.
        """
        signal = 0
        for fact in facts:
            if isinstance(fact, OrderAccepted):
                mine = number >= 0 and fact.strategy_id == strategy_id
                self._orders[fact.order_id] = (number, signal) if mine else (-1, self._next(fact))
            if isinstance(fact, _OUTCOMES):
                signal += 1
            elif isinstance(fact, OrderFill):
                self._filled(fact, keep=keep)

    def _next(self, fact: OrderAccepted) -> int:
        whose = (fact.strategy_id, fact.symbol, fact.venue)
        self._unsigned[whose] = self._unsigned.get(whose, 0) + 1
        return self._unsigned[whose]

    def _filled(self, fill: OrderFill, *, keep: bool) -> None:
        part = self._parts[fill.order_id] = self._parts.get(fill.order_id, 0) + 1
        if keep:
            origin = self._orders.get(fill.order_id, (-1, 0))
            self.fills[FillKey(fill.strategy_id, fill.symbol, fill.venue, *origin, part)] = fill
