"""How much of a book hangs on few names: shares, the Herfindahl-Hirschman index, effective numbers.

Shares are of gross exposure, so that a long and a short in one name do not hide each other; `net=True` lets what is
netted inside a group cancel first.  The desk's concentration limit looks at gross exposure by symbol as well.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import DataError
from workbench.risk.inputs import Cut, ExposuresLike, as_exposures, exposures_by, positions_of, square_matrix

__all__ = [
    "concentration",
    "concentration_table",
    "diversification_ratio",
    "effective_bets",
    "effective_number",
    "hhi",
]

_TOP = 5


def hhi(exposures: ExposuresLike, by: Cut = "instrument", *, net: bool = False) -> float:
    """Herfindahl-Hirschman index: the sum of squared shares, 1 / n where n are equal, 1 where one is all; NaN if flat.

    exposures: signed notional by instrument, or positions with symbol, venue, notional (and strategy_id).  As a
    fraction; the U.S. Department of Justice writes shares in percent, which makes it 10,000 times as large
    (A. O. Hirschman, "The paternity of an index", 1964).  Raises DataError or ConfigError as `exposures_by`.
    """
    return _index(_shares(exposures, by, net))


def effective_number(exposures: ExposuresLike, by: Cut = "instrument", *, net: bool = False) -> float:
    """How many equal positions would be as concentrated: 1 / HHI; NaN where nothing is held.  Raises as `hhi`."""
    return 1.0 / hhi(exposures, by, net=net)


def concentration_table(
    exposures: ExposuresLike, by: Cut = "instrument", *, net: bool = False
) -> pd.DataFrame:
    """One row for each instrument, symbol, venue or strategy, the largest first.

    net, gross: signed sum and sum of sizes, quote currency.  share: of the whole.  cumulative_share: of this row and
    all above it.  Raises as `hhi`.
    """
    table = pd.DataFrame(
        {
            "net": exposures_by(exposures, by),
            "gross": exposures_by(exposures, by, gross=True),
            "share": _shares(exposures, by, net),
        }
    )
    table = table.sort_values("share", ascending=False, kind="stable")
    return table.assign(cumulative_share=table["share"].cumsum())


def concentration(exposures: ExposuresLike, *, net: bool = False) -> pd.DataFrame:
    """One row for each cut: by instrument, symbol, venue, and by strategy where the positions tell it.

    count: how many are held.  hhi, effective_number: as above.  normalised_hhi: 0 where all shares are equal, 1 where
    one is all, whatever their number (NaN for one).  largest, largest_share, top_5_share.  Raises as `hhi`.
    """
    cuts: list[Cut] = ["instrument", "symbol", "venue"]
    if "strategy_id" in positions_of(exposures):
        cuts.append("strategy")
    rows = {cut: _summary(_shares(exposures, cut, net)) for cut in cuts}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("by")


def diversification_ratio(exposures: ExposuresLike, covariance: pd.DataFrame) -> float:
    """Sum of the volatilities of the positions over the volatility of the book; 1 where nothing is spread.

    covariance: of returns, by instrument, any period.  Infinite where a book with positions does not move, NaN where
    nothing is held (Y. Choueifaty, Y. Coignard, "Toward maximum diversification", 2008).  Raises DataError where an
    instrument is missing.
    """
    held, matrix = _held(exposures, covariance)
    alone = float(np.abs(held) @ np.sqrt(np.maximum(np.diag(matrix), 0.0)))
    together = math.sqrt(max(float(held @ matrix @ held), 0.0))
    if alone == 0.0:
        return math.nan
    return alone / together if together > 1e-12 * alone else math.inf


def effective_bets(exposures: ExposuresLike, covariance: pd.DataFrame) -> float:
    """How many uncorrelated bets of equal size would spread the variance of the book as it is spread.

    The exponential of the entropy of the shares of variance that come from the principal components, from 1 to the
    number of instruments (A. Meucci, "Managing diversification", 2009); NaN for a book without variance.  Raises as
    `diversification_ratio`.
    """
    held, matrix = _held(exposures, covariance)
    values, vectors = np.linalg.eigh(matrix)
    parts = np.maximum(values, 0.0) * (vectors.T @ held) ** 2
    total = float(parts.sum())
    if not total > 0.0:
        return math.nan
    shares = parts[parts > 0.0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _held(
    exposures: ExposuresLike, covariance: pd.DataFrame
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    held = as_exposures(exposures)
    matrix = square_matrix(covariance, held.index)
    if (np.diag(matrix) < 0.0).any():
        raise DataError("covariance: expected variances of 0 or more, found a negative one")
    return np.asarray(held, dtype=np.float64), matrix


def _shares(exposures: ExposuresLike, by: Cut, net: bool) -> pd.Series[float]:
    """Share of each group; NaN where nothing is held."""
    sizes = exposures_by(exposures, by, gross=not net).abs()
    total = float(sizes.sum())
    return sizes / total if total > 0.0 else sizes * math.nan


def _index(shares: pd.Series[float]) -> float:
    values = shares.to_numpy()
    return float(values @ values)


def _summary(shares: pd.Series[float]) -> dict[str, object]:
    index, held = _index(shares), int((shares > 0.0).sum())
    even = 1.0 / held if held else math.nan
    return {
        "count": held,
        "hhi": index,
        "normalised_hhi": (index - even) / (1.0 - even) if held > 1 else math.nan,
        "effective_number": 1.0 / index,
        "largest": shares.idxmax() if held else "",
        "largest_share": float(shares.max()),
        f"top_{_TOP}_share": float(shares.nlargest(_TOP).sum(min_count=1)),
    }
