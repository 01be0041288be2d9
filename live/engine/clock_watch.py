"""The machine's clock against the engine's own: a jump changes nothing that is traded, and a person hears of it.

The engine counts on from the time of its start by the monotonic clock (`live.venues.clock.WallClock`), so its event
time knows neither jumps nor leap seconds; what people and exchanges call now may be something else from then on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from live.engine.events import EventStream
from live.venues.clock import Clock

__all__ = ["ClockWatch"]

_MOST_NS: Final = 500_000_000  # half a leap second

_log = structlog.get_logger("live.clock")


class ClockWatch:
    """Looks at the difference.  apart_ns: machine's time minus the engine's, at the last alert; 0 before the first."""

    def __init__(
        self, clock: Clock, events: EventStream, machine_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.apart_ns = 0
        self._clock, self._events, self._machine_ns = clock, events, machine_ns

    def look(self) -> None:
        """Alert where the two have moved apart, or together again, by more than half a second since the last alert."""
        apart = self._machine_ns() - self._clock.now_ns()
        if abs(apart - self.apart_ns) <= _MOST_NS:
            return
        jumped = (apart - self.apart_ns) / 1e9
        self.apart_ns = apart if abs(apart) > _MOST_NS else 0
        seconds = self.apart_ns / 1e9
        _log.error("wall_clock_jumped", jumped_seconds=round(jumped, 3), apart_seconds=round(seconds, 3))
        body = {"alert": "wall_clock_jumped", "jumped_seconds": jumped, "apart_seconds": seconds}
        self._events.publish("alerts", self._clock.now_ns(), body)
