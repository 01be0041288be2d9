"""Plots of curves, returns, trades, risk and sweeps, with HoloViews and bokeh (surfaces with plotly).

All of it takes Series and DataFrames, and knows nothing of backtests.  Nothing is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.lazy import on_demand

if TYPE_CHECKING:
    from workbench.plotting.correlation import correlation_heatmap
    from workbench.plotting.equity import equity_drawdown
    from workbench.plotting.exceedances import var_exceedances
    from workbench.plotting.months import monthly_returns
    from workbench.plotting.rolling import rolling_risk
    from workbench.plotting.sweeps import heatmap, surface, survival_surface
    from workbench.plotting.trades import trades_on_price

__all__ = [
    "correlation_heatmap",
    "equity_drawdown",
    "heatmap",
    "monthly_returns",
    "rolling_risk",
    "surface",
    "survival_surface",
    "trades_on_price",
    "var_exceedances",
]

_HOME: Final = {
    "correlation_heatmap": "correlation",
    "equity_drawdown": "equity",
    "heatmap": "sweeps",
    "monthly_returns": "months",
    "rolling_risk": "rolling",
    "surface": "sweeps",
    "survival_surface": "sweeps",
    "trades_on_price": "trades",
    "var_exceedances": "exceedances",
}

__getattr__, __dir__ = on_demand(__name__, _HOME, __all__)
