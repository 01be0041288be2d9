"""A second set of books: positions, working orders, averages and equity, kept from a run's journal and prices alone."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Final

import numpy as np
import pytest

from tests.chaos.arena import CASH
from workbench.backtest.replay import ReplayRecord
from workbench.core.facts import BreakerReset, BreakerTripped, OrderAccepted, OrderEnded
from workbench.core.feed import LAST
from workbench.core.messages import OrderFill

__all__ = ["SLACK", "Books", "Key", "Marks", "books_agree", "name_of"]

SLACK: Final = 1.0 + 1e-9

type Key = tuple[str, str]
"""Strategy and instrument (`symbol@venue`)."""


class Marks:
    """Prices that the desk believed: those of the feed without the ticks that it called bad."""

    def __init__(self, record: ReplayRecord) -> None:
        bad = {(n.symbol, n.venue, n.timestamp_ns) for n in record.recorder.notices if n.kind == "bad_tick"}
        feed = record.feed
        self.times: defaultdict[str, list[int]] = defaultdict(list)
        self.prices: defaultdict[str, list[float]] = defaultdict(list)
        rows = zip(
            feed.timestamp_ns.tolist(), feed.instrument.tolist(), feed.quotes[:, LAST].tolist(), strict=True
        )
        for ns, k, last in rows:
            instrument = feed.instruments[k]
            if (instrument.symbol, instrument.venue, ns) not in bad:
                self.times[instrument.name].append(ns)
                self.prices[instrument.name].append(last)

    def at(self, name: str, ns: int) -> tuple[float, float]:
        """The last price before `ns` and the last one up to it: the mark was one of them."""
        prices = [math.nan, *self.prices[name]]
        before, now = np.searchsorted(self.times[name], [ns, ns + 1])
        return prices[before], prices[now]

    def low(self, name: str, ns: int) -> float:
        return float(np.nanmin(self.at(name, ns)))


class Books:
    """Positions and working orders, from the journal's own facts."""

    def __init__(self) -> None:
        self.held: defaultdict[Key, float] = defaultdict(float)
        self.working: dict[int, tuple[OrderAccepted, float]] = {}
        self.latched: defaultdict[str, set[str]] = defaultdict(set)

    def take(self, fact: object) -> None:
        match fact:
            case OrderAccepted():
                self.working[fact.order_id] = (fact, fact.quantity)
            case OrderFill():
                self.held[fact.strategy_id, f"{fact.symbol}@{fact.venue}"] += fact.quantity
                order, _ = self.working[fact.order_id]
                self.working[fact.order_id] = (order, fact.leaves)
                if fact.leaves == 0.0:
                    del self.working[fact.order_id]
            case OrderEnded():
                order, leaves = self.working[fact.order_id]
                if leaves > fact.leaves * SLACK:  # executions are still on their way
                    self.working[fact.order_id] = (order, leaves - fact.leaves)
                else:
                    del self.working[fact.order_id]
            case BreakerTripped():
                self.latched[fact.strategy_id].add(fact.reason)
            case BreakerReset():
                for name in [fact.strategy_id] if fact.strategy_id else list(self.latched):
                    self.latched[name].clear()

    def units(self, key: Key, side: int) -> float:
        """Units working on one side."""
        return sum(
            leaves
            for order, leaves in self.working.values()
            if order.side == side and key == (order.strategy_id, name_of(order))
        )

    def worst(self, key: Key, side: int) -> float:
        """Units held in the direction of `side` if all that works there fills."""
        return self.held[key] * side + self.units(key, side)

    def cells(self) -> set[Key]:
        return {*self.held, *((order.strategy_id, name_of(order)) for order, _ in self.working.values())}

    def stopped(self, strategy: str) -> bool:
        return bool(self.latched[strategy] or self.latched[""])


def name_of(fact: OrderAccepted | OrderFill) -> str:
    return f"{fact.symbol}@{fact.venue}"


def books_agree(record: ReplayRecord, cash: float = CASH) -> None:
    """The journal replays to the desk's ledger: positions, averages, equity after each update, orders and extremes."""
    desk, books = record.desk, Books()
    ledger: defaultdict[Key, tuple[float, float, float]] = defaultdict(lambda: (0.0, 0.0, 0.0))
    worst: defaultdict[tuple[str, int], float] = defaultdict(float)
    seen: set[tuple[str, int]] = set()
    ordered: defaultdict[int, float] = defaultdict(float)
    done: defaultdict[int, float] = defaultdict(float)
    for fact in record.recorder.journal:
        books.take(fact)
        if isinstance(fact, OrderAccepted):
            ordered[fact.order_id] = fact.quantity
        elif isinstance(fact, OrderEnded):
            done[fact.order_id] += fact.leaves
        elif isinstance(fact, OrderFill):
            assert (fact.venue, fact.execution_id) not in seen, "an execution was booked twice"
            seen.add((fact.venue, fact.execution_id))
            done[fact.order_id] += abs(fact.quantity)
            key = (fact.strategy_id, name_of(fact))
            ledger[key] = _booked(*ledger[key], fact.quantity, fact.price)
            total = sum(q for (_, name), q in books.held.items() if name.partition("@")[0] == fact.symbol)
            worst[fact.symbol, 1] = max(worst[fact.symbol, 1], total)
            worst[fact.symbol, -1] = max(worst[fact.symbol, -1], -total)
    for number, (_, leaves) in books.working.items():
        done[number] += leaves
    assert dict(done) == pytest.approx(dict(ordered), rel=1e-9), "an order's units are not all accounted for"
    for strategy, instrument, row in desk.positions():
        key = (strategy, instrument.name)
        assert row.quantity == pytest.approx(books.held[key], abs=1e-9)
        quantity, average, realised = ledger[key]
        assert row.realised == pytest.approx(realised, rel=1e-9, abs=1e-6)
        assert row.average * row.quantity == pytest.approx(average * quantity, rel=1e-9, abs=1e-6)
    for y, symbol in enumerate(desk.symbols):
        row_of = desk.view.symbols[y]
        assert row_of.worst_long == pytest.approx(worst[symbol, 1], abs=1e-9)
        assert row_of.worst_short == pytest.approx(worst[symbol, -1], abs=1e-9)
    assert int(desk.book.working) == len(books.working)
    _equity_agrees(record, cash)


def _booked(
    held: float, average: float, realised: float, units: float, price: float
) -> tuple[float, float, float]:
    """Signed units, average price and realised P&L after one more fill, by average cost."""
    if held * units >= 0.0:
        return held + units, (held * average + units * price) / (held + units), realised
    closed = -units if abs(units) < abs(held) else held
    realised += closed * (price - average)
    left = 0.0 if abs(held + units) < 1e-12 else held + units
    return left, (price if left * held < 0.0 else average), realised


def _equity_agrees(record: ReplayRecord, cash: float) -> None:
    """Equity = cash spent and got + what is held at the marks, after the last update of every moment."""
    marks, times = Marks(record), record.feed.timestamp_ns
    last = np.flatnonzero(np.append(times[1:] != times[:-1], True))
    moments = times[last]
    expected = np.full(len(moments), cash)
    flows: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for fill in record.recorder.fills:
        expected[moments >= fill.timestamp_ns] -= fill.quantity * fill.price + fill.fee
        flows[name_of(fill)].append((fill.timestamp_ns, fill.quantity))
    for name, moves in flows.items():
        when, units = np.array([ns for ns, _ in moves]), np.array([0.0, *np.cumsum([q for _, q in moves])])
        held = units[np.searchsorted(when, moments, side="right")]
        prices = np.array([math.nan, *marks.prices[name]])
        mark = prices[np.searchsorted(marks.times[name], moments, side="right")]
        expected += np.where(np.abs(held) > 1e-12, held * mark, 0.0)
    assert np.isfinite(record.curves).all(), "something that is no number got into the ledger"
    assert record.curves[last, 0] == pytest.approx(expected, rel=1e-9)
    assert record.curves[:, 0] == pytest.approx(cash + record.curves[:, 1:].sum(axis=1), rel=1e-9)
