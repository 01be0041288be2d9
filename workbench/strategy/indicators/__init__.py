"""Incremental indicators for compiled strategies: a state made once, and a push for every value.

    state: what `sma(20)` and its like return; part of a strategy's own state, made in its `start`.
    push:  `push_sma(state, price)` takes one value and returns the figure over the last ones, this one included.

Each figure is NaN until its window is full, and costs the same however long the window is. No push makes an array, none
of them drifts: rolling sums are taken anew each time that a window has turned over, so after a million values they are
as exact as after the first. Push numbers only (`is_price` tells): a NaN stays for up to two windows, in an exponential
average for ever.

Each is equal to its counterpart in pandas or vectorbt to 1e-9; tests/strategy/test_indicators.py names the calls.
"""

from workbench.strategy.indicators.regression import Fit, ols, push_ols
from workbench.strategy.indicators.smoothing import atr, ema, push_atr, push_ema, push_rsi, rsi
from workbench.strategy.indicators.windows import (
    Moments,
    highest,
    is_price,
    lag,
    lowest,
    memory,
    moments,
    push_highest,
    push_lag,
    push_lowest,
    push_moments,
    push_sma,
    push_std,
    push_total,
    push_zscore,
    sma,
    std,
    total,
    zscore,
)

__all__ = [
    "Fit",
    "Moments",
    "atr",
    "ema",
    "highest",
    "is_price",
    "lag",
    "lowest",
    "memory",
    "moments",
    "ols",
    "push_atr",
    "push_ema",
    "push_highest",
    "push_lag",
    "push_lowest",
    "push_moments",
    "push_ols",
    "push_rsi",
    "push_sma",
    "push_std",
    "push_total",
    "push_zscore",
    "rsi",
    "sma",
    "std",
    "total",
    "zscore",
]
