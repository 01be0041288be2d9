"""What a run traded and at which marks: the frames that attribution and shortfall are computed from, read once.

Money is quote currency, quantities are signed units, times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.feed import ASK, BID, LAST, Feed
from workbench.errors import DataError

__all__ = ["FillBook", "TradingRecord", "feed_marks", "last_at", "nanoseconds_of"]

type Floats = npt.NDArray[np.float64]
type Places = npt.NDArray[np.int64]

_FILLS: Final = ("timestamp", "strategy_id", "symbol", "venue", "quantity", "price", "fee")
_WHO: Final = ("strategy_id", "symbol", "venue")
_ORDERS: Final = ("order_id", "created")


class FillBook(NamedTuple):
    """Fills of one strategy in one instrument, in order, beside the marks of the instrument.

    rows: int64[m], places in the frame of fills.  fill_ns, quantity, price, fee: [m].  at: int64[m], the place of the
    mark that was in force once the fill was known.  sent_at: int64[m], the place of the one that the order was sent
    at; never that of the update which filled it.  mark_ns, mark, mid, bid, ask: [n].  multiplier: quote currency per
    unit and price difference of 1.
    """

    strategy: str
    symbol: str
    venue: str
    rows: Places
    fill_ns: Places
    quantity: Floats
    price: Floats
    fee: Floats
    at: Places
    sent_at: Places
    mark_ns: Places
    mark: Floats
    mid: Floats
    bid: Floats
    ask: Floats
    multiplier: float

    @property
    def instrument(self) -> str:
        return f"{self.symbol}@{self.venue}"

    def arrival(self) -> Floats:
        """float64[m]: mid price at which each fill's order was sent."""
        return self.mid[self.sent_at]


@dataclass(frozen=True, eq=False)
class TradingRecord:
    """Fills, and what the market showed.

    fills: in the order in which they happened, with the columns timestamp, strategy_id, symbol, venue, quantity (signed
    units), price, fee (a rebate is negative), and where known liquidity and order_id.
    marks: by "symbol@venue", prices that were believed, rising UTC times as index, a column mark (what positions are
    valued at) and where known bid and ask; or one frame of closes with a column for each instrument.
    orders: order_id (0 where it was refused), created, and where known triggered, side, quantity, ended; None: an order
    counts as sent at the update before the one that filled it.
    multipliers: by "symbol@venue"; 1 where left out.

    Raises DataError where a column or the marks of an instrument are missing, a figure is not finite, fills do not rise
    in time, come before the first mark, or name an order that is not there.
    """

    fills: pd.DataFrame
    marks: Mapping[str, pd.DataFrame] | pd.DataFrame
    orders: pd.DataFrame | None = None
    multipliers: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _need(self.fills, _FILLS, "fills")
        if self.orders is not None:
            _need(self.orders, _ORDERS, "orders")
            _need(self.fills, ("order_id",), "fills beside orders")
        for name in ("quantity", "price", "fee"):
            values = self.fills[name].to_numpy(dtype=np.float64)
            bad = ~np.isfinite(values)
            kind = "finite"
            if name == "quantity":
                bad |= values == 0.0
                kind = "finite and not 0"
            if bad.any():
                at = int(bad.argmax())
                raise DataError(f"fills: row {at}: expected a {name} that is {kind}, found {values[at]:g}")
        times = nanoseconds_of(self.fills["timestamp"])
        if (np.diff(times) < 0).any():
            at = int((np.diff(times) < 0).argmax()) + 1
            raise DataError(f"fills: row {at} is earlier than the one before; sort them by time")

    def books(self) -> Iterator[FillBook]:
        """Fills of each strategy and instrument, in order of appearance."""
        sent = self._sent()
        times = nanoseconds_of(self.fills["timestamp"])
        places: dict[tuple[str, str, str], list[int]] = {}
        for row, key in enumerate(
            zip(*(self.fills[name].astype(str).tolist() for name in _WHO), strict=True)
        ):
            places.setdefault(key, []).append(row)
        for (strategy, symbol, venue), own in places.items():
            rows = np.array(own, dtype=np.int64)
            yield self._book(strategy, symbol, venue, rows, times[rows], sent[rows])

    def marks_of(self, instrument: str) -> tuple[Places, Floats, Floats, Floats, Floats]:
        """Times (ns), mark, mid, bid, ask of one instrument; mid is the mark where there is no bid and ask."""
        if instrument not in self.marks:
            known = ", ".join(map(str, self.marks)) or "none"
            raise DataError(f"marks: expected those of {instrument}, found {known}")
        own: pd.DataFrame | pd.Series[float] = self.marks[instrument]
        frame = own.dropna().to_frame("mark") if isinstance(own, pd.Series) else own
        _need(frame, ("mark",), f"marks of {instrument}")
        index = frame.index
        if not isinstance(index, pd.DatetimeIndex) or not index.is_monotonic_increasing:
            raise DataError(f"marks of {instrument}: expected times that rise as the index")
        mark = frame["mark"].to_numpy(dtype=np.float64)
        if not np.isfinite(mark).all():
            at = index[int((~np.isfinite(mark)).argmax())]
            raise DataError(
                f"marks of {instrument}: expected finite marks, found none at {at}; leave the row out"
            )
        bid, ask = (
            frame[name].to_numpy(dtype=np.float64) if name in frame else np.full(len(mark), np.nan)
            for name in ("bid", "ask")
        )
        mid = 0.5 * (bid + ask)
        return nanoseconds_of(index.to_series()), mark, np.where(np.isfinite(mid), mid, mark), bid, ask

    def multiplier(self, instrument: str) -> float:
        return float(self.multipliers.get(instrument, 1.0))

    def _sent(self) -> Places:
        """int64[fills]: when the order of each fill was sent, or its stop was triggered; the largest if unknown."""
        unknown = np.full(len(self.fills), np.iinfo(np.int64).max)
        if self.orders is None or not len(self.fills):
            return unknown
        orders = self.orders[self.orders["order_id"] != 0].drop_duplicates("order_id")
        moments = orders["created"]
        if "triggered" in orders:
            moments = orders["triggered"].where(orders["triggered"].notna(), moments)
        found = pd.Index(orders["order_id"]).get_indexer(pd.Index(self.fills["order_id"]))
        if (found < 0).any():
            at = int((found < 0).argmax())
            raise DataError(
                f"orders: expected order {self.fills['order_id'].iloc[at]}, of fill row {at}, found none"
            )
        sent: Places = nanoseconds_of(moments)[found]
        return sent

    def _book(
        self, strategy: str, symbol: str, venue: str, rows: Places, fill_ns: Places, sent_ns: Places
    ) -> FillBook:
        instrument = f"{symbol}@{venue}"
        mark_ns, mark, mid, bid, ask = self.marks_of(instrument)
        at = last_at(mark_ns, fill_ns)
        if (at < 0).any():
            when = pd.Timestamp(int(fill_ns[0]), unit="ns", tz="UTC")
            raise DataError(
                f"marks of {instrument}: expected one at or before the first fill, {when}, found none"
            )
        sent_at = np.maximum(np.minimum(last_at(mark_ns, sent_ns), at - 1), 0)
        quantity, price, fee = (
            self.fills[name].to_numpy(dtype=np.float64)[rows] for name in ("quantity", "price", "fee")
        )
        return FillBook(
            strategy, symbol, venue, rows, fill_ns, quantity, price, fee, at, sent_at,
            mark_ns, mark, mid, bid, ask, self.multiplier(instrument),
        )  # fmt: skip


def last_at(mark_ns: Places, moments_ns: Places) -> Places:
    """Place of the last mark at or before each moment; -1 where there is none."""
    return np.searchsorted(mark_ns, moments_ns, side="right").astype(np.int64) - 1


def feed_marks(feed: Feed, bad_ticks: pd.DataFrame | None = None) -> dict[str, pd.DataFrame]:
    """The marks of each instrument of a feed that was played: mark, bid and ask by time, bad ticks left out.

    bad_ticks: what the desk did not believe, with the columns timestamp, symbol, venue, value (the last price).  Of
    updates that agree in all of them, the desk believes the later ones, if any.
    """
    refused = _refused(bad_ticks)
    found = {}
    for k, instrument in enumerate(feed.instruments):
        rows = np.flatnonzero(feed.instrument == k)
        times = feed.timestamp_ns[rows]
        quotes = feed.quotes[rows]
        if counts := refused.get((instrument.symbol, instrument.venue)):
            kept = np.ones(len(rows), dtype=bool)
            for n, key in enumerate(zip(times.tolist(), _bits(quotes[:, LAST]), strict=True)):
                if counts.get(key, 0) > 0:
                    counts[key] -= 1
                    kept[n] = False
            times, quotes = times[kept], quotes[kept]
        index = pd.DatetimeIndex(times.view("datetime64[ns]")).tz_localize("UTC")
        found[instrument.name] = pd.DataFrame(
            {"mark": quotes[:, LAST], "bid": quotes[:, BID], "ask": quotes[:, ASK]},
            index=index.rename("timestamp"),
        )
    return found


def _refused(bad_ticks: pd.DataFrame | None) -> dict[tuple[str, str], dict[tuple[int, int], int]]:
    """How many updates of each instrument, time and price the desk did not believe."""
    if bad_ticks is None or not len(bad_ticks):
        return {}
    _need(bad_ticks, ("timestamp", "symbol", "venue", "value"), "bad_ticks")
    counts: dict[tuple[str, str], dict[tuple[int, int], int]] = {}
    for symbol, venue, ns, value in zip(
        bad_ticks["symbol"],
        bad_ticks["venue"],
        nanoseconds_of(bad_ticks["timestamp"]).tolist(),
        _bits(bad_ticks["value"].to_numpy(dtype=np.float64)),
        strict=True,
    ):
        own = counts.setdefault((str(symbol), str(venue)), {})
        own[ns, value] = own.get((ns, value), 0) + 1
    return counts


def _bits(values: Floats) -> list[int]:
    """The bits of each figure, so that NaN equals NaN."""
    plain = np.where(np.isnan(values), np.nan, values)
    bits: list[int] = np.ascontiguousarray(plain).view(np.int64).tolist()
    return bits


def nanoseconds_of(times: pd.Series) -> Places:
    """Times as int64 nanoseconds, UTC; a time without zone is UTC, NaT the smallest number there is."""
    index = pd.DatetimeIndex(times)
    zoned = index.tz_localize("UTC") if index.tz is None else index
    return np.asarray(zoned.as_unit("ns").asi8, dtype=np.int64)


def _need(frame: pd.DataFrame, columns: tuple[str, ...], where: str) -> None:
    missing = [name for name in columns if name not in frame]
    if missing:
        raise DataError(
            f"{where}: expected the columns {', '.join(columns)}, found none called {', '.join(missing)}"
        )
