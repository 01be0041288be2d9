"""The newest prices of some markets out of the journal, so that what is measured over them goes on after a restart."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from live.engine.pump import BLOCK
from live.journal import Journal
from live.machine import decode_block
from workbench.core.messages import PriceUpdate

__all__ = ["newest_prices"]

_ENOUGH: Final = 100  # of each market; a gauge looks at 61
_RECORDS: Final = 5_000
_MOST: Final = 100_000  # prices that are decoded for it


def newest_prices(journal: Journal, markets: Collection[tuple[str, str]]) -> list[PriceUpdate]:
    """In order of arrival, some hundred of each of `markets` (symbol, venue), as far as they come often enough."""
    if not markets:
        return []
    missing, seen = dict.fromkeys(markets, _ENOUGH), 0
    found: list[PriceUpdate] = []
    for record in reversed(
        list(journal.read(after=max(journal.pruned, journal.head - _RECORDS), kinds=[BLOCK]))
    ):
        for item in reversed(decode_block(record.payload)):
            seen += 1
            if isinstance(item, PriceUpdate) and missing.get((item.symbol, item.venue), 0) > 0:
                missing[item.symbol, item.venue] -= 1
                found.append(item)
        if seen > _MOST or not any(missing.values()):
            break
    return found[::-1]
