"""What a strategy script imports, and how scripts are found and loaded."""

from workbench.core.messages import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.strategy.contract import TradingStrategy

__all__ = ["MarketSignal", "OrderFill", "PriceUpdate", "RiskBreach", "TradingStrategy"]
