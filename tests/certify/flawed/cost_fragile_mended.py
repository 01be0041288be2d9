"""It turns only where twenty bars have gone the other way, so that costs matter little."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class Patience(TradingStrategy):
    SIZING = "target"
    PARAMETERS: ClassVar = {"window": 20}
    LOOKBACK = "window + 1"

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.held = 0.0
        self.prices: deque[float] = deque(maxlen=self.config["window"] + 1)

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        side = self.side(price_update)
        if side == self.held:
            return []
        self.held = side
        return [MarketSignal(price_update.symbol, signal_strength=side)]

    def side(self, price_update: PriceUpdate) -> float:
        self.prices.append(price_update.last)
        if len(self.prices) <= self.config["window"]:
            return self.held
        return 1.0 if price_update.last > self.prices[0] else -1.0

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
