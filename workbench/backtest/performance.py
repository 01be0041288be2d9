"""Figures of an equity curve and of its trades, and the calendar that annualises them.

A return is equity at one distinct update time over equity at the one before, minus 1.  Ratios are the arithmetic mean
of these returns over their deviation, times the square root of the number of periods per year; the risk-free rate is
0.  Where a figure does not exist (no trades, no deviation, equity at or below zero on the way) it is NaN.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = [
    "Curve",
    "StrategyPerformance",
    "TradeFigures",
    "curve_figures",
    "drawdowns",
    "periods_per_year",
    "trade_figures",
]

type Floats = npt.NDArray[np.float64]
type Times = npt.NDArray[np.int64]

DAY_NS: Final = 86_400_000_000_000
YEAR_DAYS: Final = 365.25  # elapsed time
CALENDAR_DAYS: Final = 365.0  # a market that never closes
TRADING_DAYS: Final = 252.0  # a market that closes at the weekend
NIGHT_NS: Final = 6 * 3_600_000_000_000
FLAT: Final = 1e-12  # a deviation this small beside the returns is rounding
THURSDAY: Final = 3  # weekday of 1970-01-01, Monday being 0
SATURDAY: Final = 5


class StrategyPerformance(msgspec.Struct, frozen=True):
    """How one strategy did on its own capital.

    total_pnl: quote currency, after fees, open positions at their last mark.  sharpe_ratio: annualised.  max_drawdown:
    of capital + P&L, a fraction <= 0.  win_rate: share of closed round trips with a profit after fees.  avg_trade_pnl:
    quote currency per closed round trip.  trades_per_day: closed round trips per calendar day.  risk_adjusted_return:
    total return over the size of the maximum drawdown.  chaos_recovery_time: seconds, None where no chaos was measured.
    risk_breach_count: rules it ran into.  emergency_stops: breakers that stopped it, those of the portfolio included.
    """

    strategy_name: str
    total_pnl: float
    sharpe_ratio: float
    max_drawdown: float
    win_rate: float
    avg_trade_pnl: float
    trades_per_day: float
    risk_adjusted_return: float
    chaos_recovery_time: float | None
    risk_breach_count: int
    emergency_stops: int


class Curve(msgspec.Struct, frozen=True):
    """Figures of an equity curve; see the module for what a return is.

    total_return, cagr, max_drawdown: fractions, the last <= 0.  volatility: annualised.  longest_drawdown_ns: from a
    peak until it is reached again, or until the end.
    """

    total_return: float
    cagr: float
    volatility: float
    sharpe_ratio: float
    sortino_ratio: float
    calmar_ratio: float
    max_drawdown: float
    longest_drawdown_ns: int


class TradeFigures(msgspec.Struct, frozen=True):
    """Figures of closed round trips.  profit_factor: sum of profits over sum of losses, inf without losses."""

    trades: int
    win_rate: float
    avg_trade_pnl: float
    profit_factor: float


def drawdowns(equity: Floats, start: float) -> Floats:
    """Equity below its highest so far, as a fraction <= 0; `start` is the first high."""
    if not len(equity):
        return equity
    peak = np.maximum(np.maximum.accumulate(equity), start)
    return equity / peak - 1.0


def curve_figures(times_ns: Times, equity: Floats, start: float, begin_ns: int, per_year: float) -> Curve:
    """Figures of an equity curve that began at `begin_ns` with `start`.

    times_ns: int64[n], distinct, rising.  equity: float64[n], quote currency.
    """
    final = float(equity[-1]) if len(equity) else start
    total = final / start - 1.0
    years = (int(times_ns[-1]) - begin_ns) / (YEAR_DAYS * DAY_NS) if len(times_ns) else 0.0
    growth = _growth(final / start, years)
    down = drawdowns(equity, start)
    worst = float(down.min()) if len(down) else 0.0
    mean, deviation, downside = _moments(equity)
    root = math.sqrt(per_year)
    return Curve(
        total_return=total,
        cagr=growth,
        volatility=deviation * root,
        sharpe_ratio=_ratio(mean, deviation) * root,
        sortino_ratio=_ratio(mean, downside) * root,
        calmar_ratio=growth / -worst if worst < 0.0 else math.nan,
        max_drawdown=worst,
        longest_drawdown_ns=_longest(times_ns, down, begin_ns),
    )


def _growth(factor: float, years: float) -> float:
    """Yearly growth of a factor reached in `years`; -1 where all is lost, inf beyond what a float holds."""
    if years <= 0.0:
        return math.nan
    if factor <= 0.0:
        return -1.0
    try:
        return math.expm1(math.log(factor) / years)
    except OverflowError:
        return math.inf


def _moments(equity: Floats) -> tuple[float, float, float]:
    """Mean, deviation (n - 1) and downside deviation of the returns; NaN where they do not exist."""
    if len(equity) < 3 or not (equity[:-1] > 0.0).all():
        return math.nan, math.nan, math.nan
    returns = equity[1:] / equity[:-1] - 1.0
    mean, deviation = float(returns.mean()), float(returns.std(ddof=1))
    if deviation <= FLAT * abs(mean):
        deviation = 0.0
    return mean, deviation, math.sqrt(float(np.square(np.minimum(returns, 0.0)).mean()))


def _ratio(mean: float, deviation: float) -> float:
    return mean / deviation if deviation > 0.0 else math.nan


def _longest(times_ns: Times, down: Floats, begin_ns: int) -> int:
    """Longest time below a peak: from the last moment at the peak until the first back at one, or the end."""
    below = down < 0.0
    if not below.any():
        return 0
    times = np.concatenate([[begin_ns], times_ns])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], below, [False]])))
    first, after = edges[::2], edges[1::2]  # runs of updates below a peak
    until = times[np.minimum(after, len(times_ns) - 1) + 1]
    return int((until - times[first]).max())


def trade_figures(trades: pd.DataFrame) -> TradeFigures:
    """Figures of the closed trades in a frame of round trips."""
    pnl = trades.loc[trades["status"] == "closed", "pnl"].to_numpy(dtype=np.float64)
    if not len(pnl):
        return TradeFigures(0, math.nan, math.nan, math.nan)
    won, lost = float(pnl[pnl > 0.0].sum()), -float(pnl[pnl < 0.0].sum())
    factor = won / lost if lost > 0.0 else (math.inf if won > 0.0 else math.nan)
    return TradeFigures(len(pnl), float((pnl > 0.0).mean()), float(pnl.mean()), factor)


def periods_per_year(times_ns: Times, interval_ns: int) -> float:
    """Updates per year, from bars' closing times (int64[n], distinct, rising) and their length (0 for quotes).

    A year has 365 days where the market trades on a Saturday, or never pauses for a night as far as the prices show;
    else 252.  A day has as many periods as bars of that length fit into it, where the market never closes; else as many
    as the median day has.
    """
    if interval_ns > DAY_NS:
        return YEAR_DAYS * DAY_NS / interval_ns
    opens = times_ns - max(interval_ns, 1)  # a bar of Friday closes on Saturday, at midnight
    days, counts = np.unique(opens // DAY_NS, return_counts=True)
    if not len(days):
        return CALENDAR_DAYS * DAY_NS / max(interval_ns, DAY_NS)
    weekdays = (days + THURSDAY) % 7
    always = bool((weekdays == SATURDAY).any()) or (
        interval_ns < DAY_NS and _no_saturday_passed(days) and not (np.diff(times_ns) > NIGHT_NS).any()
    )
    if always and interval_ns:
        return CALENDAR_DAYS * DAY_NS / interval_ns
    whole = counts[1:-1] if len(counts) > 2 else counts  # the first and the last day may be cut
    per_day = 1.0 if interval_ns == DAY_NS else float(np.median(whole))
    return (CALENDAR_DAYS if always else TRADING_DAYS) * per_day


def _no_saturday_passed(days: Times) -> bool:
    first, last = int(days[0]), int(days[-1])
    return first + (SATURDAY - (first + THURSDAY)) % 7 > last
