"""What kind of market it is: three measures of the last quotes, and the conditions that triggers speak of."""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from typing import Final, NamedTuple

from workbench.configuration.chaos_settings import MarketCondition, MarketThresholds

__all__ = ["UNKNOWN", "MarketGauge", "MarketMeasures", "conditions"]

_YEAR_SECONDS: Final = 365.0 * 86_400.0
_MIN_RETURNS: Final = 8  # fewer say nothing about volatility


class MarketMeasures(NamedTuple):
    """volatility: standard deviation of log returns, a fraction a year (0.2 is 20 %), in calendar time.
    spread_bps: (ask - bid) / mid in basis points.  trend: net log move over the window in units of its own
    standard deviation, signed; about normal with deviation 1 for a random walk.  NaN where unknown.
    """

    volatility: float
    spread_bps: float
    trend: float


UNKNOWN: Final = MarketMeasures(math.nan, math.nan, math.nan)


def conditions(measures: MarketMeasures, thresholds: MarketThresholds) -> frozenset[MarketCondition]:
    """The conditions that hold; an unknown measure fulfils none that depends on it."""
    volatility, spread_bps, trend = measures
    tests = {
        MarketCondition.LOW_VOLATILITY: volatility < thresholds.low_volatility,
        MarketCondition.HIGH_VOLATILITY: volatility > thresholds.high_volatility,
        MarketCondition.TRENDING: abs(trend) >= thresholds.trending,
        MarketCondition.WIDE_SPREAD: spread_bps >= thresholds.wide_spread_bps,
        MarketCondition.CALM: volatility <= thresholds.high_volatility
        and abs(trend) < thresholds.calm_trend
        and spread_bps < thresholds.wide_spread_bps,
    }
    return frozenset(condition for condition, holds in tests.items() if holds)


class MarketGauge:
    """Measures of one instrument over its last `window` returns, in event time; the same for every runner."""

    def __init__(self, window: int = 60) -> None:
        self._times: deque[int] = deque(maxlen=window + 1)
        self._logs: deque[float] = deque(maxlen=window + 1)
        self._spread_bps = math.nan

    def see(self, timestamp_ns: int, bid: float, ask: float) -> None:
        """Take one quote; one that is not finite, not positive, crossed or out of order is passed over."""
        mid = 0.5 * (bid + ask)
        if not (0.0 < bid <= ask and math.isfinite(mid)) or (self._times and timestamp_ns < self._times[-1]):
            return
        self._times.append(timestamp_ns)
        self._logs.append(math.log(mid))
        self._spread_bps = (ask - bid) / mid * 10_000.0

    def measures(self) -> MarketMeasures:
        """The measures now; volatility and trend are NaN until there are eight returns over some time."""
        count = len(self._logs)
        seconds = (self._times[-1] - self._times[0]) / 1e9 if count else 0.0
        if count <= _MIN_RETURNS or seconds <= 0.0:
            return MarketMeasures(math.nan, self._spread_bps, math.nan)
        logs = list(self._logs)
        squares = math.fsum((after - before) ** 2 for before, after in pairwise(logs))
        trend = (logs[-1] - logs[0]) / math.sqrt(squares) if squares > 0.0 else 0.0
        return MarketMeasures(math.sqrt(squares / seconds * _YEAR_SECONDS), self._spread_bps, trend)
