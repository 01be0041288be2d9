"""Capacity: what is left of the P&L as the strategy grows, by real runs at several sizes.

Each run has as many times the capital, and no limits: what ends the growth is the market (participation, impact), and
not a rule.  Prices without volumes cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from workbench.backtest.result import BacktestResult
from workbench.certify.checks import UNMEASURED, Check, Progress, Subject
from workbench.core.feed import VOLUME
from workbench.core.limits import RiskLimits
from workbench.strategy.seating import unit_name

__all__ = ["Size", "capacity", "grown", "has_volumes", "sizes"]

STEPS: Final = (1.0, 3.0)  # times powers of ten, up to the multiple that is asked for


class Size(NamedTuple):
    """One run.  multiple: of the own size.  pnl: per unit of the own size, quote currency.  participation: mean share
    of an update's volume that its fills took, weighted by what they filled.
    """

    multiple: float
    pnl: float
    participation: float


def capacity(subject: Subject, progress: Progress) -> tuple[Check, Check]:
    """P&L against size: still above zero at a multiple of the own size, and little of the volume at the own size."""
    rules = subject.thresholds.normal
    if not has_volumes(subject):
        note = "the prices have no volumes, so nothing tells how much the market would take"
        unknown = Check("capacity", "normal", True, UNMEASURED, "volumes", _summary(subject), note=note)
        return unknown, msgspec.structs.replace(unknown, name="participation")
    found = sizes(subject, _multiples(rules.capacity_multiple), progress)
    own, largest = found[0], found[-1]
    curve = ", ".join(f"x{size.multiple:g} {size.pnl:+,.0f}" for size in found)
    closer = subject.backtest_code(
        ".stats()",
        config=repr(grown(subject, largest.multiple)),
        initial_cash=repr(subject.initial_cash * largest.multiple),
        limits="wb.RiskLimits.unlimited()",
    )
    return (
        Check(
            "capacity",
            "normal",
            passed=largest.pnl > 0.0,
            measured=f"P&L per unit of its own size: {curve}",
            required=f"above 0 at {largest.multiple:g} times its size",
            look_closer=closer,
            value=largest.pnl,
            threshold=0.0,
        ),
        Check(
            "participation",
            "normal",
            passed=own.participation <= rules.max_participation,
            measured=f"{own.participation:.2%} of an update's volume at its own size, "
            f"{largest.participation:.2%} at {largest.multiple:g} times",
            required=f"{rules.max_participation:.0%} or less at its own size",
            look_closer=subject.backtest_code(".fills"),
            value=own.participation,
            threshold=rules.max_participation,
        ),
    )


def sizes(subject: Subject, multiples: tuple[float, ...], progress: Progress) -> list[Size]:
    """One run for each of `multiples`."""
    found = []
    for multiple in multiples:
        progress(f"capacity at {multiple:g} times its size")
        result = subject.backtest(
            config=grown(subject, multiple),
            initial_cash=subject.initial_cash * multiple,
            limits=RiskLimits.unlimited(),
            on_error="contain",
        )
        pnl = (result.final_equity - result.initial_cash) / multiple
        found.append(Size(multiple, pnl, _participation(result)))
    return found


def grown(subject: Subject, multiple: float) -> dict[str, Any]:
    """The config at `multiple` times the size."""
    settings = subject.make().config
    name = unit_name(settings)
    name = name if name in settings else "unit"
    unit = settings.get(name, 1.0)
    larger = {s: u * multiple for s, u in unit.items()} if isinstance(unit, Mapping) else unit * multiple
    return {**subject.config, name: larger}


def has_volumes(subject: Subject) -> bool:
    """Whether the volume of most updates is known."""
    volumes = [subject.prices.frame(name).get("volume") for name in subject.prices.names]
    return all(column is not None and float(column.notna().mean()) > 0.5 for column in volumes)


def _multiples(most: float) -> tuple[float, ...]:
    """1, 3, 10, 30, ... below `most`, and `most`."""
    steps = (step * 10.0**power for power in range(10) for step in STEPS)
    return (*(step for step in steps if step < most), most)


def _participation(result: BacktestResult) -> float:
    feed = result.record.feed
    places = {instrument.name: k for k, instrument in enumerate(feed.instruments)}
    rows = [np.flatnonzero(feed.instrument == k) for k in range(len(feed.instruments))]
    taken = filled = 0.0
    for fill in result.record.recorder.fills:
        mine = rows[places[f"{fill.symbol}@{fill.venue}"]]
        place = int(np.searchsorted(feed.timestamp_ns[mine], fill.timestamp_ns, side="right")) - 1
        volume = float(feed.quotes[mine[max(place, 0)], VOLUME])
        if volume > 0.0:
            taken += abs(fill.quantity) * min(1.0, abs(fill.quantity) / volume)
            filled += abs(fill.quantity)
    return taken / filled if filled else 0.0


def _summary(subject: Subject) -> str:
    given = subject.prices_code
    return f"wb.load({given}).summary()" if given != "prices" else "prices.summary()"
