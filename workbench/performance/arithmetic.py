"""The arithmetic behind every figure of performance: once, on plain arrays, for returns, equity curves and trades.

All take float64[n] without NaN.  Where a figure does not exist it is NaN.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "Floats",
    "deviation",
    "downside",
    "drawdowns",
    "gain_to_loss",
    "growth",
    "ratio",
    "spells",
    "wealth",
]

type Floats = npt.NDArray[np.float64]
type Places = npt.NDArray[np.int64]

FLAT: Final = 1e-12  # a deviation this small beside the mean is rounding


def deviation(values: Floats, ddof: int = 1) -> float:
    """Standard deviation; 0 where the values differ by no more than rounding, NaN for fewer than two."""
    if len(values) < 2 or len(values) <= ddof:
        return math.nan
    spread = float(values.std(ddof=ddof))
    return 0.0 if spread <= FLAT * abs(float(values.mean())) else spread


def downside(returns: Floats, required: float = 0.0) -> float:
    """Root mean square of what the returns fall short of `required`, over all returns; NaN without any."""
    if not len(returns):
        return math.nan
    return math.sqrt(float(np.square(np.minimum(returns - required, 0.0)).mean()))


def ratio(reward: float, risk: float) -> float:
    """Reward for a unit of risk; NaN without risk."""
    return reward / risk if risk > 0.0 else math.nan


def growth(factor: float, years: float) -> float:
    """Yearly growth of a factor reached in `years`; -1 where all is lost, inf beyond what a float holds."""
    if years <= 0.0:
        return math.nan
    if factor <= 0.0:
        return -1.0
    try:
        return math.expm1(math.log(factor) / years)
    except OverflowError:
        return math.inf


def wealth(returns: Floats) -> Floats:
    """What 1 becomes when simple returns are compounded; NaN where one of them loses more than all there is."""
    if (returns < -1.0).any():
        return np.full(len(returns), np.nan)
    with np.errstate(over="ignore"):  # inf is what it comes to
        return np.cumprod(1.0 + returns)


def drawdowns(equity: Floats, start: float) -> Floats:
    """Equity below its highest so far, as a fraction <= 0; `start` is the first high."""
    if not len(equity):
        return equity
    peak = np.maximum(np.maximum.accumulate(equity), start)
    return equity / peak - 1.0


def spells(inside: npt.NDArray[np.bool_]) -> tuple[Places, Places]:
    """First places of the runs of True, and the places after their last ones; int64[k] each."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]))).astype(np.int64)
    return edges[::2], edges[1::2]


def gain_to_loss(outcomes: Floats) -> float:
    """Sum of gains over sum of losses; inf without losses, NaN without either."""
    won, lost = float(outcomes[outcomes > 0.0].sum()), -float(outcomes[outcomes < 0.0].sum())
    return won / lost if lost > 0.0 else (math.inf if won > 0.0 else math.nan)
