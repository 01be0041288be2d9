"""Flaw: a parameter holds which way each bar will go."""

from __future__ import annotations

from typing import ClassVar

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class Informed(TradingStrategy):
    SIZING = "target"
    PARAMETERS: ClassVar = {"sides": []}

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        sides = self.config["sides"]
        return [
            MarketSignal(
                price_update.symbol, signal_strength=sides[min(price_update.sequence, len(sides) - 1)]
            )
        ]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
