"""Research workbench and live trading engine on one rulebook: `import workbench as wb`.

Nothing is loaded before it is used: importing this takes milliseconds and brings in neither pandas nor numba.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from workbench import dashboards, errors, performance, risk
    from workbench.backtest.api import backtest
    from workbench.backtest.chaos_backtest import ChaosBacktester
    from workbench.backtest.incident import replay
    from workbench.backtest.performance import StrategyPerformance
    from workbench.backtest.result import BacktestResult
    from workbench.certify.certification import Certification, certify
    from workbench.certify.markets import house_market
    from workbench.certify.tester import StrategyTester
    from workbench.chaos.events import ChaosEvent
    from workbench.chaos.triggered import triggered_strategies
    from workbench.client import AsyncEngineClient, EngineClient, start_engine
    from workbench.configuration.limits import load_limits
    from workbench.core.costs import Costs
    from workbench.core.limits import RiskLimits
    from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate, RiskBreach
    from workbench.data.catalog import load, merge
    from workbench.data.prices import Prices
    from workbench.data.samples import samples
    from workbench.data.synthetic import synthetic
    from workbench.notebook.explorer import explore
    from workbench.promote.api import promote
    from workbench.reconcile.api import reconcile
    from workbench.reporting.content.tearsheet import tearsheet
    from workbench.strategy.compiled import CompiledStrategy
    from workbench.strategy.contract import TradingStrategy
    from workbench.strategy.loader import load_strategy
    from workbench.strategy.vector import from_signals
    from workbench.sweeps.api import sweep
    from workbench.sweeps.campaign import campaign
    from workbench.sweeps.campaign_result import CampaignResult
    from workbench.sweeps.optimize import optimize
    from workbench.sweeps.optimize_result import OptimizeResult
    from workbench.sweeps.result import SweepResult

__all__ = [
    "AsyncEngineClient",
    "BacktestResult",
    "CampaignResult",
    "Certification",
    "ChaosBacktester",
    "ChaosEvent",
    "CompiledStrategy",
    "Costs",
    "EngineClient",
    "Instrument",
    "MarketSignal",
    "OptimizeResult",
    "OrderFill",
    "PriceUpdate",
    "Prices",
    "RiskBreach",
    "RiskLimits",
    "StrategyPerformance",
    "StrategyTester",
    "SweepResult",
    "TradingStrategy",
    "backtest",
    "campaign",
    "certify",
    "dashboards",
    "errors",
    "explore",
    "from_signals",
    "house_market",
    "load",
    "load_ipython_extension",
    "load_limits",
    "load_strategy",
    "merge",
    "optimize",
    "performance",
    "promote",
    "reconcile",
    "replay",
    "risk",
    "samples",
    "start_engine",
    "sweep",
    "synthetic",
    "tearsheet",
    "triggered_strategies",
]

__version__ = "0.1.0"

_HOME: Final = {
    "AsyncEngineClient": "client",
    "BacktestResult": "backtest.result",
    "CampaignResult": "sweeps.campaign_result",
    "Certification": "certify.certification",
    "ChaosBacktester": "backtest.chaos_backtest",
    "ChaosEvent": "chaos.events",
    "CompiledStrategy": "strategy.compiled",
    "Costs": "core.costs",
    "EngineClient": "client",
    "Instrument": "core.messages",
    "MarketSignal": "core.messages",
    "OrderFill": "core.messages",
    "PriceUpdate": "core.messages",
    "Prices": "data.prices",
    "RiskBreach": "core.messages",
    "RiskLimits": "core.limits",
    "StrategyPerformance": "backtest.performance",
    "StrategyTester": "certify.tester",
    "SweepResult": "sweeps.result",
    "TradingStrategy": "strategy.contract",
    "campaign": "sweeps.campaign",
    "explore": "notebook.explorer",
    "from_signals": "strategy.vector",
    "house_market": "certify.markets",
    "OptimizeResult": "sweeps.optimize_result",
    "optimize": "sweeps.optimize",
    "load": "data.catalog",
    "load_limits": "configuration.limits",
    "load_strategy": "strategy.loader",
    "merge": "data.catalog",
    "replay": "backtest.incident",
    "samples": "data.samples",
    "start_engine": "client.local",
    "sweep": "sweeps.api",
    "tearsheet": "reporting.content.tearsheet",
    "synthetic": "data.synthetic",
    "triggered_strategies": "chaos.triggered",
}
_MODULES: Final = (
    "backtest",
    "certify",
    "dashboards",
    "errors",
    "performance",
    "promote",
    "reconcile",
    "risk",
)  # the packages `backtest`, `certify`, `promote` and `reconcile` are functions, see there


def __getattr__(name: str) -> object:
    if name in _MODULES:
        _offer_accessor()
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    _offer_accessor()
    return value


def _offer_accessor() -> None:
    """Give pandas objects their `.wb`, once pandas is there; it is not loaded for that."""
    if "pandas" in sys.modules:
        import_module(f"{__name__}.performance.accessor")


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """`%load_ext workbench`: magics, errors in one box, and `.wb` of pandas objects, whatever was imported first."""
    import_module(f"{__name__}.performance.accessor")
    import_module(f"{__name__}.notebook.extension").load(ipython)


_offer_accessor()


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
