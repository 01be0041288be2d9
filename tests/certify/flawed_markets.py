"""Markets with a known edge, or none, for strategies that are known to be flawed and for their mended twins."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.data.prices import Prices

__all__ = ["bounces", "market", "noise"]


def market(
    *,
    seed: int = 1,
    bars: int = 1_500,
    interval: str = "1D",
    volatility: float = 0.01,
    slow: float = 0.0,
    fast: float = 0.0,
) -> Prices:
    """Bars of one instrument, whose moves are noise, a slow drift that can be seen, and an echo two bars later.

    volatility: standard deviation of the noise of a bar.  slow: drift of a bar over the volatility, up or down,
    changing after 100 bars on average.  fast: the share of a bar's noise that the
    bar after the next takes back, for an order fills at the next.
    """
    generator = np.random.default_rng(seed)
    shocks = generator.standard_normal(bars)
    turns = generator.random(bars) < 0.01
    drift = slow * np.where(np.cumsum(turns) % 2 == 0, 1.0, -1.0)
    moves = volatility * (drift + shocks - fast * np.concatenate([[0.0, 0.0], shocks[:-2]]))
    closes = 100.0 * np.exp(np.cumsum(moves))
    index = pd.date_range("2019-01-01", periods=bars, freq=interval, tz="UTC", name="timestamp")
    opens = np.concatenate([[100.0], closes[:-1]])
    frame = pd.DataFrame(
        {
            "open": opens,
            "high": np.maximum(opens, closes),
            "low": np.minimum(opens, closes),
            "close": closes,
            "volume": np.full(bars, 1e6),
        },
        index=index,
    )
    return Prices({"MADE@UP": frame}, interval=interval)


def noise(seed: int = 1, bars: int = 1_500) -> Prices:
    """Moves that nothing foretells."""
    return market(seed=seed, bars=bars)


def bounces(seed: int = 1, bars: int = 1_500) -> Prices:
    """A slow drift and a fast echo: two edges, one of which needs to be quick and cheap."""
    return market(seed=seed, bars=bars, slow=0.25, fast=0.6)
