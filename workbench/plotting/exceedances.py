"""Returns against the value at risk that was forecast for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from workbench.plotting.curves import BUCKETS, TIME_LABEL, line, number_form, read_curve, thin
from workbench.plotting.marks import Windows, window_spans
from workbench.plotting.style import AMBER, BLUE, GREY, RED, WIDTH, load, overlay, size_of, styled
from workbench.risk.coverage import VarBacktest, var_backtest

if TYPE_CHECKING:
    import holoviews as hv

__all__ = ["var_exceedances"]

_HEIGHT: Final = 380
_FEW: Final = 300  # exceedances that are marked large
_MOST_POINTS: Final = 10_000


def var_exceedances(
    returns: pd.Series[float],
    forecasts: pd.DataFrame | pd.Series[float],
    confidence: float = 0.99,
    *,
    unit: str = "%",
    windows: Windows | None = None,
    width: int = WIDTH,
    height: int = _HEIGHT,
    title: str | None = None,
    responsive: bool = False,
) -> hv.Overlay:
    """Returns as points, the band that the forecasts allow them, and each loss beyond it marked by a diamond.

    returns: returns (unit "%"), or profit and loss (unit: its currency), by time.  forecasts: value at risk as positive
    losses by the time that they are for: a frame of `risk.rolling_var`, whose cvar is drawn as well, or a Series.
    confidence: of the forecasts; the title says how many exceedances were to be expected, what Kupiec's test makes of
    the difference, and the zone of Basel's traffic light.  Very many returns are a line; each exceedance is
    marked.  Raises as `risk.var_backtest`.
    """
    size = size_of(width, height, responsive).options()
    found = var_backtest(returns, forecasts, confidence)
    table = forecasts if isinstance(forecasts, pd.DataFrame) else forecasts.to_frame("var")
    outcomes = read_curve(returns.loc[table.index], "return")
    limits = {name: read_curve(-table[name], name) for name in ("var", "cvar") if name in table}
    form = "0.00%" if unit == "%" else "0,0.00"
    level = f"{found.confidence:.4g}"
    layers = [
        *window_spans(windows),
        _band(limits["var"]),
        _points(outcomes, form),
        line(limits["var"], "return", form, colour=BLUE, label=f"-VaR {level}"),
    ]
    if "cvar" in limits:
        layers.append(
            line(
                limits["cvar"],
                "return",
                form,
                colour=AMBER,
                label=f"-expected shortfall {level}",
                line_dash="dotted",
            )
        )
    layers += _exceedances(outcomes, limits["var"], found, form)
    plot: hv.Overlay = overlay(
        layers,
        size,
        title=_title(found) if title is None else title,
        xlabel=TIME_LABEL,
        ylabel="return" if unit == "%" else f"profit and loss ({unit})",
        yformatter=number_form("0.0[000]%" if unit == "%" else "0,0"),
    )
    return plot


def _band(limit: pd.Series[float]) -> Any:
    """What a loss may be without being an exceedance."""
    values = np.asarray(limit, dtype=np.float64)
    kept = thin(values, BUCKETS)
    shape = load().Area((limit.index[kept], values[kept]), "time", "return")
    return styled(shape, fill_color=BLUE, fill_alpha=0.13, line_alpha=0.0)


def _points(outcomes: pd.Series[float], form: str) -> Any:
    """Returns as points; of very many, which would be thinned to their extremes, as a line."""
    if len(outcomes) > _MOST_POINTS:
        return line(outcomes, "return", form, colour=GREY, label="return")
    values = np.asarray(outcomes, dtype=np.float64)
    points = load().Scatter((outcomes.index, values), "time", "return", label="return")
    shown = _pointer([("return", f"@return{{{form}}}")])
    return styled(points, marker="circle", size=3, color=GREY, alpha=0.6, **shown)


def _exceedances(
    outcomes: pd.Series[float], limit: pd.Series[float], found: VarBacktest, form: str
) -> list[Any]:
    hit = found.exceedances.to_numpy(dtype=np.bool_)
    if not hit.any():
        return []
    rows = pd.DataFrame({"time": outcomes.index, "return": outcomes.to_numpy(), "limit": limit.to_numpy()})[
        hit
    ]
    count = f"{len(rows):,} exceedance{'s' if len(rows) > 1 else ''}"
    points = load().Scatter(rows, "time", ["return", "limit"], label=count)
    shown = [("return", f"@return{{{form}}}"), ("-VaR", f"@limit{{{form}}}")]
    return [
        styled(
            points,
            marker="diamond",
            size=9 if len(rows) <= _FEW else 5,
            fill_color=RED,
            line_color=RED,
            **_pointer(shown),
        ),
    ]


def _pointer(shown: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "tools": ["hover"],
        "hover_tooltips": [("time (UTC)", "@time{%Y-%m-%d %H:%M:%S}"), *shown],
        "hover_formatters": {"@time": "datetime"},
    }


def _title(found: VarBacktest) -> str:
    return (
        f"VaR {found.confidence:.4g}: {found.exceptions:,} exceedances of {found.observations:,}, "
        f"{found.expected:,.1f} expected; Kupiec p {found.kupiec.p_value:.3g}, Basel {found.basel.zone}"
    )
