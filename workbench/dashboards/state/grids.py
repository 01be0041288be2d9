"""What a sweep of the research lab is run with, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workbench.backtest.result import BacktestResult
from workbench.dashboards.state.choices import Choice
from workbench.data.prices import Prices
from workbench.errors import ParameterError

__all__ = ["Axis", "Pin", "Settings"]

MOST_VALUES: Final = 60  # along one axis: more cells than a person can tell apart


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and its values."""

    name: str
    low: float
    high: float
    count: int
    whole: bool

    @property
    def values(self) -> list[float]:
        """Evenly from low to high, whole numbers where the parameter is one.  Raises ParameterError."""
        if not (1 <= self.count <= MOST_VALUES):
            raise ParameterError(f"{self.name}: expected 1 to {MOST_VALUES} values, found {self.count}")
        if not self.low <= self.high:
            raise ParameterError(
                f"{self.name}: expected the lowest first, found {self.low:g} to {self.high:g}"
            )
        spread = np.linspace(self.low, self.high, self.count)
        if self.whole:
            return [int(value) for value in np.unique(np.rint(spread))]
        return [float(f"{value:.6g}") for value in np.unique(spread)]


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """What a sweep was run with."""

    prices_name: str
    prices: Prices
    strategy: Choice
    across: Axis
    down: Axis
    config: Mapping[str, Any]

    @property
    def label(self) -> str:
        return f"{self.strategy.name} on {self.prices_name}"

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal where the same is swept; a script that was written again has another class."""
        values = tuple((axis.name, *axis.values) for axis in (self.across, self.down))
        return self.prices_name, self.strategy.kind, values, tuple(sorted(self.config.items()))


@dataclass(frozen=True, slots=True, eq=False)
class Pin:
    """A cell that was kept to be compared.  letter, label: what it is called, and what it is; no two are alike."""

    letter: str
    label: str
    result: BacktestResult
