"""Crises of the past in the subject's own prices, each played in a run of its own."""

from __future__ import annotations

from typing import Final

import pandas as pd

from workbench.backtest.result import BacktestResult
from workbench.certify.checks import Subject
from workbench.certify.markets import moments_of
from workbench.risk.crises import CRISES, Crisis

__all__ = ["crises_of", "crisis_loss", "crisis_run"]

WARM_UP: Final = 500  # bars that are shown before a crisis, where there are as many
AFTER: Final = 60  # and after it
LEAST_BARS: Final = 2  # that a crisis has to have in the prices


def crises_of(subject: Subject) -> list[Crisis]:
    """The crises that the prices hold in full, from the close that all is measured from."""
    first, last = subject.prices.start, subject.prices.end
    index = moments_of(subject.prices)
    found = []
    for crisis in CRISES.values():
        start, end = _days(crisis)
        bars = int(((index >= start) & (index < end)).sum())
        if first < start and end <= last and bars >= LEAST_BARS:
            found.append(crisis)
    return found


def crisis_run(subject: Subject, crisis: Crisis) -> BacktestResult:
    """A run of its own through a crisis: some bars to warm up, the window, and some after it."""
    index = moments_of(subject.prices)
    start, end = _days(crisis)
    first = max(0, int(index.searchsorted(start)) - WARM_UP)
    last = min(len(index), int(index.searchsorted(end)) + AFTER) - 1
    return subject.backtest(on_error="contain", start=index[first], end=index[last])


def crisis_loss(result: BacktestResult, crisis: Crisis) -> float:
    """The most that equity fell below what it was before the crisis, a fraction of the capital."""
    start, end = _days(crisis)
    equity = result.equity
    before = equity[equity.index <= start]
    level = float(before.iloc[-1]) if len(before) else result.initial_cash
    inside = equity[(equity.index > start) & (equity.index <= end)]
    return max(0.0, level - float(inside.min())) / result.initial_cash if len(inside) else 0.0


def _days(crisis: Crisis) -> tuple[pd.Timestamp, pd.Timestamp]:
    """From the end of the day whose close all is measured from, to the end of the last day; UTC."""
    start, end = (
        pd.Timestamp(str(day), tz="UTC") + pd.Timedelta(days=1) for day in (crisis.start, crisis.end)
    )
    return start, end
