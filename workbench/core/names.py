"""Names to indices: people and strategies say what a thing is called, the core counts."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core.messages import Instrument
from workbench.core.state import NONE
from workbench.errors import EngineError

__all__ = ["Names"]


class Names:
    """What there is at one desk, each kind in the order of its indices.

    of_symbol: the instruments of a symbol.  place_of: the instrument of a symbol at a venue.
    A method raises EngineError on a name that the desk does not know, and says which it does.
    """

    def __init__(self, instruments: Sequence[Instrument], strategies: Sequence[str]) -> None:
        self.instruments = tuple(instruments)
        self.strategies = tuple(strategies)
        self.venues = tuple(dict.fromkeys(i.venue for i in instruments))
        self.symbols = tuple(dict.fromkeys(i.symbol for i in instruments))
        self.of_symbol = {
            y: [k for k, i in enumerate(self.instruments) if i.symbol == y] for y in self.symbols
        }
        self.place_of = {(i.symbol, i.venue): k for k, i in enumerate(self.instruments)}
        self.seat_of = {name: s for s, name in enumerate(self.strategies)}

    def strategy(self, strategy_id: str) -> int:
        """Row of a strategy."""
        index = self.seat_of.get(strategy_id)
        if index is None:
            raise EngineError(
                f"no strategy {strategy_id!r} at this desk; there is: {', '.join(self.strategies)}"
            )
        return index

    def scope(self, strategy_id: str) -> int:
        """Row of a strategy, or NONE for all of them ("")."""
        return self.strategy(strategy_id) if strategy_id else NONE

    def venue(self, name: str) -> int:
        """Row of a venue."""
        if name not in self.venues:
            raise EngineError(f"no venue {name!r} at this desk; there is: {', '.join(self.venues)}")
        return self.venues.index(name)

    def instrument(self, symbol: str, venue: str) -> int:
        """Row of an instrument."""
        k = self.place_of.get((symbol, venue))
        if k is None:
            known = ", ".join(i.name for i in self.instruments)
            raise EngineError(f"no instrument {symbol}@{venue} at this desk; there is: {known}")
        return k

    def instruments_of(self, symbol: str) -> list[int]:
        """Rows of the instruments of a symbol, or NONE alone, which stands for all ("")."""
        if not symbol:
            return [NONE]
        if symbol not in self.of_symbol:
            raise EngineError(f"no symbol {symbol!r} at this desk; there is: {', '.join(self.symbols)}")
        return self.of_symbol[symbol]
