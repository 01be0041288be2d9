"""Value at risk and expected shortfall of a series of returns, or of a book of instruments and strategies.

    value_at_risk(returns, 0.99)                                     # a share of what is held
    value_at_risk(returns, 0.99, "parametric", horizon=10, value=1e6)     # quote currency, ten periods
    tail_risk(frame, 0.975, "monte_carlo", exposures={"BTC-USD": 5e5, "ETH-USD": -2e5}, seed=7)

Value at risk is the loss over the horizon that is exceeded with probability 1 - confidence; expected shortfall the mean
of the losses beyond.  Both are positive losses, and 0 where even the tail gains.  A period is the distance between two
rows, whatever it is.

| method | the distribution of profit and loss | over a horizon of h periods |
|---|---|---|
| historical | the sample's own outcomes | all stretches of h rows, overlapping |
| parametric | normal (or Student's t) | mean x h, deviation x square root of h |
| cornish_fisher | normal, bent by skewness and kurtosis | the same, skewness / root of h, kurtosis / h |
| ewma | normal (or t), mean 0, RiskMetrics variance | deviation x square root of h |
| filtered_historical | past shocks at the volatility of today, by GARCH(1,1) | drawn paths |
| monte_carlo | normal (or t), with the sample's correlations | drawn paths |

Overlapping stretches repeat themselves: their number says less than it seems.  The square root of time holds for
returns that are independent and alike; for Student's t it keeps the shape of one period, which errs on the side of the
larger loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

from workbench.risk.book import Exposures, Returns, read_book
from workbench.risk.measure import Measure, warn_outside_domain
from workbench.risk.model import Method, Settings, make_model
from workbench.risk.shown import tail_cell

__all__ = ["TailRisk", "expected_shortfall", "tail_risk", "value_at_risk"]


@dataclass(frozen=True)
class TailRisk:
    """Value at risk and expected shortfall (cvar) over `horizon` periods: positive losses, in the unit of what is held.

    observations: outcomes that they rest on: rows, overlapping stretches of them, or drawn paths.
    """

    method: Method
    confidence: float
    horizon: int
    var: float
    cvar: float
    observations: int

    @property
    def expected_shortfall(self) -> float:
        return self.cvar

    def _repr_html_(self) -> str:
        return tail_cell(self)


def tail_risk(
    returns: Returns,
    confidence: float = 0.99,
    method: Method = "historical",
    horizon: int = 1,
    value: float = 1.0,
    *,
    exposures: Exposures | None = None,
    **settings: Unpack[Settings],
) -> TailRisk:
    """Both figures at once.

    returns: simple returns per period, oldest first, finite: a Series or array of one holding worth `value` (negative:
    short), or a frame with a column for each instrument of `exposures`.  confidence: between 0.5 and 1.  horizon:
    periods.  exposures: signed amounts in quote currency, by instrument or by strategy and instrument; see `Exposures`.
    settings: of the method; see `Settings`.

    Raises DataError for returns that are missing, not finite or too few (8 at the least, 100 for filtered_historical),
    or for exposures in instruments that have no returns; ConfigError for a setting that makes no sense or has no effect
    on the method.  Warns with CornishFisherWarning where that expansion is not valid.
    """
    model = make_model(method, confidence, horizon, settings)
    book = read_book(returns, exposures, value)
    measure = Measure(book, model)
    if method == "cornish_fisher":
        warn_outside_domain([book.returns @ book.held], model, stacklevel=2)
    var, cvar = measure.losses(book.held)
    return TailRisk(
        method, model.confidence, model.horizon, max(var, 0.0), max(cvar, 0.0), measure.observations
    )


def value_at_risk(
    returns: Returns,
    confidence: float = 0.99,
    method: Method = "historical",
    horizon: int = 1,
    value: float = 1.0,
    *,
    exposures: Exposures | None = None,
    **settings: Unpack[Settings],
) -> float:
    """Loss over the horizon that is exceeded with probability 1 - confidence.  Arguments and errors: `tail_risk`."""
    return tail_risk(returns, confidence, method, horizon, value, exposures=exposures, **settings).var


def expected_shortfall(
    returns: Returns,
    confidence: float = 0.99,
    method: Method = "historical",
    horizon: int = 1,
    value: float = 1.0,
    *,
    exposures: Exposures | None = None,
    **settings: Unpack[Settings],
) -> float:
    """Mean loss over the horizon beyond value at risk.  Arguments and errors: `tail_risk`."""
    return tail_risk(returns, confidence, method, horizon, value, exposures=exposures, **settings).cvar
