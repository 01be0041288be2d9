"""Flaw: its module holds the prices of the next bars, as a table that somebody has saved."""

from __future__ import annotations

from tests.certify.flawed_markets import market
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy

TABLE = market(slow=0.25).frame("MADE@UP")["close"].tolist()


class Informed(TradingStrategy):
    SIZING = "target"

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        ahead = TABLE[min(price_update.sequence + 1, len(TABLE) - 1)]
        return [MarketSignal(price_update.symbol, signal_strength=1.0 if ahead > price_update.last else -1.0)]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
