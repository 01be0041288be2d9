"""Thresholds of what has to be shown of a strategy's figures: that they are honest, and that they are significant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from workbench.core.limit_bounds import Bound

__all__ = ["HONEST_RULES", "SIGNIFICANT_RULES", "HonestThresholds", "SignificantThresholds"]


class HonestThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Look-ahead, look-back, determinism, sensitivity; config/certification.yaml says what each figure is and why."""


class SignificantThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Walk-forward, deflated Sharpe ratio, overfitting; config/certification.yaml says what each figure is and why."""


HONEST_RULES: Final[Mapping[str, Bound]] = {}
SIGNIFICANT_RULES: Final[Mapping[str, Bound]] = {}
