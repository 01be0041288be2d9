"""A journal whose beginning was dropped: recovery, replay, and what it says of what is gone."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

import msgspec
import pytest

from live.engine.pump import BLOCK, SETUP
from live.engine.recovery import beginning, recorded_setup, recover
from live.journal import Journal, Retention
from live.machine import Answered, AuditLine, Input, Machine, Setup, encode_block, write_setup
from live.session import read_session
from tests.live.journal.use import change, wait_durable
from workbench.core.build import Seat
from workbench.core.costs import Costs
from workbench.core.intents import SeatStrategy
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate
from workbench.errors import JournalDamaged, JournalError, OtherVersion

HOUR = 3_600 * 10**9
DAY = 24 * HOUR
NAN = math.nan
RULES = Setup((Instrument("X", "v"),), {"v": Costs()}, limits=RiskLimits.unlimited())
KEEP = Retention(snapshots=2, days=2, needs=(SETUP,))


def inputs_of(day: int) -> list[Input]:
    """A price each hour and an order before every second one; a line of the audit log at noon."""
    first: list[Input] = [SeatStrategy(Seat("s", unit=1.0))] if day == 0 else []
    for hour in range(24):
        ns = day * DAY + hour * HOUR + 1
        last = 100.0 + (day * 7 + hour) % 5
        first.append(PriceUpdate("X", "v", ns, last, last, last, NAN, NAN, NAN, 0.0, ns))
        if hour % 2:
            first.append(Answered("s", hour, [MarketSignal("X", None, 1.0 if hour % 4 == 1 else -1.0, 1.0)]))
        if hour == 12:
            first.append(AuditLine(ns, "ana", "admin", "promise", str(day), "done"))
    return first


def trade(url: str, days: range, keep: Retention = KEEP) -> Machine:
    """Live through `days`, a record for each input and a snapshot at the end of each day."""
    journal = Journal.open(url, retain=keep)
    machine = recover(journal, RULES, 0).machine
    for day in days:
        for item in inputs_of(day):
            machine.apply(item)
            journal.append(BLOCK, day * DAY, encode_block([item]))
        wait_durable(journal)
        meta = {SETUP: write_setup(machine.setup)}
        assert journal.save_snapshot(journal.head, (day + 1) * DAY - 1, machine.dump(), meta)
        settled(journal)
    journal.close()
    return machine


def settled(journal: Journal) -> None:
    writer = journal._writer
    end = time.monotonic() + 20.0
    while not (journal._packed and journal._packed.done()) or writer.snapshot_waits or writer._prune_upto:
        assert time.monotonic() < end
        time.sleep(0.002)


def test_an_engine_goes_on_from_a_journal_whose_beginning_was_dropped(url: str) -> None:
    unbroken = Machine(RULES)
    for item in (item for day in range(6) for item in inputs_of(day)):
        unbroken.apply(item)
    trade(url, range(3))
    machine = trade(url, range(3, 6))  # recovered once, from a whole journal
    assert bytes(machine.desk.state) == bytes(unbroken.desk.state)
    journal = Journal.open(url, retain=KEEP)
    assert journal.pruned > 0
    assert recorded_setup(journal) == RULES
    again = recover(journal, RULES, 0)
    assert (again.new, again.inputs) == (False, 0)
    assert again.machine.dump() == Machine(RULES, unbroken.dump()).dump()
    assert [line.target for line in again.machine.audit] == [str(day) for day in range(6)]
    with pytest.raises(JournalError, match="begun with other initial cash"):
        recover(journal, Setup(RULES.instruments, RULES.costs, initial_cash=5.0), 0)
    journal.close()


def test_a_replay_says_from_when_on_it_can(url: str, caplog: pytest.LogCaptureFixture) -> None:
    whole = Machine(RULES)
    fills = [
        fact
        for day in range(6)
        for item in inputs_of(day)
        for fact in whole.apply(item)
        if isinstance(fact, OrderFill) and fact.timestamp_ns >= 3 * DAY
    ]
    trade(url, range(6))
    kept = datetime.fromtimestamp((2 * DAY + 23 * HOUR) / 1e9, UTC).isoformat(timespec="seconds")
    with pytest.raises(JournalError, match=f"can be replayed from {kept.replace('+', '.')} on"):
        read_session(url, 2 * DAY)
    session = read_session(url, 3 * DAY)
    assert [fact for fact in session.facts if isinstance(fact, OrderFill)] == fills
    assert bytes(session.machine.desk.state) == bytes(whole.desk.state)
    caplog.clear()
    everything = read_session(url)
    assert (everything.feed.timestamp_ns[0], len(everything.feed.timestamp_ns)) == (3 * DAY + 1, 72)
    assert f"replayed from {kept} on" in caplog.text
    other = read_session(url, 3 * DAY, limits=RiskLimits(restricted_list=["X"]))
    assert len([fact for fact in other.facts if isinstance(fact, OrderFill)]) < len(fills)


def test_a_pruned_journal_without_a_sound_snapshot_refuses_the_start(url: str) -> None:
    trade(url, range(6))
    change(url, "UPDATE journal_snapshots SET crc = crc + 1")
    journal = Journal.open(url)
    for ask in (recorded_setup, beginning):
        with pytest.raises(JournalDamaged, match="were dropped, and no sound snapshot stands for them"):
            ask(journal)
    journal.close()


def test_a_snapshot_of_another_version_is_passed_over_while_all_records_are_there(url: str) -> None:
    machine = trade(url, range(2), Retention())
    journal = Journal.open(url)
    foreign = b"\x81\xa6format\x63"
    assert journal.save_snapshot(journal.head, 2 * DAY, foreign, {SETUP: write_setup(RULES)})
    settled(journal)
    again = recover(journal, RULES, 0)
    assert again.inputs == machine.applied
    assert again.machine.dump() == Machine(RULES, machine.dump()).dump()
    journal.close()


def test_a_pruned_journal_of_another_version_says_what_can_be_done(url: str) -> None:
    machine = trade(url, range(6))
    other = msgspec.msgpack.decode(machine.dump())
    other |= {"layout": "0123456789abcdef", "version": "0.9"}
    journal = Journal.open(url)
    assert journal.pruned
    blob = msgspec.msgpack.encode(other)
    assert journal.save_snapshot(journal.head, 6 * DAY, blob, {SETUP: write_setup(RULES)})
    settled(journal)
    head = journal.head
    with pytest.raises(OtherVersion) as refused:
        recover(journal, RULES, 0)
    said = str(refused.value)
    assert "found one of format 2 and layout 0123456789abcdef, which version 0.9 has written" in said
    assert f"a copy of the journal that has records 1 to {head}" in said
    assert "venues" not in said
    journal.close()
