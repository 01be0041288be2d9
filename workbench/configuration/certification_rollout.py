"""Settings of what follows a certification: how long a certificate holds, and how a canary grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from workbench.core.limit_bounds import Bound

__all__ = ["CANARY_RULES", "CERTIFICATE_RULES", "CanarySettings", "CertificateSettings"]


class CanarySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steps by which capital and limits grow; config/certification.yaml says what each figure is and why."""

    shares: tuple[float, ...] = (0.1, 0.25, 0.5)
    minutes: float = 60.0
    min_fills: int = 10
    max_unexplained_bps: float = 1.0
    attempts: int = 3
    check_seconds: float = 30.0


class CertificateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a certificate holds; config/certification.yaml says what each figure is and why."""

    days: float = 30.0


CANARY_RULES: Final[Mapping[str, Bound]] = {
    "shares": Bound("a fraction above 0, at most 1", 0.0, 1.0, open_low=True),
    "minutes": Bound("minutes, 0 or above", 0.0, 1e6),
    "min_fills": Bound("a whole number of fills, 1 or above", 1.0, 1e9, whole=True),
    "max_unexplained_bps": Bound("basis points, 0 or above", 0.0, 1e4),
    "attempts": Bound("a whole number from 1 to 100", 1.0, 100.0, whole=True),
    "check_seconds": Bound("seconds, 0.05 or above", 0.05, 86_400.0),
}
CERTIFICATE_RULES: Final[Mapping[str, Bound]] = {
    "days": Bound("days above 0, at most 3660", 0.0, 3660.0, open_low=True),
}
