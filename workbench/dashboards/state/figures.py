"""Figures as a desk reads them: money, shares, units, ages; what is not known is a dash, never a zero."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

__all__ = ["UNKNOWN", "age", "amount", "clock", "money", "percent", "signed", "units"]

UNKNOWN: Final = "\u2013"
_MINUS: Final = "\u2212"


def money(value: float, digits: int | None = None) -> str:
    """Quote currency with thousands apart: 1,234,567; cents below ten thousand."""
    if not math.isfinite(value):
        return UNKNOWN
    places = digits if digits is not None else 2 if abs(value) < 10_000.0 else 0
    return _minus(f"{value:,.{places}f}")


def signed(value: float) -> str:
    """Money with its sign, as a gain or a loss is written."""
    return f"+{money(value)}" if value > 0.0 else money(value)


def percent(value: float, digits: int = 2) -> str:
    """A share of 1 as per cent."""
    return _minus(f"{100.0 * value:.{digits}f} %") if math.isfinite(value) else UNKNOWN


def units(value: float) -> str:
    """Units of an instrument, without zeros at the end."""
    return _minus(f"{value:,.6f}".rstrip("0").rstrip(".")) if math.isfinite(value) else UNKNOWN


def amount(value: float, unit: str) -> str:
    """A figure of a limit in its unit: money, share, units or orders."""
    match unit:
        case "share":
            return percent(value)
        case "units":
            return units(value)
        case "orders":
            return f"{value:,.0f}" if math.isfinite(value) else UNKNOWN
        case _:
            return money(value, 0)


def age(seconds: float) -> str:
    """How old something is: 0.4 s, 12 s, 3 min, 2 h."""
    if not math.isfinite(seconds):
        return "never"
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 7_200.0 else f"{seconds / 3600.0:.0f} h"


def clock(ns: int) -> str:
    """Time of day, UTC; with its date where it is not today."""
    if ns <= 0:
        return UNKNOWN
    moment = datetime.fromtimestamp(ns / 1e9, UTC)
    today = moment.date() == datetime.now(UTC).date()
    return moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def _minus(text: str) -> str:
    """A true minus sign, and none before a zero."""
    if text.startswith("-"):
        bare = text[1:]
        return _MINUS + bare if any(sign in "123456789" for sign in bare) else bare
    return text
