"""The swap of a running strategy for another version: it warms up in the shadow, then owns every price from one on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from live.engine.catalog import Script
from live.engine.launching import Launch
from live.engine.processes import CAUGHT_UP, StrategyProcesses
from live.engine.runner import Runner
from live.engine.slots import Slot
from workbench.errors import StrategyError

__all__ = ["TakenOver", "take_over"]

_SWAP_S: Final = 30.0


class TakenOver(NamedTuple):
    """started: the new version, which is shown every price from now on.  old: has everything before, and is to end."""

    started: Launch
    old: Runner | None


async def take_over(
    processes: StrategyProcesses, slot: Slot, script: Script, config: Mapping[str, Any], certificate: str
) -> TakenOver:
    """Start `script`, have it catch up with the market, and put it in the place of the process that runs.

    Between two prices: no price or fill is lost or told twice.  Raises StrategyError where the new process does not
    start, raises, ends or does not catch up; the old one runs on.
    """
    started = await processes.launch(slot, script, config, certificate)
    candidate = started.runner
    candidate.silent = True
    slot.candidate = candidate
    processes.tell_positions(candidate)
    processes.warm_up(candidate)
    processes.relist()
    try:
        await _caught_up(slot, candidate)
        async with processes.between_prices:
            _check(slot, candidate)
            old = slot.runner
            slot.runner, slot.candidate = candidate, None
            candidate.silent = False
            slot.script = script
            if old is not None:
                slot.draining.append(old)
                old.finish()
            processes.relist()
    except StrategyError:
        _drop(processes, slot, candidate)
        raise
    return TakenOver(started, old)


async def _caught_up(slot: Slot, candidate: Runner) -> None:
    """Until the candidate is within reach of the present.  Raises StrategyError where it never gets there."""
    deadline = asyncio.get_running_loop().time() + _SWAP_S
    while (candidate.unanswered > CAUGHT_UP or candidate.waiting) and not slot.stopping:
        await asyncio.sleep(0.001)
        if candidate.worker is None or candidate.worker.exit is not None:
            why = candidate.worker.exit.detail if candidate.worker and candidate.worker.exit else ""
            raise StrategyError(
                f"the new version of {slot.record.strategy_id} ended while it warmed up ({why}); "
                "the old one runs on"
            )
        if asyncio.get_running_loop().time() > deadline:
            raise StrategyError(
                f"the new version of {slot.record.strategy_id} did not catch up with the market in {_SWAP_S:g} s; "
                "the old one runs on"
            )


def _check(slot: Slot, candidate: Runner) -> None:
    """Raise StrategyError where a candidate that has caught up must not take over."""
    if candidate.raised:
        raise StrategyError(
            f"the new version of {slot.record.strategy_id} raised while it warmed up ({candidate.raised}); "
            "the old one runs on"
        )
    ended = candidate.worker is None or candidate.worker.exit is not None
    if ended or slot.runner is None or slot.stopping:
        raise StrategyError(
            f"the swap of {slot.record.strategy_id} was overtaken: a process ended; ask again"
        )


def _drop(processes: StrategyProcesses, slot: Slot, candidate: Runner) -> None:
    slot.candidate = None
    processes.relist()
    if candidate.worker is not None and candidate.worker.exit is None:
        candidate.worker.kill("the swap was given up")
