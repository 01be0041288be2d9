"""Pages of answers: where they begin, and how long they may be."""

from __future__ import annotations

from typing import Final

from workbench.errors import RequestError

__all__ = ["MOST_ROWS", "check_page"]

MOST_ROWS: Final = 1_000  # of a page


def check_page(after: int, limit: int) -> None:
    """Raise RequestError (invalid) on a page without rows, or too large."""
    if after < 0 or not 1 <= limit <= MOST_ROWS:
        raise RequestError(
            f"expected after >= 0 and limit from 1 to {MOST_ROWS}, found {after} and {limit}", "invalid"
        )
