"""Returns with moments that are known exactly, and published ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

Floats = npt.NDArray[np.float64]
WithCovariance = Callable[..., pd.DataFrame]


@pytest.fixture(scope="session")
def dem_gbp() -> pd.Series[float]:
    """The benchmark of GARCH programs: see the head of the file."""
    table = pd.read_csv(Path(__file__).parent / "dem_gbp.csv", comment="#")
    return table["return"]


@pytest.fixture(scope="session")
def sp500() -> pd.Series[float]:
    """Daily returns of the S&P 500, 1999 to 2018, from an installed package."""
    from arch.data import sp500 as data

    closes: pd.Series[float] = data.load()["Adj Close"]
    return closes.pct_change().dropna()


@pytest.fixture
def with_covariance() -> WithCovariance:
    """16 rows of returns whose sample covariance (n - 1) and mean are exactly those asked for.

    Columns of plus and minus one that are orthogonal to each other and sum to 0 have covariance 16/15 times unity; a
    root of the wanted covariance turns them into the wanted one.
    """

    def make(deviations: dict[str, float], correlation: list[list[float]], mean: float = 0.0) -> pd.DataFrame:
        scale = np.array(list(deviations.values()))
        root = np.linalg.cholesky(np.outer(scale, scale) * np.array(correlation))
        signs = np.array([[1.0 if row >> bit & 1 else -1.0 for bit in range(4)] for row in range(16)])
        values = signs[:, : len(scale)] * np.sqrt(15.0 / 16.0) @ root.T + mean
        return pd.DataFrame(values, columns=pd.Index(list(deviations)))

    return make
