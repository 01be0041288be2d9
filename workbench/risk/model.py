"""How value at risk is to be measured: method, confidence, horizon and the settings of each method, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypedDict, get_args

import numpy as np
import pandas as pd

from workbench.errors import ConfigError
from workbench.performance.inputs import check_count, check_number, check_share

__all__ = [
    "METHODS",
    "Mean",
    "Method",
    "Model",
    "Settings",
    "check_confidence",
    "make_model",
]

type Method = Literal[
    "historical", "parametric", "cornish_fisher", "ewma", "filtered_historical", "monte_carlo"
]
type Mean = Literal["sample", "zero"]

METHODS: Final[tuple[str, ...]] = get_args(Method.__value__)
_MEANS: Final = get_args(Mean.__value__)
_SIMULATED: Final = ("filtered_historical", "monte_carlo")

_USED_BY: Final[dict[str, tuple[str, ...]]] = {
    "mean": ("parametric", "cornish_fisher", "monte_carlo"),
    "decay": ("ewma",),
    "degrees_of_freedom": ("parametric", "ewma", "monte_carlo"),
    "correlation": ("monte_carlo",),
    "compound": ("historical", *_SIMULATED),
    "asymmetric": ("filtered_historical",),
    "paths": _SIMULATED,
    "seed": _SIMULATED,
}
MOST_PATHS: Final = 10_000_000


class Settings(TypedDict, total=False):
    """What may be set beside the method; a setting that the method does not use is an error, not ignored.

    mean: "sample" (as usual) takes the drift of the sample into the forecast; "zero" takes none, and deviations are
    about 0: over a day the mean is smaller than the error in it.  For parametric, cornish_fisher, monte_carlo.
    decay: weight of a day over that of the day after, 0.94 as usual.  For ewma.
    degrees_of_freedom: of Student's t in place of the normal distribution, above 2; scaled, so that the variance stays
    that of the sample.  For parametric, ewma, monte_carlo.
    correlation: frame of instruments x instruments in place of the sample's correlation.  For monte_carlo.
    compound: False (as usual) adds returns over the horizon, which is an exposure kept at its amount day by day; True
    multiplies, which is a holding that is left alone.  For historical, filtered_historical, monte_carlo.
    asymmetric: True fits the GARCH model of Glosten, Jagannathan and Runkle, where losses move volatility more.  For
    filtered_historical.
    paths, seed: how many paths are drawn (100,000 as usual), and from which int or SeedSequence (0 as usual); the
    same seed gives the same figure.  For filtered_historical, monte_carlo.
    """

    mean: Mean
    decay: float
    degrees_of_freedom: float | None
    correlation: pd.DataFrame | None
    compound: bool
    asymmetric: bool
    paths: int
    seed: int | np.random.SeedSequence


@dataclass(frozen=True, eq=False)
class Model:
    """A checked choice of method; see `Settings`.  horizon: periods of the returns.  tail: 1 - confidence."""

    method: Method
    confidence: float
    horizon: int
    mean: Mean = "sample"
    decay: float = 0.94
    degrees_of_freedom: float | None = None
    correlation: pd.DataFrame | None = None
    compound: bool = False
    asymmetric: bool = False
    paths: int = 100_000
    seed: int | np.random.SeedSequence = 0

    @property
    def tail(self) -> float:
        return 1.0 - self.confidence


def make_model(method: str, confidence: float, horizon: int, settings: Settings) -> Model:
    """The checked choice.  Raises ConfigError for a value that makes no sense, or a setting without effect."""
    given: dict[str, Any] = dict(settings)
    if method not in METHODS:
        raise ConfigError(f"method must be one of {', '.join(METHODS)}, found {method!r}")
    for name in given:
        if name not in _USED_BY:
            raise ConfigError(f"there is no setting {name!r}; there are {', '.join(_USED_BY)}")
        if method not in _USED_BY[name]:
            raise ConfigError(
                f"{name} has no effect on the method {method}; it is for {', '.join(_USED_BY[name])}"
            )
    _check(given)
    return Model(
        method=method,  # type: ignore[arg-type]  # one of METHODS, as checked
        confidence=check_confidence(confidence),
        horizon=check_count("horizon", horizon, 1),
        **given,
    )


def check_confidence(confidence: float) -> float:
    """`confidence` strictly between 0.5 and 1; raises ConfigError."""
    level = check_number("confidence", confidence)
    if not 0.5 < level < 1.0:
        hint = f"{level:g} % is {level / 100.0:g}" if 50.0 < level < 100.0 else "0.99 is usual"
        raise ConfigError(
            f"confidence must lie between 0.5 and 1, both left out, found {confidence!r}; {hint}"
        )
    return level


def _check(given: dict[str, Any]) -> None:
    if given.get("mean", "sample") not in _MEANS:
        raise ConfigError(f"mean must be one of {', '.join(_MEANS)}, found {given['mean']!r}")
    if "decay" in given:
        check_share("decay", given["decay"])
    degrees = given.get("degrees_of_freedom")
    if degrees is not None and check_number("degrees_of_freedom", degrees, 2.0) == 2.0:
        raise ConfigError("degrees_of_freedom must be above 2, found 2: there the variance is infinite")
    for name in ("compound", "asymmetric"):
        if not isinstance(given.get(name, False), bool):
            raise ConfigError(f"{name} must be True or False, found {given[name]!r}")
    if "paths" in given:
        check_count("paths", given["paths"], 1_000, MOST_PATHS)
    seed = given.get("seed", 0)
    if not isinstance(seed, np.random.SeedSequence):
        check_count("seed", seed, 0)
    matrix = given.get("correlation")
    if matrix is not None and not isinstance(matrix, pd.DataFrame):
        raise ConfigError(
            f"correlation must be a frame of instruments x instruments, found {type(matrix).__name__}"
        )
