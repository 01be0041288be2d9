"""Value at risk and expected shortfall of rows of profit and loss, as arrays: one row, or one for each window.

Each function takes outcomes float64[..., n], oldest first, and gives two arrays of the shape of `...`: value at risk
and expected shortfall in the same unit, losses positive.  Nothing is floored here: where even the tail gains, both are
negative.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from workbench.risk.book import Floats
from workbench.risk.cornish_fisher import standard_tail
from workbench.risk.model import Model

__all__ = ["Losses", "analytic", "deviation", "empirical", "ewma_weights", "shape", "tail_scores"]

type Losses = tuple[Floats, Floats]


def empirical(outcomes: Floats, tail: float) -> Losses:
    """Figures of the sample itself.

    Value at risk is the k-th worst outcome, k = floor(tail x n) + 1, without interpolation (as `historical_var` of the
    core).  Expected shortfall is the mean of the worst tail x n outcomes, the last of them with the fraction that is
    left (C. Acerbi and D. Tasche, "On the coherence of expected shortfall", Journal of Banking & Finance 26, 2002,
    definition 2.6); it is never below value at risk.
    """
    count = outcomes.shape[-1]
    rank = int(tail * count + 1e-9)  # 1 - 0.9 is a little less than 0.1
    ordered = np.partition(outcomes, rank, axis=-1)
    edge = ordered[..., rank]
    worst = ordered[..., :rank].sum(axis=-1)
    return -edge, -(worst + (tail * count - rank) * edge) / (tail * count)


def analytic(outcomes: Floats, model: Model) -> Losses:
    """Figures of the distribution that the method parametric, cornish_fisher or ewma fits to the outcomes.

    Over h periods that are independent and alike the mean grows with h, the deviation with its square root; skewness
    falls with that root and excess kurtosis with h.
    """
    root = math.sqrt(model.horizon)
    if model.method == "ewma":
        scale = np.sqrt(np.square(outcomes) @ ewma_weights(outcomes.shape[-1], model.decay)) * root
        at_risk, shortfall = tail_scores(model.tail, model.degrees_of_freedom)
        return at_risk * scale, shortfall * scale
    drift, scale = deviation(outcomes, model)
    drift, scale = drift * model.horizon, scale * root
    if model.method == "parametric":
        at_risk, shortfall = tail_scores(model.tail, model.degrees_of_freedom)
        return at_risk * scale - drift, shortfall * scale - drift
    skewness, kurtosis = shape(outcomes, model)
    edge, mean = standard_tail(model.tail, skewness / root, kurtosis / model.horizon)
    return -(drift + scale * edge), -(drift + scale * mean)


def deviation(outcomes: Floats, model: Model) -> Losses:
    """Mean and standard deviation of a period: of the sample (n - 1), or 0 and the root of the mean square."""
    if model.mean == "zero":
        return np.zeros(outcomes.shape[:-1]), np.sqrt(np.mean(np.square(outcomes), axis=-1))
    return outcomes.mean(axis=-1), outcomes.std(axis=-1, ddof=1)


def shape(outcomes: Floats, model: Model) -> Losses:
    """Skewness and excess kurtosis of the sample (moments over n); 0 where nothing moves."""
    centred = outcomes if model.mean == "zero" else outcomes - outcomes.mean(axis=-1, keepdims=True)
    square = np.square(centred)
    second = square.mean(axis=-1)
    moves = second > 0.0
    safe = np.where(moves, second, 1.0)
    skewness = (square * centred).mean(axis=-1) / safe**1.5
    kurtosis = np.square(square).mean(axis=-1) / safe**2 - 3.0
    return np.where(moves, skewness, 0.0), np.where(moves, kurtosis, 0.0)


def ewma_weights(count: int, decay: float) -> Floats:
    """Weights of squared outcomes, oldest first, that sum to 1: decay**age over the sum of them.

    J.P. Morgan/Reuters, "RiskMetrics - Technical Document", 4th ed., 1996, section 5.2, has (1 - decay) x decay**age,
    which sums to 1 over an endless past only; over a short one it would take what is missing for quiet days.
    """
    weights: Floats = decay ** np.arange(count - 1, -1, -1, dtype=np.float64)
    return weights / weights.sum()


def tail_scores(tail: float, degrees_of_freedom: float | None) -> tuple[float, float]:
    """Loss at the quantile and mean loss beyond it, of a variable with mean 0 and deviation 1.

    Normal, or Student's t scaled to deviation 1: A. McNeil, R. Frey, P. Embrechts, "Quantitative Risk Management",
    2005, chapter 2.
    """
    if degrees_of_freedom is None:
        at_risk = -float(special.ndtri(tail))
        return at_risk, math.exp(-0.5 * at_risk**2) / math.sqrt(2.0 * math.pi) / tail
    nu = degrees_of_freedom
    scale = math.sqrt((nu - 2.0) / nu)
    edge = -float(special.stdtrit(nu, tail))
    log_density = (
        math.lgamma(0.5 * (nu + 1.0))
        - math.lgamma(0.5 * nu)
        - 0.5 * math.log(nu * math.pi)
        - 0.5 * (nu + 1.0) * math.log1p(edge**2 / nu)
    )
    return scale * edge, scale * math.exp(log_density) / tail * (nu + edge**2) / (nu - 1.0)
