"""How a trial begins: what is wanted, its first step, and what is to run again where it fails."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from live.admission import Ticket
from live.machine import CanaryMoved, CanaryStep, Machine, version_of
from live.scripts import Script
from workbench.configuration.certification_rollout import CanarySettings

__all__ = ["Promotion", "fills_of", "first_step", "takes_whole"]

_LIVING: Final = ("running", "paused", "starting", "validating")


class Promotion(msgspec.Struct, frozen=True):
    """What is to be promoted.

    script: a script of the catalog.  certificate: its id; "" for any that holds.  config: None for the certified
    parameters.  canary: step by step; else it has everything at once.
    """

    script: Script
    strategy_id: str
    person: str
    reason: str
    certificate: str = ""
    config: dict[str, Any] | None = None
    on_failure: str = "hold"
    canary: bool = True


def first_step(
    machine: Machine, settings: CanarySettings, wanted: Promotion, ticket: Ticket, now_ns: int
) -> CanaryMoved:
    """A trial from its beginning; a passed one where everything is given at once."""
    name = wanted.strategy_id
    steps = tuple(
        CanaryStep(share, settings.minutes, settings.min_fills, settings.max_unexplained_bps)
        for share in settings.shares
    )
    return CanaryMoved(
        name,
        "growing" if wanted.canary and steps else "passed",
        0,
        steps,
        now_ns,
        fills_of(machine, name),
        ticket.id,
        wanted.script.source_hash,
        _to_go_back_to(machine, wanted, ticket.config),
        wanted.person,
        wanted.reason,
        ticket.config,
    )


def fills_of(machine: Machine, strategy_id: str) -> int:
    """Fills of a strategy since it was first seated."""
    return sum(machine.results.trades(strategy_id)) if strategy_id in machine.desk.strategies else 0


def takes_whole(machine: Machine, strategy_id: str, source_hash: str, config: dict[str, Any]) -> bool:
    """Whether to start a version gives it nothing that it has no right to.

    It was accepted under this id, is on its trial, or runs already.
    """
    record = machine.strategies.get(strategy_id)
    if record is not None and (record.state in _LIVING or record.restarting):
        if version_of(record.source_hash, record.config) == version_of(source_hash, config):
            return True
    return machine.canaries.takes(strategy_id, source_hash, config)


def _to_go_back_to(machine: Machine, wanted: Promotion, config: dict[str, Any]) -> dict[str, Any]:
    """What runs now, as `StartRequest` takes it; where that is itself on trial, what ran before it."""
    record = machine.strategies.get(wanted.strategy_id)
    if record is None or record.state not in _LIVING:
        return {}
    line = machine.canaries.lines.get(wanted.strategy_id)
    if line is not None and line.state == "growing":
        return line.before
    if version_of(record.source_hash, record.config) == version_of(wanted.script.source_hash, config):
        return {}
    return {
        "script": record.source_hash,
        "strategy_id": record.strategy_id,
        "config": record.config,
        "on_failure": record.on_failure,
        "certificate": record.certificate,
    }
