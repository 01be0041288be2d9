"""Chaos strategies and their triggers as frozen values: what chaos_strategies.yaml says, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from workbench.core.limit_bounds import Bound
from workbench.errors import ChaosError

__all__ = [
    "MAX_INTENSITY",
    "TRIGGER_RULES",
    "ChaosStrategyConfig",
    "MarketCondition",
    "MarketThresholds",
    "TriggerCondition",
    "TriggerSettings",
    "check_trigger",
]

MAX_INTENSITY: Final = 100.0

_CHANCE: Final = Bound("a probability from 0 to 1", 0.0, 1.0)
_MINUTES: Final = Bound("minutes above 0, at most 525600", 0.0, 525_600.0, open_low=True)
_POSITIVE: Final = Bound("a finite number above 0", 0.0, math.inf, open_low=True)
TRIGGER_RULES: Final[Mapping[str, Bound]] = {
    "probability": _CHANCE,
    "trigger_probability": _CHANCE,
    "duration_minutes": _MINUTES,
    "max_duration_minutes": _MINUTES,
    "evaluation_interval_minutes": Bound("minutes from 0.001 to 525600", 0.001, 525_600.0),
    "risk_breach_count": Bound("a whole number, 1 or above", 1.0, 1e9, whole=True),
    "escalation_factor": Bound("a number from 1 to 100", 1.0, MAX_INTENSITY),
    "low_volatility": _POSITIVE,
    "high_volatility": _POSITIVE,
    "trending": _POSITIVE,
    "calm_trend": _POSITIVE,
    "wide_spread_bps": _POSITIVE,
}
"""What each number of a trigger may be, for the loader and for triggers made in code."""


class MarketCondition(StrEnum):
    """Conditions that a trigger may wait for; several may hold at once, and none without measures."""

    LOW_VOLATILITY = "low_volatility"
    HIGH_VOLATILITY = "high_volatility"
    TRENDING = "trending"
    CALM = "calm"
    WIDE_SPREAD = "wide_spread"


class MarketThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a market condition holds, by the measures of `workbench.chaos.market_state`.

    low_volatility: volatility below it.  high_volatility: volatility above it.  trending: |trend| of it or more.
    wide_spread: spread_bps of wide_spread_bps or more.  calm: |trend| below calm_trend, and neither high
    volatility nor a wide spread.

    The defaults suit daily shares and minutes of large crypto pairs: 20 % a year is a quiet market for either
    and 60 % a stormy one, and a random walk shows |trend| >= 2 in about one window of twenty.
    """

    low_volatility: float = 0.20
    high_volatility: float = 0.60
    trending: float = 2.0
    calm_trend: float = 1.0
    wide_spread_bps: float = 20.0


class TriggerCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of two kinds of trigger.

    market_condition: while it holds, start with `probability` at each evaluation.
    risk_breach_count: start once so many breaches were counted since the last stop (or the beginning); each
    further breach multiplies the intensity by `escalation_factor`, up to MAX_INTENSITY.
    duration_minutes: how long, at most the strategy's max_duration_minutes, which holds where it is left out.
    """

    market_condition: MarketCondition | None = None
    probability: float = 1.0
    risk_breach_count: int | None = None
    escalation_factor: float = 1.0
    duration_minutes: float | None = None


class ChaosStrategyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One chaos strategy and its triggers. With no trigger and no chance it starts only by hand.

    trigger_probability: chance per hour of event time.  max_duration_minutes: longest run after any trigger.
    enabled_in_test: whether test runs (backtests, replays, drills) may start it.  parameters: of the
    strategy.
    """

    name: str
    strategy_class: str = msgspec.field(name="class")
    parameters: dict[str, Any] = {}
    trigger_conditions: tuple[TriggerCondition, ...] = ()
    enabled_in_test: bool = True
    trigger_probability: float = 0.0
    max_duration_minutes: float = 10.0


class TriggerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often chance is asked, and what the market conditions mean."""

    evaluation_interval_minutes: float = 15.0
    thresholds: MarketThresholds = MarketThresholds()


def check_trigger(config: ChaosStrategyConfig, settings: TriggerSettings) -> None:
    """Raise ChaosError unless every number is in its range and every condition is of one kind."""
    if settings.thresholds.low_volatility > settings.thresholds.high_volatility:
        raise ChaosError(
            "expected low_volatility at or below high_volatility in the thresholds, found it above"
        )
    for part in (config, *config.trigger_conditions, settings, settings.thresholds):
        for field in msgspec.structs.fields(part):
            value = getattr(part, field.name)
            problem = TRIGGER_RULES[field.name].problem(value) if field.name in TRIGGER_RULES else None
            if problem is not None and value is not None:
                raise ChaosError(f"{config.name}: {field.name}: {problem}")
    for condition in config.trigger_conditions:
        if (condition.market_condition is None) == (condition.risk_breach_count is None):
            raise ChaosError(
                f"{config.name}: expected either market_condition or risk_breach_count in a trigger"
            )
