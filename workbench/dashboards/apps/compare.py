"""Several runs in one plot."""

from __future__ import annotations

import html
from itertools import cycle
from typing import Any, Final

import pandas as pd
import panel as pn

from workbench.backtest.statistics import show
from workbench.dashboards.parts import html_part, words
from workbench.plotting.curves import line, number_form, read_curve
from workbench.plotting.style import LINES, overlay, size_of

__all__ = ["figures_table", "growth_plot"]

_DASHES: Final = ("solid", "dashed", "dotted", "dotdash", "dashdot")


def growth_plot(growth: pd.DataFrame) -> Any:
    """Curves of growth, told apart by colour and dash.  growth: a column for each, NaN where it has no value."""
    # A single line needs no legend; HoloViews would make it a title.
    looks = zip(growth, cycle(LINES), cycle(_DASHES), strict=False)
    curves = [
        line(
            read_curve(growth[name].dropna().rename("growth"), "growth"),
            "growth",
            "0,0.0000",
            colour=colour,
            label=str(name),
            line_dash=dash,
        )
        for name, colour, dash in looks
    ]
    return overlay(
        curves,
        size_of(900, 280, True).options(),
        ylabel="growth of 1",
        yformatter=number_form("0,0.00[0]"),
        xlabel="",
        title="",
    )


def figures_table(figures: pd.DataFrame) -> pn.pane.HTML:
    """Figures down, runs across."""
    head = "".join(f'<th scope="col" class="number">{html.escape(str(name))}</th>' for name in figures)
    rows = "".join(
        f'<tr><th scope="row">{words(str(name))}</th>'
        + "".join(f'<td class="number">{html.escape(show(str(name), value))}</td>' for value in row)
        + "</tr>"
        for name, row in zip(figures.index, figures.to_numpy(dtype=object).tolist(), strict=True)
    )
    return html_part(
        f'<div class="scroll"><table><thead><tr><td></td>{head}</tr></thead>{rows}</table></div>'
    )
