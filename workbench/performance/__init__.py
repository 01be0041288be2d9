"""Performance: figures of returns, of equity curves and trades, and how far they can be trusted.

All of it takes Series, DataFrames and arrays, and knows nothing of backtests.  Nothing is loaded before it is used.
`import workbench.performance.accessor` adds `.wb` to Series and DataFrames.  `drawdown.drawdown` and `summary.summary`
are had from their modules: a function of the same name here would hide the module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from workbench.performance.attribution import attribute_pnl
    from workbench.performance.benchmark import (
        alpha,
        appraisal_ratio,
        beta,
        capture_ratio,
        correlation,
        down_capture,
        information_ratio,
        jensen_alpha,
        m_squared,
        specific_risk,
        systematic_risk,
        tracking_error,
        treynor_ratio,
        up_capture,
    )
    from workbench.performance.calendar import infer_periods_per_year
    from workbench.performance.distribution import kurtosis, skewness, stability, tail_ratio
    from workbench.performance.drawdown import (
        average_drawdown,
        burke_ratio,
        calmar_ratio,
        longest_drawdown,
        martin_ratio,
        max_drawdown,
        pain_index,
        pain_ratio,
        sterling_ratio,
        ulcer_index,
    )
    from workbench.performance.equity import Curve, curve_figures
    from workbench.performance.outcomes import (
        d_ratio,
        downside_potential,
        expectancy,
        kappa_ratio,
        omega_ratio,
        omega_sharpe_ratio,
        payoff_ratio,
        profit_factor,
        upside_potential,
        upside_potential_ratio,
        upside_risk,
        volatility_skewness,
        win_rate,
    )
    from workbench.performance.overfitting import Overfitting, probability_of_backtest_overfitting
    from workbench.performance.returns import (
        cagr,
        downside_deviation,
        sharpe_ratio,
        sortino_ratio,
        total_return,
        volatility,
    )
    from workbench.performance.rolling import rolling_sharpe, rolling_sortino, rolling_volatility
    from workbench.performance.sharpe import (
        SharpeEstimate,
        estimate_sharpe,
        minimum_track_record_length,
        per_period,
        probabilistic_sharpe_ratio,
    )
    from workbench.performance.shortfall import fill_costs, order_shortfall
    from workbench.performance.splitters import CombinatorialPurgedCV, PurgedKFold, WalkForward
    from workbench.performance.tables import drawdown_table, monthly_returns
    from workbench.performance.trades import TradeFigures, trade_figures
    from workbench.performance.trading_record import TradingRecord, feed_marks
    from workbench.performance.trials import (
        Trials,
        deflated_sharpe_ratio,
        effective_number_of_trials,
        expected_maximum_sharpe,
        minimum_backtest_length,
        summarise_trials,
    )

__all__ = [
    "CombinatorialPurgedCV",
    "Curve",
    "Overfitting",
    "PurgedKFold",
    "SharpeEstimate",
    "TradeFigures",
    "TradingRecord",
    "Trials",
    "WalkForward",
    "alpha",
    "appraisal_ratio",
    "attribute_pnl",
    "average_drawdown",
    "beta",
    "burke_ratio",
    "cagr",
    "calmar_ratio",
    "capture_ratio",
    "correlation",
    "curve_figures",
    "d_ratio",
    "deflated_sharpe_ratio",
    "down_capture",
    "downside_deviation",
    "downside_potential",
    "drawdown_table",
    "effective_number_of_trials",
    "estimate_sharpe",
    "expectancy",
    "expected_maximum_sharpe",
    "feed_marks",
    "fill_costs",
    "infer_periods_per_year",
    "information_ratio",
    "jensen_alpha",
    "kappa_ratio",
    "kurtosis",
    "longest_drawdown",
    "m_squared",
    "martin_ratio",
    "max_drawdown",
    "minimum_backtest_length",
    "minimum_track_record_length",
    "monthly_returns",
    "omega_ratio",
    "omega_sharpe_ratio",
    "order_shortfall",
    "pain_index",
    "pain_ratio",
    "payoff_ratio",
    "per_period",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
    "profit_factor",
    "rolling_sharpe",
    "rolling_sortino",
    "rolling_volatility",
    "sharpe_ratio",
    "skewness",
    "sortino_ratio",
    "specific_risk",
    "stability",
    "sterling_ratio",
    "summarise_trials",
    "systematic_risk",
    "tail_ratio",
    "total_return",
    "tracking_error",
    "trade_figures",
    "treynor_ratio",
    "ulcer_index",
    "up_capture",
    "upside_potential",
    "upside_potential_ratio",
    "upside_risk",
    "volatility",
    "volatility_skewness",
    "win_rate",
]

_HOME: Final = {
    "attribute_pnl": "attribution",
    "fill_costs": "shortfall",
    "order_shortfall": "shortfall",
    "TradingRecord": "trading_record",
    "feed_marks": "trading_record",
    "CombinatorialPurgedCV": "splitters",
    "Curve": "equity",
    "Overfitting": "overfitting",
    "PurgedKFold": "splitters",
    "SharpeEstimate": "sharpe",
    "TradeFigures": "trades",
    "Trials": "trials",
    "WalkForward": "splitters",
    "alpha": "benchmark",
    "appraisal_ratio": "benchmark",
    "average_drawdown": "drawdown",
    "beta": "benchmark",
    "burke_ratio": "drawdown",
    "cagr": "returns",
    "calmar_ratio": "drawdown",
    "capture_ratio": "benchmark",
    "correlation": "benchmark",
    "curve_figures": "equity",
    "d_ratio": "outcomes",
    "deflated_sharpe_ratio": "trials",
    "down_capture": "benchmark",
    "downside_deviation": "returns",
    "downside_potential": "outcomes",
    "drawdown_table": "tables",
    "effective_number_of_trials": "trials",
    "estimate_sharpe": "sharpe",
    "expectancy": "outcomes",
    "expected_maximum_sharpe": "trials",
    "infer_periods_per_year": "calendar",
    "information_ratio": "benchmark",
    "jensen_alpha": "benchmark",
    "kappa_ratio": "outcomes",
    "kurtosis": "distribution",
    "longest_drawdown": "drawdown",
    "m_squared": "benchmark",
    "martin_ratio": "drawdown",
    "max_drawdown": "drawdown",
    "minimum_backtest_length": "trials",
    "minimum_track_record_length": "sharpe",
    "monthly_returns": "tables",
    "omega_ratio": "outcomes",
    "omega_sharpe_ratio": "outcomes",
    "pain_index": "drawdown",
    "pain_ratio": "drawdown",
    "payoff_ratio": "outcomes",
    "per_period": "sharpe",
    "probabilistic_sharpe_ratio": "sharpe",
    "probability_of_backtest_overfitting": "overfitting",
    "profit_factor": "outcomes",
    "rolling_sharpe": "rolling",
    "rolling_sortino": "rolling",
    "rolling_volatility": "rolling",
    "sharpe_ratio": "returns",
    "skewness": "distribution",
    "sortino_ratio": "returns",
    "specific_risk": "benchmark",
    "stability": "distribution",
    "sterling_ratio": "drawdown",
    "summarise_trials": "trials",
    "systematic_risk": "benchmark",
    "tail_ratio": "distribution",
    "total_return": "returns",
    "tracking_error": "benchmark",
    "trade_figures": "trades",
    "treynor_ratio": "benchmark",
    "ulcer_index": "drawdown",
    "up_capture": "benchmark",
    "upside_potential": "outcomes",
    "upside_potential_ratio": "outcomes",
    "upside_risk": "outcomes",
    "volatility": "returns",
    "volatility_skewness": "outcomes",
    "win_rate": "outcomes",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
