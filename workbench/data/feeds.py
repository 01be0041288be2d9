"""Bars to the flat arrays that every runner plays back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.feed import ASK, ASK_SIZE, BID, BID_SIZE, CHANGE_PCT, LAST, QUOTE_COLUMNS, VOLUME, Feed
from workbench.core.messages import Instrument
from workbench.data.times import nanoseconds
from workbench.errors import DataError

__all__ = ["build_feed"]


def build_feed(
    instruments: Sequence[Instrument],
    frames: Sequence[pd.DataFrame],
    intervals_ns: Sequence[int],
    spread_bps: float | Mapping[str, float],
    max_rows: int | None,
) -> Feed:
    """Merge the bars of `k` instruments into one Feed, by closing time, then in the order of `instruments`.

    frames: checked bars, UTC index in ns.  intervals_ns: bar lengths, 0 where the index is already event time.
    spread_bps: whole spread put round the close where a frame has no bid and ask, in 1e-4 of the close; one, or one
    per venue.
    max_rows: keep the first so many updates.  Raises DataError for a spread or a row count that makes no sense.
    """
    spreads = [_spread_at(spread_bps, instrument.venue) for instrument in instruments]
    if max_rows is not None and max_rows < 1:
        raise DataError(f"max_rows: expected 1 or more, or None for all, found {max_rows!r}")
    lengths = [len(frame) for frame in frames]
    times = np.concatenate(
        [nanoseconds(frame) + length for frame, length in zip(frames, intervals_ns, strict=True)]
    )
    owner = np.repeat(np.arange(len(frames), dtype=np.int64), lengths)
    sequence = np.concatenate([np.arange(length, dtype=np.int64) for length in lengths])
    quotes = np.empty((len(times), QUOTE_COLUMNS), dtype=np.float64)
    start = 0
    for frame, length, spread in zip(frames, lengths, spreads, strict=True):
        _fill_quotes(quotes[start : start + length], frame, spread)
        start += length
    if len(frames) > 1:
        # Stable, so rows of equal time keep the order in which the instruments were laid down.
        order = np.argsort(times, kind="stable")[:max_rows]
        times, owner, quotes, sequence = (times[order], owner[order], quotes[order], sequence[order])
    return Feed(
        instruments=tuple(instruments),
        timestamp_ns=times[:max_rows],
        instrument=owner[:max_rows],
        quotes=quotes[:max_rows],
        sequence=sequence[:max_rows],
    )


def _spread_at(spread_bps: float | Mapping[str, float], venue: str) -> float:
    """The spread of one venue; raises DataError where it is none, or where the venue has none."""
    if isinstance(spread_bps, Mapping):
        if venue not in spread_bps:
            raise DataError(
                f"spread_bps: expected one for the venue {venue!r}, found {', '.join(spread_bps)}"
            )
        spread_bps = spread_bps[venue]
    if not math.isfinite(spread_bps) or not 0.0 <= spread_bps < 20_000.0:
        raise DataError(f"spread_bps: expected 0 or more and less than 20000, found {spread_bps!r}")
    return spread_bps


def _fill_quotes(quotes: npt.NDArray[np.float64], frame: pd.DataFrame, spread_bps: float) -> None:
    """Write one instrument's updates into `quotes` (a view of n rows), in place."""
    close = frame["close"].to_numpy()
    half = 0.5 * spread_bps / 1e4
    given = "bid" in frame and "ask" in frame
    quotes[:, BID] = frame["bid"].to_numpy() if given else close * (1.0 - half)
    quotes[:, ASK] = frame["ask"].to_numpy() if given else close * (1.0 + half)
    quotes[:, LAST] = close
    quotes[:, VOLUME] = frame["volume"].to_numpy()
    quotes[:, BID_SIZE] = frame["bid_size"].to_numpy() if "bid_size" in frame else np.nan
    quotes[:, ASK_SIZE] = frame["ask_size"].to_numpy() if "ask_size" in frame else np.nan
    quotes[0, CHANGE_PCT] = 0.0
    quotes[1:, CHANGE_PCT] = close[1:] / close[:-1] - 1.0
