"""Bars from an exchange, where there is a network: paged, resumable, written whole or not at all."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import pandas as pd

from workbench.core.messages import Instrument
from workbench.data.prices import Prices
from workbench.data.readers import read_table
from workbench.data.store import from_stored, is_stored, write_parquet
from workbench.data.times import Moment, as_span, parse_interval, stamp
from workbench.errors import DataError

__all__ = ["Exchange", "fetch"]

_MS: Final = 1_000_000  # nanoseconds
_PAGE: Final = 1_000  # bars asked for at a time; an exchange may give fewer
_LEAST_PAGE: Final = 100  # no exchange that matters gives fewer
_SAVE_EVERY: Final = 50  # pages: at most so many are fetched again after a stop
_TRIES: Final = 3
_COLUMNS: Final = ("timestamp", "open", "high", "low", "close", "volume")


class Exchange(Protocol):
    """The one call of a ccxt exchange that is needed: rows of [open time in ms, open, high, low, close, volume]."""

    id: str

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[float]]: ...


def fetch(
    exchange: str | Exchange,
    symbol: str,
    start: Moment,
    end: Moment,
    interval: str = "1m",
    out: str | Path = "prices.parquet",
    *,
    clock: Callable[[], float] = time.time,
    pause: Callable[[float], None] = time.sleep,
    progress: Callable[[pd.Timestamp], None] | None = None,
) -> Prices:
    """Bars of `symbol` that open from `start` to `end`, kept in the Parquet file `out`, and returned.

    exchange: a ccxt name such as "coinbase", or an object with fetch_ohlcv.  symbol: as the exchange writes it,
    "BTC/USD"; the instrument is BTC-USD@coinbase.  A run that was stopped goes on where it was, from a file beside
    `out` ("prices.part.parquet"); a finished `out` is extended from its last bar.  A bar that has not closed yet by
    `clock` (seconds since 1970) is left out.  progress: told after each page how far the bars reach.
    Nothing is filled: missing bars show up in `.gaps()`; some exchanges keep only their latest bars.
    Raises DataError: ccxt not installed, no network, unknown exchange or symbol, no bars, `out` holds other prices.
    """
    venue = _exchange(exchange) if isinstance(exchange, str) else exchange
    path = Path(out)
    if path.suffix != ".parquet":
        raise DataError(f"{path}: expected a file named .parquet to keep the bars in")
    part = path.with_suffix(".part.parquet")
    step = parse_interval(interval) // _MS
    low, high = as_span(start)[0].value // _MS, as_span(end)[1].value // _MS
    if low > high:
        raise DataError(f"start {start} is after end {end}")
    high = min(high, int(clock() * 1000.0) - step)
    instrument = Instrument(symbol=symbol.replace("/", "-"), venue=venue.id)
    kept = _kept(part if part.exists() else path, instrument, step, low)
    since = low if kept is None else int(kept.index[-1].value) // _MS + step
    rows: list[list[float]] = []
    try:
        for number, (page, reached) in enumerate(
            _pages(venue, symbol, interval, since, high, step, pause), 1
        ):
            rows += page
            if number % _SAVE_EVERY == 0:
                kept, rows = _saved(kept, rows, instrument, step, part), []
            if progress is not None:
                progress(pd.Timestamp(reached, unit="ms", tz="UTC"))
    finally:  # also on an interrupt: what has come is not fetched again
        kept = _saved(kept, rows, instrument, step, part)
    if kept is None:
        raise DataError(f"{venue.id} has no bars of {symbol} from {start} to {end}; check symbol and dates")
    part.replace(path)
    return Prices({instrument: kept}, interval=pd.Timedelta(step, unit="ms"))


def _pages(
    venue: Exchange,
    symbol: str,
    interval: str,
    since: int,
    high: int,
    step: int,
    pause: Callable[[float], None],
) -> Iterator[tuple[list[list[float]], int]]:
    """Bars that open from `since` to `high` (ms), page by page, each with the time up to which bars were asked for."""
    width = _LEAST_PAGE
    while since <= high:
        page = [row for row in _page(venue, symbol, interval, since, pause) if row[0] >= since]
        width = max(width, len(page))
        # An empty page is a halt longer than a page: look behind it, no further than pages are known to reach.
        since = int(page[-1][0]) + step if page else since + width * step
        yield [row for row in page if row[0] <= high], min(since, high)


def _exchange(name: str) -> Exchange:
    ccxt = _ccxt()
    if ccxt is None:
        raise DataError(
            "fetching prices needs ccxt (the extra 'data'), which is not installed; pip install ccxt"
        )
    if name not in ccxt.exchanges:
        raise DataError(f"no exchange {name!r} in ccxt; names are as in 'coinbase', 'kraken', 'binance'")
    made: Exchange = getattr(ccxt, name)({"enableRateLimit": True})
    return made


def _ccxt() -> Any:
    try:
        return importlib.import_module("ccxt")
    except ImportError:
        return None  # an optional extra


def _page(
    venue: Exchange, symbol: str, interval: str, since: int, pause: Callable[[float], None]
) -> list[list[float]]:
    """One page, tried again on network trouble; an answer of the exchange that refuses is final."""
    ccxt = _ccxt()
    network: tuple[type[Exception], ...] = (OSError,) if ccxt is None else (OSError, ccxt.NetworkError)
    refusal: tuple[type[Exception], ...] = () if ccxt is None else (ccxt.BaseError,)
    for attempt in range(_TRIES):
        try:
            return sorted(venue.fetch_ohlcv(symbol, interval, since, _PAGE))
        except network as error:
            if attempt == _TRIES - 1:
                raise DataError(
                    f"{venue.id} cannot be reached ({_line(error)}); check the network and run the same again, "
                    "it goes on where it stopped"
                ) from error
            pause(2.0**attempt)
        except refusal as error:
            raise DataError(f"{venue.id} refused {symbol} {interval}: {_line(error)}") from error
    raise AssertionError("the last attempt returns or raises")


def _kept(path: Path, instrument: Instrument, step: int, low: int) -> pd.DataFrame | None:
    """Bars of an earlier run, or None.  DataError where the file holds something that these do not continue."""
    if not path.exists():
        return None
    table = read_table(path).data
    prices = from_stored(table, str(path)) if is_stored(table) else None
    if prices is None or prices.names != [instrument.name] or prices.interval.value // _MS != step:
        raise DataError(
            f"{path}: expected earlier bars of {instrument.name}, found other prices; choose another file"
        )
    if low < prices.start.value // _MS:
        raise DataError(
            f"{path}: begins at {stamp(prices.start)}, after the start asked for; choose another file"
        )
    return prices.frame(instrument.name)


def _saved(
    kept: pd.DataFrame | None, rows: list[list[float]], instrument: Instrument, step: int, part: Path
) -> pd.DataFrame | None:
    """`kept` with `rows` behind it, checked and written to `part`; None where both are empty."""
    if rows:
        table = pd.DataFrame([row[:6] for row in rows], columns=list(_COLUMNS))
        table["timestamp"] = pd.to_datetime(
            table["timestamp"].astype("int64"), unit="ms", utc=True
        ).dt.as_unit("ns")
        table = table.set_index("timestamp").astype("float64")
        kept = table if kept is None else pd.concat([kept, table])
    if kept is not None:
        write_parquet(Prices({instrument: kept}, interval=pd.Timedelta(step, unit="ms")), part)
    return kept


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
