"""A price in lock step, which is shown to one listener after the other."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from live.engine.runner import Runner
from live.machine import Input

__all__ = ["Asking"]


@dataclass(slots=True)
class Asking:
    """Who is asked, in order; what they have said and nobody has carried through; whether somebody comes or goes."""

    listeners: list[Runner]
    said: deque[Input] = field(default_factory=deque)
    relist: bool = False
