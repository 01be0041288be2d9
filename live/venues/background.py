"""The others in a book: market makers round the fair price, and takers at random.

Makers quote a ladder round fair * exp(pressure). Whoever takes from them moves the pressure in that direction, by the
share of their whole side that was taken; it halves every half-life, and a level that was taken fills up again over the
refill time. So a large order moves the price twice: at once, as levels are gone, and for a while, as makers move
away; then both come back (resilience: A. Obizhaeva, J. Wang, "Optimal trading strategy and supply/demand dynamics",
Journal of Financial Markets 16, 2013).
"""

from __future__ import annotations

import math
from random import Random
from typing import Final

from live.venues.book import Book
from live.venues.book_side import IOC, BookOrder
from live.venues.grid import Grid
from live.venues.venue_settings import LiquiditySettings
from workbench.core.messages import Instrument

__all__ = ["Background"]

_MOST_PRESSURE: Final = 1.0  # log price; makers never move further than a factor of e


class Background:
    """Makers and takers in the book of one instrument; owner 0."""

    def __init__(self, book: Book, instrument: Instrument, settings: LiquiditySettings, seed: str) -> None:
        self._book = book
        self._settings = settings
        self._ticks = Grid(instrument.tick)
        self._unit = instrument.lot * instrument.multiplier  # quote currency per lot and price
        self._random = Random(f"{seed}:{instrument.symbol}")
        self._quotes: dict[int, list[BookOrder | None]] = {side: [None] * settings.levels for side in (1, -1)}
        self._rest = {
            side: [0.0] * settings.levels for side in (1, -1)
        }  # parts of a lot, refilled and not yet shown
        self._until_taker = self._wait()
        self.pressure = 0.0  # log price

    def taken(self, side: int, lots: int, price: float) -> None:
        """Somebody has bought (1) or sold (-1) from makers."""
        share = lots * self._unit * price / (self._settings.levels * self._settings.level_notional)
        moved = self.pressure + side * self._settings.impact_bps * 1e-4 * share
        self.pressure = max(-_MOST_PRESSURE, min(_MOST_PRESSURE, moved))

    def requote(self, fair: float, mood: float, seconds: float) -> None:
        """Bring the ladder to where it should stand, `seconds` after the last time."""
        settings = self._settings
        self.pressure *= 0.5 ** (seconds / settings.half_life_seconds)
        centre = fair * math.exp(self.pressure)
        full = max(round(settings.level_notional / (centre * self._unit)), 1)
        refill = full * seconds / settings.refill_seconds
        moves: list[tuple[int, int, int, int]] = []
        for side in (1, -1):
            for level, price in enumerate(self._ladder(side, centre, mood)):
                order = self._quotes[side][level]
                shown = order.leaves if order is not None and order.open else 0
                stock = min(full, (full if order is None else shown) + self._rest[side][level] + refill)
                lots = int(stock)
                self._rest[side][level] = stock - lots
                if order is not None and order.open and order.limit == price and lots <= shown:
                    continue
                if order is not None:
                    self._book.withdraw(order)
                moves.append((side, level, price, lots))
        for (
            side,
            level,
            price,
            lots,
        ) in moves:  # all old quotes are out, so that makers do not meet each other
            if lots > 0:
                order = self._quotes[side][level] = BookOrder(0, 0, side, lots, price)
                self._book.enter(order)

    def take(self, fair: float, seconds: float) -> None:
        """Let the takers come who come in so many seconds."""
        self._until_taker -= seconds
        while self._until_taker <= 0.0:
            self._until_taker += self._wait()
            notional = self._random.expovariate(1.0 / self._settings.taker_notional)
            lots = max(round(notional / (fair * self._unit)), 1)
            side = 1 if self._random.random() < 0.5 else -1
            self._book.enter(BookOrder(0, 0, side, lots, tif=IOC))

    def _wait(self) -> float:
        rate = self._settings.takers_per_second
        return self._random.expovariate(rate) if rate > 0.0 else math.inf

    def _ladder(self, side: int, centre: float, mood: float) -> list[int]:
        """Prices of one side in ticks, best first, no two alike."""
        settings, ticks = self._settings, self._ticks
        prices: list[int] = []
        for level in range(settings.levels):
            away = (0.5 * settings.spread_bps * mood + level * settings.step_bps) * 1e-4
            if side > 0:
                price = ticks.floor(centre * (1.0 - away))
                price = max(min(price, prices[-1] - 1) if prices else price, 1)
            else:
                price = max(ticks.ceil(centre * (1.0 + away)), ticks.floor(centre) + 1)
                price = max(price, prices[-1] + 1) if prices else price
            prices.append(price)
        return prices
