"""One way to measure, made ready once for a book and then asked about many holdings of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Final

import numpy as np
from scipy import special

from workbench.risk.book import Book, Floats
from workbench.risk.cornish_fisher import CornishFisherWarning, is_valid
from workbench.risk.estimators import Losses, analytic, deviation, empirical, ewma_weights, shape, tail_scores
from workbench.risk.model import Model
from workbench.risk.simulation import scenarios
from workbench.risk.tail_gradient import cornish_fisher_gradient, scenario_gradient

__all__ = ["Measure", "warn_outside_domain"]

_ANALYTIC: Final = ("parametric", "cornish_fisher", "ewma")


class Measure:
    """Value at risk and expected shortfall as functions of what is held; not floored at 0.

    outcomes: float64[n, instruments], returns of a period for a fitted distribution, and scenarios of the whole horizon
    for the others.
    """

    def __init__(self, book: Book, model: Model) -> None:
        self.model = model
        self.fitted = model.method in _ANALYTIC
        self.outcomes = (
            book.returns if self.fitted else scenarios(book.returns, book.exposures.columns, model)
        )

    @property
    def observations(self) -> int:
        return len(self.outcomes)

    def losses(self, held: Floats) -> tuple[float, float]:
        """Value at risk and expected shortfall of `held`, float64[instruments], quote currency."""
        pnl = self.outcomes @ held
        found = analytic(pnl, self.model) if self.fitted else empirical(pnl, self.model.tail)
        return float(found[0]), float(found[1])

    def gradient(self, held: Floats) -> Losses:
        """What both change by, per unit of exposure of each instrument; times `held` they add up to `losses`.

        Something must be held that moves.
        """
        model = self.model
        if not self.fitted:
            drawn = model.method == "monte_carlo" or (
                model.method == "filtered_historical" and model.horizon > 1
            )
            return scenario_gradient(self.outcomes, held, model.tail, smooth=drawn)
        if model.method == "cornish_fisher":
            return cornish_fisher_gradient(self.outcomes, held, model)
        drift, slope = self._drift_and_slope(held)
        at_risk, shortfall = tail_scores(model.tail, model.degrees_of_freedom)
        scale = model.horizon**0.5 * slope
        return at_risk * scale - drift * model.horizon, shortfall * scale - drift * model.horizon

    def _drift_and_slope(self, held: Floats) -> Losses:
        """Of a period: mean return of each instrument, and what the deviation of P&L changes by per unit of it."""
        pnl = self.outcomes @ held
        if self.model.method == "ewma":
            weighted = ewma_weights(len(pnl), self.model.decay) * pnl
            return np.zeros(len(held)), self.outcomes.T @ weighted / np.sqrt(weighted @ pnl)
        _, scale = deviation(pnl, self.model)
        zero = self.model.mean == "zero"
        drift = np.zeros(len(held)) if zero else self.outcomes.mean(axis=0)
        covariance = (self.outcomes - drift).T @ (pnl - drift @ held) / (len(pnl) - (not zero))
        return drift, covariance / scale


def warn_outside_domain(blocks: Iterable[Floats], model: Model, stacklevel: int) -> None:
    """Warn once where rows of profit and loss, blocks of float64[..., n], are outside the domain of Cornish-Fisher."""
    shapes = [np.atleast_2d(np.stack(shape(block, model), axis=-1)) for block in blocks]
    skewness, kurtosis = np.concatenate(shapes).T
    skewness, kurtosis = skewness / model.horizon**0.5, kurtosis / model.horizon
    quantile = -float(special.ndtri(model.tail))
    outside = ~np.atleast_1d(is_valid(skewness, kurtosis, quantile))
    if outside.any():
        first = int(outside.argmax())
        of = f" in {outside.sum()} of {outside.size} windows, first" if outside.size > 1 else ""
        warnings.warn(
            f"the Cornish-Fisher expansion is not valid{of} for skewness {np.atleast_1d(skewness)[first]:.2f} and "
            f"excess kurtosis {np.atleast_1d(kurtosis)[first]:.2f} over the horizon (see cornish_fisher_domain); take "
            "historical or filtered_historical",
            CornishFisherWarning,
            stacklevel=stacklevel + 1,
        )
