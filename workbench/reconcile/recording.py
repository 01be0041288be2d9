"""The prices that the engine recorded, beside those of its journal: what a replay from the recording would not see."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from workbench.core.messages import PriceUpdate
from workbench.reconcile.rerun import Part
from workbench.reconcile.source import Source

__all__ = ["differing_prices"]

_COLUMNS: Final = ("bid", "ask", "close", "volume", "bid_size", "ask_size", "change_pct")
_EARLIEST: Final = -(2**62)

type Quote = tuple[float, ...]


def differing_prices(source: Source, folder: Path, part: Part) -> dict[int, Quote | None]:
    """Prices of the journal, by number, that the recording has otherwise, or not (None).

    Only what lies between its first and its newest record is compared: what is older it may have given up, and what is
    newer is still to be written.  Raises DataError where the folder holds no recording.
    """
    rows, first, last = _recorded(folder, part)
    differ: dict[int, Quote | None] = {}
    if not rows:
        return differ
    number = -1
    for block in source.blocks():
        for item in block.inputs:
            if not isinstance(item, PriceUpdate):
                continue
            number += 1
            if item.timestamp_ns >= part.end:
                return differ
            if first <= block.record <= last and item.timestamp_ns >= part.start:
                found = rows.get((block.record, item.symbol, item.venue, item.sequence))
                if found is None or not _same(found, _quote(item)):
                    differ[number] = found
    return differ


def _recorded(folder: Path, part: Part) -> tuple[dict[tuple[int, str, str, int], Quote], int, int]:
    """Quotes by record, symbol, venue and sequence; the first and the newest record of the whole recording."""
    from live.journal.market_reading import read_market  # loads pyarrow

    table = read_market(folder, max(part.start, _EARLIEST), part.end - 1)
    names = zip(table["symbol"].to_pylist(), table["venue"].to_pylist(), strict=True)
    records = table["record"].to_pylist()
    quotes = zip(*(table[column].to_pylist() for column in _COLUMNS), strict=True)
    rows = {
        (record, symbol, venue, sequence): tuple(float("nan") if v is None else v for v in quote)
        for record, (symbol, venue), sequence, quote in zip(
            records, names, table["sequence"].to_pylist(), quotes, strict=True
        )
    }
    return rows, min(records, default=0), max(records, default=0)


def _quote(item: PriceUpdate) -> Quote:
    return item.bid, item.ask, item.last, item.volume, item.bid_size, item.ask_size, item.change_pct


def _same(one: Quote, other: Quote) -> bool:
    left, right = np.array(one), np.array(other)
    return bool(((left == right) | (np.isnan(left) & np.isnan(right))).all())
