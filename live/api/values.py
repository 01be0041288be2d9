"""Values that people send for strategies and limits: what can be journaled and handed to a strategy, and no more."""

from __future__ import annotations

from typing import Any, Final

from workbench.errors import RequestError

__all__ = ["check_values"]

_DEEPEST: Final = 16
_MOST: Final = 10_000  # values
_LONGEST: Final = 10_000  # characters of one text
_LARGEST_INTEGER: Final = 2**63 - 1


def check_values(name: str, values: Any) -> None:
    """Raises RequestError (invalid) on what is too deep, too many, too long or too large for 64 bits."""
    waiting = [(values, 1)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST or count > _MOST:
            raise RequestError(f"{name}: expected at most {_DEEPEST} levels and {_MOST:,} values", "invalid")
        if isinstance(value, dict):
            waiting += [(inner, depth + 1) for inner in value.values()]
            waiting += [(key, depth) for key in value]
        elif isinstance(value, list | tuple):
            waiting += [(inner, depth + 1) for inner in value]
        elif isinstance(value, str):
            if len(value) > _LONGEST:
                raise RequestError(
                    f"{name}: a text may have {_LONGEST:,} characters, found {len(value):,}", "invalid"
                )
        elif isinstance(value, int):
            if abs(value) > _LARGEST_INTEGER:
                raise RequestError(f"{name}: expected integers of 64 bits, found a larger one", "invalid")
        elif not isinstance(value, float | None):
            raise RequestError(f"{name}: expected plain values, found {type(value).__name__}", "invalid")
