"""The fair prices of a made-up market that goes on for ever: correlated, jumping, moody.

The model is that of workbench.data.synthetic, made in blocks as time goes on. Venues see it late, each with noise of
its own, so that prices of one symbol drift apart and meet again.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from live.venues.venue_settings import FeedSettings
from workbench.data.market_model import USUAL_REGIMES, Floats, returns

__all__ = ["FairPrices", "Noise"]

_BLOCK: Final = 1_024  # moves made at once
_YEAR_NS: Final = 365 * 86_400 * 1_000_000_000
_CALM_SECONDS: Final = 1_800.0  # average length of a calm time
_STORMY_SECONDS: Final = 300.0
_NOISE_SECONDS: Final = 5.0  # time in which a venue's own noise is forgotten to 1/e


class FairPrices:
    """Fair price of each symbol by move; move m is what holds from `start_ns + m * interval_ns` on.

    Moves before 0 show the starting prices.  The same settings give the same path, whoever asks for what.
    keep: moves that are kept for those who are late, beside the newest block.
    """

    def __init__(self, settings: FeedSettings, start_ns: int, keep: int = 0) -> None:
        self.symbols: Final = tuple(settings.symbols)
        self.start_ns: Final = start_ns
        self.interval_ns: Final = max(int(settings.interval_ms * 1e6), 1)
        self._first = np.array([settings.symbols[symbol].price for symbol in self.symbols])
        annual = np.array([settings.symbols[symbol].volatility for symbol in self.symbols])
        self._sigma = annual * math.sqrt(self.interval_ns / _YEAR_NS)
        self._correlation = settings.correlation
        self._jumps = settings.jumps_per_year * self.interval_ns / _YEAR_NS
        seeds = np.random.SeedSequence(settings.seed).spawn(3)
        self._moods, self._diffusion, self._leaps = (np.random.default_rng(seed) for seed in seeds)
        self._mood = _Mood(self._moods, self.interval_ns) if settings.mood else None
        self._log = np.zeros(len(self.symbols))
        self._keep = keep
        self._rows: list[list[float]] = [self._first.tolist()]  # of moves _from .. _from + len - 1
        self._storm: list[float] = [1.0]
        self._from = 0
        self.newest = self._rows[0]  # that was looked at

    def move_at(self, now_ns: int) -> int:
        """Number of the move that holds at a time."""
        return (now_ns - self.start_ns) // self.interval_ns

    def prices(self, move: int) -> list[float]:
        """float per symbol, quote currency, in the order of `symbols`."""
        self.newest = self._rows[self._place(move)]
        return self.newest

    def mood(self, move: int) -> float:
        """Volatility of that time against the long run's."""
        return self._storm[self._place(move)]

    def _place(self, move: int) -> int:
        while move >= self._from + len(self._rows):
            self._grow()
        return max(move - self._from, 0)

    def _grow(self) -> None:
        levels = np.ones(_BLOCK) if self._mood is None else self._mood.levels(_BLOCK)
        steps = returns(
            self._diffusion, self._leaps, levels[:, None] * self._sigma, self._correlation, self._jumps
        )
        path = self._log + np.cumsum(steps, axis=0)
        self._log = path[-1]
        self._rows.extend((self._first * np.exp(path)).tolist())
        self._storm.extend(levels.tolist())
        spare = len(self._rows) - 2 * _BLOCK - self._keep
        if spare > 0:
            del self._rows[:spare], self._storm[:spare]
            self._from += spare


class _Mood:
    """Calm and stormy times by turns, each of a random (geometric) length; mean square 1 in the long run."""

    def __init__(self, random: np.random.Generator, interval_ns: int) -> None:
        share = _STORMY_SECONDS / (_CALM_SECONDS + _STORMY_SECONDS)
        calm, stormy = USUAL_REGIMES.calm, USUAL_REGIMES.stormy
        scale = math.sqrt((1.0 - share) * calm**2 + share * stormy**2)
        self._levels = (calm / scale, stormy / scale)
        self._means = tuple(max(s * 1e9 / interval_ns, 1.0) for s in (_CALM_SECONDS, _STORMY_SECONDS))
        self._random = random
        self._state = 1  # the first turn is to calm
        self._rest = 0

    def levels(self, rows: int) -> Floats:
        """float64[rows]: volatility multiplier of the next moves."""
        out = np.empty(rows)
        at = 0
        while at < rows:
            if self._rest == 0:
                self._state = 1 - self._state
                self._rest = int(self._random.geometric(1.0 / self._means[self._state]))
            stay = min(self._rest, rows - at)
            out[at : at + stay] = self._levels[self._state]
            self._rest -= stay
            at += stay
        return out


class Noise:
    """What one venue adds to the fair price of each symbol: AR(1) in log price, `bps` * 1e-4 standard deviation."""

    def __init__(self, seed: int, venue: str, symbols: Sequence[str], bps: float, interval_ns: int) -> None:
        self._random = np.random.default_rng([seed, zlib.crc32(venue.encode())])
        self._scale = bps * 1e-4
        self._memory = math.exp(-interval_ns / 1e9 / _NOISE_SECONDS)
        self._values = (self._scale * self._random.standard_normal(len(symbols))).tolist()
        self._move = 0

    def factors(self, move: int) -> list[float]:
        """Factor on the price of each symbol at a move; moves may be left out, not gone back to."""
        steps = move - self._move
        if steps > 0 and self._scale > 0.0:
            memory = self._memory**steps
            fresh = self._scale * math.sqrt(1.0 - memory * memory)
            shocks = self._random.standard_normal(len(self._values)).tolist()
            self._values = [memory * x + fresh * z for x, z in zip(self._values, shocks, strict=True)]
            self._move = move
        return [math.exp(x) for x in self._values]
