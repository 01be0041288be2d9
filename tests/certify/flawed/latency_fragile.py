"""Flaw: what it earns is an echo of one bar, which is over when its orders come late."""

from __future__ import annotations

from typing import Any

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class Echo(TradingStrategy):
    SIZING = "target"

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.held = 0.0

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        side = self.side(price_update)
        if side == self.held:
            return []
        self.held = side
        return [MarketSignal(price_update.symbol, signal_strength=side)]

    def side(self, price_update: PriceUpdate) -> float:
        return -1.0 if price_update.change_pct > 0.0 else 1.0

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
