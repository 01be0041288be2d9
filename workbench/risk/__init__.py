"""Risk of returns and books.  Nothing is loaded before it is used.

`concentration.concentration` and `scenarios.crises` are had from their modules: a function of the same name here would
hide a module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.lazy import on_demand

if TYPE_CHECKING:
    from workbench.risk.book import hypothetical_pnl
    from workbench.risk.components import VarComponents, component_var, marginal_var
    from workbench.risk.concentration import (
        concentration_table,
        diversification_ratio,
        effective_bets,
        effective_number,
        hhi,
    )
    from workbench.risk.cornish_fisher import (
        CornishFisherWarning,
        cornish_fisher_domain,
        cornish_fisher_quantile,
    )
    from workbench.risk.correlations import correlation_stress, nearest_correlation, stressed_correlation
    from workbench.risk.coverage import (
        CoverageTest,
        TrafficLight,
        VarBacktest,
        christoffersen_conditional_coverage,
        christoffersen_independence,
        kupiec_pof,
        traffic_light,
        var_backtest,
    )
    from workbench.risk.crises import CRISES, Crisis
    from workbench.risk.cross_venue import aligned_closes, gap_spells, gap_table, venue_gaps, widest_gap
    from workbench.risk.drawdown import conditional_drawdown, time_under_water, underwater
    from workbench.risk.factors import (
        FactorModel,
        conditional_shocks,
        factor_exposures,
        factor_loadings,
        factor_risk,
        factor_stress,
    )
    from workbench.risk.forecasts import rolling_var
    from workbench.risk.garch import Garch, GarchFit, fit_garch
    from workbench.risk.liquidation import (
        LIQUIDITY_BUCKETS,
        liquidation_profile,
        liquidation_risk,
        liquidity_buckets,
    )
    from workbench.risk.liquidity import (
        LiquidityBook,
        average_daily_volume,
        liquidity_adjusted_var,
        liquidity_horizon,
    )
    from workbench.risk.rolling import (
        RISKMETRICS_DAILY,
        RISKMETRICS_MONTHLY,
        average_correlation,
        ewma_beta,
        ewma_correlation,
        ewma_covariance,
        ewma_volatility,
        rolling_beta,
        rolling_correlation,
        rolling_volatility,
    )
    from workbench.risk.scenarios import ScenarioPnl, historical_stress, replay_scenario, worst_windows
    from workbench.risk.stress import scaled_volatility, shock_stress, shock_table
    from workbench.risk.var import TailRisk, expected_shortfall, tail_risk, value_at_risk

__all__ = [
    "CRISES",
    "LIQUIDITY_BUCKETS",
    "RISKMETRICS_DAILY",
    "RISKMETRICS_MONTHLY",
    "CornishFisherWarning",
    "CoverageTest",
    "Crisis",
    "FactorModel",
    "Garch",
    "GarchFit",
    "LiquidityBook",
    "ScenarioPnl",
    "TailRisk",
    "TrafficLight",
    "VarBacktest",
    "VarComponents",
    "aligned_closes",
    "average_correlation",
    "average_daily_volume",
    "christoffersen_conditional_coverage",
    "christoffersen_independence",
    "component_var",
    "concentration_table",
    "conditional_drawdown",
    "conditional_shocks",
    "cornish_fisher_domain",
    "cornish_fisher_quantile",
    "correlation_stress",
    "diversification_ratio",
    "effective_bets",
    "effective_number",
    "ewma_beta",
    "ewma_correlation",
    "ewma_covariance",
    "ewma_volatility",
    "expected_shortfall",
    "factor_exposures",
    "factor_loadings",
    "factor_risk",
    "factor_stress",
    "fit_garch",
    "gap_spells",
    "gap_table",
    "hhi",
    "historical_stress",
    "hypothetical_pnl",
    "kupiec_pof",
    "liquidation_profile",
    "liquidation_risk",
    "liquidity_adjusted_var",
    "liquidity_buckets",
    "liquidity_horizon",
    "marginal_var",
    "nearest_correlation",
    "replay_scenario",
    "rolling_beta",
    "rolling_correlation",
    "rolling_var",
    "rolling_volatility",
    "scaled_volatility",
    "shock_stress",
    "shock_table",
    "stressed_correlation",
    "tail_risk",
    "time_under_water",
    "traffic_light",
    "underwater",
    "value_at_risk",
    "var_backtest",
    "venue_gaps",
    "widest_gap",
    "worst_windows",
]

# Module by module: what each offers here.
_MODULES: Final = {
    "concentration": (
        "concentration_table",
        "diversification_ratio",
        "effective_bets",
        "effective_number",
        "hhi",
    ),
    "correlations": (
        "correlation_stress",
        "nearest_correlation",
        "stressed_correlation",
    ),
    "crises": (
        "CRISES",
        "Crisis",
    ),
    "cross_venue": (
        "aligned_closes",
        "gap_spells",
        "gap_table",
        "venue_gaps",
        "widest_gap",
    ),
    "drawdown": (
        "conditional_drawdown",
        "time_under_water",
        "underwater",
    ),
    "factors": (
        "FactorModel",
        "conditional_shocks",
        "factor_exposures",
        "factor_loadings",
        "factor_risk",
        "factor_stress",
    ),
    "liquidation": (
        "LIQUIDITY_BUCKETS",
        "liquidation_profile",
        "liquidation_risk",
        "liquidity_buckets",
    ),
    "liquidity": (
        "LiquidityBook",
        "average_daily_volume",
        "liquidity_adjusted_var",
        "liquidity_horizon",
    ),
    "rolling": (
        "RISKMETRICS_DAILY",
        "RISKMETRICS_MONTHLY",
        "average_correlation",
        "ewma_beta",
        "ewma_correlation",
        "ewma_covariance",
        "ewma_volatility",
        "rolling_beta",
        "rolling_correlation",
        "rolling_volatility",
    ),
    "scenarios": (
        "CRISES",
        "Crisis",
        "ScenarioPnl",
        "historical_stress",
        "replay_scenario",
        "worst_windows",
    ),
    "stress": (
        "scaled_volatility",
        "shock_stress",
        "shock_table",
    ),
    "book": ("hypothetical_pnl",),
    "components": ("VarComponents", "component_var", "marginal_var"),
    "cornish_fisher": ("CornishFisherWarning", "cornish_fisher_domain", "cornish_fisher_quantile"),
    "coverage": (
        "CoverageTest",
        "TrafficLight",
        "VarBacktest",
        "christoffersen_conditional_coverage",
        "christoffersen_independence",
        "kupiec_pof",
        "traffic_light",
        "var_backtest",
    ),
    "forecasts": ("rolling_var",),
    "garch": ("Garch", "GarchFit", "fit_garch"),
    "var": ("TailRisk", "expected_shortfall", "tail_risk", "value_at_risk"),
}
_HOME: Final = {name: module for module, names in _MODULES.items() for name in names}

__getattr__, __dir__ = on_demand(__name__, _HOME, __all__)
