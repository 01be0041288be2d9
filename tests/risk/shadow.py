"""A second opinion on a desk: positions, cash and working orders kept from its facts alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.core.desk import TradingDesk
from workbench.core.facts import BreakerReset, BreakerTripped, Fact, OrderAccepted, OrderEnded
from workbench.core.messages import OrderFill
from workbench.core.state import NONE

type Table = npt.NDArray[Any]
NEAR = 1e-9


def near(left: float, right: float, scale: float = 1.0) -> bool:
    return isclose(left, right, rel_tol=NEAR, abs_tol=NEAR * scale)


def _covers(reset: BreakerReset, strategy: str, reason: str) -> bool:
    """Whether a reset, which names what it has unlatched, ends this latch: a kill's is of exactly what it names."""
    within = strategy == reset.strategy_id or (not reset.strategy_id and reason != "kill_switch")
    return within and reason in reset.reasons


class Shadow:
    """Follows one desk.

    held, buys, sells: units per strategy and instrument.  cash: what is left of the initial cash.
    leaves: units of each order that are not final.  latched: (strategy id, reason).
    """

    def __init__(self, desk: TradingDesk, cash: float) -> None:
        self.desk = desk
        self.initial = self.cash = cash
        self.shape = (len(desk.strategies), len(desk.instruments))
        self.held = np.zeros(self.shape)
        self.fees = 0.0
        self.traded = 0.0
        self.orders: dict[int, tuple[int, int, int]] = {}
        self.quantity: dict[int, float] = {}
        self.leaves: dict[int, float] = {}
        self.latched: set[tuple[str, str]] = set()
        self.peak = cash
        self.marks: Table = np.asarray(desk.view.instruments)
        self.cells: Table = np.asarray(desk.view.positions).reshape(self.shape)
        self.slots: Table = np.asarray(desk.view.orders)
        self._places = {(i.symbol, i.venue): k for k, i in enumerate(desk.instruments)}

    def hear(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, OrderAccepted):
                place = self.desk.strategy_index(fact.strategy_id), self._places[fact.symbol, fact.venue]
                assert fact.order_id not in self.orders
                self.orders[fact.order_id] = (*place, fact.side)
                self.leaves[fact.order_id] = self.quantity[fact.order_id] = fact.quantity
            elif isinstance(fact, OrderFill):
                s, k, side = self.orders[fact.order_id]
                assert fact.quantity * side > 0.0
                self.take(fact.order_id, abs(fact.quantity))
                self.held[s, k] += fact.quantity
                notional = fact.quantity * fact.price * self.desk.instruments[k].multiplier
                self.cash -= notional + fact.fee
                self.fees += fact.fee
                self.traded += abs(notional)
            elif isinstance(fact, OrderEnded):
                self.take(fact.order_id, fact.leaves)
            elif isinstance(fact, BreakerTripped):
                assert (fact.strategy_id, fact.reason) not in self.latched
                self.latched.add((fact.strategy_id, fact.reason))
            elif isinstance(fact, BreakerReset):
                ended = {latch for latch in self.latched if _covers(fact, *latch)}
                assert {reason for _, reason in ended} == set(fact.reasons)
                self.latched -= ended
                if ("", "max_drawdown") in ended:
                    self.peak = float(self.desk.book.equity)
        self.peak = max(self.peak, float(self.desk.book.equity))

    def take(self, order: int, units: float) -> None:
        """Take units off what an order has left; what rounding leaves of nothing is nothing."""
        left = self.leaves[order] - units
        assert left >= -NEAR * self.quantity[order]
        self.leaves[order] = left
        if left <= NEAR * self.quantity[order]:
            del self.leaves[order]

    def working(self) -> Table:
        """Units that the working orders have left: float64[2, strategies, instruments], buys and sells."""
        units = np.zeros((2, *self.shape))
        for number, left in self.leaves.items():
            s, k, side = self.orders[number]
            units[0 if side > 0 else 1, s, k] += left
        return units

    def exposure(self) -> Table:
        """Worst notional of each position: float64[strategies, instruments]."""
        buys, sells = self.working()
        units = np.maximum(np.abs(self.held + buys), np.abs(self.held - sells))
        marks = np.where(np.isfinite(self.marks["mark"]), self.marks["mark"], 0.0)
        worst: Table = units * marks * self.marks["multiplier"]
        return worst

    # ---- what must always hold

    def check(self) -> None:
        self.check_ledger()
        self.check_working()
        self.check_slots()
        self.check_latches()
        book = self.desk.book
        assert int(book.event_count) == int(book.events_lost) == 0

    def check_ledger(self) -> None:
        book, cells = self.desk.book, self.cells
        scale = max(self.initial, self.traded)
        for name in ("quantity", "average", "realised", "fees", "unrealised", "exposure", "traded"):
            assert np.isfinite(cells[name]).all(), name
        assert np.allclose(cells["quantity"], self.held, rtol=NEAR, atol=NEAR)
        parts = cells["realised"].sum() + cells["unrealised"].sum() - cells["fees"].sum()
        assert near(float(book.equity), self.initial + float(parts), scale)
        marks = np.where(np.isfinite(self.marks["mark"]), self.marks["mark"], 0.0)
        worth = float((self.held * marks * self.marks["multiplier"]).sum())
        assert near(float(book.equity), self.cash + worth, scale)
        assert near(float(cells["fees"].sum()), self.fees, scale)
        strategies: Table = np.asarray(self.desk.view.strategies)
        for marked in (book.equity, book.peak, book.day_equity, book.base_equity):
            assert isfinite(marked)
        assert isfinite(book.drawdown) or book.peak <= 0.0  # nothing is left to take a share of
        for name in ("pnl", "peak", "base_pnl"):
            assert np.isfinite(strategies[name]).all(), name
        assert float(book.peak) <= self.peak + NEAR * scale
        assert float(book.peak) >= float(book.equity) or int(book.changed)

    def check_working(self) -> None:
        buys, sells = self.working()
        cells = self.cells
        assert np.allclose(cells["working_buy"], buys, rtol=NEAR, atol=NEAR)
        assert np.allclose(cells["working_sell"], sells, rtol=NEAR, atol=NEAR)
        assert np.allclose(cells["exposure"], self.exposure(), rtol=1e-8, atol=1e-6)
        symbols: Table = np.asarray(self.desk.view.symbols)
        for y in range(len(symbols)):
            mine = self.marks["symbol"] == y
            assert near(float(symbols["quantity"][y]), float(self.held[:, mine].sum()))
            assert near(float(symbols["working_buy"][y]), float(buys[:, mine].sum()))
            assert near(float(symbols["working_sell"][y]), float(sells[:, mine].sum()))

    def check_slots(self) -> None:
        """Every slot is free or taken, once; the lists of working orders hang together both ways."""
        slots, book = self.slots, self.desk.book
        free: set[int] = set()
        slot = int(book.free)
        while slot != NONE:
            assert slot not in free
            free.add(slot)
            slot = int(slots["next"][slot])
        assert len(free) + int(book.working) == len(slots)
        linked: set[int] = set()
        for k in range(self.shape[1]):
            before, slot = NONE, int(self.marks["first"][k])
            while slot != NONE:
                row = slots[slot]
                assert slot not in linked
                assert slot not in free
                assert (row["linked"], row["instrument"], row["previous"]) == (1, k, before)
                assert row["venue_leaves"] > 0.0
                linked.add(slot)
                before, slot = slot, int(row["next"])
            assert int(self.marks["final"][k]) == before
        for slot in set(range(len(slots))) - free - linked:
            assert slots["pending"][slot] > 0  # all that is left of it are reports under way
        taken = {int(slots["number"][slot]) for slot in set(range(len(slots))) - free}
        assert taken == set(self.leaves)

    def check_latches(self) -> None:
        desk = self.desk
        standing = {("", reason) for reason in desk.halted()}
        for strategy in desk.strategies:
            standing |= {(strategy, reason) for reason in desk.halted(strategy)}
        assert standing == self.latched
