"""One symbol at several venues: how far its prices stand apart, for how long, and whether that pays a fee.

A gap is 1e4 x ln(price at one venue / price at the other), in basis points.  Prices are compared on one grid of times;
a venue without a bar keeps its last close for a while (`limit`) and no longer, so that an outage is not read as a gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from workbench.data.prices import Prices
from workbench.data.times import Moment, as_span, parse_interval, stamp
from workbench.errors import ConfigError, DataError, UnknownInstrumentError
from workbench.performance.inputs import check_number
from workbench.risk.inputs import as_closes

__all__ = ["aligned_closes", "gap_spells", "gap_table", "venue_gaps", "widest_gap"]


def aligned_closes(
    prices: Prices | pd.DataFrame | Sequence[pd.Series[float]],
    symbol: str | None = None,
    *,
    limit: str | timedelta = "5min",
    step: str | timedelta | None = None,
    drop_last: bool = False,
) -> pd.DataFrame:
    """Closes of one symbol on a grid without holes, one column per venue; rows in which a venue has no price left out.

    prices: Prices (of `symbol`, where they hold several), a frame with one column per venue, or a list of named series.
    limit: how long a close may stand in for bars that are missing; a multiple of step, 0s for none.  step: of the grid;
    None takes the bar length, or the most common step.  drop_last: leave the last row of the grid out, where the last
    bar may be cut short.

    Index: bar OPEN time.  Raises DataError with fewer than two venues, or without a time that both have;
    UnknownInstrumentError for a symbol that is not there; ConfigError for a limit.
    """
    closes = _closes_of(prices, symbol)
    if closes.shape[1] < 2:
        raise DataError(
            f"expected the closes of two venues or more, found {closes.shape[1]}: {', '.join(map(str, closes))}"
        )
    length = _step(prices, closes, step)
    bars = _bars(limit, length)
    index = pd.DatetimeIndex(closes.index)
    if ((index.as_unit("ns").asi8 - index.as_unit("ns").asi8[0]) % length).any():
        raise DataError(
            f"expected times on a grid of {pd.Timedelta(length, unit='ns')}, found others; resample them first"
        )
    grid = closes.reindex(
        pd.date_range(index[0], index[-1], freq=pd.Timedelta(length, unit="ns"), name=index.name)
    )
    filled = grid.ffill(limit=bars) if bars else grid
    aligned = (filled.iloc[:-1] if drop_last else filled).dropna()
    if not len(aligned):
        raise DataError("expected a time at which all venues have a price, found none; widen limit=")
    return aligned


def venue_gaps(closes: pd.DataFrame, *, signed: bool = False) -> pd.DataFrame:
    """Gap of each pair of columns at each time, basis points; one column per pair, named (first, second).

    Sizes, or with `signed` above 0 where the first venue is dearer.  Raises DataError for closes not above 0 or fewer
    than two columns.
    """
    table = as_closes(closes)
    if table.shape[1] < 2:
        raise DataError(f"expected the closes of two venues or more, found {table.shape[1]}")
    logs = np.log(table)
    pairs = list(combinations(table.columns, 2))
    gaps = pd.DataFrame({pair: 1e4 * (logs[pair[0]] - logs[pair[1]]) for pair in pairs}, index=table.index)
    gaps.columns = pd.MultiIndex.from_tuples(pairs, names=["first", "second"])
    return gaps if signed else gaps.abs()


def widest_gap(closes: pd.DataFrame) -> pd.Series[float]:
    """Gap between the dearest and the cheapest venue at each time, basis points >= 0.  Raises as `venue_gaps`."""
    return venue_gaps(closes).max(axis=1).rename("gap_bps")


def gap_table(
    gaps: pd.Series[float] | pd.DataFrame,
    *,
    fee_bps: float,
    splits: Sequence[Moment] = (),
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Sizes of the gaps in each regime: one row per regime, for each pair of venues where there are several.

    gaps: basis points by time, signed or not.  fee_bps: what a round trip between the venues costs.  splits: times
    (UTC) at which regimes change; a regime includes its beginning and not its end.  names: of the regimes, one more
    than splits; None names them by their beginnings.

    observations, mean_bps, median_bps, p95_bps, p99_bps, max_bps, max_time, share_above_fee (of observations that are
    wider than the fee), mean_excess_bps (beyond the fee, of those).  Raises ConfigError for splits that do not rise or
    names that do not fit, DataError where there is no gap.
    """
    fee = check_number("fee_bps", fee_bps, 0.0)
    edges = [as_span(split)[0] for split in splits]
    if any(b <= a for a, b in pairwise(edges)):
        raise ConfigError("splits: expected times that rise, found them out of order")
    if names is not None and len(names) != len(edges) + 1:
        raise ConfigError(f"names: expected {len(edges) + 1}, one more than splits, found {len(names)}")
    if isinstance(gaps, pd.DataFrame) and gaps.shape[1] > 1:
        tables = {pair: gap_table(gaps[pair], fee_bps=fee, splits=splits, names=names) for pair in gaps}
        return pd.concat(tables, names=[*gaps.columns.names, "regime"])
    sizes = (gaps.iloc[:, 0] if isinstance(gaps, pd.DataFrame) else gaps).abs().dropna()
    if not len(sizes):
        raise DataError("gaps: expected at least one, found none")
    bounds = [sizes.index[0], *edges, None]
    labels = list(names) if names is not None else [_label(a, n) for n, a in enumerate(bounds[:-1])]
    rows = {}
    for label, (low, high) in zip(labels, pairwise(bounds), strict=True):
        inside = np.ones(len(sizes), dtype=bool) if high is None else np.asarray(sizes.index < high)
        rows[label] = _row(sizes[inside & np.asarray(sizes.index >= low)], fee)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("regime")


def gap_spells(gaps: pd.Series[float], *, fee_bps: float) -> pd.DataFrame:
    """The stretches of observations in which the gap stays above the fee: how long an opportunity lasts.

    start, end: first and last time of the stretch.  observations: in it.  peak_bps, mean_bps: sizes of the gap.
    peak_time.  A stretch ends where the gap falls to the fee or below, and where the usual step between observations
    is not kept, since nobody knows what happened there.  Raises DataError where there is no gap.
    """
    fee = check_number("fee_bps", fee_bps, 0.0)
    sizes = gaps.abs().dropna()
    if not len(sizes):
        raise DataError("gaps: expected at least one, found none")
    times = pd.DatetimeIndex(sizes.index)
    steps = np.diff(times.as_unit("ns").asi8)
    usual = float(np.median(steps)) if len(steps) else 0.0
    above = sizes.to_numpy() > fee
    begins = above & np.concatenate([[True], ~above[:-1] | (steps > usual)])
    spell = np.where(above, np.cumsum(begins), 0)
    kept = pd.DataFrame({"time": times, "size": sizes.to_numpy(), "spell": spell})[above]
    groups = kept.groupby("spell", sort=True)
    peaks = kept.loc[groups["size"].idxmax(), "time"] if len(kept) else kept["time"]
    table = pd.DataFrame(
        {
            "start": groups["time"].first(),
            "end": groups["time"].last(),
            "observations": groups["size"].size(),
            "peak_bps": groups["size"].max(),
            "mean_bps": groups["size"].mean(),
        }
    )
    table["peak_time"] = peaks.to_numpy()
    return table.astype({"peak_time": table["start"].dtype}).reset_index(drop=True)


def _closes_of(
    prices: Prices | pd.DataFrame | Sequence[pd.Series[float]], symbol: str | None
) -> pd.DataFrame:
    if isinstance(prices, Prices):
        wanted = prices.symbols if symbol is None else [symbol]
        if len(wanted) > 1:
            raise UnknownInstrumentError(
                f"these prices hold {', '.join(wanted)}: say which, symbol={wanted[0]!r}"
            )
        part = prices.only(symbols=wanted)
        closes = part.closes()
        return closes.set_axis([instrument.venue for instrument in part.instruments], axis=1).rename_axis(
            columns="venue"
        )
    if isinstance(prices, pd.DataFrame):
        return as_closes(prices)
    series = list(prices)
    names = [str(s.name) if s.name is not None else f"venue-{n}" for n, s in enumerate(series, 1)]
    if len(set(names)) < len(names):
        raise DataError(f"expected series of different names, found {', '.join(names)}")
    for name, one in zip(names, series, strict=True):
        as_closes(one.to_frame(name), name)
    return as_closes(pd.concat(dict(zip(names, series, strict=True)), axis=1, sort=True))


def _step(
    prices: Prices | pd.DataFrame | Sequence[pd.Series[float]],
    closes: pd.DataFrame,
    step: str | timedelta | None,
) -> int:
    """Nanoseconds between two rows of the grid."""
    if step is not None:
        return parse_interval(step, "step")
    if isinstance(prices, Prices) and prices.interval.value:
        return int(prices.interval.value)
    if len(closes) < 2:
        raise DataError("one time does not tell the step of the grid; give it, as in step='1min'")
    steps, counts = np.unique(np.diff(pd.DatetimeIndex(closes.index).as_unit("ns").asi8), return_counts=True)
    return int(steps[counts.argmax()])


def _bars(limit: str | timedelta, length: int) -> int:
    """Rows of the grid that a close may stand in for."""
    try:
        span = pd.Timedelta(limit).value
    except ValueError as error:
        raise ConfigError(f"limit must be a length of time such as '5min', found {limit!r}") from error
    if not 0 <= span:
        raise ConfigError(f"limit must be a length of time of 0 or more, found {limit!r}")
    return int(span // length)


def _label(start: pd.Timestamp, number: int) -> str:
    return f"from {stamp(start)}" if number else "from the beginning"


def _row(sizes: pd.Series[float], fee: float) -> dict[str, object]:
    if not len(sizes):
        nothing = dict.fromkeys(("mean_bps", "median_bps", "p95_bps", "p99_bps", "max_bps"), math.nan)
        return {
            "observations": 0,
            **nothing,
            "max_time": pd.NaT,
            "share_above_fee": math.nan,
            "mean_excess_bps": math.nan,
        }
    above = sizes[sizes > fee]
    return {
        "observations": len(sizes),
        "mean_bps": float(sizes.mean()),
        "median_bps": float(sizes.median()),
        "p95_bps": float(sizes.quantile(0.95)),
        "p99_bps": float(sizes.quantile(0.99)),
        "max_bps": float(sizes.max()),
        "max_time": sizes.idxmax(),
        "share_above_fee": len(above) / len(sizes),
        "mean_excess_bps": float((above - fee).mean()) if len(above) else math.nan,
    }
