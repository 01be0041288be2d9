"""Why fills differ: a session is run again with one difference to live after another, and each tells its share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from live.machine import Answered, encode_block
from workbench.core.costs import Costs
from workbench.core.messages import OrderFill
from workbench.reconcile.fill_book import FillKey
from workbench.reconcile.steps import LIVE, Ran, Step

__all__ = [
    "CAUSES",
    "Difference",
    "alike",
    "differences",
    "logic_differs",
    "reference",
    "steps_between",
    "value",
]

CAUSES: Final = ("venue", "logic", "fee", "data", "latency", "unexplained")
UNEXPLAINED: Final = "unexplained"


class Difference(NamedTuple):
    """A fill that live and replay have otherwise; None where one of them has it not.

    pnl: what live gained more by it, at the marks of the end, after fees.
    """

    key: FillKey
    cause: str
    live: OrderFill | None
    replay: OrderFill | None
    pnl: float


def reference(costs: Mapping[str, Costs], instead: Mapping[int, tuple[float, ...] | None]) -> Step:
    """The event replay: the strategies' own code, the rulebook at all venues, nobody waits."""
    return Step(
        UNEXPLAINED,
        own_answers=True,
        rulebook=True,
        costs=costs,
        instead=instead,
        all_prices=True,
        at_once=True,
    )


def steps_between(live: Ran, setup_costs: Mapping[str, Costs], remote: bool, wanted: Step) -> list[Step]:
    """Runs from live to `wanted`, each with one more difference; those left out make none here."""
    steps: list[Step] = []
    step = LIVE
    costs = wanted.costs or setup_costs
    slow = {
        name: msgspec.structs.replace(costs[name], latency_seconds=c.latency_seconds)
        for name, c in setup_costs.items()
    }
    if remote:
        step = step._replace(cause="venue", rulebook=True, own_answers=not logic_differs(live))
        steps.append(step)
    if logic_differs(live):
        step = step._replace(cause="logic", own_answers=True)
        steps.append(step)
    if slow != dict(setup_costs):
        step = step._replace(cause="fee", costs=slow, own_answers=True)
        steps.append(step)
    if live.kept or wanted.instead:
        step = step._replace(cause="data", instead=wanted.instead, all_prices=True, own_answers=True)
        steps.append(step)
    if live.delayed or live.lost or slow != dict(costs):
        steps.append(wanted._replace(cause="latency"))
    return steps


def logic_differs(live: Ran) -> list[tuple[int, int]]:
    """Prices that a strategy answers otherwise now than it did then, though it was shown the same; by launch."""
    rerun = {launch for launch, owner in live.owners.items() if owner not in live.problems}
    keys = {key for key in live.said.keys() | live.placed.keys() if key[0] in rerun} - live.lost
    return sorted(key for key in keys if not _same(live, key))


def _same(live: Ran, key: tuple[int, int]) -> bool:
    then, now = live.placed.get(key), live.said.get(key)
    if then is None or now is None:
        return False
    # As the journal keeps them: times that signals carry are left out, NaN is NaN.
    return encode_block([Answered("", 0, then)]) == encode_block([Answered("", 0, now)])


def differences(
    runs: Sequence[tuple[str, Ran]],
    multipliers: Mapping[str, float],
    unchecked: Iterable[str] = (),
    unsteady: Iterable[str] = (),
) -> list[Difference]:
    """Fills that the first and the last run have otherwise, each with the cause that moved it most.

    runs: (cause, run), the first one live.  unchecked: strategies whose code was not run; their fills are unexplained.
    unsteady: whose code answers otherwise each time; what they differ in from run to run is their logic.
    """
    live, replay = runs[0][1], runs[-1][1]
    unknown, chance = frozenset(unchecked), frozenset(unsteady)
    found = []
    for key in sorted(live.fills.keys() | replay.fills.keys(), key=lambda key: _time(key, live, replay)):
        then, now = live.fills.get(key), replay.fills.get(key)
        if key.strategy_id in unknown:
            if then is not None:
                found.append(Difference(key, UNEXPLAINED, then, None, value(then, live, multipliers)))
        elif not alike(then, now):
            pnl = value(then, live, multipliers) - value(now, live, multipliers)
            cause = _cause(key, runs, multipliers)
            if cause == UNEXPLAINED and key.strategy_id in chance:
                cause = "logic"
            found.append(Difference(key, cause, then, now, pnl))
    return found


def _time(key: FillKey, live: Ran, replay: Ran) -> tuple[int, FillKey]:
    fill = live.fills.get(key) or replay.fills[key]
    return fill.timestamp_ns, key


def alike(one: OrderFill | None, other: OrderFill | None) -> bool:
    """Whether two fills are the same in everything that counts."""
    if one is None or other is None:
        return one is other
    return _figures(one) == _figures(other)


def _figures(fill: OrderFill) -> tuple[object, ...]:
    return fill.timestamp_ns, fill.quantity, fill.price, fill.fee, fill.liquidity


def _cause(key: FillKey, runs: Sequence[tuple[str, Ran]], multipliers: Mapping[str, float]) -> str:
    live = runs[0][1]
    best, most = UNEXPLAINED, -1.0
    for (_, before), (cause, after) in pairwise(runs):
        was, is_now = before.fills.get(key), after.fills.get(key)
        if alike(was, is_now):
            continue
        moved = abs(value(was, live, multipliers) - value(is_now, live, multipliers))
        if moved > most:
            later = cause == "venue" and _only_later(was, is_now)
            best, most = "latency" if later else cause, moved
    return best


def _only_later(live: OrderFill | None, replay: OrderFill | None) -> bool:
    """The same quantity was taken, at another time: the way to the venue took longer than none."""
    return (
        live is not None
        and replay is not None
        and live.quantity == replay.quantity
        and live.liquidity == replay.liquidity == "taker"
        and live.timestamp_ns != replay.timestamp_ns
    )


def value(fill: OrderFill | None, live: Ran, multipliers: Mapping[str, float]) -> float:
    """What a fill has gained by the end of the part, at its marks, after fees; 0 for none.  Quote currency."""
    if fill is None:
        return 0.0
    name = f"{fill.symbol}@{fill.venue}"
    return fill.quantity * (live.marks[name] - fill.price) * multipliers[name] - fill.fee
