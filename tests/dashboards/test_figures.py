"""Figures that pages share: drawn once, and models of its own for each."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from bokeh.document import Document
from bokeh.models import ColumnDataSource, CustomJS

from workbench.dashboards.apps.figures import Figure, drawn, figure_of
from workbench.plotting.equity import equity_drawdown


def equity() -> Any:
    days = pd.date_range("2024-01-01", periods=50, tz="UTC")
    return equity_drawdown(pd.Series(np.linspace(100.0, 150.0, 50), index=days))


def columns(model: Any) -> list[tuple[str, list[Any]]]:
    """Numbers of all sources; times as bokeh sends them, milliseconds."""
    found = []
    for source in model.select({"type": ColumnDataSource}):
        for name, values in source.data.items():
            array = np.asarray(values)
            if array.dtype.kind == "M":
                array = array.astype("datetime64[ms]").astype(np.float64)
            found.append((name, array.tolist()))
    return sorted(found)


def test_each_page_gets_models_of_its_own_with_the_same_data() -> None:
    plot = equity()
    figure = Figure(plot)
    one, other = figure.model(), figure.model()
    assert columns(one) == columns(other) == columns(drawn(plot))
    ids = [{model.id for model in shown.references()} for shown in (one, other)]
    assert len(ids[0]) == len(ids[1])
    assert not ids[0] & ids[1]
    page = Document()
    page.add_root(one)
    page.add_root(other)  # both in one page, as two runs beside each other
    assert len(page.roots) == 2
    page.validate()


def test_what_a_script_of_a_figure_acts_on_belongs_to_the_same_page() -> None:
    shown = Figure(equity()).model()
    own = shown.references()
    scripts = list(shown.select({"type": CustomJS}))
    assert all(value in own for script in scripts for value in script.args.values() if hasattr(value, "id"))


def test_a_figure_is_drawn_once_for_all_that_show_the_same() -> None:
    plots = count()

    def make() -> Any:
        next(plots)
        return equity()

    key = object()
    assert figure_of(key, make) is figure_of(key, make)
    assert next(plots) == 1
