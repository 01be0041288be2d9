"""Round trips and positions over time, out of fills: average cost per strategy and instrument, as the ledger has it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.backtest.tables import NAT, WHO, Kinds, table
from workbench.core.ledger import average_cost
from workbench.core.messages import Instrument, OrderFill

__all__ = ["exposed", "history_frame", "trades_frame"]

type Key = tuple[str, str, str]
"""Strategy, symbol, venue."""

_TRADES: Final[Kinds] = {
    **WHO,
    "side": "text",
    "quantity": "float",
    "entry_time": "time",
    "entry_price": "float",
    "exit_time": "time",
    "exit_price": "float",
    "pnl": "float",
    "return": "float",
    "fees": "float",
    "duration": "span",
    "fills": "int",
    "status": "text",
}


def trades_frame(
    fills: Iterable[OrderFill], instruments: Iterable[Instrument], marks: Mapping[tuple[str, str], float]
) -> pd.DataFrame:
    """Round trips from flat to flat, or to the other side, in the order of their ends; open ones last.

    side: long or short.  quantity: units that were entered in all.  entry_price, exit_price: averages over the units
    entered and left (NaN where none left yet).  pnl: after fees; an open trade is valued at `marks` (by symbol and
    venue), so that the sum over all trades is what equity gained.  return: pnl / notional entered.  duration: entry to
    exit, NaT while open.  status: closed or open.  A fill that flips a position ends one trade and begins another; its
    fee is split by units.
    """
    multipliers = {(i.symbol, i.venue): i.multiplier for i in instruments}
    open_trips: dict[Key, _Trip] = {}
    rows: list[tuple[Any, ...]] = []
    for fill in fills:
        key = (fill.strategy_id, fill.symbol, fill.venue)
        trip = open_trips.get(key)
        left, share = fill.quantity, 0.0
        if trip is not None and trip.quantity * fill.quantity < 0.0:
            after, _, _ = average_cost(trip.quantity, 0.0, fill.quantity, fill.price)
            flips = after * fill.quantity > 0.0
            closing = -trip.quantity if after == 0.0 or flips else fill.quantity
            share = 1.0 if not flips else closing / fill.quantity
            trip.leave(closing, fill, share)
            if after != 0.0 and not flips:
                continue
            rows.append(trip.row(key, multipliers[key[1:]], math.nan))
            del open_trips[key]
            if after == 0.0:
                continue
            trip, left = None, after
        if trip is None:
            trip = open_trips[key] = _Trip(fill.timestamp_ns, math.copysign(1.0, left))
        trip.enter(left, fill, 1.0 - share)
    for key, trip in open_trips.items():
        rows.append(trip.row(key, multipliers[key[1:]], marks[key[1:]]))
    return table(_TRADES, rows)


@dataclass(slots=True)
class _Trip:
    """A round trip under way.  cost, proceeds: units x price on the way in and out."""

    entry_ns: int
    side: float
    entered: float = 0.0
    cost: float = 0.0
    exited: float = 0.0
    proceeds: float = 0.0
    fees: float = 0.0
    fills: int = 0
    quantity: float = 0.0
    exit_ns: int = NAT

    def enter(self, quantity: float, fill: OrderFill, share: float) -> None:
        self.entered += abs(quantity)
        self.cost += abs(quantity) * fill.price
        self._count(quantity, fill, share)

    def leave(self, quantity: float, fill: OrderFill, share: float) -> None:
        self.exited += abs(quantity)
        self.proceeds += abs(quantity) * fill.price
        self.exit_ns = fill.timestamp_ns
        self._count(quantity, fill, share)

    def _count(self, quantity: float, fill: OrderFill, share: float) -> None:
        self.quantity += quantity
        self.fees += fill.fee * share
        self.fills += 1

    def row(self, key: Key, multiplier: float, mark: float) -> tuple[Any, ...]:
        """mark: value of a unit still held; NaN once the trip is over."""
        closed = math.isnan(mark)
        held = 0.0 if closed else abs(self.quantity) * mark
        pnl = self.side * multiplier * (self.proceeds + held - self.cost) - self.fees
        return (
            *key,
            "long" if self.side > 0.0 else "short",
            self.entered,
            self.entry_ns,
            self.cost / self.entered,
            self.exit_ns if closed else NAT,
            self.proceeds / self.exited if self.exited else math.nan,
            pnl,
            pnl / (self.cost * multiplier),
            self.fees,
            self.exit_ns - self.entry_ns if closed else NAT,
            self.fills,
            "closed" if closed else "open",
        )


_HISTORY: Final[Kinds] = {
    "timestamp": "time",
    **WHO,
    "change": "float",
    "price": "float",
    "quantity": "float",
    "average_price": "float",
    "realised_pnl": "float",
    "fees": "float",
}


def history_frame(fills: Iterable[OrderFill], instruments: Iterable[Instrument]) -> pd.DataFrame:
    """The position after each fill.

    change: signed units filled at `price`.  quantity, average_price: after it (NaN when flat).  realised_pnl (before
    fees) and fees: since the beginning of the run.
    """
    multipliers = {(i.symbol, i.venue): i.multiplier for i in instruments}
    books: dict[Key, tuple[float, float, float, float]] = {}
    rows: list[tuple[Any, ...]] = []
    for fill in fills:
        key = (fill.strategy_id, fill.symbol, fill.venue)
        quantity, average, realised, fees = books.get(key, (0.0, 0.0, 0.0, 0.0))
        quantity, average, gain = average_cost(quantity, average, fill.quantity, fill.price)
        realised += gain * multipliers[key[1:]]
        fees += fill.fee
        books[key] = (quantity, average, realised, fees)
        shown = average if quantity else math.nan
        rows.append((fill.timestamp_ns, *key, fill.quantity, fill.price, quantity, shown, realised, fees))
    return table(_HISTORY, rows)


def exposed(history: pd.DataFrame, times_ns: npt.NDArray[np.int64], strategy_id: str | None) -> float:
    """Share of `times_ns` (int64[n], rising) after which any position was open; of one strategy, or of all."""
    if not len(times_ns):
        return 0.0
    open_cells = np.zeros(len(times_ns), dtype=np.int64)
    for first, after in _spells(history, strategy_id):
        # From the update that filled until the one that flattened, that one left out.
        begin, end = np.searchsorted(times_ns, [first, after])
        open_cells[begin:end] = 1
    return float(open_cells.mean())


def _spells(history: pd.DataFrame, strategy_id: str | None) -> Iterator[tuple[int, int]]:
    """Nanoseconds from which and until which a position was open, for each position in turn."""
    for key, rows in history.groupby(list(WHO), sort=False):
        if strategy_id is not None and key[0] != strategy_id:
            continue
        since: int | None = None
        moments = pd.DatetimeIndex(rows["timestamp"]).asi8.tolist()
        for moment, quantity in zip(moments, rows["quantity"].tolist(), strict=True):
            if quantity and since is None:
                since = moment
            elif not quantity and since is not None:
                yield since, moment
                since = None
        if since is not None:
            yield since, int(np.iinfo(np.int64).max)
