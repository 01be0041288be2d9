"""Where profit and loss came from: by strategy, instrument, venue, side, hour, and into price, slippage, fee, chaos.

Every cut adds up to what equity gained, since nothing is estimated: each update's change of the mark is shared out to
whoever held the position over it, each fill is valued at the mark it was made beside.  The parts:

- price: what a desk would have made that had traded the same quantities at the mid price at which each order was sent
  (its arrival price), and paid nothing: the "paper portfolio" of A. F. Perold, "The implementation shortfall", 1988.
- slippage: quantity x (arrival price - fill price): the move until the fill, half the spread, slippage and impact; for
  a limit order that filled at a better price, a gain.  A stop order arrives when its price is reached.  What an order
  was never filled for is no P&L; see `shortfall.order_shortfall`.
- fee: fees paid, below 0, or rebates, above.
- chaos: what the faults did.  The word has two meanings, and the caller says which:
    without=  the same run without the faults: chaos is the difference of the two totals, whatever it was made of and
              whenever it came, and price, slippage and fee are those of the run without.  This is the effect.
    chaos=    windows of time: everything that accrued on what a fault was aimed at while it lasted.  One run is
              enough, but what would have been earned anyway is in it, and what was lost afterwards is not.
  Without either it is 0.

The time of a cut is that of the update at which P&L accrued, less a nanosecond: an update at 10:00:00 closes the bar
of the hour 9, one at midnight that of the day before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.ledger import average_cost
from workbench.errors import ConfigError, DataError
from workbench.performance.attribution_cuts import (
    AMOUNTS,
    CUTS,
    OF_A_FILL,
    Label,
    PnlCut,
    codes_of,
    label_of,
    table_of,
)
from workbench.performance.trading_record import FillBook, TradingRecord

__all__ = ["PnlCut", "attribute_pnl"]

type Floats = npt.NDArray[np.float64]
type Places = npt.NDArray[np.int64]


class _Parts(NamedTuple):
    """Amounts that belong to a label.  ns: int64[n].  short: int8[n], 1 where of a short position.  amounts: [n, 8]."""

    ns: Places
    short: npt.NDArray[np.int8]
    amounts: Floats


def attribute_pnl(
    record: TradingRecord,
    by: PnlCut | Sequence[PnlCut] = "strategy",
    *,
    chaos: pd.DataFrame | None = None,
    without: TradingRecord | None = None,
) -> pd.DataFrame:
    """One row per label of the cut or cuts `by`; the column total sums to what equity gained.

    chaos: windows with the columns start, end (left out), and target where known: a strategy, symbol, venue or
    symbol@venue, "" for all.  without: the record of the run without the faults.  See the module for what they mean.

    price, slippage, fee, chaos: as in the module; total is their sum.  realised, unrealised: the same total after
    average cost, before fees: total = realised + unrealised + fees paid; unrealised is a change where the cut is by
    time; both are left out where a fill's own side or liquidity is a cut.  fills: how many (one that flips a position
    counts where it opens).  turnover: notional filled.  In time order, or in order of appearance.

    Raises ConfigError for a cut that does not exist, or for side beside trade_side or liquidity; DataError for windows.
    """
    cuts: tuple[str, ...] = (by,) if isinstance(by, str) else tuple(by)
    _check(cuts, chaos, without)
    sums = _attribute(record, cuts, _windows(chaos))
    if without is not None:
        sums = _against(sums, _attribute(without, cuts, []))
    table = table_of(sums, cuts)
    table["total"] = table["price"] + table["slippage"] + table["fee"] + table["chaos"]
    table["unrealised"] = table["total"] - table["realised"] - table["fees"]
    table["fills"] = table["fills"].round().astype(np.int64)
    shown = ["price", "slippage", "fee", "chaos", "total", "realised", "unrealised", "fills", "turnover"]
    if set(cuts) & set(OF_A_FILL):
        shown = [name for name in shown if name not in ("realised", "unrealised")]
    return table[shown]


def _check(cuts: tuple[str, ...], chaos: pd.DataFrame | None, without: TradingRecord | None) -> None:
    for cut in cuts:
        if cut not in CUTS:
            raise ConfigError(f"by: expected one or several of {', '.join(CUTS)}, found {cut!r}")
    if not cuts or len(set(cuts)) < len(cuts):
        raise ConfigError(f"by: expected at least one cut, each once, found {cuts!r}")
    if "side" in cuts and set(cuts) & set(OF_A_FILL):
        raise ConfigError(
            "by: side is of a position, trade_side and liquidity are of fills; ask for them apart"
        )
    if chaos is not None and without is not None:
        raise ConfigError("expected windows (chaos=) or the run without the faults (without=), found both")


def _attribute(
    record: TradingRecord, cuts: tuple[str, ...], windows: list[tuple[int, int, str]]
) -> dict[Label, Floats]:
    """The amounts of each label."""
    sums: dict[Label, Floats] = {}
    for book, own in _books(record, cuts):
        parts = _parts(book, windows)
        codes, levels = codes_of(parts.ns, parts.short, cuts)
        places, inverse = np.unique(codes, return_inverse=True)
        amounts = np.column_stack(
            [np.bincount(inverse, column, minlength=len(places)) for column in parts.amounts.T]
        )
        for place, row in zip(places.tolist(), amounts, strict=True):
            label = label_of(place, cuts, own, levels)
            sums[label] = sums[label] + row if label in sums else row
    return sums


def _against(sums: dict[Label, Floats], normal: dict[Label, Floats]) -> dict[Label, Floats]:
    """The run with faults against the one without: the parts of the latter, and the difference of totals as chaos."""
    found: dict[Label, Floats] = {}
    nothing = np.zeros(len(AMOUNTS))
    for label in [*sums, *(label for label in normal if label not in sums)]:
        own, other = sums.get(label, nothing), normal.get(label, nothing)
        amounts = own.copy()
        amounts[:3] = other[:3]
        amounts[3] = own[:4].sum() - other[:4].sum()
        found[label] = amounts
    return found


def _books(record: TradingRecord, cuts: tuple[str, ...]) -> Iterator[tuple[FillBook, dict[str, str]]]:
    """Fills that share every label but those of time and position side, and these labels."""
    for book in record.books():
        names = {
            "strategy": book.strategy,
            "instrument": book.instrument,
            "symbol": book.symbol,
            "venue": book.venue,
        }
        attributes = [cut for cut in OF_A_FILL if cut in cuts]
        if not attributes:
            yield book, names
            continue
        labels = pd.DataFrame({cut: _of_fills(record, book, cut) for cut in attributes})
        for values, places in labels.groupby(attributes, sort=True).indices.items():
            own = values if isinstance(values, tuple) else (values,)
            yield (
                _some(book, np.asarray(places, dtype=np.int64)),
                names | dict(zip(attributes, map(str, own), strict=True)),
            )


def _of_fills(record: TradingRecord, book: FillBook, cut: str) -> npt.NDArray[Any]:
    if cut == "trade_side":
        return np.where(book.quantity > 0.0, "buy", "sell")
    if "liquidity" not in record.fills:
        raise DataError("by liquidity: expected fills with a column liquidity, found none")
    return record.fills["liquidity"].astype(str).to_numpy(dtype=object)[book.rows]


def _some(book: FillBook, places: Places) -> FillBook:
    fields = ("rows", "fill_ns", "quantity", "price", "fee", "at", "sent_at")
    return book._replace(**{name: getattr(book, name)[places] for name in fields})


def _parts(book: FillBook, windows: list[tuple[int, int, str]]) -> _Parts:
    """What accrued on the marks, and at the fills."""
    after, realised = _ledger(book)
    before = np.concatenate([[0.0], after])
    held = before[np.searchsorted(book.at, np.arange(len(book.mark)), side="left")]
    moves = np.diff(book.mark, prepend=book.mark[:1])
    rows = np.flatnonzero(held != 0.0)
    holding = np.zeros((len(rows), len(AMOUNTS)))
    holding[:, 0] = held[rows] * moves[rows] * book.multiplier
    trading, short, ns = _fill_parts(book, before, realised)
    amounts = np.concatenate([holding, trading])
    times = np.concatenate([book.mark_ns[rows], ns])
    inside = _inside(book, windows, times)
    amounts[inside, 3] = amounts[inside, :3].sum(axis=1)
    amounts[inside, :3] = 0.0
    return _Parts(times, np.concatenate([(held[rows] < 0.0).astype(np.int8), short]), amounts)


def _ledger(book: FillBook) -> tuple[Floats, Floats]:
    """Units held after each fill, and price difference x units that it realised, as the core's ledger has them."""
    after, realised = np.empty(len(book.quantity)), np.empty(len(book.quantity))
    quantity = average = 0.0
    for i, (units, price) in enumerate(zip(book.quantity.tolist(), book.price.tolist(), strict=True)):
        quantity, average, gain = average_cost(quantity, average, units, price)
        after[i] = quantity
        realised[i] = gain * book.multiplier
    return after, realised


def _fill_parts(
    book: FillBook, before: Floats, realised: Floats
) -> tuple[Floats, npt.NDArray[np.int8], Places]:
    """Amounts of each fill, whether of a short position, and its time; one that flips is split by units."""
    start, after = before[:-1], before[1:]
    arrival, mark = book.arrival(), book.mark[book.at]
    amounts = np.zeros((len(book.quantity), len(AMOUNTS)))
    amounts[:, 0] = book.quantity * (mark - arrival) * book.multiplier
    amounts[:, 1] = book.quantity * (arrival - book.price) * book.multiplier
    amounts[:, 2] = amounts[:, 5] = -book.fee
    amounts[:, 7] = np.abs(book.quantity) * book.price * book.multiplier
    flips = (np.sign(start) * np.sign(after)) < 0.0
    closing = np.where(flips, -start / book.quantity, 0.0)[:, None]
    closed = (amounts * closing)[flips]
    closed[:, 4] = realised[flips]
    rest = amounts * (1.0 - closing)
    rest[:, 4] = np.where(flips, 0.0, realised)
    rest[:, 6] = 1.0
    side = np.where(after != 0.0, after, start)
    short = np.concatenate([side < 0.0, start[flips] < 0.0]).astype(np.int8)
    return np.concatenate([rest, closed]), short, np.concatenate([book.fill_ns, book.fill_ns[flips]])


def _inside(book: FillBook, windows: list[tuple[int, int, str]], times: Places) -> npt.NDArray[np.bool_]:
    aimed = ("", book.strategy, book.symbol, book.venue, book.instrument)
    inside = np.zeros(len(times), dtype=bool)
    for start, end, target in windows:
        if target in aimed:
            inside |= (times >= start) & (times < end)
    return inside


def _windows(chaos: pd.DataFrame | None) -> list[tuple[int, int, str]]:
    if chaos is None:
        return []
    missing = [name for name in ("start", "end") if name not in chaos]
    if missing:
        raise DataError(
            f"chaos: expected windows with the columns start and end, found no {', '.join(missing)}"
        )
    start, end = (pd.to_datetime(chaos[name], utc=True) for name in ("start", "end"))
    if not (end > start).all():
        raise DataError("chaos: expected each window to end after its start")
    targets = chaos["target"].astype(str).tolist() if "target" in chaos else [""] * len(chaos)
    ns = (pd.DatetimeIndex(times).as_unit("ns").asi8.tolist() for times in (start, end))
    return list(zip(*ns, targets, strict=True))
