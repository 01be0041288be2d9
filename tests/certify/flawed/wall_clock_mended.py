"""The day that it goes by is that of the price."""

from __future__ import annotations

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class Weekday(TradingStrategy):
    SIZING = "target"

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        day = price_update.timestamp.timetuple().tm_yday
        return [MarketSignal(price_update.symbol, signal_strength=1.0 if day % 7 < 3 else 0.0)]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
