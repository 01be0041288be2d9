"""Prices and quantities as whole numbers: ticks and lots, and back to the float that the written decimal has."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["Grid"]

_SLACK: Final = 1e-9  # steps; a figure nearer to a step than this stands on it


class Grid:
    """Steps of one size > 0; 0.01 times 3012345 is 30123.45 and not its neighbour."""

    __slots__ = ("_per_unit", "step")

    def __init__(self, step: float) -> None:
        if not (math.isfinite(step) and step > 0.0):
            raise ValueError(f"expected a step above 0, found {step!r}")
        self.step = step
        per_unit = round(1.0 / step)
        self._per_unit = per_unit if per_unit >= 1 and abs(per_unit * step - 1.0) < 1e-12 else 0

    def value(self, steps: int) -> float:
        return steps / self._per_unit if self._per_unit else steps * self.step

    def _steps(self, value: float) -> float:
        return value * self._per_unit if self._per_unit else value / self.step

    def floor(self, value: float) -> int:
        """Most steps at or below a finite `value`."""
        steps = self._steps(value)
        return math.floor(steps + _SLACK * max(1.0, abs(steps) * 1e-3))

    def ceil(self, value: float) -> int:
        """Fewest steps at or above a finite `value`."""
        steps = self._steps(value)
        return math.ceil(steps - _SLACK * max(1.0, abs(steps) * 1e-3))

    def near(self, value: float) -> int:
        """The nearest step to a finite `value`."""
        return round(self._steps(value))
