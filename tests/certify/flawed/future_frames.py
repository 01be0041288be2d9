"""Flaw: it looks for the next price in the frames of whoever calls it."""

from __future__ import annotations

import sys
from types import FrameType

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class Informed(TradingStrategy):
    SIZING = "target"

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and "quotes" not in frame.f_locals:
            frame = frame.f_back
        if frame is None or price_update.sequence + 1 >= len(frame.f_locals["quotes"]):
            return []
        ahead = frame.f_locals["quotes"][price_update.sequence + 1][2]
        return [MarketSignal(price_update.symbol, signal_strength=1.0 if ahead > price_update.last else -1.0)]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
