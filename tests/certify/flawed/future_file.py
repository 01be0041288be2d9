"""Flaw: it reads the file of the prices itself."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class Informed(TradingStrategy):
    SIZING = "target"
    PARAMETERS: ClassVar = {"file": ""}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        lines = Path(self.config["file"]).read_text(encoding="utf-8").splitlines()
        self.rising = "".join("+" if float(b) > float(a) else "-" for a, b in pairwise(lines))

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        side = 1.0 if self.rising[min(price_update.sequence, len(self.rising) - 1)] == "+" else -1.0
        return [MarketSignal(price_update.symbol, signal_strength=side)]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass
