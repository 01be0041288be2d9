"""Risk as it moves: volatility, Sharpe ratio and, beside a benchmark, beta over a rolling window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import DataError
from workbench.performance.benchmark import beta
from workbench.performance.returns import sharpe_ratio, volatility
from workbench.performance.rolling import rolling_sharpe, rolling_volatility
from workbench.plotting.curves import TIME_LABEL, line, number_form, read_curve
from workbench.plotting.marks import Windows, window_spans
from workbench.plotting.style import GREY, LINES, WIDTH, overlay, size_of, stack
from workbench.risk.rolling import rolling_beta

if TYPE_CHECKING:
    import holoviews as hv

__all__ = ["rolling_risk"]

type Window = int | str | pd.Timedelta

_HEIGHT: Final = 170


def rolling_risk(
    returns: pd.Series[float],
    window: Window,
    periods_per_year: float,
    *,
    benchmark: pd.Series[float] | None = None,
    risk_free: float = 0.0,
    windows: Windows | None = None,
    width: int = WIDTH,
    height: int = _HEIGHT,
    title: str | None = None,
    responsive: bool = False,
) -> hv.Layout:
    """Volatility above Sharpe ratio (above beta), each with its figure over all returns as a dashed line.

    returns: simple, per period, by time.  window: a number of returns, or a span of time such as "90D"; nothing is
    drawn before the first window is full.  benchmark: returns that beta is measured against.  risk_free: rate per
    period.  windows: spans to be hatched.  height: pixels of each plot.
    Raises DataError where the returns are shorter than the window, otherwise as `performance.rolling_sharpe`.
    """
    size = size_of(width, height, responsive)
    panels = _panels(read_curve(returns, "returns"), window, periods_per_year, benchmark, risk_free)
    spans = window_spans(windows)
    shown = (
        f"Rolling risk over {window} returns" if isinstance(window, int) else f"Rolling risk over {window}"
    )
    plots: list[Any] = []
    for panel, colour in zip(panels, LINES, strict=False):
        name = panel.name
        own = line(panel.curve.rename(name), name, panel.form, colour=colour, label=f"rolling {name}")
        plots.append(
            overlay(
                [*spans, *_level(panel), own],
                size.options(),
                title=(shown if title is None else title) if not plots else "",
                ylabel=panel.label,
                yformatter=number_form(panel.form),
                xlabel="" if len(plots) < len(panels) - 1 else TIME_LABEL,
            )
        )
    layout: hv.Layout = stack(plots)
    return layout


class _Panel(NamedTuple):
    """name: of the figure.  label: of the axis.  curve: by time.  whole: the figure over all returns."""

    name: str
    label: str
    form: str
    curve: pd.Series[float]
    whole: float


def _panels(
    series: pd.Series[float],
    window: Window,
    per_year: float,
    benchmark: pd.Series[float] | None,
    risk_free: float,
) -> list[_Panel]:
    found = [
        _Panel(
            "volatility",
            "volatility (p.a.)",
            "0.0[000]%",
            rolling_volatility(series, window, periods_per_year=per_year),
            volatility(series, periods_per_year=per_year),
        ),
        _Panel(
            "sharpe_ratio",
            "Sharpe ratio (p.a.)",
            "0.00",
            rolling_sharpe(series, window, periods_per_year=per_year, risk_free=risk_free),
            sharpe_ratio(series, periods_per_year=per_year, risk_free=risk_free),
        ),
    ]
    if benchmark is not None:
        market = read_curve(benchmark, "benchmark")
        rolled = rolling_beta(series, market, window)
        found.append(_Panel("beta", "beta", "0.00", rolled, beta(series, market)))
    full = _full(series, window)
    if not any(panel.curve[full].notna().any() for panel in found):
        raise DataError(
            f"returns: expected some beyond the window of {window}, found {len(series)} that span "
            f"{series.index[-1] - series.index[0]}; take a shorter window"
        )
    return [panel._replace(curve=panel.curve.where(full)) for panel in found]


def _full(series: pd.Series[float], window: Window) -> npt.NDArray[np.bool_]:
    """Where the window is full: a span of time reaches back to the first return."""
    if isinstance(window, int | np.integer):
        return np.ones(len(series), dtype=np.bool_)
    return np.asarray(series.index >= series.index[0] + pd.Timedelta(window))


def _level(panel: _Panel) -> list[Any]:
    """The figure over all returns, as a dashed line that the legend puts a number to."""
    if not np.isfinite(panel.whole):
        return []
    text = f"{panel.whole:.1%}" if "%" in panel.form else f"{panel.whole:.2f}"
    ends = pd.Series(panel.whole, index=panel.curve.index[[0, -1]], name=panel.name)
    label = f"all returns: {text}"
    return [line(ends, panel.name, panel.form, colour=GREY, label=label, line_dash="dashed")]
