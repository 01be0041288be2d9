"""What a run of a session does otherwise than live did, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from workbench.core.costs import Costs
from workbench.core.messages import MarketSignal, OrderFill
from workbench.reconcile.fill_book import FillKey

__all__ = ["LIVE", "Answers", "Ran", "Step"]


type Answers = Mapping[tuple[int, int], list[MarketSignal]]
"""By launch and number of the price that was answered; only those with signals."""


class Step(NamedTuple):
    """A way to run a session; the defaults are as live was.

    own_answers: what strategies answer now, where live placed what they answered then.  rulebook: orders at venues
    that match by themselves are matched by the rulebook.  costs: by venue.  instead: prices by number, None where lost.
    all_prices: strategies are shown each price as soon as it is there.  at_once: what they answer
    is placed before anything else happens.
    """

    cause: str
    own_answers: bool = False
    rulebook: bool = False
    costs: Mapping[str, Costs] | None = None
    instead: Mapping[int, tuple[float, ...] | None] = {}
    all_prices: bool = False
    at_once: bool = False


LIVE = Step("live")


class Ran(NamedTuple):
    """What came of a run.

    fills: in the part that is looked at.  marks: by instrument at its end, quote currency per unit.
    said: what strategies answered, and placed: what live has of that, both in the part.  lost: what live refused, as it
    was too late, or what never arrived.  sequences: price by launch and delivery.
    delayed: answers that live did not place at once.  kept: prices that a strategy was shown late or not at all.
    owners: strategy by launch.  problems: strategies whose code could not be run, and why.  prices: in the part.
    span: first and last time of those, UTC nanoseconds.
    """

    fills: dict[FillKey, OrderFill]
    marks: dict[str, float]
    said: Answers
    placed: Answers
    lost: frozenset[tuple[int, int]]
    sequences: Mapping[tuple[int, int], int]
    delayed: int
    kept: int
    owners: Mapping[int, str]
    problems: Mapping[str, str]
    prices: int
    span: tuple[int, int]
