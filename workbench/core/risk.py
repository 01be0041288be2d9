"""Risk controls for people and adapters: questions before a trade, monitors after it.

The rules themselves are in `risk_rules` and `breakers`; every runner calls those, and so do these.
"""

from workbench.core.check_results import CheckResult, FailedCheck, Order, RiskCheckResult
from workbench.core.codes import AlertSeverity
from workbench.core.messages import RiskAlert, RiskBreach
from workbench.core.portfolio import Holding, Portfolio, StrategyState, portfolio_var
from workbench.core.post_trade import (
    ConcentrationMonitor,
    CorrelationMonitor,
    DrawdownMonitor,
    PortfolioMonitor,
    PostTradeRisk,
    VARCalculator,
)
from workbench.core.pre_trade import PreTradeRisk, limits_of

__all__ = [
    "AlertSeverity",
    "CheckResult",
    "ConcentrationMonitor",
    "CorrelationMonitor",
    "DrawdownMonitor",
    "FailedCheck",
    "Holding",
    "Order",
    "Portfolio",
    "PortfolioMonitor",
    "PostTradeRisk",
    "PreTradeRisk",
    "RiskAlert",
    "RiskBreach",
    "RiskCheckResult",
    "StrategyState",
    "VARCalculator",
    "limits_of",
    "portfolio_var",
]
