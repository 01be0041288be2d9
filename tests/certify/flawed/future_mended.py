"""It knows the price that it is shown, and the one before."""

from __future__ import annotations

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class Informed(TradingStrategy):
    SIZING = "target"

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        return [
            MarketSignal(price_update.symbol, signal_strength=1.0 if price_update.change_pct > 0.0 else -1.0)
        ]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
