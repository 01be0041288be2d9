"""The prices that the engine recorded, beside those of its journal: what a replay from the recording would not see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from workbench.core.messages import PriceUpdate
from workbench.reconcile.rerun import Part
from workbench.reconcile.source import Source

__all__ = ["Compared", "differing_prices"]

_COLUMNS: Final = ("bid", "ask", "close", "volume", "bid_size", "ask_size", "change_pct")
_EARLIEST: Final = -(2**62)

type Quote = tuple[float, ...]


class Compared(NamedTuple):
    """differ: prices of the journal, by number, that the recording has otherwise, or not (None).

    prices: of the journal, in the part.  older, newer: of those, what lies before the first and after the newest record
    of the whole recording, which may have given up the one and is still to write the other.
    """

    differ: dict[int, Quote | None]
    prices: int
    older: int
    newer: int

    def notes(self) -> list[str]:
        """What is to be said of it, in words."""
        said = []
        lost = sum(quote is None for quote in self.differ.values())
        if self.differ:
            said.append(
                f"the recording lacks {lost:,} prices of the journal and has {len(self.differ) - lost:,} otherwise"
            )
        if self.prices and lost + self.older + self.newer == self.prices:
            said.append("the recording has no price of this part")
        if self.older:
            said.append(
                f"the recording begins after {self.older:,} prices of this part, which are those of the journal"
            )
        return said


def differing_prices(source: Source, folder: Path, part: Part) -> Compared:
    """The prices of a part, beside what was recorded of them.

    Only what lies between the first and the newest record of the whole recording is compared.  Raises DataError where
    the folder holds no recording.
    """
    from live.journal.market_reading import recorded_span  # loads pyarrow

    first, last = recorded_span(folder) or (0, -1)
    rows = _recorded(folder, part)
    differ: dict[int, Quote | None] = {}
    number, prices, older, newer = -1, 0, 0, 0
    for record, item in _prices(source):
        number += 1
        if item.timestamp_ns >= part.end:
            break
        if item.timestamp_ns < part.start:
            continue
        prices += 1
        older, newer = older + (record < first), newer + (record > last)
        if first <= record <= last:
            found = rows.get((record, item.symbol, item.venue, item.sequence))
            if found is None or not _same(found, _quote(item)):
                differ[number] = found
    return Compared(differ, prices, older, newer)


def _prices(source: Source) -> Iterator[tuple[int, PriceUpdate]]:
    """Of the journal, each with its record, in order."""
    for block in source.blocks():
        for item in block.inputs:
            if isinstance(item, PriceUpdate):
                yield block.record, item


def _recorded(folder: Path, part: Part) -> dict[tuple[int, str, str, int], Quote]:
    """Quotes of the part, by record, symbol, venue and sequence."""
    from live.journal.market_reading import read_market

    table = read_market(folder, max(part.start, _EARLIEST), part.end - 1)
    names = zip(table["symbol"].to_pylist(), table["venue"].to_pylist(), strict=True)
    quotes = zip(*(table[column].to_pylist() for column in _COLUMNS), strict=True)
    return {
        (record, symbol, venue, sequence): tuple(float("nan") if v is None else v for v in quote)
        for record, (symbol, venue), sequence, quote in zip(
            table["record"].to_pylist(), names, table["sequence"].to_pylist(), quotes, strict=True
        )
    }


def _quote(item: PriceUpdate) -> Quote:
    return item.bid, item.ask, item.last, item.volume, item.bid_size, item.ask_size, item.change_pct


def _same(one: Quote, other: Quote) -> bool:
    left, right = np.array(one), np.array(other)
    return bool(((left == right) | (np.isnan(left) & np.isnan(right))).all())
