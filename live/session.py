"""A live session out of its journal: what came in, carried through the machine again, with everything that it led to.

`workbench replay` and `wb.replay` read it; the engine may be running meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from live.engine.pump import BLOCK
from live.engine.recovery import Beginning, beginning
from live.journal import Journal
from live.machine import (
    Answered,
    Input,
    LimitOverride,
    LimitsChanged,
    LimitsConfigured,
    Machine,
    StrategyAdmitted,
    decode_block,
)
from workbench.core.build import VenueFaultWindow
from workbench.core.facts import Fact
from workbench.core.feed import QUOTE_COLUMNS, Feed
from workbench.core.intents import ClockTick, SetLimits, VenueReport, VenueSession
from workbench.core.limits import RiskLimits
from workbench.core.messages import MarketSignal, PriceUpdate
from workbench.errors import JournalError, WorkbenchError

__all__ = ["NOTHING", "Overlay", "Sent", "Session", "journal_url", "read_session"]

_log: Final = logging.getLogger(__name__)
_CHANGES: Final = (SetLimits, LimitsChanged, LimitsConfigured, LimitOverride)
_VENUES: Final = (VenueReport, VenueSession)
_BEHIND_NS: Final = 1_000_000_000  # event time may be so far behind the clock
_QUOTE: Final = ("bid", "ask", "last", "volume", "bid_size", "ask_size", "change_pct")


class Sent(NamedTuple):
    """A signal as the desk got it: event time, strategy, signal."""

    timestamp_ns: int
    strategy_id: str
    signal: MarketSignal


class Session(NamedTuple):
    """Part of a live session.

    feed: the prices, one row each, at the desk's time.  curves: float64[n, 1 + strategies], equity of the portfolio and
    P&L of each strategy after each price (0 before a strategy was seated).  facts, signals: in order.
    machine: as it was at the end of the part.  numbers: int64[n], which price of the journal each row is, from 0.
    """

    feed: Feed
    curves: npt.NDArray[np.float64]
    facts: list[Fact]
    signals: list[Sent]
    machine: Machine
    numbers: npt.NDArray[np.int64]


def journal_url(journal: str | Path) -> str:
    """A URL out of a URL, a journal's file, or an engine's data folder.  Raises JournalError where there is none."""
    text = str(journal)
    if "://" in text:
        return text
    path = Path(journal)
    file = path / "journal.sqlite" if path.is_dir() else path
    if not file.is_file():
        raise JournalError(
            f"expected a journal's file, its URL or an engine's data folder, found nothing at {file}"
        )
    return f"sqlite:///{file}"


class Overlay(NamedTuple):
    """What is laid over a session.

    faults: of venues.  prices: by their number in the journal, what a price is instead (bid, ask, last, volume,
    bid_size, ask_size, change_pct), or None where it is lost.
    """

    faults: tuple[VenueFaultWindow, ...] = ()
    prices: Mapping[int, tuple[float, ...] | None] = {}


NOTHING: Final = Overlay()


def read_session(
    journal: str | Path,
    start_ns: int | None = None,
    end_ns: int | None = None,
    *,
    limits: RiskLimits | None = None,
    overlay: Overlay = NOTHING,
    rematch: bool = False,
) -> Session:
    """Carry a journal through the machine again, and keep what happened from `start_ns` until before `end_ns`.

    limits: in place of those that were in force, from the beginning on; changes of limits are then left out, and what
    was admitted counts as admitted though they permit more than its certificate, with its certified instruments alone.
    rematch: orders at venues that matched by themselves are matched by the rulebook, and what those reported is left
    out. Without it other limits or an overlay make no sense at such venues: their reports are of other orders.
    A journal whose beginning was dropped is replayed from the first state that is kept: limits hold from there on.
    Raises JournalError where there is no journal, it is empty or damaged, or what is asked for was dropped.
    """
    source = Journal.open(journal_url(journal), read_only=True)
    try:
        begins = beginning(source)
        if begins is None:
            raise JournalError(f"the journal {journal} is empty: no engine has traded with it")
        machine = _machine(begins, limits, rematch, overlay.faults)
        _check_kept(begins, machine, start_ns)
        left_out = (_CHANGES if limits is not None else ()) + (_VENUES if rematch else ())
        reader = _Reader(machine, start_ns, end_ns, left_out, overlay.prices)
        for record in source.read(after=begins.sequence, kinds=[BLOCK]):
            if not reader.take_block(record.ns, decode_block(record.payload)):
                break
    finally:
        source.close()
    return reader.session()


def _machine(
    begins: Beginning, limits: RiskLimits | None, rematch: bool, faults: tuple[VenueFaultWindow, ...]
) -> Machine:
    setup = begins.setup
    if begins.snapshot is None:
        if limits is not None:
            setup = msgspec.structs.replace(setup, limits=limits)
        if rematch:
            setup = msgspec.structs.replace(setup, remote=())
        return begins.machine(setup, faults=faults)
    if rematch and setup.remote:
        raise JournalError(
            "orders can be matched by the rulebook only from the beginning on, and records up to "
            f"{begins.sequence} of this journal were dropped (TRADING_ENGINE_JOURNAL_KEEP_DAYS)"
        )
    machine = begins.machine(faults=faults)
    if limits is not None:
        machine.apply(LimitsConfigured(limits))
    return machine


def _check_kept(begins: Beginning, machine: Machine, start_ns: int | None) -> None:
    """Raise JournalError where what is asked for was dropped; say from when on there is something."""
    if begins.snapshot is None:
        return
    kept_ns = int(machine.desk.book.now_ns)
    since = datetime.fromtimestamp(kept_ns / 1e9, UTC).isoformat(timespec="seconds")
    if start_ns is not None and start_ns < kept_ns:
        raise JournalError(
            f"records up to {begins.sequence} were dropped (TRADING_ENGINE_JOURNAL_KEEP_DAYS): "
            f"the journal can be replayed from {since} on; ask for what begins then"
        )
    _log.warning("records up to %d were dropped: replayed from %s on", begins.sequence, since)


class _Reader:
    def __init__(
        self,
        machine: Machine,
        start_ns: int | None,
        end_ns: int | None,
        left_out: tuple[type, ...],
        instead: Mapping[int, tuple[float, ...] | None],
    ) -> None:
        self._machine = machine
        self._start = -(2**63) if start_ns is None else start_ns
        self._end = 2**63 - 1 if end_ns is None else end_ns
        self._left_out, self._instead = left_out, instead
        self._place = {(i.symbol, i.venue): k for k, i in enumerate(machine.setup.instruments)}
        self._ticking = False
        self._number = -1
        self._numbers: list[int] = []
        self._times: list[int] = []
        self._which: list[int] = []
        self._quotes: list[tuple[float, ...]] = []
        self._sequences: list[int] = []
        self._curves: list[list[float]] = []
        self._facts: list[Fact] = []
        self._signals: list[Sent] = []

    def take_block(self, ns: int, items: Sequence[Input]) -> bool:
        """Carry through what was taken in at one time; False once the end is reached.

        What is no price has no time of its own, so that of its block counts: where the engine's clock is that of its
        prices, which its ticks show, and not in lock step, where prices may be of any year.
        """
        priced = any(isinstance(item, PriceUpdate) for item in items)
        if self._ticking and ns - _BEHIND_NS >= self._end and not priced:
            return False
        return all(self.take(item) for item in items)

    def take(self, item: Input) -> bool:
        """Carry one input through; False once the end is reached."""
        machine = self._machine
        if isinstance(item, self._left_out):
            return True
        if isinstance(item, StrategyAdmitted) and SetLimits in self._left_out:
            item = msgspec.structs.replace(item, limits=RiskLimits.unlimited())
        if isinstance(item, ClockTick):
            self._ticking = True
            if item.timestamp_ns >= self._end:
                return False
        if isinstance(item, PriceUpdate):
            if item.timestamp_ns >= self._end:
                return False
            self._number += 1
            if self._number in self._instead:
                quote = self._instead[self._number]
                if quote is None:
                    return True
                item = msgspec.structs.replace(item, **dict(zip(_QUOTE, quote, strict=True)))
        try:
            facts = machine.apply(item)
        except WorkbenchError:  # as it was refused then
            return True
        now = int(machine.desk.book.now_ns)
        if now < self._start:
            return True
        self._facts += facts
        if isinstance(item, Answered) and not machine.has_ended(item.strategy_id):
            self._signals += [Sent(now, item.strategy_id, signal) for signal in item.signals]
        elif isinstance(item, PriceUpdate):
            self._price(item, now)
        return True

    def _price(self, item: PriceUpdate, now: int) -> None:
        desk = self._machine.desk
        self._numbers.append(self._number)
        self._times.append(now)
        self._which.append(self._place[item.symbol, item.venue])
        self._quotes.append(
            (item.bid, item.ask, item.last, item.volume, item.bid_size, item.ask_size, item.change_pct)
        )
        self._sequences.append(item.sequence)
        pnl = np.asarray(desk.view.strategies)["pnl"].tolist()
        self._curves.append([float(desk.book.equity), *pnl])

    def session(self) -> Session:
        width = 1 + len(self._machine.desk.strategies)
        curves = np.zeros((len(self._curves), width))
        for row, values in enumerate(self._curves):
            curves[row, : len(values)] = values
        feed = Feed(
            self._machine.setup.instruments,
            np.array(self._times, dtype=np.int64),
            np.array(self._which, dtype=np.int64),
            np.array(self._quotes, dtype=np.float64).reshape(-1, QUOTE_COLUMNS),
            np.array(self._sequences, dtype=np.int64),
        )
        numbers = np.array(self._numbers, dtype=np.int64)
        return Session(feed, curves, self._facts, self._signals, self._machine, numbers)
