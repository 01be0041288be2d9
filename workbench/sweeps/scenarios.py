"""The scenarios of a campaign: which faults, how strong, from when, with which seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from numbers import Integral, Real
from typing import Any, Final, NamedTuple, TypeIs

import numpy as np
import pandas as pd

from workbench.chaos.events import ChaosEvent
from workbench.chaos.kinds import KINDS, ChaosKind
from workbench.core.feed import Feed
from workbench.core.messages import to_datetime
from workbench.errors import ChaosError

__all__ = ["Intensities", "Scenario", "make_scenarios"]

LEVELS: Final = 4
SHARE: Final = 50  # an event lasts this part of the prices where nobody says how long
type Intensities = int | Sequence[float] | Mapping[str, Sequence[float]]


class Scenario(NamedTuple):
    """One event of a campaign.  level: which of its kind's intensities, from 1 for the first."""

    level: int
    event: ChaosEvent


def _kinds(kinds: Iterable[ChaosKind | str] | ChaosKind | str | None, feed: Feed) -> list[ChaosKind]:
    """The kinds that are wanted; None for all that mean something with these prices."""
    if kinds is None:
        several = len({i.symbol for i in feed.instruments}) > 1
        return [k for k in ChaosKind if several or k is not ChaosKind.CORRELATION_BREAK]
    wanted = [kinds] if isinstance(kinds, str) else _listed("kinds", kinds, "kinds of chaos")
    found = []
    for kind in wanted:
        word = str(kind).strip().lower()
        if word not in ChaosKind:
            raise ChaosError(f"unknown chaos kind {kind!r}; known: {', '.join(map(str, ChaosKind))}")
        found.append(ChaosKind(word))
    if not found:
        raise ChaosError("kinds must name at least one kind of chaos; leave it out for all of them")
    return list(dict.fromkeys(found))


def _levels(kind: ChaosKind, intensities: Intensities) -> list[float]:
    """Intensities of one kind: given, or evenly over what is typical of it."""
    given: object = intensities
    if isinstance(given, Mapping):
        unknown = [str(key) for key in given if str(key) not in ChaosKind]
        if unknown:
            raise ChaosError(
                f"intensities names no chaos kind {unknown[0]!r}; known: {', '.join(map(str, ChaosKind))}"
            )
        given = given.get(str(kind), LEVELS)
    if _is_count(given):
        if int(given) < 1:
            raise ChaosError(f"intensities must be 1 or more levels, or a list of them, found {given!r}")
        low, high = KINDS[kind].typical
        return np.linspace(low, high, int(given)).tolist() if int(given) > 1 else [high]
    values = list(given) if isinstance(given, Iterable) else []
    if not values or not all(isinstance(value, Real) and not isinstance(value, bool) for value in values):
        raise ChaosError(f"intensities must be a number of levels or a list of numbers, found {given!r}")
    return [float(value) for value in values]


def _starts(starts: int | Iterable[Any], feed: Feed) -> list[datetime]:
    first, last = int(feed.timestamp_ns[0]), int(feed.timestamp_ns[-1])
    if _is_count(starts):
        if int(starts) < 1:
            raise ChaosError(f"starts must be 1 or more, or a list of times, found {starts!r}")
        parts = np.linspace(0.0, 1.0, int(starts) + 2)[1:-1]
        return [to_datetime(first + int(part * (last - first))) for part in parts]
    moments = [starts] if isinstance(starts, str | date) else _listed("starts", starts, "times")
    if not moments:
        raise ChaosError("starts must hold at least one time")
    return [_moment(moment) for moment in moments]


def _moment(given: Any) -> datetime:
    if isinstance(given, datetime):
        return given
    try:
        moment = None if isinstance(given, Real) else pd.Timestamp(given)
    except (TypeError, ValueError):
        moment = None
    if moment is None or pd.isna(moment):
        raise ChaosError(f"starts must be times such as '2024-01-31 14:30', found {given!r}")
    return moment.to_pydatetime()


def _is_count(given: object) -> TypeIs[Integral]:
    return isinstance(given, Integral) and not isinstance(given, bool)


def _listed(what: str, given: object, of: str) -> list[Any]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ChaosError(f"{what} must be a list of {of}, found {given!r}")
    return list(given)


def make_scenarios(
    feed: Feed,
    kinds: Iterable[ChaosKind | str] | ChaosKind | str | None,
    intensities: Intensities,
    starts: int | Iterable[Any],
    duration: timedelta | str | float | None,
    seeds: int | Iterable[int],
    target: str,
) -> list[Scenario]:
    """Every combination, in that order.  Raises ChaosError for one that makes no sense."""
    span = int(feed.timestamp_ns[-1] - feed.timestamp_ns[0])
    lasts = timedelta(microseconds=max(1, span // SHARE // 1000)) if duration is None else duration
    numbers = list(range(int(seeds))) if _is_count(seeds) else _listed("seeds", seeds, "whole numbers")
    if not numbers:
        raise ChaosError("seeds must hold at least one number")
    moments = _starts(starts, feed)
    scenarios: list[Scenario] = []
    for kind in _kinds(kinds, feed):
        scenarios += [
            Scenario(level, ChaosEvent(kind, moment, lasts, intensity, target, seed))
            for level, intensity in enumerate(_levels(kind, intensities), start=1)
            for moment in moments
            for seed in numbers
        ]
    return scenarios
