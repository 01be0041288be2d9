"""How many log lines of a process pass, whatever it sends: a bucket that fills at so many a second."""

from __future__ import annotations

from typing import Final

__all__ = ["LogMeter"]

_BURST: Final = 6.0  # seconds' worth at once; a process that keeps to its own limit of four is never cut here


class LogMeter:
    """lines_a_second: that pass.  dropped: in all.  flooded: more came in one second than an honest process sends."""

    def __init__(self, lines_a_second: int, now: float) -> None:
        self._rate = lines_a_second
        self._allowed = self._most = _BURST * lines_a_second
        self._since = self._second = now
        self._in_second = self._told = 0
        self.dropped = 0
        self.flooded = False

    def passes(self, now: float) -> bool:
        self._count(now)
        self._allowed = min(self._most, self._allowed + (now - self._since) * self._rate)
        self._since = now
        if self._allowed < 1.0:
            self.dropped += 1
            return False
        self._allowed -= 1.0
        return True

    def _count(self, now: float) -> None:
        if now - self._second >= 1.0:
            self._second, self._in_second = now, 0
        self._in_second += 1
        self.flooded |= self._in_second > 2_000 + 20 * self._rate

    def not_told(self) -> int:
        """Lines dropped since the last call."""
        fresh, self._told = self.dropped - self._told, self.dropped
        return fresh
