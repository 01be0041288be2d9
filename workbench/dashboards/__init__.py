"""Panel applications: research lab, chaos lab, risk desk, strategy desk, reports.

`workbench dashboard` serves them to a browser.  In a notebook each is shown below its cell:

    wb.dashboards.research_lab()
    wb.dashboards.risk_desk("http://localhost:8083")
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panel.viewable import Viewable

__all__ = ["chaos_lab", "reports", "research_lab", "risk_desk", "strategy_desk"]


def research_lab(folder: str | Path | None = None) -> Viewable:
    """Sweeps: choose prices, strategy and grid, look into any cell, compare.  folder: where relative paths start."""
    return _shown("research", folder=folder)


def chaos_lab(folder: str | Path | None = None) -> Viewable:
    """Faults thrown at a strategy, the worst case replayed, limits before and after.  folder: as `research_lab`."""
    return _shown("chaos", folder=folder)


def risk_desk(engine: str | None = None) -> Viewable:
    """What a live engine holds, risks and does.  engine: its address; None for the one on this machine."""
    return _shown("risk", engine=engine)


def strategy_desk(engine: str | None = None) -> Viewable:
    """Start, stop, swap and watch strategies on a live engine.  engine: its address; None for that on this machine."""
    return _shown("strategies", engine=engine)


def reports(folder: str | Path | None = None) -> Viewable:
    """What the report runner has kept in `folder`/reports/output; None for the current folder."""
    return _shown("reports", folder=folder)


def _shown(name: str, *, engine: str | None = None, folder: str | Path | None = None) -> Viewable:
    import panel as pn

    from workbench.dashboards.apps import Session, app_named
    from workbench.dashboards.look import Look, start_panel

    if "ipykernel" in sys.modules and pn.state.curdoc is None:
        start_panel(notebook=True)
    viewable = app_named(name).view(Session(engine, Path(folder or Path.cwd())))
    return pn.Column(viewable, sizing_mode="stretch_width", margin=0, design=Look)
