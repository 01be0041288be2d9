"""Charts of a result as one still picture: SVG that stands by itself, also where nothing runs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from workbench.backtest.charts import drawdown_chart, equity_chart, price_charts, strategies_chart
from workbench.backtest.page_style import PICTURE
from workbench.backtest.svg import WIDTH, Chart, draw
from workbench.cells import Picture

if TYPE_CHECKING:
    from workbench.backtest.result import BacktestResult

__all__ = ["picture", "result_picture"]

_TITLE = 20.0  # room for the name above a chart


def picture(charts: Sequence[Chart]) -> Picture:
    """The charts below each other, each under its name; those without a single time are left out."""
    parts, top = [], 0.0
    for chart in charts:
        drawn = draw(chart)
        if not drawn:
            continue
        place = f'<svg y="{top + _TITLE:g}" width="{WIDTH:g}" height="{chart.height:g}"'
        style = f'x="0" y="{top + 13:g}" font-size="13" font-weight="600" fill="var(--ink)"'
        parts.append(f"<text {style}>{escape(chart.name)}</text>")
        parts.append(drawn.replace("<svg", place, 1))
        top += _TITLE + chart.height + 8
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" class="wb-picture" viewBox="0 0 {WIDTH:g} {top:g}" '
        f'width="100%" role="img" style="max-width:{WIDTH:g}px"><style>{PICTURE}</style>{"".join(parts)}</svg>'
    )


def result_picture(result: BacktestResult, *, prices: bool = True) -> Picture:
    """Equity and drawdown, P&L of each of several strategies, and the prices with the fills where they are few."""
    charts = [equity_chart(result), drawdown_chart(result)]
    if len(result.strategies) > 1:
        charts.append(strategies_chart(result))
    if prices:
        charts += price_charts(result)
    return picture(charts)
