"""Its orders are of one size, well inside of the limits."""

from __future__ import annotations

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class Doubles(TradingStrategy):
    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        if price_update.sequence % 20:
            return []
        side = 1.0 if price_update.sequence % 40 else -1.0
        return [MarketSignal(price_update.symbol, signal_strength=side, metadata={"quantity": 10.0})]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
