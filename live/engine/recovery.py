"""A machine out of its journal: the newest snapshot, and what came after it."""

from __future__ import annotations

import time
from typing import NamedTuple

import msgspec
import structlog

from live.engine.pump import BLOCK
from live.journal import Journal
from live.machine import Machine, Setup, decode_block
from workbench.errors import JournalError, WorkbenchError

__all__ = ["SETUP", "Recovered", "recorded_setup", "recover"]

SETUP = "setup"  # kind of the first record: what the machine is built from

_log = structlog.get_logger("live.recovery")


class Recovered(NamedTuple):
    """machine: as it was.  inputs: carried through again.  seconds: that it took.  new: an empty journal."""

    machine: Machine
    inputs: int
    seconds: float
    new: bool


def recorded_setup(journal: Journal) -> Setup | None:
    """What the journal's machine is built from; None for an empty journal."""
    first = next(iter(journal.read(until=1)), None)
    if first is None:
        return None
    if first.kind != SETUP:
        raise JournalError(f"expected the set-up in record 1 of the journal, found {first.kind!r}")
    return msgspec.msgpack.decode(first.payload, type=Setup)


def recover(journal: Journal, setup: Setup, now_ns: int) -> Recovered:
    """The machine of `journal`, begun with `setup` where it is empty.

    Raises JournalError where the journal belongs to other venues, instruments or amounts.
    """
    begun = time.perf_counter()
    known = recorded_setup(journal)
    if known is None:
        journal.append(SETUP, now_ns, msgspec.msgpack.encode(setup), 0)
        return Recovered(Machine(setup), 0, time.perf_counter() - begun, True)
    _check_same(known, setup)
    snapshot = journal.latest_snapshot()
    machine = Machine(known, None if snapshot is None else snapshot.blob)
    inputs = 0
    for record in journal.read(after=0 if snapshot is None else snapshot.sequence, kinds=[BLOCK]):
        for item in decode_block(record.payload):
            inputs += 1
            try:
                machine.apply(item)
            except (
                WorkbenchError
            ) as error:  # what is refused is not recorded; it was taken by another version
                _log.error("input_refused_now", sequence=record.sequence, error=str(error))
    return Recovered(machine, inputs, time.perf_counter() - begun, False)


def _check_same(known: Setup, wanted: Setup) -> None:
    """Limits may have changed since; what the desk is made of may not."""
    for name in ("instruments", "costs", "remote", "initial_cash", "order_capacity"):
        there, here = getattr(known, name), getattr(wanted, name)
        if there != here:
            raise JournalError(
                f"the journal was begun with other {name.replace('_', ' ')}; start with the settings of then, "
                "or give the engine another data folder (TRADING_ENGINE_DATA)"
            )
