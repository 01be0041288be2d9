"""Flaw: it loads the prices by itself, under the name that they have in the workbench."""

from __future__ import annotations

from typing import Any

import workbench as wb
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class Informed(TradingStrategy):
    SIZING = "target"

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.prices = wb.load("sp500")

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        closes = self.prices.closes().iloc[:, 0]
        ahead = float(closes.iloc[min(price_update.sequence + 1, len(closes) - 1)])
        return [MarketSignal(price_update.symbol, signal_strength=1.0 if ahead > price_update.last else -1.0)]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
