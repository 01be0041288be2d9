"""Risk of returns and books.  Nothing is loaded before it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from workbench.risk.book import hypothetical_pnl
    from workbench.risk.components import VarComponents, component_var, marginal_var
    from workbench.risk.cornish_fisher import (
        CornishFisherWarning,
        cornish_fisher_domain,
        cornish_fisher_quantile,
    )
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
    from workbench.risk.forecasts import rolling_var
    from workbench.risk.garch import Garch, GarchFit, fit_garch
    from workbench.risk.var import TailRisk, expected_shortfall, tail_risk, value_at_risk

__all__ = [
    "CornishFisherWarning",
    "CoverageTest",
    "Garch",
    "GarchFit",
    "TailRisk",
    "TrafficLight",
    "VarBacktest",
    "VarComponents",
    "christoffersen_conditional_coverage",
    "christoffersen_independence",
    "component_var",
    "cornish_fisher_domain",
    "cornish_fisher_quantile",
    "expected_shortfall",
    "fit_garch",
    "hypothetical_pnl",
    "kupiec_pof",
    "marginal_var",
    "rolling_var",
    "tail_risk",
    "traffic_light",
    "value_at_risk",
    "var_backtest",
]

# Module by module: what each offers here.
_MODULES: Final = {
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


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__]
