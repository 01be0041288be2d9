"""Research workbench and live trading engine on one rulebook: `import workbench as wb`.

Nothing is loaded before it is used: importing this takes milliseconds and brings in neither pandas nor numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from workbench import errors
    from workbench.backtest.api import backtest
    from workbench.backtest.chaos_backtest import ChaosBacktester
    from workbench.backtest.performance import StrategyPerformance
    from workbench.backtest.result import BacktestResult
    from workbench.chaos.events import ChaosEvent
    from workbench.chaos.triggered import triggered_strategies
    from workbench.configuration.limits import load_limits
    from workbench.core.costs import Costs
    from workbench.core.limits import RiskLimits
    from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate, RiskBreach
    from workbench.data.catalog import load, merge
    from workbench.data.prices import Prices
    from workbench.data.samples import samples
    from workbench.data.synthetic import synthetic
    from workbench.strategy.contract import TradingStrategy
    from workbench.strategy.loader import load_strategy

__all__ = [
    "BacktestResult",
    "ChaosBacktester",
    "ChaosEvent",
    "Costs",
    "Instrument",
    "MarketSignal",
    "OrderFill",
    "PriceUpdate",
    "Prices",
    "RiskBreach",
    "RiskLimits",
    "StrategyPerformance",
    "TradingStrategy",
    "backtest",
    "errors",
    "load",
    "load_limits",
    "load_strategy",
    "merge",
    "samples",
    "synthetic",
    "triggered_strategies",
]

__version__ = "0.1.0"

_HOME: Final = {
    "BacktestResult": "backtest.result",
    "ChaosBacktester": "backtest.chaos_backtest",
    "ChaosEvent": "chaos.events",
    "Costs": "core.costs",
    "Instrument": "core.messages",
    "MarketSignal": "core.messages",
    "OrderFill": "core.messages",
    "PriceUpdate": "core.messages",
    "Prices": "data.prices",
    "RiskBreach": "core.messages",
    "RiskLimits": "core.limits",
    "StrategyPerformance": "backtest.performance",
    "TradingStrategy": "strategy.contract",
    "load": "data.catalog",
    "load_limits": "configuration.limits",
    "load_strategy": "strategy.loader",
    "merge": "data.catalog",
    "samples": "data.samples",
    "synthetic": "data.synthetic",
    "triggered_strategies": "chaos.triggered",
}
_MODULES: Final = ("backtest", "errors")  # the package `backtest` is the function, see there


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
