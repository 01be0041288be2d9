"""What a strategy script imports, and how scripts are found and loaded.

`CompiledStrategy` is loaded when it is asked for: it brings in the compiler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.core.messages import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.lazy import on_demand
from workbench.strategy.contract import TradingStrategy

if TYPE_CHECKING:
    from workbench.strategy.compiled import CompiledStrategy

__all__ = ["CompiledStrategy", "MarketSignal", "OrderFill", "PriceUpdate", "RiskBreach", "TradingStrategy"]

_HOME: Final = {"CompiledStrategy": "compiled"}

__getattr__, __dir__ = on_demand(__name__, _HOME, __all__)
