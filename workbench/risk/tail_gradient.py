"""How value at risk and expected shortfall change with each exposure: the parts of Euler's theorem.

Both measures double with the book, so the sum of exposure x derivative is the whole (D. Tasche, "Risk contributions and
performance measurement", 1999).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy import special

from workbench.risk.book import Floats
from workbench.risk.cornish_fisher import standard_tail
from workbench.risk.estimators import Losses, deviation
from workbench.risk.model import Model

__all__ = ["cornish_fisher_gradient", "scenario_gradient"]

_BAND: Final = 0.1  # of the tail, to each side of the quantile


def scenario_gradient(outcomes: Floats, held: Floats, tail: float, *, smooth: bool) -> Losses:
    """Derivatives of the empirical figures.

    outcomes: float64[scenarios, instruments].  That of value at risk is the return of each instrument in the scenario
    at the quantile: one scenario, and so a rough figure.  smooth: for scenarios that were drawn, its mean over their
    neighbours in rank, a tenth of the tail to each side, scaled to add up to value at risk.  That of expected shortfall
    is the mean over the tail.
    """
    pnl = outcomes @ held
    count = len(pnl)
    order = np.argsort(pnl, kind="stable")
    rank = int(tail * count + 1e-9)  # 1 - 0.9 is a little less than 0.1
    worst = outcomes[order[:rank]].sum(axis=0) + (tail * count - rank) * outcomes[order[rank]]
    at_risk = -outcomes[order[rank]]
    band = min(round(_BAND * tail * count), rank) if smooth else 0
    if band:
        near = -outcomes[order[rank - band : rank + band + 1]].mean(axis=0)
        whole, sum_of_parts = -pnl[order[rank]], near @ held
        if whole * sum_of_parts > 0.0:  # else value at risk is next to nothing, and there is nothing to scale
            at_risk = near * (whole / sum_of_parts)
    return np.asarray(at_risk), np.asarray(-worst / (tail * count))


def cornish_fisher_gradient(outcomes: Floats, held: Floats, model: Model) -> Losses:
    """Derivatives of the Cornish-Fisher figures, through mean, deviation, skewness and kurtosis of the book.

    outcomes: float64[rows, instruments].  K. Boudt, B. Peterson and C. Croux, "Estimation and decomposition of downside
    risk for portfolios with non-normal returns", Journal of Risk 11, 2008.
    """
    mean = np.zeros(len(held)) if model.mean == "zero" else outcomes.mean(axis=0)
    centred = outcomes - mean
    pnl = centred @ held
    m2, m3, m4 = (float(np.mean(pnl**power)) for power in (2, 3, 4))
    d2, d3, d4 = (power * (centred.T @ pnl ** (power - 1)) / len(pnl) for power in (2, 3, 4))
    skewness, kurtosis = m3 / m2**1.5, m4 / m2**2 - 3.0
    d_skewness = d3 / m2**1.5 - 1.5 * skewness * d2 / m2
    d_kurtosis = d4 / m2**2 - 2.0 * (kurtosis + 3.0) * d2 / m2
    scale = float(deviation(outcomes @ held, model)[1])
    d_scale = scale * d2 / (2.0 * m2)

    root, h = math.sqrt(model.horizon), model.horizon
    s, k = skewness / root, kurtosis / h
    scores = standard_tail(model.tail, np.asarray(s), np.asarray(k))
    found = []
    for score, (by_skewness, by_kurtosis) in zip(scores, _slopes(model.tail, s), strict=True):
        bend = by_skewness * d_skewness / root + by_kurtosis * d_kurtosis / h
        found.append(-(mean * h + root * (score * d_scale + scale * bend)))
    return found[0], found[1]


def _slopes(tail: float, skewness: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """By skewness and by kurtosis: of the score at the quantile, and of its mean over the tail."""
    z = float(special.ndtri(tail))
    weight = -math.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi) / tail
    edge = ((z**2 - 1.0) / 6.0 - (2.0 * z**3 - 5.0 * z) * skewness / 18.0, (z**3 - 3.0 * z) / 24.0)
    mean = (
        weight * (z / 6.0 - (2.0 * z**2 - 1.0) * skewness / 18.0),
        weight * (z**2 - 1.0) / 24.0,
    )
    return edge, mean
