"""A machine out of its journal: the newest snapshot, and what came after it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import structlog

from live.engine.pump import BLOCK, SETUP
from live.journal import Journal, Snapshot
from live.machine import Machine, Setup, decode_block, read_setup
from workbench.core.build import VenueFaultWindow
from workbench.errors import JournalDamaged, JournalError, OtherVersion, WorkbenchError

__all__ = ["SETUP", "Beginning", "Recovered", "beginning", "recorded_setup", "recover"]

_log = structlog.get_logger("live.recovery")


class Recovered(NamedTuple):
    """machine: as it was.  inputs: carried through again.  seconds: that it took.  new: an empty journal."""

    machine: Machine
    inputs: int
    seconds: float
    new: bool


def recorded_setup(journal: Journal) -> Setup | None:
    """What the journal's machine is built from; None for an empty journal.

    Raises JournalDamaged where its first record was dropped and no sound snapshot is left.
    """
    if journal.pruned:
        return _beginning(journal)[0]
    first = next(iter(journal.read(until=1)), None)
    if first is None:
        return None
    if first.kind != SETUP:
        raise JournalError(f"expected the set-up in record 1 of the journal, found {first.kind!r}")
    return msgspec.msgpack.decode(first.payload, type=Setup)


def _beginning(journal: Journal) -> tuple[Setup, Snapshot]:
    """What is left of a journal begins with this."""
    snapshot = journal.first_snapshot()
    if snapshot is None:
        raise JournalDamaged(
            f"records up to {journal.pruned} of the journal were dropped, and no sound snapshot stands for them; "
            "restore the journal from a copy"
        )
    return read_setup(snapshot.meta.get(SETUP)), snapshot


class Beginning(NamedTuple):
    """Where a journal can be carried through from.

    snapshot: the state after record `sequence`; None, and 0, where the journal is whole.
    """

    setup: Setup
    snapshot: Snapshot | None

    @property
    def sequence(self) -> int:
        return 0 if self.snapshot is None else self.snapshot.sequence

    def machine(self, setup: Setup | None = None, *, faults: Sequence[VenueFaultWindow] = ()) -> Machine:
        """A machine to carry the records after `sequence` through.  setup: another one, for a whole journal."""
        wanted = self.setup if setup is None else setup
        return (
            Machine(wanted, faults=faults)
            if self.snapshot is None
            else _last_resort(wanted, self.snapshot, faults)
        )


def beginning(journal: Journal) -> Beginning | None:
    """Where `journal` can be carried through from; None for an empty one.  Raises JournalDamaged for nowhere."""
    if journal.pruned:
        return Beginning(*_beginning(journal))
    setup = recorded_setup(journal)
    return None if setup is None else Beginning(setup, None)


def recover(journal: Journal, setup: Setup, now_ns: int) -> Recovered:
    """The machine of `journal`, begun with `setup` where it is empty.

    A snapshot that another version has written is passed over, where all records are there to be carried through.
    Raises JournalError where the journal belongs to other venues, instruments or amounts.
    """
    begun = time.perf_counter()
    known = recorded_setup(journal)
    if known is None:
        journal.append(SETUP, now_ns, msgspec.msgpack.encode(setup), 0)
        return Recovered(Machine(setup), 0, time.perf_counter() - begun, True)
    _check_same(known, setup)
    machine, after = _newest(journal, known)
    inputs = 0
    for record in journal.read(after=after, kinds=[BLOCK]):
        for item in decode_block(record.payload):
            inputs += 1
            try:
                machine.apply(item)
            except (
                WorkbenchError
            ) as error:  # what is refused is not recorded; it was taken by another version
                _log.error("input_refused_now", sequence=record.sequence, error=str(error))
    return Recovered(machine, inputs, time.perf_counter() - begun, False)


def _newest(journal: Journal, setup: Setup) -> tuple[Machine, int]:
    """A machine as of the newest snapshot that this version reads, and the record that it is the state after."""
    snapshot = journal.latest_snapshot()
    if snapshot is None:
        return Machine(setup), 0
    if journal.pruned:
        return _last_resort(setup, snapshot), snapshot.sequence
    try:
        return Machine(setup, snapshot.blob), snapshot.sequence
    except JournalDamaged as error:
        _log.warning("snapshot_of_another_version", sequence=snapshot.sequence, reason=str(error))
        return Machine(setup), 0


def _last_resort(setup: Setup, snapshot: Snapshot, faults: Sequence[VenueFaultWindow] = ()) -> Machine:
    """A machine out of a snapshot that stands for records which were dropped.

    Raises OtherVersion, which says what can be done, or JournalDamaged.
    """
    try:
        return Machine(setup, snapshot.blob, faults=faults)
    except OtherVersion as error:
        raise OtherVersion(
            f"{error}; the records before it were dropped (TRADING_ENGINE_JOURNAL_KEEP_DAYS), so this version cannot "
            f"carry them through: restore a copy of the journal that has records 1 to {snapshot.sequence}, go on with "
            "the version that wrote it, or begin another journal (TRADING_ENGINE_DATA)"
        ) from error


def _check_same(known: Setup, wanted: Setup) -> None:
    """Limits may have changed since; what the desk is made of may not."""
    for name in ("instruments", "costs", "remote", "initial_cash", "order_capacity"):
        there, here = getattr(known, name), getattr(wanted, name)
        if there != here:
            raise JournalError(
                f"the journal was begun with other {name.replace('_', ' ')}; start with the settings of then, "
                "or give the engine another data folder (TRADING_ENGINE_DATA)"
            )
