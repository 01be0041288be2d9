"""A machine as bytes, and the desk out of them."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from live.machine.chaos import ChaosEpisode
from live.machine.inputs import AuditLine, ChaosTriggered, KillSwitch, StrategyRecord
from live.machine.overrides import Override, Overrides
from live.machine.promotion_inputs import PromotionNoted
from workbench.core.build import Seat
from workbench.core.limits import RiskLimits
from workbench.core.rows import HEADER
from workbench.core.state import sections
from workbench.errors import JournalDamaged, OtherVersion

if TYPE_CHECKING:
    from live.machine.machine import Machine

__all__ = ["LAYOUT", "dump", "layout_of", "load"]

FORMAT: Final = 2
_VERSION: Final = importlib.metadata.version("trading-workbench")  # not by way of all of `workbench`


def layout_of(sections: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]) -> str:
    """SHA-256 (hex, 16 digits) of how a desk lies in memory: sections, their columns, types and shapes."""
    lines = [f"{name} {kind.descr} {shape}" for name, (kind, shape) in sections.items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _this_layout() -> str:
    """Of a desk with other numbers of everything, so that no two of them stand for each other."""
    head = np.zeros(1, dtype=HEADER)
    for place, name in enumerate(HEADER.names or ()):
        head[name] = place + 2
    return layout_of({"head": (HEADER, (1,)), **sections(np.rec.array(head)[0])})


LAYOUT: Final = _this_layout()


def dump(machine: Machine) -> bytes:
    """Everything from which a machine of the same set-up goes on."""
    return msgspec.msgpack.encode(
        {
            "format": FORMAT,
            "layout": LAYOUT,
            "version": _VERSION,
            "desk": machine.desk.state.tobytes(),
            "seats": machine.desk.seats,
            "limits": machine.desk.limits,
            "configured": machine.configured,
            "own_limits": machine.limits,
            "overrides": list(machine.overrides.lines.values()),
            "strategies": list(machine.strategies.values()),
            "kills": list(machine.kills.values()),
            "chaos": list(machine.chaos.values()),
            "triggers": list(machine.triggers.values()),
            "blotter": machine.blotter.dump(),
            "results": machine.results.dump(),
            "audit": list(machine.audit),
            "breaches": [(*key, count) for key, count in machine.breaches.items()],
            "reports": machine.reports,
            "beyond": machine.report_numbers.dump(),
            "applied": machine.applied,
            "sampled_ns": machine.sampled_ns,
            "admissions": machine.admissions.dump(),
            "canaries": machine.canaries.dump(),
            "history": list(machine.history),
        }
    )


def load(machine: Machine, snapshot: bytes) -> None:
    """Have a new machine go on from a snapshot.

    Raises OtherVersion, or JournalDamaged where the snapshot is of another set-up.
    """
    found: Mapping[str, Any] = msgspec.msgpack.decode(snapshot)
    here, there = (FORMAT, LAYOUT), (found.get("format"), found.get("layout", "unknown"))
    if here != there:
        raise OtherVersion(
            f"expected a snapshot of format {here[0]} and layout {here[1]}, found one of format {there[0]} and layout "
            f"{there[1]}, which version {found.get('version', 'unknown')} has written; this is {_VERSION}"
        )
    seats = msgspec.convert(found["seats"], tuple[Seat, ...])
    limits = msgspec.convert(found["limits"], RiskLimits)
    if len(machine.build_desk(seats, limits).state) != len(found["desk"]):
        raise JournalDamaged(
            "the snapshot was made with other venues, instruments or queue sizes; start with those settings"
        )
    machine.desk = machine.build_desk(seats, limits, found["desk"])
    for record in msgspec.convert(found["strategies"], list[StrategyRecord]):
        machine.strategies[record.strategy_id] = record
    for kill in msgspec.convert(found["kills"], list[KillSwitch]):
        machine.kills[kill.scope, kill.target] = kill
    for episode in msgspec.convert(found["chaos"], list[ChaosEpisode]):
        machine.chaos[episode.strategy_id] = episode
    for triggered in msgspec.convert(found.get("triggers", []), list[ChaosTriggered]):
        machine.triggers[triggered.strategy_id] = triggered
    machine.blotter.load(found["blotter"])
    machine.results.load(found["results"])
    machine.audit.extend(msgspec.convert(found["audit"], list[AuditLine]))
    machine.breaches.update({(kind, strategy): count for kind, strategy, count in found["breaches"]})
    machine.report_numbers.load(found["reports"], found["beyond"])
    own = msgspec.convert(found.get("own_limits", found["limits"]), RiskLimits)
    machine.overrides = Overrides(own, msgspec.convert(found.get("overrides", []), list[Override]))
    machine.configured = msgspec.convert(found["configured"], RiskLimits)
    machine.applied = found["applied"]
    machine.sampled_ns = found["sampled_ns"]
    machine.admissions.load(found.get("admissions", {}))
    machine.canaries.load(found.get("canaries", {}))
    machine.history.extend(msgspec.convert(found.get("history", []), list[PromotionNoted]))
