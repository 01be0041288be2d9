"""Thresholds of what has to be shown of a strategy's figures: that they are honest, and that they are significant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from workbench.core.limit_bounds import Bound

__all__ = ["HONEST_RULES", "SIGNIFICANT_RULES", "HonestThresholds", "SignificantThresholds"]

_SHARE: Final = Bound("a fraction from 0 to 1", 0.0, 1.0)
_CONFIDENCE: Final = Bound("a fraction from 0 to 1, both left out", 0.0, 1.0, open_low=True, open_high=True)
_AT_LEAST_ONE: Final = Bound("a finite number, 1 or above", 1.0, float("inf"))
_COUNT: Final = Bound("a whole number, 1 or above", 1.0, 1e9, whole=True)


class HonestThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Look-ahead, look-back, determinism, sensitivity; config/certification.yaml says what each figure is and why."""

    prefixes: int = 24
    futures: int = 12
    replayed_updates: int = 200_000
    late_starts: int = 6
    max_lookback_disagreement: float = 0.05
    max_blind_hit_rate: float = 0.65
    min_kept_when_late: float = 0.5
    cost_factor: float = 2.0
    min_kept_at_costs: float = 0.25
    dropped_share: float = 0.05
    dropped_runs: int = 5
    min_kept_when_dropped: float = 0.5


class SignificantThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Walk-forward, deflated Sharpe ratio, overfitting; config/certification.yaml says what each figure is and why."""

    folds: int = 5
    embargo_share: float = 0.01
    min_walk_forward_confidence: float = 0.8
    min_positive_folds: float = 0.5
    min_deflated_sharpe: float = 0.95
    assumed_trials: int = 50
    blocks: int = 12
    max_overfitting: float = 0.5
    max_probability_of_loss: float = 0.5
    negligible_loss: float = 0.05
    max_trials_replayed: int = 500
    replayed_updates: int = 2_000_000


HONEST_RULES: Final[Mapping[str, Bound]] = {
    "prefixes": _COUNT,
    "futures": _COUNT,
    "replayed_updates": Bound("a whole number from 1,000", 1_000.0, 1e9, whole=True),
    "late_starts": _COUNT,
    "max_lookback_disagreement": _SHARE,
    "max_blind_hit_rate": Bound("a fraction from 0.5 to 1", 0.5, 1.0),
    "min_kept_when_late": _SHARE,
    "cost_factor": _AT_LEAST_ONE,
    "min_kept_at_costs": _SHARE,
    "dropped_share": Bound("a fraction above 0, up to 0.5", 0.0, 0.5, open_low=True),
    "dropped_runs": _COUNT,
    "min_kept_when_dropped": _SHARE,
}
SIGNIFICANT_RULES: Final[Mapping[str, Bound]] = {
    "folds": Bound("a whole number from 2 to 50", 2.0, 50.0, whole=True),
    "embargo_share": Bound("a fraction from 0 to 0.2", 0.0, 0.2),
    "min_walk_forward_confidence": _CONFIDENCE,
    "min_positive_folds": _SHARE,
    "min_deflated_sharpe": _CONFIDENCE,
    "assumed_trials": _COUNT,
    "blocks": Bound("a whole number from 2 to 20, and even", 2.0, 20.0, whole=True),
    "max_overfitting": _SHARE,
    "max_probability_of_loss": _SHARE,
    "negligible_loss": _SHARE,
    "max_trials_replayed": Bound("a whole number, 2 or above", 2.0, 1e6, whole=True),
    "replayed_updates": Bound("a whole number from 1,000", 1_000.0, 1e12, whole=True),
}
