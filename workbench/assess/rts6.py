"""Commission Delegated Regulation (EU) 2017/589 (RTS 6), as far as it asks something of algorithmic trading systems.

What the articles ask for stands here in our own words; the text that counts is that of the regulation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from workbench.assess.assessment import Assessment, assess, named_tests
from workbench.assess.controls import Control
from workbench.assess.rts6_preparing import ELSEWHERE, PREPARING
from workbench.assess.rts6_trading import TRADING
from workbench.configuration.certification import Thresholds
from workbench.core.limits import RiskLimits

__all__ = ["CONTROLS", "RULE", "assess_rts6", "rts6_tests", "setting_values"]

RULE: Final = "RTS 6 (Commission Delegated Regulation (EU) 2017/589)"
CONTROLS: Final[tuple[Control, ...]] = PREPARING + TRADING


def rts6_tests() -> tuple[str, ...]:
    """path::name of every test that proves a control."""
    return named_tests(CONTROLS)


def setting_values(
    limits: RiskLimits, thresholds: Thresholds, environment: Mapping[str, Any]
) -> dict[str, Any]:
    """Present values by the names that controls use.  environment: of the engine, by variable."""
    found = {f"engine {name}": value for name, value in environment.items()}
    found |= _flat("limits", msgspec.to_builtins(limits))
    return found | _flat("certification", msgspec.to_builtins(thresholds))


def _flat(kind: str, table: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= {f"{kind} {key}.{name}": inner for name, inner in value.items()}
        else:
            found[f"{kind} {key}"] = value
    return found


def assess_rts6(values: Mapping[str, Any], root: Path, now: datetime | None = None) -> Assessment:
    """values: as of `setting_values`.  root: the project, with its tests.  Raises ConfigError."""
    return assess(RULE, CONTROLS, ELSEWHERE, values, root, now)
