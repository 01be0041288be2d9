"""The Cornish-Fisher expansion: a normal quantile bent by skewness and excess kurtosis, and where that stops to work.

With z the normal quantile, S the skewness and K the excess kurtosis,

    w(z) = z + (z^2 - 1) S/6 + (z^3 - 3z) K/24 - (2z^3 - 5z) S^2/36

(E. A. Cornish and R. A. Fisher, "Moments and cumulants in the specification of distributions", Revue de l'Institut
International de Statistique 5, 1938; for value at risk P. Zangari, "A VaR methodology for portfolios that include
options", RiskMetrics Monitor, first quarter 1996).

w is the quantile function of a distribution only while it rises, that is while its slope
(K/8 - S^2/6) z^2 + (S/3) z + (1 - K/8 + 5 S^2/36) is not negative.  Beyond, a higher confidence may show a smaller
loss.  For all z it rises in a small domain only: without skewness for K from 0 to 8, and for no |S| above
6 (sqrt(2) - 1) = 2.485 (D. Maillard, "A user's guide to the Cornish Fisher expansion", 2012).  A fall many deviations
out does no harm, and returns with tails as thin as the normal's have one; so what is asked for here is that w rises as
far as two deviations beyond the quantile, to both sides: what lies farther is some thousandths of the tail or less.
Daily returns of a single stock or coin often fail that; there take historical or filtered_historical.

S and K are parameters: the distribution's own skewness and kurtosis are somewhat larger, the more so the farther they
are from 0 (Maillard).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from workbench.errors import ConfigError
from workbench.performance.inputs import check_number, check_share
from workbench.risk.book import Floats

__all__ = [
    "MOST_SKEWNESS",
    "CornishFisherWarning",
    "cornish_fisher_domain",
    "cornish_fisher_quantile",
    "is_valid",
    "standard_tail",
]

MOST_SKEWNESS: Final = 6.0 * (math.sqrt(2.0) - 1.0)
BEYOND: Final = 2.0  # deviations beyond the quantile, as far as which the expansion has to rise


class CornishFisherWarning(UserWarning):
    """Skewness and kurtosis are outside the domain of the Cornish-Fisher expansion: the figure is not a quantile."""


def cornish_fisher_quantile(probability: float, skewness: float, excess_kurtosis: float) -> float:
    """Quantile of a variable with mean 0 and deviation 1, such as -2.33 and more for the probability 0.01.

    Raises ConfigError for a probability outside (0, 1), and where the expansion falls before two deviations beyond the
    quantile; within `cornish_fisher_domain` it falls nowhere.
    """
    z = float(special.ndtri(check_share("probability", probability)))
    skew, kurtosis = check_number("skewness", skewness), check_number("excess_kurtosis", excess_kurtosis)
    if not is_valid(np.asarray(skew), np.asarray(kurtosis), abs(z)):
        domain = "no excess_kurtosis would do"
        if abs(skew) <= MOST_SKEWNESS:
            low, high = cornish_fisher_domain(skew)
            domain = f"for this skewness take an excess_kurtosis between {low:.3f} and {high:.3f}"
        raise ConfigError(
            f"skewness {skew:g} and excess_kurtosis {kurtosis:g} are too far from 0 for the Cornish-Fisher expansion, "
            f"which falls near the quantile; {domain}"
        )
    return float(_bent(z, np.asarray(skew), np.asarray(kurtosis)))


def cornish_fisher_domain(skewness: float) -> tuple[float, float]:
    """Least and greatest excess kurtosis for which the expansion rises everywhere.

    Raises ConfigError where none is: |skewness| above 6 (sqrt(2) - 1) = 2.485.
    """
    size = abs(check_number("skewness", skewness))
    if size > MOST_SKEWNESS:
        raise ConfigError(
            f"skewness must be within {MOST_SKEWNESS:.3f} of 0 for the Cornish-Fisher expansion, found {skewness:g}"
        )
    # The discriminant S^2/9 - 4 (k - S^2/6)(1 - k + 5 S^2/36), k = K/8, is a square in k that is to be 0 or less.
    middle = 0.5 * (1.0 + 11.0 / 36.0 * size**2)
    reach = 0.5 * math.sqrt(max((1.0 - size**2 / 36.0) ** 2 - size**2 / 9.0, 0.0))
    return 8.0 * (middle - reach), 8.0 * (middle + reach)


def is_valid(skewness: Floats, excess_kurtosis: Floats, quantile: float) -> npt.NDArray[np.bool_]:
    """Where the expansion rises from -q to q, q being two deviations more than the normal quantile's size."""
    reach = quantile + BEYOND
    bend = excess_kurtosis / 8.0 - np.square(skewness) / 6.0
    lean = skewness / 3.0
    level = 1.0 - excess_kurtosis / 8.0 + 5.0 / 36.0 * np.square(skewness)
    ends = bend * reach**2 + level - np.abs(lean) * reach
    # The slope's turning point is its least where it bends upwards, and matters where it is within reach.
    turns = bend > 0.0
    safe = np.where(turns, bend, 1.0)
    turning = level - np.square(lean) / (4.0 * safe)
    inside = turns & (np.abs(lean) <= 2.0 * safe * reach)
    return np.asarray(np.where(inside, turning, ends) >= 0.0)


def standard_tail(tail: float, skewness: Floats, excess_kurtosis: Floats) -> tuple[Floats, Floats]:
    """w at the tail's quantile, and the mean of w over the tail; negative numbers are losses.

    The mean follows from the integral of w in Hermite polynomials: that of He_n x density up to z is -He_(n-1)(z) x
    density(z).
    """
    z = float(special.ndtri(tail))
    density = math.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    mean = (
        1.0
        + z * skewness / 6.0
        + (z**2 - 1.0) * excess_kurtosis / 24.0
        - (2.0 * z**2 - 1.0) * np.square(skewness) / 36.0
    )
    return _bent(z, skewness, excess_kurtosis), -density / tail * mean


def _bent(z: float, skewness: Floats, excess_kurtosis: Floats) -> Floats:
    return np.asarray(
        z
        + (z**2 - 1.0) * skewness / 6.0
        + (z**3 - 3.0 * z) * excess_kurtosis / 24.0
        - (2.0 * z**3 - 5.0 * z) * np.square(skewness) / 36.0
    )
