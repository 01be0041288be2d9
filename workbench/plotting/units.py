"""Units of the metrics that plots show: how a figure is written, and whether it has a sign.

Names are those of `BacktestResult.stats` and of sweeps; a name that is not known is a plain number.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import DataError

__all__ = ["Unit", "figures_of", "short", "unit_of"]

_MONEY: Final = "quote currency"
_SIGNED: Final = frozenset(
    {
        "alpha",
        "avg_trade_pnl",
        "cagr",
        "calmar_ratio",
        "correlation",
        "information_ratio",
        "pnl",
        "return",
        "sharpe_ratio",
        "sortino_ratio",
        "total_pnl",
        "total_return",
    }
)
_SHARES: Final = frozenset(
    {
        "cagr",
        "cvar",
        "drawdown",
        "exposure_time",
        "max_drawdown",
        "return",
        "survived",
        "survival",
        "total_return",
        "var",
        "volatility",
        "win_rate",
        "worst_exposure",
        "worst_use",
    }
)
_AMOUNTS: Final = frozenset(
    {
        "avg_trade_pnl",
        "damage",
        "equity",
        "fees",
        "final_equity",
        "pnl",
        "total_pnl",
        "turnover",
        "worst_gross",
    }
)
_PER_YEAR: Final = frozenset({"calmar_ratio", "information_ratio", "sharpe_ratio", "sortino_ratio"})


class Unit(NamedTuple):
    """How a figure is written.

    unit: in words, "" for a plain number.  form: in bokeh's letters.  sign: what a figure above 0 is where it means
    something else than one below, None where there is no such thing.
    """

    unit: str
    form: str
    sign: Literal["gain", "loss"] | None = None

    def label(self, name: str) -> str:
        """The name with its unit, for an axis or a colour bar."""
        return f"{name} ({self.unit})" if self.unit else name

    def text(self, value: float) -> str:
        """The figure in few letters, as it stands in a cell."""
        if math.isnan(value):
            return ""
        if "%" not in self.form or math.isinf(value):
            return short(value)
        text = f"{value:.1%}"
        return "0.0%" if text == "-0.0%" else text


def unit_of(metric: str, values: npt.NDArray[np.float64]) -> Unit:
    """The unit of a metric.  A metric that is not known has a sign where its values do."""
    known = values[np.isfinite(values)]
    both = bool((known < 0.0).any() and (known > 0.0).any())
    sign: Literal["gain", "loss"] | None = None
    if both or metric in _SIGNED:
        sign = "loss" if "damage" in metric or "loss" in metric else "gain"
    if metric in _SHARES:
        return Unit("%", "0,0.[00]%", sign)
    if metric in _AMOUNTS or metric.endswith("_usd"):
        return Unit("USD" if metric.endswith("_usd") else _MONEY, "0,0.[00]", sign)
    if metric.endswith("_seconds"):
        return Unit("s", "0,0.[0]", sign)
    return Unit("annualised" if metric in _PER_YEAR else "", "0,0.[0000]", sign)


def figures_of(table: pd.DataFrame, metric: str) -> tuple[npt.NDArray[np.float64], str]:
    """Figures as float64, and the unit that they were turned into: spans of time become days, yes and no 1 and 0.

    Raises DataError for what are no figures.
    """
    kinds = {dtype.kind for dtype in table.dtypes if isinstance(dtype, np.dtype)}
    if kinds == {"m"}:
        spans = table.to_numpy(dtype="timedelta64[ns]")
        return np.where(np.isnat(spans), np.nan, spans / np.timedelta64(1, "D")), "days"
    if any(pd.api.types.is_datetime64_any_dtype(dtype) for dtype in table.dtypes):
        raise DataError(f"{metric}: expected figures in every cell, found times; take spans or numbers")
    try:
        values: npt.NDArray[Any] = table.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as reason:
        raise DataError(
            f"{metric}: expected figures in every cell, found something else ({reason})"
        ) from reason
    return values, ""


def short(value: float) -> str:
    """A figure in about four letters: 0.012, 1.23, 45.6, 789, 12k, 4.6M."""
    size = abs(value)
    if not math.isfinite(value):
        return "inf" if value > 0 else "-inf"
    for edge, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if size >= edge:
            scaled = value / (1e3 if letter == "k" else edge)
            return f"{scaled:.{max(2 - len(str(int(abs(scaled)))), 0)}f}{letter}"
    if size >= 100.0 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 10.0 else f"{value:.2f}" if size >= 0.1 else f"{value:.2g}"
