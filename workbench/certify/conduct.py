"""How one strategy behaved in one run: what it asked for, what the rules made of it, what it held and lost.

A refusal counts against the strategy where the rule is about what it asked for (a limit, a rate, a signal that makes no
sense); one for the sake of the market (a stale or doubtful price, less than one lot) does not.

A breaker trips by the strategy's own fault where it is about conduct (repeated executions, errors); or where it is
about a loss, and the strategy held more than is usual for it when it was lost: a loss on a usual position is the
market's doing, and is bounded by a threshold of its own.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.backtest.replay import ReplayRecord
from workbench.core.codes import Breaker, Check, Refusal
from workbench.core.facts import BreakerTripped
from workbench.core.messages import OrderFill
from workbench.core.outcome import HOLD

__all__ = ["Conduct", "Units", "conduct_of", "most_units", "show_reasons", "units_held"]

type Units = Mapping[str, float]
"""Instrument -> units, gross."""

SLACK: Final = 1.0 + 1e-9  # sums of binary fractions
_NOT_ITS_DOING: Final = frozenset(
    {
        *(check.name.lower() for check in (Check.PRICE_COLLAR, Check.CIRCUIT_BREAKER)),
        *(
            refusal.name.lower()
            for refusal in (
                Refusal.NO_PRICE,
                Refusal.BELOW_LOT,
                Refusal.BELOW_MIN_NOTIONAL,
                Refusal.NOTHING_TO_REDUCE,
                Refusal.NO_CHANGE,
                Refusal.RISK_CHECK_TIMEOUT,
            )
        ),
    }
)
_STOPPED: Final = Check.CIRCUIT_BREAKER.name.lower()
_ABOUT_CONDUCT: Final = frozenset(
    breaker.name.lower()
    for breaker in (
        Breaker.REPEATED_EXECUTION,
        Breaker.STRATEGY_ERROR,
        Breaker.EQUITY_NOT_FINITE,
        Breaker.UNKNOWN_EXECUTION,
    )
)


class Conduct(NamedTuple):
    """One strategy in one run.

    asked: signals that it sent.  unheard: orders refused while a breaker was latched.  orders: that were accepted.
    refused: how often a rule stopped what it asked for, by reason.  errors: that it raised.  trips: breakers that
    stopped it, or everything.  stopped: whether one did so early enough for positions to be closed before the prices
    end.  faults: those of them that were its own doing.  held: most units at any time, gross, by instrument.
    left: units at the end, gross.  exposure: largest share of a limit on position or gross notional that was ever held
    or worked, by all strategies of the run.  loss: most that its equity was below its highest so far, a fraction of
    its capital.  pnl: at the end, quote currency.
    """

    asked: int
    unheard: int
    orders: int
    refused: Counter[str]
    errors: int
    trips: tuple[BreakerTripped, ...]
    stopped: bool
    faults: tuple[BreakerTripped, ...]
    held: Units
    left: Units
    exposure: float
    loss: float
    pnl: float

    @property
    def refused_share(self) -> float:
        """Refusals per signal that was heard, at most 1."""
        return min(1.0, self.refused.total() / max(1, self.asked - self.unheard))

    @property
    def flat(self) -> bool:
        """Whether it holds nothing at the end, but for the crumbs that sums of binary fractions leave."""
        return all(units <= (SLACK - 1.0) * self.held[name] for name, units in self.left.items())


def conduct_of(
    record: ReplayRecord, strategy: str, usual: Units | None = None, growth: float = 1.0
) -> Conduct:
    """How `strategy` behaved in a finished run.

    usual: the most units that it holds without stress; None: a full-strength order of its own.  growth: times that is
    still usual.
    """
    recorder = record.recorder
    place = record.desk.strategies.index(strategy)
    capital = float(record.desk.view.strategies[place].capital)
    pnl = record.curves[:, 1 + place]
    fills = [fill for fill in recorder.fills if fill.strategy_id == strategy]
    trips = tuple(trip for trip in recorder.trips if trip.strategy_id in ("", strategy))
    floor = _full_strength(record, place)
    if usual is not None:
        floor = {name: max(units, usual.get(name, 0.0)) for name, units in floor.items()}
    largest = {name: growth * units for name, units in floor.items()}
    return Conduct(
        asked=sum(sent.strategy_id == strategy for sent in recorder.signals),
        unheard=sum(o.strategy_id == strategy and _STOPPED in o.failed_checks for o in recorder.refused),
        orders=sum(order.strategy_id == strategy for order in recorder.accepted),
        refused=_refusals(record, strategy),
        errors=sum(error.strategy_id == strategy for error in recorder.errors),
        trips=trips,
        stopped=any(trip.timestamp_ns < _last_chance(record) for trip in trips),
        faults=tuple(trip for trip in trips if _own_fault(trip, fills, largest)),
        held=most_units(fills),
        left=units_held(fills),
        exposure=_exposure(record),
        loss=_deepest(pnl) / capital,
        pnl=float(pnl[-1]) if len(pnl) else 0.0,
    )


def units_held(fills: list[OrderFill], until_ns: int | None = None) -> dict[str, float]:
    """Units of each instrument, gross, after the fills up to `until_ns` (not included; None: all)."""
    held: defaultdict[str, float] = defaultdict(float)
    for fill in fills:
        if until_ns is None or fill.timestamp_ns < until_ns:
            held[f"{fill.symbol}@{fill.venue}"] += fill.quantity
    return {name: abs(units) for name, units in held.items()}


def most_units(fills: list[OrderFill]) -> dict[str, float]:
    """Most units of each instrument that were ever held, gross."""
    held: defaultdict[str, float] = defaultdict(float)
    most: defaultdict[str, float] = defaultdict(float)
    for fill in fills:
        name = f"{fill.symbol}@{fill.venue}"
        held[name] += fill.quantity
        most[name] = max(most[name], abs(held[name]))
    return dict(most)


def show_reasons(counts: Counter[str], most: int = 3) -> str:
    """The most frequent reasons with their numbers: "message_rate 12, duplicate_order 3"."""
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.most_common(most))


def _deepest(pnl: npt.NDArray[np.float64]) -> float:
    """The most that P&L was below its highest so far, which is 0 at the start."""
    highs = np.maximum(np.maximum.accumulate(pnl), 0.0)
    return float((highs - pnl).max(initial=0.0))


def _refusals(record: ReplayRecord, strategy: str) -> Counter[str]:
    """Refused orders by their first reason that is the strategy's doing, refused signals, and signals out of range.

    What is asked for while a breaker is latched is refused for that alone, and counts nowhere.
    """
    counts: Counter[str] = Counter()
    for order in record.recorder.refused:
        if order.strategy_id == strategy and _STOPPED not in order.failed_checks:
            counts.update([reason for reason in order.failed_checks if reason not in _NOT_ITS_DOING][:1])
    for signal in record.recorder.signals_refused:
        if signal.strategy_id == strategy and signal.reason not in _NOT_ITS_DOING:
            counts[signal.reason] += 1
    beyond = Refusal.SIGNAL_OUT_OF_RANGE.name.lower()
    if not counts[beyond]:  # clipped, which is told as a breach alone
        told = sum(b.strategy_id == strategy and b.breach_type == beyond for b in record.recorder.breaches)
        counts[beyond] = told
    return +counts


def _last_chance(record: ReplayRecord) -> int:
    """The time that is followed by HOLD further ones (UTC ns); the first where there are fewer."""
    times = np.unique(record.feed.timestamp_ns)
    return int(times[max(0, len(times) - HOLD - 1)])


def _own_fault(trip: BreakerTripped, fills: list[OrderFill], largest: Units) -> bool:
    if trip.reason in _ABOUT_CONDUCT:
        return True
    held = units_held(fills, trip.timestamp_ns)
    return any(units > largest.get(name, 0.0) * SLACK for name, units in held.items())


def _full_strength(record: ReplayRecord, place: int) -> dict[str, float]:
    """Units of one signal of full strength, by instrument."""
    unit = record.players[place].seat.unit
    sizes = unit if isinstance(unit, dict) else {}
    usual = 1.0 if isinstance(unit, dict) else float(unit)
    return {i.name: float(sizes.get(i.symbol, usual)) for i in record.desk.instruments}


def _exposure(record: ReplayRecord) -> float:
    """As `core.tally` has it for columns: of position limits by symbol, and of gross notional."""
    view = record.desk.view
    limits, book = view.limits[0], record.desk.book
    shares = [_share(book.worst_gross, limits.portfolio_gross)]
    if len(record.desk.strategies) == 1:
        shares.append(_share(book.worst_gross, limits.strategy_gross))
    for row in (view.symbols[y] for y in range(len(view.symbols))):
        shares += [_share(row.worst_long, row.max_long), _share(row.worst_short, row.max_short)]
    return float(max(shares))


def _share(value: float, limit: float) -> float:
    """Of a limit; infinite for what is no number, which is inside none."""
    if math.isnan(value):
        return math.inf
    return value / limit if limit > 0.0 and value > 0.0 else 0.0
