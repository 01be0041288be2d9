"""Kinds of rule for a risk limit: what it may be, what switches it off, which way is looser."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, isnan
from typing import Any, NamedTuple

__all__ = ["Bound", "Flag", "Rule", "Words", "plain"]


def plain(value: float) -> str:
    """A number as a person writes it: no exponent and no `.0` for whole ones."""
    return str(int(value)) if isfinite(value) and value == int(value) and abs(value) < 1e15 else repr(value)


class Bound(NamedTuple):
    """A number between `low` and `high`, both allowed unless `open_low` or `open_high`.

    off: the value that switches the limit off, None where there is none.  looser: +1 where more is looser, -1
    where less is.  whole: no digits behind the point.
    """

    expected: str
    low: float
    high: float
    open_low: bool = False
    open_high: bool = False
    off: float | None = None
    looser: int = 1
    whole: bool = False

    def problem(self, value: object) -> str | None:
        """One line that says what was expected, found, and how to mend it; None where the value is fit."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"expected {self.expected}, found {value!r}"
        if value == self.off or self._inside(value):
            return None
        return f"expected {self.expected}, found {plain(value)}{self._remedy(value)}"

    def is_looser(self, value: Any, other: Any) -> bool:
        return not self.looser * value <= self.looser * other  # NaN limits nothing

    def _inside(self, value: float) -> bool:
        above = value > self.low or (value == self.low and not self.open_low)
        below = value < self.high or (value == self.high and not self.open_high)
        return above and below and isfinite(value) and not (self.whole and value != int(value))

    def _remedy(self, value: float) -> str:
        if isnan(value):
            return "; write a number, or leave the line out for the default"
        if self._inside(-value) or -value == self.off:
            return f": typed with the wrong sign? Write {plain(-value)}"
        if abs(self.low) <= 1.0 >= abs(self.high):
            for share in (value / 100.0, -value / 100.0):
                if self._inside(share):
                    return f": percent typed for a fraction? Write {plain(share)}"
        if self.whole and isfinite(value) and self._inside(float(round(value))):
            return f"; write {round(value)}"
        return ""


class Words(NamedTuple):
    """One of a few words.  ranks: how loose each is; equal ranks are not compared.  off: as in Bound."""

    ranks: Mapping[str, int]
    off: str | None = None

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(self.ranks)

    def problem(self, value: object) -> str | None:
        if isinstance(value, str) and value in self.ranks:
            return None
        return f"expected {self.expected}, found {value!r}"

    def is_looser(self, value: Any, other: Any) -> bool:
        return self.ranks[value] > self.ranks[other]


class Flag(NamedTuple):
    """True or false, where false is looser."""

    off: bool | None = False
    expected: str = "true or false"

    def problem(self, value: object) -> str | None:
        return None if isinstance(value, bool) else f"expected {self.expected}, found {value!r}"

    def is_looser(self, value: Any, other: Any) -> bool:
        return other is True and value is False


Rule = Bound | Words | Flag
