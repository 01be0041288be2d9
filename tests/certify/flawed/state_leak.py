"""Flaw: the prices that it remembers belong to the class, and the next run finds them there."""

from __future__ import annotations

from typing import ClassVar

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class Remembers(TradingStrategy):
    SIZING = "target"

    remembered: ClassVar[list[float]] = []

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        self.remembered.append(price_update.last)
        average = sum(self.remembered[-500:]) / len(self.remembered[-500:])
        return [
            MarketSignal(price_update.symbol, signal_strength=1.0 if price_update.last > average else -1.0)
        ]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
