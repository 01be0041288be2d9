"""The loop over a column, as patterns: `specialise` makes a compiled copy of each for one strategy.

What stands for a strategy's own (`step`, `start`, and the patterns made from them: `scan`, `fresh`, `run_one`) is a
global that the copy has another value for. The copies carry a digest of the strategy in their name, under which numba
caches them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.core.coast import carry
from workbench.core.column import (
    AGE,
    GIVEN,
    GROUP_COLUMNS,
    POSITION,
    TIME,
    WANTED,
    Column,
    Groups,
    Work,
    finish,
    idle,
    rows_before,
    set_up,
    show,
    show_positions,
)
from workbench.core.column_signals import act, first_bent, hear
from workbench.core.feed import ASK, ASK_SIZE, BID, BID_SIZE, CHANGE_PCT, LAST, VOLUME
from workbench.core.jit import jit
from workbench.core.native import keep, kept, own_floats
from workbench.core.state import NONE, Rows
from workbench.core.tally import Tally
from workbench.errors import AnswerError

__all__ = [
    "fresh_group",
    "fresh_one",
    "play",
    "run_many",
    "run_one",
    "scan_group",
    "scan_one",
    "specialise",
    "start",
    "step",
]


def step(params: Any, state: Any, prices: Any) -> Any:
    """Stands for the strategy's own."""
    raise NotImplementedError


def start(params: Any) -> Any:
    """Stands for the strategy's own."""
    raise NotImplementedError


def fresh_one(params: Any, count: int) -> Any:  # noqa: ARG001 - one signature for both patterns
    """State of a strategy of one instrument."""
    return start(params)


def fresh_group(params: Any, count: int) -> Any:
    """State of a strategy of `count` instruments."""
    return start(params, count)  # type: ignore[call-arg]  # the pattern stands for either form


def scan_one(params: Any, state: Any, groups: Groups, work: Work, g: int, first: int, end: int) -> int:
    """Run the strategy over rows first..end of group `g`; the row at which it says something, or `end`.

    It sees a copy: what it writes there, and what it reads beyond the prices of its row, is nobody else's.
    """
    quotes = groups.quotes
    row = own_floats(GROUP_COLUMNS)
    for p in range(first, end):
        row[BID], row[ASK], row[LAST], row[VOLUME] = (
            quotes[p, BID],
            quotes[p, ASK],
            quotes[p, LAST],
            quotes[p, VOLUME],
        )
        row[BID_SIZE], row[ASK_SIZE], row[CHANGE_PCT] = (
            quotes[p, BID_SIZE],
            quotes[p, ASK_SIZE],
            quotes[p, CHANGE_PCT],
        )
        row[POSITION] = row[AGE] = row[TIME] = math.nan
        strength = step(params, state, row)
        if strength == strength:
            work.said[g, 0] = strength
            return p
    return end


def scan_group(params: Any, state: Any, groups: Groups, work: Work, g: int, first: int, end: int) -> int:
    """As `scan_one`, for a strategy that sees several instruments at once."""
    size = groups.sizes[g]
    prices = work.prices[g, :size]
    for p in range(first, end):
        show(groups, work, g, p)
        strengths = step(params, state, prices)
        if len(strengths) != size:
            work.counts[WANTED], work.counts[GIVEN] = size, 1 + len(strengths)
            return end
        said = 0
        for j in range(size):
            work.said[g, j] = strengths[j]
            said += strengths[j] == strengths[j]
        if said > 0:
            return p
    return end


scan: Callable[..., int] = scan_one
fresh: Callable[..., Any] = fresh_one
FEEDBACK: bool = False
NAME: str = ""


def run_one(column: Column, params: Any, begin_ns: int, own_units: int, keep_events: int) -> int:
    """Run one column from its template to the end of the tape; how many groups there were.

    The list of states is asked for its length at the end so that it lives until then: `play` has but bytes of them.
    Raises AnswerError where a step gave too many or too few strengths.
    """
    sizes = column.groups.sizes
    states = [fresh(params, sizes[g]) for g in range(len(sizes))]
    play(column, params, keep(states), states[0], begin_ns, own_units, keep_events)
    counts = column.work.counts
    if counts[GIVEN]:
        raise AnswerError(NAME, counts[WANTED], counts[GIVEN] - 1)
    return len(states)


def play(
    column: Column, params: Any, states: Any, like: Any, begin_ns: int, own_units: int, keep_events: int
) -> None:
    """`run_one` with what the strategy keeps of each group (`states`, of the type of `like`).

    Apart from it, since whoever makes something counts references, at every turn of its loops.
    """
    tape, groups, glide, work, plans = column.tape, column.groups, column.glide, column.work, column.plans
    desk = set_up(column, begin_ns, own_units, keep_events)
    count = len(tape.marks)
    row = 0
    while row < count:
        target = first_bent(plans, tape, row, count)
        careful = target == row or (FEEDBACK and not idle(desk))
        if careful:
            target = row + 1
            hear(plans, tape.rows[row].ns, carry(desk, tape, glide, row, target))
            if FEEDBACK:
                show_positions(desk, groups, work)
        following = target
        for g in range(len(groups.sizes)):
            if work.next_row[g] < row:
                end = rows_before(groups, g, work.cursor[g], target)
                found = scan(params, kept(states, g, like), groups, work, g, work.cursor[g], end)
                work.cursor[g] = found + 1 if found < end else end
                work.next_row[g] = groups.rows[found] if found < end else NONE
            if work.next_row[g] != NONE and work.next_row[g] < following:
                following = work.next_row[g]
        if not careful:
            carry(desk, tape, glide, row, following + 1 if following < target else target)
        if careful or following < target:
            act(desk, column, following if following < target else row)
            target = following + 1 if following < target else target
        row = target
    finish(desk, column)


def run_many(
    column: Column,
    params: Any,
    units: npt.NDArray[np.float64],
    first: int,
    last: int,
    begin_ns: int,
    stop: npt.NDArray[np.int64],
    tallies: Rows[Tally],
) -> int:
    """Run columns first..last, one after another, until `stop[0]` is set; the first that was not run.

    params: a record array, one row a column.  units: float64[columns, symbols], or [0, symbols] for the template's own.
    tallies: TALLY[columns], where each one's figures go.
    """
    for c in range(first, last):
        if stop[0] != 0:
            return c
        if len(units):
            column.work.units[:] = units[c]
        run_one(column, params[c], begin_ns, len(units), 0)
        tallies[c] = column.glide.tally[0]
    return last


def specialise(pattern: Any, digest: str, *, allocates: bool = False, **names: Any) -> Any:
    """A compiled copy of `pattern` with `names` in place of the globals that stand for a strategy's own."""
    name = f"{pattern.__name__}_{digest}"
    copy = FunctionType(
        pattern.__code__.replace(co_name=name, co_qualname=name),
        {**pattern.__globals__, **names},
        name,
        pattern.__defaults__,
    )
    copy.__module__ = pattern.__module__
    copy.__qualname__ = name
    return jit(copy, allocates=allocates)
