"""Which faults of a venue are in force: by schedule, by chance, or by command."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from random import Random
from typing import Final

from live.venues.venue_settings import FAULT_KINDS, FaultSettings
from workbench.errors import ConfigError

__all__ = ["FaultPlan"]

_NEVER: Final = 1 << 62
_SECOND: Final = 1_000_000_000


class _Timed:
    """One configured fault and its next beginning."""

    def __init__(self, settings: FaultSettings, start_ns: int, random: Random) -> None:
        self.settings = settings
        self._random = random
        self.next_ns = start_ns + int(settings.after_seconds * _SECOND)
        if settings.per_hour > 0.0:
            self.next_ns = start_ns + self._gap()

    def _gap(self) -> int:
        return int(self._random.expovariate(self.settings.per_hour / 3600.0) * _SECOND)

    def begin(self) -> int:
        """The end of the fault that begins now; the next beginning is worked out."""
        began = self.next_ns
        end = began + int(self.settings.duration_seconds * _SECOND)
        if self.settings.per_hour > 0.0:
            self.next_ns = end + self._gap()
        elif isinf(self.settings.every_seconds):
            self.next_ns = _NEVER
        else:
            self.next_ns = began + int(self.settings.every_seconds * _SECOND)
        return end


class FaultPlan:
    """Faults in force by kind, with their intensity (see FAULT_KINDS).

    next_ns: when that changes next.  random: for what happens by chance while a fault is in force.
    """

    def __init__(self, faults: Sequence[FaultSettings], start_ns: int, seed: str) -> None:
        self.active: dict[str, float] = {}
        self.random: Final = Random(f"{seed}:faults")
        self._timed = [
            _Timed(fault, start_ns, Random(f"{seed}:fault:{place}")) for place, fault in enumerate(faults)
        ]
        self._running: dict[str, tuple[float, int, int]] = {}  # intensity, begin, end
        self.next_ns = min((timed.next_ns for timed in self._timed), default=_NEVER)

    def inject(self, kind: str, now_ns: int, intensity: float | None = None, seconds: float = 10.0) -> None:
        """Begin a fault now, for so long (inf: until it is cleared).  Raises ConfigError for an unknown kind."""
        if kind not in FAULT_KINDS:
            raise ConfigError(f"expected a fault of {', '.join(FAULT_KINDS)}, found {kind!r}")
        end = _NEVER if isinf(seconds) else now_ns + int(seconds * _SECOND)
        self._running[kind] = (FAULT_KINDS[kind][1] if intensity is None else intensity, now_ns, end)
        self.refresh(now_ns)

    def clear(self, now_ns: int, kind: str = "") -> None:
        """End one fault, or ("") all; those that are scheduled come again."""
        for name in [kind] if kind else list(self._running):
            self._running.pop(name, None)
        self.refresh(now_ns)

    def refresh(self, now_ns: int) -> None:
        """Set what is in force at a time, and when that changes next."""
        for timed in self._timed:
            while timed.next_ns <= now_ns:
                began = timed.next_ns
                end = timed.begin()
                if end > now_ns:
                    self._running[timed.settings.kind] = (timed.settings.intensity, began, end)
        self._running = {kind: run for kind, run in self._running.items() if run[2] > now_ns}
        self.active = {kind: run[0] for kind, run in self._running.items()}
        ends = [run[2] for run in self._running.values()]
        flaps = [self._next_flap(now_ns)] if "flapping" in self.active else []
        self.next_ns = min([timed.next_ns for timed in self._timed] + ends + flaps, default=_NEVER)

    def down(self, now_ns: int) -> str:
        """Why sessions are down at a time; "" where they are not."""
        if "disconnect" in self.active:
            return "disconnect"
        if "flapping" in self.active and self._flaps(now_ns) % 2 == 0:
            return "flapping"
        return ""

    def happens(self, kind: str) -> bool:
        """Whether a fault is in force and its chance comes up."""
        return kind in self.active and self.random.random() < self.active[kind]

    def _flaps(self, now_ns: int) -> int:
        """How many times the session has changed since flapping began, which is with a fall."""
        intensity, began, _ = self._running["flapping"]
        return (now_ns - began) // max(int(intensity * _SECOND), 1)

    def _next_flap(self, now_ns: int) -> int:
        intensity, began, _ = self._running["flapping"]
        return began + (self._flaps(now_ns) + 1) * max(int(intensity * _SECOND), 1)
