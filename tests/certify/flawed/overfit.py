"""Flaw: its only parameter picks one of many patterns that have nothing to do with the prices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.strategy.vector import from_signals


def patterns(prices: pd.DataFrame, pattern: int = 0) -> Any:
    days = prices.index.to_numpy("datetime64[ns]").astype(np.int64) // (5 * 86_400 * 1_000_000_000)
    lots = np.random.default_rng(pattern).choice([-1.0, 1.0], 100_000)
    return lots[days % len(lots)]


Strategy = from_signals(patterns, lookback=1)
