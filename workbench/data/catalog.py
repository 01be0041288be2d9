"""Prices from a file, a sample or a frame, and several of them merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

import pandas as pd

from workbench.data.frames import DEFAULT_SYMBOL, parse_name
from workbench.data.prices import Prices
from workbench.data.readers import read_table
from workbench.data.samples import load_sample, samples
from workbench.data.store import from_stored, is_stored
from workbench.data.times import Moment, length_text, parse_interval
from workbench.errors import DataError

__all__ = ["as_prices", "load", "merge"]

type PriceLike = Prices | pd.DataFrame | pd.Series | Mapping[str, pd.DataFrame] | str | Path


def load(
    source: str | Path,
    symbol: str | Iterable[str] | None = None,
    venue: str | Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    interval: str | timedelta | None = None,
) -> Prices:
    """Prices of a file (CSV, Parquet, Binance klines) or of a sample (see `samples()`).

    symbol, venue: where the file names its instruments, the ones to keep; where it does not, their name (left out:
    from the file name, at "exchange-1").  start, end: as in Prices.between.  interval: bar length, left out the most
    common step.  Raises DataError in one line: missing or empty file, wrong columns, a bad row, dates out of range.
    """
    if isinstance(source, str) and source in samples() and not Path(source).exists():
        prices = _select(_of_length(load_sample(source), interval, source), symbol, venue)
    elif isinstance(source, str) and not Path(source).suffix and not Path(source).exists():
        raise DataError(f"{source}: no such file, and no such sample; samples are {', '.join(samples())}")
    else:
        prices = _load_file(Path(source), symbol, venue, interval)
    return prices if start is None and end is None else prices.between(start, end)


def merge(*prices: Prices) -> Prices:
    """All instruments of all `prices`, in order.  Raises DataError where one stands in two of them."""
    if not prices:
        raise DataError("merge: expected at least one Prices, found none")
    first, *rest = prices
    for other in rest:
        first = first.merged_with(other)
    return first


def as_prices(source: PriceLike, symbol: str | None = None, venue: str | None = None) -> Prices:
    """`source` as Prices: itself, a frame of bars or of closes (one column a symbol), a series of closes, frames by
    instrument name, a path or the name of a sample.

    symbol, venue: names for what the source does not name itself.  Raises DataError for anything else.
    """
    if isinstance(source, Prices):
        return source
    if isinstance(source, str | Path):
        return load(source, symbol, venue)
    if isinstance(source, Mapping):
        return Prices(source)
    if isinstance(source, pd.Series):
        name = symbol or (str(source.name) if source.name is not None else DEFAULT_SYMBOL)
        source = source.to_frame(parse_name(name, venue).name)
    if isinstance(source, pd.DataFrame):
        if isinstance(source.index, pd.MultiIndex):
            source = source.reset_index()
        return Prices.from_table(source, "prices", symbol, venue)
    raise DataError(
        f"expected Prices, a DataFrame or Series of prices, a path or a sample name, found {type(source).__name__}"
    )


def _select(prices: Prices, symbol: str | Iterable[str] | None, venue: str | Iterable[str] | None) -> Prices:
    return prices if symbol is None and venue is None else prices.only(symbol, venue)


def _of_length(prices: Prices, interval: str | timedelta | None, where: str) -> Prices:
    """`prices` that know their own bar length, if `interval` does not say otherwise."""
    if interval is not None and parse_interval(interval) != prices.interval.value:
        raise DataError(
            f"{where}: expected bars of {interval}, found {length_text(prices.interval.value)}; use .resample()"
        )
    return prices


def _load_file(
    path: Path,
    symbol: str | Iterable[str] | None,
    venue: str | Iterable[str] | None,
    interval: str | timedelta | None,
) -> Prices:
    data, file_symbol, file_venue = read_table(path)
    if is_stored(data):
        return _select(_of_length(from_stored(data, str(path)), interval, str(path)), symbol, venue)
    one_symbol = symbol if isinstance(symbol, str) else None
    one_venue = venue if isinstance(venue, str) else None
    prices = Prices.from_table(data, str(path), one_symbol or file_symbol, one_venue or file_venue, interval)
    return _select(prices, symbol, venue)
