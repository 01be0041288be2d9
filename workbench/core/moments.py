"""Figures of equity from moment to moment, kept while a run goes on: returns, drawdown, how long it lasts.

A moment is the last update of a distinct time.  A return is equity at one moment over that at the one before, minus 1.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from workbench.core.jit import jit
from workbench.core.state import Rows
from workbench.core.tally import Tally

__all__ = [
    "Moments",
    "moments_of",
    "note_moment",
    "note_still",
    "put_moments",
    "take_back",
    "with_moment",
]

inlined = partial(jit, inline=True)


class Moments(NamedTuple):
    """The part of a tally that every moment changes, to be kept in registers; see there."""

    number: int
    equity: float
    sum_r: float
    sum_square: float
    sum_down: float
    broken: int
    peak: float
    low: float
    worst: float
    since_ns: int
    below: int
    longest_ns: int
    held: int


@inlined
def moments_of(tally: Tally) -> Moments:
    """What `tally` has seen so far."""
    return Moments(
        tally.moments,
        tally.equity,
        tally.sum_r,
        tally.sum_square,
        tally.sum_down,
        tally.broken,
        tally.peak,
        tally.low,
        tally.worst,
        tally.since_ns,
        tally.below,
        tally.longest_ns,
        tally.held,
    )


@inlined
def put_moments(tally: Tally, seen: Moments) -> None:
    """Write back."""
    tally.moments = seen.number
    tally.equity = seen.equity
    tally.sum_r = seen.sum_r
    tally.sum_square = seen.sum_square
    tally.sum_down = seen.sum_down
    tally.broken = seen.broken
    tally.peak = seen.peak
    tally.low = seen.low
    tally.worst = seen.worst
    tally.since_ns = seen.since_ns
    tally.below = seen.below
    tally.longest_ns = seen.longest_ns
    tally.held = seen.held


@inlined
def with_moment(seen: Moments, ns: int, equity: float, held: int) -> Moments:
    """Take in the state after the last update of time `ns`.  held: 1 where a position is open."""
    before = seen.equity
    change = equity / before - 1.0 if seen.number > 0 else 0.0
    broken = seen.broken if before > 0.0 or seen.number == 0 else 1
    square = change * change
    down = square if change < 0.0 else 0.0
    count, total, squares, downs = (
        seen.number + 1,
        seen.sum_r + change,
        seen.sum_square + square,
        seen.sum_down + down,
    )
    if equity >= seen.peak:
        span = ns - seen.since_ns if seen.below else 0
        longest = span if span > seen.longest_ns else seen.longest_ns
        return Moments(
            count,
            equity,
            total,
            squares,
            downs,
            broken,
            equity,
            equity,
            seen.worst,
            ns,
            0,
            longest,
            seen.held + held,
        )
    low, worst = seen.low, seen.worst
    if equity < low:
        low = equity
        fall = equity / seen.peak - 1.0
        worst = fall if fall < worst else worst
    return Moments(
        count,
        equity,
        total,
        squares,
        downs,
        broken,
        seen.peak,
        low,
        worst,
        seen.since_ns,
        1,
        seen.longest_ns,
        seen.held + held,
    )


@jit
def note_moment(tally: Tally, ns: int, equity: float, held: int) -> None:
    """`with_moment` in place."""
    put_moments(tally, with_moment(moments_of(tally), ns, equity, held))


@jit
def note_still(tally: Tally, count: int, first_ns: int, last_ns: int, equity: float, held: int) -> None:
    """Take in `count` > 0 moments at which equity did not change."""
    note_moment(tally, first_ns, equity, held)
    tally.moments += count - 1
    tally.held += held * (count - 1)
    if not tally.below:
        tally.since_ns = last_ns


@jit
def take_back(tallies: Rows[Tally]) -> None:
    """Undo the last `note_moment`, before which the whole tally was copied to the second row."""
    put_moments(tallies[0], moments_of(tallies[1]))
