"""Limits in a certificate, and whether others permit more."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from workbench.core.limit_bounds import plain
from workbench.core.limit_rules import leaves
from workbench.core.limits import RiskLimits

__all__ = ["limits_no_looser", "limits_of_strategy", "limits_table"]

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


def limits_of_strategy(certified: RiskLimits, tested_as: str, runs_as: str) -> RiskLimits:
    """Certified limits of a strategy that runs under another id than it was tested under: its own entries go along.

    tested_as, runs_as: strategy ids.  Where there is an entry of both, what both permit is permitted.
    """
    table = dict(certified.permitted_instruments)
    own = table.get(tested_as)
    if own is None or tested_as == runs_as:
        return certified
    del table[tested_as]
    other = table.get(runs_as, own)
    table[runs_as] = [name for name in own if name in other]
    return msgspec.structs.replace(certified, permitted_instruments=table)


def _shown(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isinf(value)):
        return _OFF
    return plain(value) if isinstance(value, float) else str(value)
