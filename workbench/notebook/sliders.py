"""Between which bounds a strategy's parameters can be moved: from its defaults and what it says must hold."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from workbench.errors import ParameterError
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.parameters import rules_of

__all__ = ["Range", "ranges_of"]

_REACH: Final = 4  # times the default, where nothing else bounds a parameter
_STEPS: Final = 100
_LEAST_WINDOW: Final = 20

type Given = Mapping[str, Sequence[float]]


class Range(NamedTuple):
    """A parameter's slider.  whole: it takes whole numbers.  value: where it begins."""

    name: str
    low: float
    high: float
    step: float
    value: float
    whole: bool


def ranges_of(
    strategy: type[TradingStrategy], config: Mapping[str, Any], given: Given | None = None
) -> list[Range]:
    """One range for each parameter that is a number.

    config: values in place of the defaults.  given: (lowest, highest) or (lowest, highest, step) by name.
    Raises ParameterError for a name that is no such parameter, and for bounds that make no sense.
    """
    defaults = {
        name: config.get(name, value)
        for name, value in (strategy.PARAMETERS or {}).items()
        if isinstance(config.get(name, value), int | float) and not isinstance(config.get(name, value), bool)
    }
    asked = dict(given or {})
    for name in asked:
        if name not in defaults:
            there = ", ".join(defaults) or "none"
            raise ParameterError(f"{strategy.__name__} has no number {name!r} to move; it has: {there}")
    lows, highs = _bounds(strategy, defaults)
    return [
        _range(name, value, lows.get(name), highs.get(name), asked.get(name))
        for name, value in defaults.items()
    ]


def _range(
    name: str, value: float, low: float | None, high: float | None, given: Sequence[float] | None
) -> Range:
    whole = isinstance(value, int)
    if given is not None:
        if not 2 <= len(given) <= 3 or not given[0] < given[1] or (len(given) == 3 and not given[2] > 0):
            raise ParameterError(
                f"{name}: expected (lowest, highest) or (lowest, highest, step), found {given!r}"
            )
        low, high = given[0], given[1]
        step = given[2] if len(given) == 3 else _step(high - low, whole)
    else:
        if low is None:
            low = (1 if whole and value >= 1 else 0.0) if value >= 0 else _REACH * value
        if high is None:
            high = max(_REACH * value, low + (_LEAST_WINDOW if whole else 1.0))
        step = _step(high - low, whole)
    return Range(name, low, high, step, min(max(value, low), high), whole)


def _step(span: float, whole: bool) -> float:
    """A round step of which about a hundred make the span."""
    if whole:
        return max(1.0, 10.0 ** max(0, math.floor(math.log10(max(span, 1) / _STEPS))))
    return float(10 ** math.floor(math.log10(span / _STEPS) + 0.5))


def _bounds(
    strategy: type[TradingStrategy], defaults: Mapping[str, Any]
) -> tuple[dict[str, float], dict[str, float]]:
    """Lowest and highest values that the strategy's CONSTRAINTS allow, by name, where they say so."""
    lows: dict[str, float] = {}
    highs: dict[str, float] = {}
    pairs = [pair for rule in rules_of(strategy) for pair in _pairs(rule)]
    for _ in range(len(pairs) + 1):  # a bound goes on from one parameter to the next: exit < entry <= 1
        for smaller, larger, strict in pairs:
            low, high = _number(smaller, lows), _number(larger, highs)
            if isinstance(larger, ast.Name) and larger.id in defaults and low is not None:
                floor = _beyond(low, defaults[larger.id], strict, 1)
                lows[larger.id] = max(floor, lows.get(larger.id, floor))
            if isinstance(smaller, ast.Name) and smaller.id in defaults and high is not None:
                roof = _beyond(high, defaults[smaller.id], strict, -1)
                highs[smaller.id] = min(roof, highs.get(smaller.id, roof))
    return lows, highs


def _beyond(bound: float, default: float, strict: bool, sign: int) -> float:
    """The first value beyond a strict bound: the next whole number, or the same where it is none."""
    if not isinstance(default, int):
        return bound
    nearest = math.ceil(bound) if sign > 0 else math.floor(bound)
    return nearest + sign if strict and nearest == bound else nearest


def _pairs(rule: str) -> list[tuple[ast.expr, ast.expr, bool]]:
    """(smaller, larger, strict) of each comparison of a chain."""
    chain = ast.parse(rule, mode="eval").body
    if not isinstance(chain, ast.Compare):
        return []
    found: list[tuple[ast.expr, ast.expr, bool]] = []
    sides = [chain.left, *chain.comparators]
    for left, op, right in zip(sides[:-1], chain.ops, sides[1:], strict=True):
        if isinstance(op, ast.Lt | ast.LtE):
            found.append((left, right, isinstance(op, ast.Lt)))
        elif isinstance(op, ast.Gt | ast.GtE):
            found.append((right, left, isinstance(op, ast.Gt)))
    return found


def _number(side: ast.expr, known: Mapping[str, float]) -> float | None:
    if isinstance(side, ast.Name):
        return known.get(side.id)
    try:
        value = ast.literal_eval(side)
    except ValueError:  # a term such as 2 * slow
        return None
    return float(value) if isinstance(value, int | float) else None
