"""The work that every contestant does: one-minute bars, a 10/50 moving-average cross, or an order on every bar.

Only numpy, so that it can be imported in an environment without the workbench.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

BARS = 525_600  # one year of minutes
ORDERS = 100_000
SWEEP_BARS = 10_000
FAST, SLOW = 10, 50
FEE = 0.001
WINDOWS = 100  # moving averages of 2 to 101 bars: 4,950 combinations

type Columns = dict[str, npt.NDArray[np.float64]]


def minute_bars(count: int) -> Columns:
    """Seeded random walk with OHLCV, rounded to cents; high and low enclose open and close."""
    random = np.random.default_rng(11)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.0006, BARS)))
    opened = np.concatenate([[100.0], close[:-1]]) * (1.0 + random.normal(0.0, 0.00005, BARS))
    wick = np.abs(random.normal(0.0, 0.0003, BARS))
    opened, close = np.round(opened, 2), np.round(close, 2)
    high = np.round(np.maximum(opened, close) * (1.0 + wick), 2)
    low = np.round(np.minimum(opened, close) * (1.0 - wick), 2)
    table = {"open": opened, "high": high, "low": low, "close": close, "volume": np.full(BARS, 1000.0)}
    return {name: column[:count] for name, column in table.items()}


def untied_closes(count: int) -> npt.NDArray[np.float64]:
    """A random walk that is not rounded: moving averages of cents tie, and then rounding decides who trades."""
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(7).normal(0.0, 0.0015, count)))


def combinations(bars: int) -> int:
    """How many lengths of window are combined: all, or a few where there are few bars."""
    return WINDOWS if bars >= 10_000 else 10


def timed(work: Callable[[], Any], repeats: int) -> tuple[list[float], Any]:
    """Seconds of each of `repeats` runs after one to warm up, and the last answer."""
    answer = work()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - start)
    return seconds, answer


def report(seconds: list[float], orders: int) -> None:
    """What a contestant's process prints for the table."""
    sys.stdout.write(
        json.dumps({"median": statistics.median(seconds), "seconds": seconds, "orders": orders}) + "\n"
    )
