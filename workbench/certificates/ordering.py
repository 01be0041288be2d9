"""Limits in a certificate, and whether others permit more."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from workbench.core.limit_bounds import plain
from workbench.core.limit_rules import leaves
from workbench.core.limits import RiskLimits

__all__ = ["limits_no_looser", "limits_table"]

_OFF: Final = "off"


def limits_table(limits: RiskLimits) -> dict[str, Any]:
    """`limits` in the layout of risk_limits.yaml, "off" for what is off, as JSON knows no infinity."""
    found: dict[str, Any] = _written(msgspec.to_builtins(limits))
    return found


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _written(part) for key, part in value.items()}
    if isinstance(value, float) and math.isinf(value):
        return _OFF
    return value


def limits_no_looser(live: RiskLimits, certified: RiskLimits) -> list[str]:
    """One line for each limit in which `live` permits more than `certified`; empty where it permits nothing more."""
    here, there = dict(leaves(live)), dict(leaves(certified))
    return [
        f"{key}: {_shown(here.get(key))} live, {_shown(there[key])} certified" if key in there else key
        for key in live.looser_fields(certified)
    ]


def _shown(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isinf(value)):
        return _OFF
    return plain(value) if isinstance(value, float) else str(value)
