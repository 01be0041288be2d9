"""What a disturbance did to a run, beside the same run without it: shortfall, breaches, stops, and recovery.

The figures are defined in `workbench.backtest.recovery`, which works them out of two journals; here they are worked out
of two paths, for columns by the thousand. `recovered` is the part that both use.

A moment is a distinct update time of the run without; state at a moment is the one after all of its updates.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.core.column import Column
from workbench.core.glide import UNITS, Glide
from workbench.core.jit import jit
from workbench.core.native import open_desk
from workbench.core.rows import row_type
from workbench.core.state import NONE, Rows
from workbench.core.tally import bits

__all__ = [
    "HOLD",
    "OUTCOME",
    "Cell",
    "Outcome",
    "Path",
    "assess",
    "judge",
    "keep_path",
    "keep_run",
    "recovered",
]

HOLD: Final = 10  # moments that the normal state must last before it is believed
SLACK: Final = 1.0 + 1e-9
SECOND: Final = 1e9

type Floats = npt.NDArray[np.float64]
type Integers = npt.NDArray[np.int64]


class Outcome:
    """damage, worst_damage: quote currency.  recovery: seconds, NaN where it never recovered."""

    damage: float
    worst_damage: float
    breaches: int
    stops: int
    recovery: float


OUTCOME: Final = row_type(Outcome)


class Path(NamedTuple):
    """One run at `m` moments.

    equity: float64[m].  units: float64[m, k], held.  breaches: int64[m], since the moment before.  latched: int64[m],
    breakers.  most: float64[k], most units held at any moment.
    """

    equity: Floats
    units: Floats
    breaches: Integers
    latched: Integers
    most: Floats


class Cell(NamedTuple):
    """One disturbance, for `judge`: its window, where moments stand in its feed, and room for one path."""

    start_ns: int
    end_ns: int
    at: Integers
    times: Integers
    path: Path
    gap: Floats
    settled: Integers


@jit
def keep_path(glide: Glide, at: Integers, cash: float, path: Path) -> None:
    """Write the run that `glide` has traced into `path`.  at: int64[m], the row after which each moment stands."""
    before = NONE
    instruments = path.units.shape[1]
    for k in range(instruments):
        path.most[k] = 0.0
    for j in range(len(at)):
        row = at[j]
        count = 0
        for r in range(before + 1, row + 1):
            count += glide.told[r, 0]
        path.breaches[j] = count
        path.equity[j] = glide.curve[row, 0] if row != NONE else cash
        path.latched[j] = glide.told[row, 1] if row != NONE else 0
        for k in range(instruments):
            held = abs(glide.curve[row, UNITS + k]) if row != NONE else 0.0
            path.units[j, k] = held
            path.most[k] = held if held > path.most[k] else path.most[k]
        before = row


@jit
def recovered(gap: Floats, settled: Integers, breaches: Integers, band: float, usual: int, first: int) -> int:
    """The first moment from `first` on that a calm stretch of HOLD further moments begins with, or NONE.

    gap: float64[m], shortfall.  settled: int64[m], 1 where exposure and latches are those of a normal run.  breaches:
    int64[m].  band: largest move of the gap that is usual.  usual: most breaches of a stretch that are.
    """
    start = first
    while start + HOLD < len(gap):
        skip = NONE
        count = 0
        for j in range(start, start + HOLD + 1):
            count += breaches[j]
            if settled[j] == 0 or not abs(gap[j] - gap[start]) <= band:
                skip = j if settled[j] == 0 else start
                break
        if skip == NONE and count <= usual:
            return start
        start = skip + 1 if skip > start else start + 1
    return NONE


@jit
def assess(
    run: Path,
    normal: Path,
    times: Integers,
    start_ns: int,
    end_ns: int,
    band: float,
    usual: int,
    gap: Floats,
    settled: Integers,
    outcome: Outcome,
) -> None:
    """Fill `outcome` from the disturbed `run` and the `normal` one.

    times: int64[m], of the moments.  band, usual: what `recovered` takes, of the normal run.  gap, settled: room.
    """
    count = len(times)
    instruments = run.units.shape[1]
    worst = 0.0
    own = 0
    latched_before = 0
    for j in range(count):
        gap[j] = normal.equity[j] - run.equity[j]
        inside = times[j] >= start_ns and times[j] < end_ns
        if times[j] >= start_ns and gap[j] > worst:
            worst = gap[j]
        if inside:
            own += run.breaches[j] - normal.breaches[j]
        if times[j] < start_ns:
            latched_before = run.latched[j]
        small = 1
        for k in range(instruments):
            # Sums of binary fractions leave crumbs of the largest holding.
            if not run.units[j, k] <= normal.most[k] * SLACK + (SLACK - 1.0) * run.most[k]:
                small = 0
        settled[j] = small if run.latched[j] & ~normal.latched[j] == 0 else 0
    outcome.damage = gap[count - 1]
    outcome.worst_damage = worst
    outcome.breaches = own if own > 0 else 0
    outcome.stops = bits(run.latched[count - 1] & ~latched_before & ~normal.latched[count - 1])
    first = 0
    while first < count and times[first] <= end_ns:
        first += 1
    first = first - 1 if first > 0 else 0
    found = recovered(gap, settled, run.breaches, band, usual, first)
    outcome.recovery = math.nan
    if found != NONE:
        seconds = float(times[found] - end_ns) / SECOND
        outcome.recovery = seconds if seconds > 0.0 else 0.0


@jit
def keep_run(column: Column, at: Integers, paths: Path, c: int) -> None:
    """Keep the run that `column` has just traced as number `c` of `paths`, which have one more axis in front."""
    path = Path(paths.equity[c], paths.units[c], paths.breaches[c], paths.latched[c], paths.most[c])
    keep_path(column.glide, at, open_desk(column.template).books[0].initial_cash, path)


@jit
def judge(
    column: Column, cell: Cell, normal: Path, c: int, band: float, usual: int, outcomes: Rows[Outcome]
) -> None:
    """Say in `outcomes[c]` what the disturbance did to the run that `column` has just traced, beside its normal run.

    normal: paths with one more axis in front.  band, usual: see `recovered`.
    """
    keep_path(column.glide, cell.at, open_desk(column.template).books[0].initial_cash, cell.path)
    without = Path(normal.equity[c], normal.units[c], normal.breaches[c], normal.latched[c], normal.most[c])
    assess(
        cell.path,
        without,
        cell.times,
        cell.start_ns,
        cell.end_ns,
        band,
        usual,
        cell.gap,
        cell.settled,
        outcomes[c],
    )
