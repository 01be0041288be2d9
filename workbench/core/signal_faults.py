"""What a fault makes of a strategy's signals: one arithmetic for the event replay and the compiled columns.

Chance is a pure function of the fault's seed and the number of signals so far.
"""

from __future__ import annotations

import math
from typing import Final

from workbench.core.codes import SignalFault
from workbench.core.jit import jit
from workbench.core.rows import row_type
from workbench.core.state import NONE, Rows
from workbench.core.venue_faults import chance

__all__ = [
    "FAULT_PLAN",
    "MOST_WISHES",
    "MOVE",
    "RISE",
    "WISH_ROW",
    "FaultPlan",
    "WishRow",
    "bend",
    "chased",
    "grown",
    "growth",
    "leaks",
    "repeats",
]

MOVE: Final = 0.01  # change of one update that the volatility amplifier chases
RISE: Final = 0.02  # rise of one update that the correlation breaker sells the others on
RUNAWAY_ORDERS: Final = 100
LEAK_RATE: Final = 0.001
LEAK_MOST: Final = 0.5
GROWTH_MOST: Final = 1_000.0
MOST_WISHES: Final = 1_001  # one more than a desk looks at: the last one tells it that there are more
RUNAWAY = int(SignalFault.RUNAWAY)
RISK_IGNORANT = int(SignalFault.RISK_IGNORANT)
VOLATILITY_AMPLIFIER = int(SignalFault.VOLATILITY_AMPLIFIER)
CORRELATION_BREAKER = int(SignalFault.CORRELATION_BREAKER)
SLOW_LEAK = int(SignalFault.SLOW_LEAK)


class FaultPlan:
    """A signal fault of one column.  breaches, sent: heard and seen so far, while it is active."""

    kind: int
    start_ns: int
    end_ns: int
    intensity: float
    seed: int
    breaches: int
    sent: int


class WishRow:
    """A signal on its way.

    instrument: NONE where `symbol` still wants a venue.  quantity: NaN for none.  fault: the last that made or changed
    it, 0 for none.  made: the fault that it comes from, 0 where it is the strategy's.
    """

    symbol: int
    instrument: int
    strength: float
    quantity: float
    fault: int
    made: int


FAULT_PLAN: Final = row_type(FaultPlan)
WISH_ROW: Final = row_type(WishRow)


@jit
def repeats(intensity: float) -> int:
    """How many orders a runaway strategy sends at each update."""
    count = round(RUNAWAY_ORDERS * intensity)
    return count if count < MOST_WISHES else MOST_WISHES


@jit
def growth(intensity: float, breaches: int) -> float:
    """How many times its size a strategy trades that answers each breach with more."""
    size = 1.0
    for _ in range(breaches if breaches < 64 else 64):
        size *= 1.0 + intensity
        if size > GROWTH_MOST:
            return GROWTH_MOST
    return size


@jit
def grown(strength: float, confidence: float, unit: float, times: float) -> float:
    """Units of a signal of that strength, grown; NaN where it stays as it was."""
    size = abs(strength) * confidence * unit
    if times == 1.0 or not size > 0.0 or not math.isfinite(size):
        return math.nan
    return size * times


@jit
def chased(intensity: float, change: float) -> float:
    """Strength with which a move is chased; NaN where it is too small."""
    if not abs(change) > MOVE:
        return math.nan
    return math.copysign(2.0 * intensity, change)


@jit
def leaks(intensity: float, seed: int, sent: int) -> bool:
    """Whether signal number `sent`, from 1, is turned round."""
    error = LEAK_RATE * intensity * sent
    return chance(seed, sent) < (error if error < LEAK_MOST else LEAK_MOST)


@jit
def _add(wishes: Rows[WishRow], count: int, symbol: int, strength: float, quantity: float, fault: int) -> int:
    if count == MOST_WISHES:
        return count
    wish = wishes[count]
    wish.symbol = symbol
    wish.instrument = NONE
    wish.strength = strength
    wish.quantity = quantity
    wish.fault = wish.made = fault
    return count + 1


@jit
def bend(
    plan: FaultPlan,
    wishes: Rows[WishRow],
    count: int,
    symbol: int,
    symbols: int,
    change: float,
    units: Rows[float],
) -> int:
    """Apply one active fault to the first `count` wishes of an update of `symbol`; how many there are then.

    change: of the update, a fraction.  units: float64[symbols], units at full strength.
    """
    if plan.kind == RUNAWAY:
        count = 0
        for _ in range(repeats(plan.intensity)):
            count = _add(wishes, count, symbol, 1.0, units[symbol], RUNAWAY)
    elif plan.kind == RISK_IGNORANT:
        times = growth(plan.intensity, plan.breaches)
        for i in range(count):
            size = grown(wishes[i].strength, 1.0, units[wishes[i].symbol], times)
            if size == size:
                wishes[i].quantity = size
                wishes[i].fault = RISK_IGNORANT
    elif plan.kind == VOLATILITY_AMPLIFIER:
        strength = chased(plan.intensity, change)
        if strength == strength:
            count = _add(wishes, count, symbol, strength, math.nan, VOLATILITY_AMPLIFIER)
    elif plan.kind == CORRELATION_BREAKER:
        if change > RISE:
            for other in range(symbols):
                if other != symbol or symbols == 1:
                    count = _add(wishes, count, other, -plan.intensity, math.nan, CORRELATION_BREAKER)
    elif plan.kind == SLOW_LEAK:
        for i in range(count):
            plan.sent += 1
            if leaks(plan.intensity, plan.seed, plan.sent):
                wishes[i].strength = -wishes[i].strength
                wishes[i].fault = SLOW_LEAK
    return count
