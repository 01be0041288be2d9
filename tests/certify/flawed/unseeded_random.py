"""Flaw: it draws from a generator that nobody has seeded."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class DrawsLots(TradingStrategy):
    SIZING = "target"
    PARAMETERS: ClassVar = {"seed": 0}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.generator = np.random.default_rng()

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        side = float(self.generator.choice([-1.0, 0.0, 1.0]))
        return [MarketSignal(price_update.symbol, signal_strength=side)]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
