"""Figures as people read them."""

from __future__ import annotations

import math

__all__ = ["percent", "share_text", "span_text", "units", "usd"]


def usd(amount: float) -> str:
    """A whole amount with thousands separated; "-" for what is no number, and no minus in front of nothing."""
    if not math.isfinite(amount):
        return "-"
    rounded = round(amount)
    return f"{rounded:,}" if rounded else "0"


def span_text(seconds: float | None) -> str:
    """A span in its two largest units: "at once", "45 s", "12 min", "3 h 20 min", "11 d"; "never" for None."""
    if seconds is None:
        return "never"
    whole = round(seconds)
    if whole <= 0:
        return "at once"
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (left, "s"))
    first = next(place for place, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number:,} {unit}" for number, unit in parts[first : first + 2] if number)


def percent(fraction: float) -> str:
    """A fraction as a signed percentage with one place: "+13.4 %"; no sign in front of nothing."""
    rounded = round(100.0 * fraction, 1)
    return f"{rounded:+.1f} %" if rounded else "0.0 %"


def share_text(share: float) -> str:
    """A share of a limit: "67 %", and "6.7 x" from twice the limit on; "-" for what is no number."""
    if not math.isfinite(share):
        return "-"
    if share < 2.0:
        return f"{share:.0%}".replace("%", " %")
    return f"{share:,.1f} x" if share < 100.0 else f"{share:,.0f} x"


def units(quantity: float) -> str:
    """A quantity with at most one place."""
    return f"{quantity:,.1f}".removesuffix(".0")
