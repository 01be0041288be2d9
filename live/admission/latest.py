"""A time that never goes back: a clock that is set back revives no certificate."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["LatestTime"]


class LatestTime:
    """The latest time that was seen here, by the clock or in the journal."""

    def __init__(self, now_ns: Callable[[], int], seen_ns: int = 0) -> None:
        """now_ns: the clock, UTC nanoseconds.  seen_ns: of the newest record of the journal."""
        self._now_ns, self._latest = now_ns, seen_ns

    def now_ns(self) -> int:
        """UTC nanoseconds."""
        self._latest = max(self._latest, self._now_ns())
        return self._latest
