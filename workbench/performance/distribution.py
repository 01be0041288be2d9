"""The shape of the returns' distribution, and how straight the curve is that they make.

Each takes a Series or list (gives a float), a DataFrame (a Series) or an array; a missing return is left out.  NaN
where a figure does not exist: too few returns, or no deviation.
"""

from __future__ import annotations

import math

import numpy as np

from workbench.performance.arithmetic import Floats, deviation, ratio
from workbench.performance.inputs import columnwise

__all__ = ["kurtosis", "moment_kurtosis", "moment_skewness", "skewness", "stability", "tail_ratio"]


@columnwise
def skewness(returns: Floats, *, sample: bool = False) -> float:
    """Third central moment over the cube of the deviation.

    sample: corrected for the bias of small samples, n² / ((n - 1)(n - 2)) with the deviation of n - 1 (as pandas does).
    """
    count, plain = len(returns), moment_skewness(returns)
    if not sample:
        return plain
    return plain * math.sqrt(count * (count - 1)) / (count - 2) if count > 2 else math.nan


def moment_skewness(returns: Floats) -> float:
    """Skewness of one column, as a moment of the returns at hand."""
    standard = _standard(returns)
    return float((standard * standard * standard).mean()) if len(standard) else math.nan


@columnwise
def kurtosis(returns: Floats, *, sample: bool = False, excess: bool = False) -> float:
    """Fourth central moment over the fourth power of the deviation; 3 for a normal distribution.

    excess: less what a normal distribution has, so that 0 is normal.  sample: corrected for the bias of small samples;
    with `excess` this is what pandas calls kurt.
    """
    count, plain = len(returns), moment_kurtosis(returns)
    if not sample:
        return plain - 3.0 if excess else plain
    if count < 4:
        return math.nan
    normal = 3.0 * (count - 1) ** 2 / ((count - 2) * (count - 3))
    whole = plain * (count + 1) * (count - 1) / ((count - 2) * (count - 3))
    return whole - normal if excess else whole


def moment_kurtosis(returns: Floats) -> float:
    """Kurtosis of one column, as a moment of the returns at hand; 3 for a normal distribution."""
    standard = _standard(returns)
    return float(np.square(np.square(standard)).mean()) if len(standard) else math.nan


def _standard(returns: Floats) -> Floats:
    """Returns less their mean, over their deviation (n); empty without deviation."""
    spread = deviation(returns, ddof=0)
    return (returns - returns.mean()) / spread if spread > 0.0 else returns[:0]


@columnwise
def tail_ratio(returns: Floats) -> float:
    """Size of the 95th percentile over the size of the 5th, both interpolated."""
    if not len(returns):
        return math.nan
    low, high = np.percentile(returns, [5.0, 95.0])
    return ratio(abs(float(high)), abs(float(low)))


@columnwise
def stability(returns: Floats) -> float:
    """R² of a straight line through the logarithm of wealth over time: 1 for steady growth, or steady decline.

    NaN where all is lost on the way.
    """
    if len(returns) < 2 or not (returns > -1.0).all():
        return math.nan
    curve = np.cumsum(np.log1p(returns))
    time = np.arange(len(curve), dtype=np.float64)
    time -= time.mean()
    curve -= curve.mean()
    variance = float(np.square(curve).sum())
    if not variance > 0.0:
        return math.nan
    return float((time * curve).sum()) ** 2 / (float(np.square(time).sum()) * variance)
