"""A well-behaved strategy that stands beside the one under test, to tell whether its neighbours are harmed."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, Final

from workbench.core.messages import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.strategy.contract import TradingStrategy

__all__ = ["BYSTANDER", "Bystander"]

BYSTANDER: Final = "bystander"


class Bystander(TradingStrategy):
    """Long above the mean of the last `window` prices of an instrument, and short below it.

    window: prices.  It trades often and little, which is what a neighbour can be disturbed in.
    """

    SIZING: ClassVar[str] = "target"
    PARAMETERS: ClassVar = {"window": 20}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._prices: dict[tuple[str, str], deque[float]] = {}
        self._said: dict[tuple[str, str], float] = {}

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Say on which side of the mean the price is, where that is another one than before."""
        price, key = price_update.last, (price_update.symbol, price_update.venue)
        if not 0.0 < price < float("inf"):
            return []
        prices = self._prices.setdefault(key, deque(maxlen=self.config["window"]))
        prices.append(price)
        if len(prices) < self.config["window"]:
            return []
        side = 1.0 if price > sum(prices) / len(prices) else -1.0
        if side == self._said.get(key):
            return []
        self._said[key] = side
        return [MarketSignal(key[0], None, side, 1.0, {"venue": key[1]})]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing to do: a target needs no book of its own."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self.logger.info("%s", breach.message)
