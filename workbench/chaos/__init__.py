"""Deliberate misbehaviour: chaos events, market faults, and the base of the chaos strategies."""

from workbench.chaos.events import (
    ChaosEvent,
    check_inside,
    events_from_json,
    events_to_json,
    match_target,
    parse_events,
)
from workbench.chaos.kinds import KINDS, ChaosKind, Family, KindInfo
from workbench.chaos.market_faults import apply_market_faults, randomised

__all__ = [
    "KINDS",
    "ChaosEvent",
    "ChaosKind",
    "Family",
    "KindInfo",
    "apply_market_faults",
    "check_inside",
    "events_from_json",
    "events_to_json",
    "match_target",
    "parse_events",
    "randomised",
]
