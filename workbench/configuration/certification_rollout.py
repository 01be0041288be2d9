"""Settings of what follows a certification: how long a certificate holds, and how a canary grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from workbench.core.limit_bounds import Bound

__all__ = ["CANARY_RULES", "CERTIFICATE_RULES", "CanarySettings", "CertificateSettings"]


class CanarySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steps by which capital and limits grow; config/certification.yaml says what each figure is and why."""


class CertificateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a certificate holds; config/certification.yaml says what each figure is and why."""


CANARY_RULES: Final[Mapping[str, Bound]] = {}
CERTIFICATE_RULES: Final[Mapping[str, Bound]] = {}
