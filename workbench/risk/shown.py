"""How risk figures show themselves in a notebook cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.cells import AMBER, GREEN, RED, Html, cell, figure, figures, frame_table, ink, sparkline

if TYPE_CHECKING:
    from workbench.risk.components import VarComponents
    from workbench.risk.coverage import VarBacktest
    from workbench.risk.scenarios import ScenarioPnl
    from workbench.risk.var import TailRisk

__all__ = ["components_cell", "coverage_cell", "scenario_cell", "tail_cell"]

_ZONES: Final = {"green": GREEN, "yellow": AMBER, "red": RED}


def tail_cell(risk: TailRisk) -> str:
    """Both figures, and what they rest on."""
    about = f"{risk.method}, over {risk.horizon} periods, out of {risk.observations:,} outcomes"
    pairs = [("value at risk", _amount(risk.var)), ("expected shortfall", _amount(risk.cvar))]
    return cell(f"Tail risk at {risk.confidence:g}", about, figures(pairs, columns=1))


def components_cell(parts: VarComponents) -> str:
    """The whole, then who brings it."""
    about = f"{parts.method}, over {parts.horizon} periods, out of {parts.observations:,} outcomes"
    tables = [frame_table(parts.instruments, "by instrument")]
    if len(parts.strategies) > 1:
        tables.append(frame_table(parts.strategies, "by strategy"))
    return cell(f"Value at risk {_amount(parts.var)} at {parts.confidence:g}", about, *tables)


def coverage_cell(test: VarBacktest) -> str:
    """Exceedances against what was to be expected, Basel's zone in its colour, and the three tests."""
    zone = test.basel.zone
    light = Html(f'<b style="{ink(_ZONES[zone])}">{zone}</b>')
    pairs = [
        ("exceedances", f"{test.exceptions:,}"),
        ("expected", f"{test.expected:,.1f}"),
        ("share", f"{test.rate:.2%}"),
        ("Basel's zone, last 250", light),
    ]
    bunches = np.asarray(test.exceedances, dtype=np.float64)
    about = f"{test.observations:,} forecasts; below, when they were exceeded"
    return cell(
        f"Value at risk at {test.confidence:g}, looked back on",
        about,
        sparkline(bunches, 0.0, RED, 320, 18),
        figures(pairs, columns=2),
        frame_table(test.table),
    )


def scenario_cell(scenario: ScenarioPnl) -> str:
    """The path of the P&L, and its worst moments."""
    summary = scenario.summary()
    pairs = [(str(name).replace("_", " "), _text(value)) for name, value in summary.items()]
    return cell(
        f"Today's book in {scenario.name}",
        f"{scenario.start:%Y-%m-%d} to {scenario.end:%Y-%m-%d}",
        sparkline(scenario.path, 0.0, RED if summary["pnl"] < 0.0 else GREEN, 220, 32),
        figures(pairs, columns=2),
    )


def _amount(value: float) -> str:
    """A share of what is held, or quote currency: which, the size says."""
    return f"{value:.2%}" if abs(value) < 1.0 else f"{value:,.0f}"


def _text(value: Any) -> str:
    return figure(value)
