"""Answers that live was given and did not use, which is no fault of the code that gave them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from live.machine import LateSignals
from workbench.core.state import SECOND_NS
from workbench.reconcile.audience import Audience
from workbench.reconcile.steps import Answers

__all__ = ["lost_answers"]

_TAIL_NS: Final = 2 * SECOND_NS  # before the end of a process, in which its answers may have been cut off


def lost_answers(
    said: Answers,
    placed: Collection[tuple[int, int]],
    late: Sequence[LateSignals],
    audience: Audience,
    times: Sequence[int],
    now_ns: int,
) -> frozenset[tuple[int, int]]:
    """Launch and price of answers that were refused as late, or cut off by the end of a process or of the journal.

    said: all that strategies answer now.  placed: what live used.  times: of all prices, UTC nanoseconds.
    """
    waiting = [(item.strategy_id, item.count) for item in late]
    lost = set()
    for launch, number in sorted(said.keys() - set(placed), key=lambda key: key[1]):
        refused = (audience.begun[launch].strategy_id, len(said[launch, number]))
        ended, last = audience.ended.get(launch, (now_ns, len(times) - 1))
        if refused in waiting:
            waiting.remove(refused)
            lost.add((launch, number))
        elif number >= last or times[number] >= ended - _TAIL_NS:
            lost.add((launch, number))
    return frozenset(lost)
