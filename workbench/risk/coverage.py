"""Was value at risk right?  Exceedances counted, tested for their number and their bunching, and judged by Basel.

An exceedance is a period whose loss is greater than the value at risk that was forecast for it.

- P. Kupiec, "Techniques for verifying the accuracy of risk measurement models", Journal of Derivatives 3, 1995:
  proportion of failures.
- P. Christoffersen, "Evaluating interval forecasts", International Economic Review 39, 1998: independence (does an
  exceedance make another more likely the day after?) and conditional coverage (both together).
- Basel Committee on Banking Supervision, "Supervisory framework for the use of 'backtesting' in conjunction with the
  internal models approach to market risk capital requirements", January 1996; since 2019 in its standard MAR99.

All three tests compare likelihoods and take 0 ln 0 = 0.  Their distribution is that of large samples: with 250 days at
99 % there are few exceedances, and little is found out about bunching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from workbench.errors import ConfigError, DataError
from workbench.performance.inputs import check_count, check_share
from workbench.risk.book import Returns, read_series
from workbench.risk.model import check_confidence
from workbench.risk.shown import coverage_cell

__all__ = [
    "CoverageTest",
    "TrafficLight",
    "VarBacktest",
    "christoffersen_conditional_coverage",
    "christoffersen_independence",
    "kupiec_pof",
    "traffic_light",
    "var_backtest",
]

type Zone = Literal["green", "yellow", "red"]
type Standard = Literal["basel_1996", "basel_2019"]

BASEL_DAYS: Final = 250
_BASEL_CONFIDENCE: Final = 0.99
_YELLOW, _RED = 0.95, 0.9999  # chance of so many exceedances or fewer, if the model is right
_STANDARDS: Final = get_args(Standard.__value__)
_BASE: Final = {"basel_1996": 3.0, "basel_2019": 1.5}
_PLUS: Final = {
    "basel_1996": {5: 0.40, 6: 0.50, 7: 0.65, 8: 0.75, 9: 0.85},
    "basel_2019": {5: 0.20, 6: 0.26, 7: 0.33, 8: 0.38, 9: 0.42},
}
_MOST_PLUS: Final = {"basel_1996": 1.0, "basel_2019": 0.5}


@dataclass(frozen=True)
class CoverageTest:
    """A likelihood ratio, its degrees of freedom, and how often chance alone would exceed it."""

    statistic: float
    degrees_of_freedom: int
    p_value: float

    def rejects(self, significance: float = 0.05) -> bool:
        """True where the forecasts are to be doubted at this level.  Raises ConfigError outside (0, 1)."""
        return self.p_value < check_share("significance", significance)


@dataclass(frozen=True)
class TrafficLight:
    """Basel's zone.

    cumulative_probability: of so many exceedances or fewer, if the model is right.  plus_factor, multiplier: what the
    capital is multiplied with; None unless there are 250 observations at 99 %, which alone the table is for.
    """

    zone: Zone
    exceptions: int
    observations: int
    cumulative_probability: float
    plus_factor: float | None
    multiplier: float | None


@dataclass(frozen=True, eq=False)
class VarBacktest:
    """How a series of forecasts did.

    expected: number of exceedances if the model is right.  rate: share of exceedances.  exceedances: bool by time.
    basel: of the last 250 observations.
    """

    confidence: float
    observations: int
    exceptions: int
    expected: float
    rate: float
    exceedances: pd.Series[bool]
    kupiec: CoverageTest
    independence: CoverageTest
    conditional_coverage: CoverageTest
    basel: TrafficLight

    @property
    def table(self) -> pd.DataFrame:
        """The three tests: statistic, degrees_of_freedom, p_value."""
        tests = {
            "kupiec": self.kupiec,
            "independence": self.independence,
            "conditional_coverage": self.conditional_coverage,
        }
        rows = [(test.statistic, test.degrees_of_freedom, test.p_value) for test in tests.values()]
        return pd.DataFrame(
            rows, index=pd.Index(tests, name="test"), columns=["statistic", "degrees_of_freedom", "p_value"]
        )

    def _repr_html_(self) -> str:
        return coverage_cell(self)


def var_backtest(
    returns: Returns,
    forecasts: Returns | pd.DataFrame,
    confidence: float = 0.99,
    *,
    standard: Standard = "basel_1996",
) -> VarBacktest:
    """Judge forecasts of value at risk by what came.

    returns: returns or profit and loss, in the unit of the forecasts, one period each (overlapping horizons bunch by
    themselves).  forecasts: positive losses, by the time that they are for; a frame of `rolling_var` will do.
    confidence: of the forecasts.  Two arrays are taken as they stand; of Series the times of `forecasts` are taken.

    Raises DataError for figures that are not finite or fewer than 8, for times that returns does not have, or for
    forecasts below 0; ConfigError for confidence or standard.
    """
    level = check_confidence(confidence)
    _check_standard(standard)
    if isinstance(forecasts, pd.DataFrame):
        if "var" not in forecasts:
            raise DataError(
                f"forecasts: expected a column var, found {', '.join(str(name) for name in forecasts.columns)}"
            )
        forecasts = forecasts["var"]
    limits = read_series(forecasts, "forecasts")
    if (limits < 0.0).any():
        raise DataError(
            f"forecasts: expected losses as positive numbers, found {limits[limits < 0.0].iloc[0]} at "
            f"{limits.index[limits < 0.0][0]}; turn the sign round"
        )
    outcomes = _outcomes(returns, limits)
    exceedances = pd.Series(outcomes < -limits, index=limits.index, name="exceedance")
    count, total = int(exceedances.sum()), len(exceedances)
    recent = exceedances.iloc[-BASEL_DAYS:]
    return VarBacktest(
        confidence=level,
        observations=total,
        exceptions=count,
        expected=(1.0 - level) * total,
        rate=count / total,
        exceedances=exceedances,
        kupiec=kupiec_pof(count, total, level),
        independence=christoffersen_independence(exceedances),
        conditional_coverage=christoffersen_conditional_coverage(exceedances, level),
        basel=traffic_light(int(recent.sum()), len(recent), level, standard),
    )


def kupiec_pof(exceptions: int, observations: int, confidence: float = 0.99) -> CoverageTest:
    """Is the share of exceedances 1 - confidence?  Chi-squared with 1 degree of freedom.  Raises ConfigError."""
    count, total, tail = _counts(exceptions, observations, confidence)
    hits, misses = count, total - count
    free = _likelihood(misses, hits, hits / total)
    return _ratio(free - _likelihood(misses, hits, tail), 1)


def christoffersen_independence(exceedances: pd.Series[bool] | npt.ArrayLike) -> CoverageTest:
    """Is an exceedance as likely after one as after none?  Chi-squared with 1 degree of freedom.

    exceedances: bool by time, 2 at the least.  Statistic 0 where there is none, or nothing but them: then the sample
    has nothing to say.  Raises DataError.
    """
    hits = _hits(exceedances)
    before, after = hits[:-1], hits[1:]
    n00, n01 = int((~before & ~after).sum()), int((~before & after).sum())
    n10, n11 = int((before & ~after).sum()), int((before & after).sum())
    chance = (n01 + n11) / len(after)
    after_none = n01 / (n00 + n01) if n00 + n01 else 0.0
    after_one = n11 / (n10 + n11) if n10 + n11 else 0.0
    apart = _likelihood(n00, n01, after_none) + _likelihood(n10, n11, after_one)
    return _ratio(apart - _likelihood(n00 + n10, n01 + n11, chance), 1)


def christoffersen_conditional_coverage(
    exceedances: pd.Series[bool] | npt.ArrayLike, confidence: float = 0.99
) -> CoverageTest:
    """Both at once: the sum of both statistics, chi-squared with 2 degrees of freedom.

    The number is tested over all observations, the bunching over all but the first, which has none before it.  Raises
    DataError and ConfigError.
    """
    hits = _hits(exceedances)
    number = kupiec_pof(int(hits.sum()), len(hits), confidence)
    statistic = number.statistic + christoffersen_independence(hits).statistic
    return CoverageTest(statistic, 2, float(special.chdtrc(2, statistic)))


def traffic_light(
    exceptions: int,
    observations: int = BASEL_DAYS,
    confidence: float = _BASEL_CONFIDENCE,
    standard: Standard = "basel_1996",
) -> TrafficLight:
    """Basel's zone for so many exceedances.

    Yellow begins where a right model has so many or fewer with a chance of 95 %, red with 99.99 %: for 250 days at 99 %
    with 5 and with 10.  standard: "basel_1996" multiplies by 3 to 4 (1996 framework, table 2), "basel_2019" by 1.5 to 2
    (MAR99, table 2, which calls yellow amber).  Raises ConfigError.
    """
    count, total, tail = _counts(exceptions, observations, confidence)
    _check_standard(standard)
    chance = float(special.bdtr(count, total, tail))
    zone: Zone = "red" if chance >= _RED else "yellow" if chance >= _YELLOW else "green"
    plus = None
    if total == BASEL_DAYS and confidence == _BASEL_CONFIDENCE:
        plus = _MOST_PLUS[standard] if count >= 10 else _PLUS[standard].get(count, 0.0)
    return TrafficLight(
        zone, count, total, chance, plus, None if plus is None else round(_BASE[standard] + plus, 2)
    )


def _outcomes(returns: Returns, limits: pd.Series[float]) -> pd.Series[float]:
    """What came, at the times of the forecasts."""
    if isinstance(returns, pd.Series):
        missing = limits.index.difference(returns.index)
        if len(missing):
            raise DataError(
                f"returns: expected one for each forecast, found none at {missing[0]} and {len(missing) - 1} more"
            )
        return read_series(returns.loc[limits.index])
    outcomes = read_series(returns)
    if len(outcomes) != len(limits):
        raise DataError(
            f"returns: expected one for each of {len(limits)} forecasts, found {len(outcomes)}; "
            "with Series the times are matched"
        )
    return outcomes.set_axis(limits.index)


def _check_standard(standard: str) -> None:
    if standard not in _STANDARDS:
        raise ConfigError(f"standard must be one of {', '.join(_STANDARDS)}, found {standard!r}")


def _counts(exceptions: int, observations: int, confidence: float) -> tuple[int, int, float]:
    total = check_count("observations", observations, 1)
    return check_count("exceptions", exceptions, 0, total), total, 1.0 - check_confidence(confidence)


def _hits(exceedances: pd.Series[bool] | npt.ArrayLike) -> npt.NDArray[np.bool_]:
    hits = np.asarray(exceedances)
    if hits.ndim != 1 or len(hits) < 2 or not np.isin(hits, (0, 1)).all():
        raise DataError(
            "exceedances: expected two or more of True and False (or 1 and 0), found something else"
        )
    return hits.astype(np.bool_)


def _likelihood(misses: int, hits: int, chance: float) -> float:
    """Logarithm of chance^hits (1 - chance)^misses."""
    return float(special.xlogy(hits, chance) + special.xlog1py(misses, -chance))


def _ratio(difference: float, degrees_of_freedom: int) -> CoverageTest:
    statistic = max(2.0 * difference, 0.0)  # rounding may take a ratio of 0 below it
    return CoverageTest(statistic, degrees_of_freedom, float(special.chdtrc(degrees_of_freedom, statistic)))
