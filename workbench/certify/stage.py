"""Where stress strikes: the last part of the prices, how a strategy does there in calm, and when it holds the most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import pandas as pd

from workbench.backtest.result import BacktestResult
from workbench.certify.checks import Subject
from workbench.certify.conduct import most_units
from workbench.certify.markets import moments_of, recent
from workbench.core.messages import OrderFill

__all__ = ["Stage", "stage_of"]


class Stage(NamedTuple):
    """subject: with the last part of its prices.  calm: its run without stress.  usual: the most units that it holds.

    at, long_at, short_at: open of the first bar after it held the most, was the most long, the most short, by value.
    """

    subject: Subject
    calm: BacktestResult
    usual: Mapping[str, float]
    at: pd.Timestamp
    long_at: pd.Timestamp
    short_at: pd.Timestamp

    @property
    def trades(self) -> bool:
        """Whether it holds anything at all."""
        return any(units > 0.0 for units in self.usual.values())


def stage_of(subject: Subject, moments: int) -> Stage:
    """The last `moments` bar times of the subject's prices.

    What is usual is taken from a run without breakers: a strategy that was stopped before holds nothing to be stressed.
    """
    small = subject.replaced(prices=recent(subject.prices, moments))
    calm = small.backtest(on_error="contain")
    free = calm
    if calm.record.recorder.trips:
        limits = msgspec.structs.replace(small.limits, enable_circuit_breakers=False)
        free = small.backtest(on_error="contain", limits=limits)
    fills = [fill for fill in free.record.recorder.fills if fill.strategy_id == subject.name]
    index = moments_of(small.prices)
    values = _values(fills, index)
    return Stage(
        small,
        calm,
        most_units(fills),
        _bar(values["gross"], index),
        _bar(values["net"], index),
        _bar(-values["net"], index),
    )


def _values(fills: list[OrderFill], index: pd.DatetimeIndex) -> pd.DataFrame:
    """Value held after each fill, gross and net, of the middle half of the run where it holds anything there: so that
    there is a before and an after.
    """
    held: defaultdict[tuple[str, str], float] = defaultdict(float)
    rows = []
    for fill in fills:
        key = (fill.symbol, fill.venue)
        units = held[key] = held[key] + fill.quantity
        rows.append((fill.timestamp_ns, key, units * fill.price))
    last: dict[tuple[str, str], float] = {}
    found = []
    for time_ns, key, value in rows:
        last[key] = value
        found.append((time_ns, sum(abs(each) for each in last.values()), sum(last.values())))
    frame = pd.DataFrame(found, columns=["time", "gross", "net"]).set_index("time")
    first, end = index[len(index) // 4].value, index[len(index) * 3 // 4].value
    middle = frame[(frame.index >= first) & (frame.index < end)]
    return middle if len(middle) and float(middle["gross"].max()) > 0.0 else frame


def _bar(values: pd.Series[float], index: pd.DatetimeIndex) -> pd.Timestamp:
    """Open of the first bar after the largest of `values`; the middle of the run where there is none."""
    if not len(values):
        return pd.Timestamp(index[len(index) // 2])
    time = pd.Timestamp(int(values.index[int(values.to_numpy().argmax())]), tz="UTC")
    return pd.Timestamp(index[min(int(index.searchsorted(time)), len(index) - 1)])
