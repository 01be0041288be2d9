"""Waiting for what another thread or process is about to do."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["until"]


def until(fact: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until `fact()` is true; fails the test when it is not within `seconds`, which only a failure needs."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain"
        time.sleep(0.02)
