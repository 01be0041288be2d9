"""A book while it is being closed: how much of it is cash after each day, and the price risk on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.inputs import check_count
from workbench.risk.inputs import ExposuresLike, square_matrix
from workbench.risk.liquidity import liquidity_book

__all__ = ["LIQUIDITY_BUCKETS", "liquidation_profile", "liquidation_risk", "liquidity_buckets"]

LIQUIDITY_BUCKETS: Final = (1, 7, 30, 90, 180, 365)
"""Last days of the spans in which funds report to their supervisors (Regulation (EU) 231/2013, Annex IV)."""

_MOST_DAYS: Final = 10_000  # a profile with more rows than this helps nobody


def liquidation_profile(
    exposures: ExposuresLike,
    daily_volume: Mapping[str, float] | pd.Series[float],
    *,
    participation: float | Mapping[str, float] = 0.1,
    days: int | None = None,
) -> pd.DataFrame:
    """Share of each position, and of the whole book by gross notional ("portfolio"), that is closed after each day.

    Rows: day 0, 1, ... up to `days`, or None: until all is closed.  What never trades stays at 0.  Arguments and errors
    as for `liquidity_horizon`.
    """
    book = liquidity_book(exposures, daily_volume, participation, None)
    needed = book.days
    last = days
    if last is None:
        longest = float(needed[np.isfinite(needed)].max(initial=0.0))
        last = min(math.ceil(longest - 1e-9), _MOST_DAYS)
    else:
        check_count("days", last, 1, _MOST_DAYS)
    day = np.arange(last + 1)
    closed = np.minimum(day[:, None] / needed[None, :], 1.0)
    table = pd.DataFrame(closed, index=pd.RangeIndex(last + 1, name="day"), columns=book.names)
    gross = np.abs(book.exposures)
    table["portfolio"] = closed @ (gross / gross.sum())
    return table.rename_axis(columns="instrument")


def liquidity_buckets(
    exposures: ExposuresLike,
    daily_volume: Mapping[str, float] | pd.Series[float],
    *,
    participation: float | Mapping[str, float] = 0.1,
    buckets: tuple[int, ...] = LIQUIDITY_BUCKETS,
) -> pd.DataFrame:
    """How much of the book can be closed within each span of days; the last row is what takes longer.

    buckets: last days of the spans, rising.  notional: quote currency, gross.  share: of gross notional.  Arguments and
    errors as for `liquidity_horizon`.
    """
    given: object = buckets
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise ConfigError(f"buckets: expected days from 1 that rise, such as (1, 7, 30), found {given!r}")
    for day in given:
        check_count("each of buckets", day, 1)
    if any(b <= a for a, b in pairwise(buckets)):
        raise ConfigError(f"buckets: expected days from 1 that rise, found {buckets!r}")
    book = liquidity_book(exposures, daily_volume, participation, None)
    gross = np.abs(book.exposures)
    done = np.minimum(np.array([0, *buckets])[:, None] / book.days[None, :], 1.0) @ gross
    parts = np.append(np.diff(done), max(float(gross.sum() - done[-1]), 0.0))
    first = [1, *(b + 1 for b in buckets[:-1])]
    names = [f"{a}" if a == b else f"{a}-{b}" for a, b in zip(first, buckets, strict=True)]
    index = pd.Index([*names, f">{buckets[-1]}"], name="days")
    return pd.DataFrame({"notional": parts, "share": parts / gross.sum()}, index=index)


def liquidation_risk(
    exposures: ExposuresLike,
    daily_volume: Mapping[str, float] | pd.Series[float],
    covariance: pd.DataFrame,
    *,
    participation: float | Mapping[str, float] = 0.1,
) -> pd.DataFrame:
    """How uncertain the proceeds are while the book is being closed: the price risk of what is still held each day.

    covariance: of DAILY returns, by instrument.  Rows: day 1, 2, ...; held: gross notional at the beginning of the day;
    volatility: deviation of that day's P&L; cumulative_volatility: of all days so far, days being independent
    (R. Almgren, N. Chriss, "Optimal execution of portfolio transactions", 2000).  What is closed during a day counts
    for the whole day.  What never trades is left out.  Arguments and errors as for `liquidity_horizon`.
    """
    book = liquidity_book(exposures, daily_volume, participation, None)
    matrix = square_matrix(covariance, pd.Index(book.names))
    moving = np.isfinite(book.days)
    if not moving.any():
        raise DataError("liquidation_risk: expected a position that trades, found none")
    needed, held = book.days[moving], book.exposures[moving]
    matrix = matrix[np.ix_(moving, moving)]
    last = min(math.ceil(float(needed.max()) - 1e-9), _MOST_DAYS)
    day = np.arange(last)
    left = np.maximum(1.0 - day[:, None] / needed[None, :], 0.0) * held
    variance = np.einsum("di,ij,dj->d", left, matrix, left)
    return pd.DataFrame(
        {
            "held": np.abs(left).sum(axis=1),
            "volatility": np.sqrt(np.maximum(variance, 0.0)),
            "cumulative_volatility": np.sqrt(np.maximum(np.cumsum(variance), 0.0)),
        },
        index=pd.RangeIndex(1, last + 1, name="day"),
    )
