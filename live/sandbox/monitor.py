"""Looks at what a process uses, once a second: CPU time is renewed while it answers, memory told before it is short."""

from __future__ import annotations

import os
from typing import Final

from live.sandbox.contract import Alarm, AlarmKind, SandboxSettings, Usage
from live.sandbox.usage import LOOK_S, memory, proportional, renew_cpu, vitals

__all__ = ["Monitor"]

_MEGABYTE: Final = 1 << 20
_AGAIN: Final = 0.9  # of the alarm's level, below which it may be told again


class Monitor:
    """now: the loop's time in seconds.  began: bytes of address space at the process's beginning, 0 where not known."""

    def __init__(self, settings: SandboxSettings, now: float) -> None:
        self._cpu_s, self._looked, self._answers = settings.cpu_s, now, -1
        self._budget = settings.memory_mb * _MEGABYTE
        self._alarm_at, self._told = self._budget * settings.memory_alarm, False

    def due(self, now: float) -> bool:
        """Whether it is time for a look; if so, the next one is a second away."""
        if now - self._looked < LOOK_S:
            return False
        self._looked = now
        return True

    def look(self, pid: int, began: int, answers: int) -> tuple[bool, Alarm | None]:
        """Whether the process was found stopped by a signal, and an alarm about its memory.

        answers: so far; CPU time is renewed where there are more than at the last look.
        """
        state, cpu_s = vitals(pid)
        if answers != self._answers and pid != os.getpid():
            self._answers = answers
            renew_cpu(pid, cpu_s, self._cpu_s)
        return state == "T", self._about_memory(pid, began) if began else None

    def _about_memory(self, pid: int, began: int) -> Alarm | None:
        added, told = memory(pid)[0] - began, self._told
        self._told = added > self._alarm_at * (_AGAIN if told else 1.0)
        if told or not self._told:
            return None
        text = f"has added {added / _MEGABYTE:.0f} MB of address space, allowed {self._budget / _MEGABYTE:.0f} MB"
        return Alarm(AlarmKind.MEMORY, text, float(added), float(self._budget))

    def usage(self, pid: int, began: int) -> Usage:
        size, resident = memory(pid)
        return Usage(
            resident=resident,
            proportional=proportional(pid),
            address_space=size,
            added=max(0, size - began) if began else 0,
            budget=self._budget,
            cpu_s=vitals(pid).cpu_s,
        )
