"""Limits as people change them: some keys of the layout of risk_limits.yaml, laid over those in force."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

import msgspec

from live.api.carrying import Ending
from live.engine import Engine
from live.machine import LimitsChanged
from workbench.configuration.limits import load_limits
from workbench.core.facts import Fact
from workbench.core.limits import RiskLimits
from workbench.errors import RequestError, StaleChange

__all__ = ["change_limits", "changed_keys", "demand_tag", "limits_tag", "merged"]

_BY_SYMBOL: Final = "position_limits"
_WHOLE: Final = ("permitted_instruments",)  # a table that is replaced, not laid over


async def change_limits[T](
    engine: Engine,
    ending: Ending,
    change: Callable[[RiskLimits], RiskLimits],
    respond: Callable[[RiskLimits, RiskLimits], T],
) -> T:
    """Put in force what `change` makes of the limits in force; where others come in between, of those.

    respond: makes the answer out of the limits before and after.  Raises what `change` and `Ending.act` do.
    """
    while True:
        before = engine.machine.limits
        after = change(before)
        if after == before:
            return respond(before, after)

        def answer(_: list[Fact], before: RiskLimits = before, after: RiskLimits = after) -> T:
            return respond(before, after)

        try:
            return await ending.act(LimitsChanged(after, before), answer)
        except StaleChange:
            continue


def demand_tag(limits: RiskLimits, tag: str) -> None:
    """Raises RequestError (stale) where `tag`, unless "", is not of these limits."""
    found = limits_tag(limits)
    if tag not in ("", found):
        raise RequestError(
            f"other limits are in force ({found}) than those that were read ({tag}); read them again", "stale"
        )


def merged(before: RiskLimits, change: dict[str, Any]) -> RiskLimits:
    """`before` with `change` laid over it.  Raises LimitsError or RequestError (invalid) where that makes no sense."""
    base: dict[str, Any] = msgspec.to_builtins(before)
    inner = change.get("risk_limits", change)
    if not isinstance(inner, dict):
        raise RequestError("limits: expected a table of limits, found none", "invalid")
    for name, value in inner.items():
        if isinstance(value, dict) and isinstance(base.get(name), dict) and name not in _WHOLE:
            base[name] = _table(name, base[name], value)
        else:
            base[name] = value
    return load_limits(base)


def _table(name: str, base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in change.items():
        if name == _BY_SYMBOL and value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = {**found[key], **value}
        else:
            found[key] = value
    return found


def changed_keys(before: RiskLimits, after: RiskLimits) -> tuple[str, ...]:
    """Dotted keys that differ."""
    old, new = (_flat(msgspec.to_builtins(limits)) for limits in (before, after))
    return tuple(sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key)))


def limits_tag(limits: RiskLimits) -> str:
    """A tag that other limits do not have."""
    lines = sorted(f"{key}={value!r}" for key, value in _flat(msgspec.to_builtins(limits)).items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            number = isinstance(value, int) and not isinstance(value, bool)
            found[prefix + key] = float(value) if number else value
    return found
