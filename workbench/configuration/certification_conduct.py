"""Thresholds of how a strategy has to behave: in a normal market, under stress, and under chaos."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import msgspec

from workbench.core.limit_bounds import Bound

__all__ = [
    "CHAOS_RULES",
    "NORMAL_RULES",
    "STRESS_RULES",
    "ChaosThresholds",
    "NormalThresholds",
    "StressThresholds",
]

_SHARE: Final = Bound("a fraction from 0 to 1", 0.0, 1.0)
_POSITIVE: Final = Bound("a finite number above 0", 0.0, math.inf, open_low=True)
_AT_LEAST_ONE: Final = Bound("a finite number, 1 or above", 1.0, math.inf)
_COUNT: Final = Bound("a whole number, 1 or above", 1.0, 1e9, whole=True)
_ANY_COUNT: Final = Bound("a whole number, 0 or above", 0.0, 1e9, whole=True)
_FINITE: Final = Bound("a finite number", -math.inf, math.inf)


class NormalThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A replay with costs; config/certification.yaml says what each figure is and why."""

    min_updates: int = 200
    min_trades: int = 10
    max_refused_share: float = 0.05
    min_return: float = 0.0
    min_sharpe: float = 0.4
    max_drawdown: float = 0.15
    max_message_share: float = 0.5
    max_turnover: float = 1000.0
    min_time_in_market: float = 0.01
    capacity_multiple: float = 10.0
    max_participation: float = 0.05


class StressThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Crises, made-up shocks and message rates; config/certification.yaml says what each figure is and why."""

    moments: int = 4000
    max_loss: float = 0.20
    crash: float = 0.30
    gap: float = 0.20
    volatility_factor: float = 5.0
    spread_factor: float = 10.0
    liquidity_divisor: float = 10.0
    message_factor: float = 2.0
    max_exposure_growth: float = 2.0
    max_limit_use: float = 1.25
    max_refused_share: float = 0.20


class ChaosThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Faults and misbehaving neighbours; config/certification.yaml says what each figure is and why."""

    moments: int = 2000
    replayed_updates: int = 4000
    intensities: int = 2
    starts: int = 2
    max_damage: float = 0.20
    max_limit_use: float = 1.25
    max_neighbour_harm: float = 0.01


NORMAL_RULES: Final[Mapping[str, Bound]] = {
    "min_updates": _COUNT,
    "min_trades": _ANY_COUNT,
    "max_refused_share": _SHARE,
    "min_return": _FINITE,
    "min_sharpe": _FINITE,
    "max_drawdown": _SHARE,
    "max_message_share": _SHARE,
    "max_turnover": _POSITIVE,
    "min_time_in_market": _SHARE,
    "capacity_multiple": _AT_LEAST_ONE,
    "max_participation": _POSITIVE,
}
STRESS_RULES: Final[Mapping[str, Bound]] = {
    "moments": Bound("a whole number, 100 or above", 100.0, 1e9, whole=True),
    "max_loss": _SHARE,
    "crash": Bound("a fraction above 0 and below 1", 0.0, 1.0, open_low=True, open_high=True),
    "gap": Bound("a fraction above 0 and below 1", 0.0, 1.0, open_low=True, open_high=True),
    "volatility_factor": _AT_LEAST_ONE,
    "spread_factor": _AT_LEAST_ONE,
    "liquidity_divisor": _AT_LEAST_ONE,
    "message_factor": _AT_LEAST_ONE,
    "max_exposure_growth": _AT_LEAST_ONE,
    "max_limit_use": _AT_LEAST_ONE,
    "max_refused_share": _SHARE,
}
CHAOS_RULES: Final[Mapping[str, Bound]] = {
    "moments": Bound("a whole number, 100 or above", 100.0, 1e9, whole=True),
    "replayed_updates": Bound("a whole number, 100 or above", 100.0, 1e9, whole=True),
    "intensities": _COUNT,
    "starts": _COUNT,
    "max_damage": _SHARE,
    "max_limit_use": _AT_LEAST_ONE,
    "max_neighbour_harm": _SHARE,
}
