"""What holds for a journal on either database."""

from __future__ import annotations

import asyncio
import logging
import os
import struct
import subprocess
import sys
import threading
import time

import pytest

from live.journal import Journal, Record, Retention
from live.journal.records import chain
from tests.live.journal.use import change, fill, payload, wait_durable, whole
from workbench.errors import JournalDamaged, JournalError, JournalFailed, JournalLocked

DAY_NS = 86_400 * 10**9
REST = "kind, ns, count, payload, crc"


def test_records_come_back_as_they_were_and_the_next_engine_goes_on(url: str) -> None:
    journal = Journal.open(url)
    assert (journal.head, list(journal.read())) == (0, [])
    assert fill(journal, 700) == 700  # more than is read at a time
    journal.close()
    journal = Journal.open(url)
    assert fill(journal, 3) == 703
    assert whole(journal) == 703
    journal.close()


def test_reading_a_part_of_it(url: str) -> None:
    journal = Journal.open(url)
    fill(journal, 20)
    assert [record.sequence for record in journal.read(after=5, until=9)] == [6, 7, 8, 9]
    assert [record.sequence for record in journal.read(kinds=["command"], until=10)] == [3, 6, 9]
    assert list(journal.read(after=20)) == list(journal.read(after=99)) == list(journal.read(5, 5)) == []
    assert len(list(journal.read(until=999))) == 20
    journal.close()


def test_odd_records_come_back_too(url: str) -> None:
    odd = [("k" * 32, -(2**63), b"", 0), ("größe", 2**63 - 1, bytes(range(256)) * 1000, 2**31 - 1)]
    journal = Journal.open(url)
    for kind, ns, blob, count in odd:
        journal.append(kind, ns, blob, count)
    wait_durable(journal)
    assert list(journal.read()) == [
        Record(at, kind, ns, count, blob) for at, (kind, ns, blob, count) in enumerate(odd, 1)
    ]
    journal.close()


@pytest.mark.parametrize(
    ("kind", "ns", "blob", "count"),
    [("", 0, b"", 1), ("k" * 33, 0, b"", 1), ("k", 0, "text", 1), ("k", 0, bytearray(), 1), ("k", 0, b"", -1),
     ("k", 2**63, b"", 1), ("k", 0, b"", 2**31)],
)  # fmt: skip
def test_what_is_no_record_is_refused_and_costs_no_sequence(
    url: str, kind: str, ns: int, blob: bytes, count: int
) -> None:
    journal = Journal.open(url)
    with pytest.raises((ValueError, struct.error)):
        journal.append(kind, ns, blob, count)
    assert fill(journal, 1) == 1
    journal.close()


def test_what_is_durable_is_seen_by_others_while_the_engine_writes(url: str) -> None:
    journal = Journal.open(url)
    fill(journal, 5)
    reader = Journal.open(url, read_only=True)
    assert whole(reader) == 5
    fill(journal, 5)
    assert whole(reader) == 10
    with pytest.raises(JournalFailed, match="read only"):
        reader.append("block", 0, b"")
    reader.close()
    journal.close()


def test_the_loop_is_told_once_for_many_commits(url: str) -> None:
    journal = Journal.open(url, commit_interval_ms=0.0)
    told: list[int] = []

    async def trade() -> None:
        journal.on_durable(told.append)
        journal.on_durable(lambda _: threads.add(threading.get_ident()))
        for sequence in range(1, 301):
            journal.append("block", 0, b"x")
            if sequence % 100 == 0:
                await journal.wait(sequence)
                assert journal.durable >= sequence
            elif sequence % 10 == 0:
                time.sleep(0.002)  # the loop is busy, and commits go on

    threads: set[int] = set()
    asyncio.run(trade())
    assert told == sorted(set(told))
    assert told[-1] == 300
    assert len(told) < journal.info()["commits"]
    assert threads == {threading.get_ident()}
    journal.close()


def test_many_wait_at_once_and_one_gives_up(url: str) -> None:
    journal = Journal.open(url)

    async def trade() -> None:
        waits = [
            asyncio.create_task(journal.wait(journal.append("block", 0, payload(at)))) for at in range(50)
        ]
        await asyncio.sleep(0)
        waits[7].cancel()
        done = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(answer) for answer in done if answer is not None] == [asyncio.CancelledError]

    asyncio.run(trade())
    with pytest.raises(ValueError, match="up to 50"):
        asyncio.run(journal.wait(51))
    journal.close()


def test_closing_makes_durable_what_waits(url: str) -> None:
    journal = Journal.open(url, commit_interval_ms=60_000.0)
    for _ in range(10):
        journal.append("block", 0, b"x")
    journal.close()
    journal.close()
    with pytest.raises(JournalFailed, match="closed"):
        journal.append("block", 0, b"x")
    journal = Journal.open(url)
    assert journal.head == 10
    journal.close()


def test_the_backlog_is_bounded(url: str) -> None:
    journal = Journal.open(url, commit_interval_ms=60_000.0, max_backlog=5)
    fill(journal, 1)  # the first commit goes at once, the next one waits
    for _ in range(5):
        journal.append("block", 0, b"x")
    assert journal.backlog == 5
    with pytest.raises(JournalFailed, match="at most 5 records waiting") as caught:
        journal.append("block", 0, b"x")
    assert (caught.value.cause, caught.value.final, journal.failure) == ("backlog", False, None)
    assert journal.info()["lag_ms"] > 0
    journal.close()
    journal = Journal.open(url)
    assert journal.head == 6
    journal.close()


def test_a_second_engine_is_refused_and_told_who_has_it(url: str) -> None:
    journal = Journal.open(url)
    for _ in range(2):
        with pytest.raises(JournalLocked, match=rf"in use by the .*process {os.getpid()}\b.*"):
            Journal.open(url)
    second = f"from live.journal import Journal; Journal.open({url!r})"
    refused = subprocess.run([sys.executable, "-c", second], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    told = refused.stderr.strip().splitlines()[-1]
    assert "JournalLocked" in told
    assert f"process {os.getpid()}" in told
    fill(journal, 1)
    journal.close()
    Journal.open(url).close()


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE journal_records SET ns = ns + 1 WHERE sequence = 30", 30),
        ("UPDATE journal_records SET count = 99 WHERE sequence = 31", 31),
        ("UPDATE journal_records SET kind = 'blocks' WHERE sequence = 32", 32),
        ("UPDATE journal_records SET crc = crc + 1 WHERE sequence = 33", 33),
        ("UPDATE journal_records SET payload = payload || payload WHERE sequence = 34", 34),
        ("DELETE FROM journal_records WHERE sequence = 35", 35),
        ("DELETE FROM journal_records WHERE sequence = 1", 1),
        ("UPDATE journal_records SET sequence = sequence + 100 WHERE sequence >= 36", 36),
        (f"INSERT INTO journal_records SELECT 51, {REST} FROM journal_records WHERE sequence = 50", 51),
    ],
)  # fmt: skip
def test_a_changed_missing_or_moved_record_is_named(url: str, statement: str, named: int) -> None:
    journal = Journal.open(url)
    fill(journal, 50)
    reader = Journal.open(url, read_only=True)
    journal.close()
    change(url, statement)
    with pytest.raises(JournalDamaged, match=rf"record {named}\b"):
        Journal.open(url)
    with pytest.raises(JournalDamaged, match=rf"record {named}\b"):
        list(reader.read())
    reader.close()


def test_swapped_records_are_noticed(url: str) -> None:
    journal = Journal.open(url)
    fill(journal, 10)
    journal.close()
    swap = "UPDATE journal_records SET sequence = {} WHERE sequence = {}"
    change(url, swap.format(99, 4), swap.format(4, 5), swap.format(5, 99))
    with pytest.raises(JournalDamaged, match="record 4 is not what was written"):
        Journal.open(url)


def test_a_record_with_its_own_right_checksum_does_not_fit_another_past(url: str) -> None:
    journal = Journal.open(url)
    fill(journal, 10)
    journal.close()
    crc = chain(0, 4, "block", 7, 1, b"x")
    change(
        url,
        f"UPDATE journal_records SET kind = 'block', ns = 7, count = 1, crc = {crc} WHERE sequence = 4",
        "UPDATE journal_records SET payload = "
        + ("x'78'" if url.startswith("sqlite") else "'x'")
        + " WHERE sequence = 4",
    )
    with pytest.raises(JournalDamaged, match="record 4 is not what was written"):
        Journal.open(url)


def test_a_database_of_a_newer_program_is_left_alone(url: str) -> None:
    Journal.open(url).close()
    change(url, "INSERT INTO journal_versions VALUES (99, 0)")
    for read_only in (False, True):
        with pytest.raises(JournalError, match="found version 99"):
            Journal.open(url, read_only=read_only)


def test_snapshots(url: str, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal.open(url, retain=Retention(snapshots=2))
    assert journal.latest_snapshot() is None
    for round_ in range(1, 4):
        fill(journal, 10)
        save(journal, round_ * 10)
    newest = journal.latest_snapshot()
    assert newest is not None
    assert newest == (30, 300, blob(30), {"round": 30})
    before = journal.latest_snapshot(upto=29)
    assert before is not None
    assert before.sequence == 20
    assert journal.latest_snapshot(upto=19) is None  # the third newest was dropped
    journal.close()
    change(url, "UPDATE journal_snapshots SET ns = 301 WHERE sequence = 30")
    journal = Journal.open(url)
    with caplog.at_level(logging.CRITICAL):
        assert journal.latest_snapshot() == before
    assert "the snapshot after record 30 is damaged" in caplog.text
    assert "the snapshot after record 30 is damaged" in journal.warnings[0]
    journal.close()


def test_a_snapshot_is_written_after_its_records(url: str) -> None:
    journal = Journal.open(url, commit_interval_ms=500.0)
    fill(journal, 1)
    journal.append("block", 0, b"x")
    assert journal.save_snapshot(2, 0, b"state", {})
    assert not journal.save_snapshot(2, 0, b"state", {})  # one at a time
    while journal.durable < 2:
        assert journal.latest_snapshot(upto=9) is None
        time.sleep(0.01)
    journal.close()
    with pytest.raises(ValueError, match="from 0 to 2"):
        journal.save_snapshot(3, 0, b"", {})
    journal = Journal.open(url)
    found = journal.latest_snapshot()
    assert found is not None
    assert found.sequence == 2
    journal.close()


def test_old_records_go_where_that_is_asked_for(url: str) -> None:
    journal = Journal.open(url, retain=Retention(snapshots=2, days=1))
    for day in range(3):
        fill(journal, 1500)  # more than is dropped at a time
        save(journal, journal.head, 2 * day * DAY_NS)
    end = time.monotonic() + 20
    while journal._store.base().sequence < 3000:
        assert time.monotonic() < end
        time.sleep(0.01)
    fill(journal, 5)
    journal.close()
    journal = Journal.open(url)
    assert whole(journal, after=3000) == fill(journal, 5) - 5 == 4505
    with pytest.raises(JournalDamaged, match="the first one kept follows 3000"):
        list(journal.read())
    journal.close()
    change(url, "DELETE FROM journal_records WHERE sequence = 3001")
    with pytest.raises(JournalDamaged, match="expected record 3001"):
        Journal.open(url)


def test_figures(url: str) -> None:
    journal = Journal.open(url)
    fill(journal, 1000)
    info = journal.info()
    assert (info["head"], info["appended"], info["backlog"], info["failure"]) == (1000, 1000, 0, None)
    assert info["commits"] >= 1
    assert info["fsyncs"] >= info["commits"]
    assert 0 < info["commit_ms"] < 5000
    asyncio.run(journal.resume())  # nothing has failed: nothing to do
    journal.close()


def blob(sequence: int) -> bytes:
    return payload(sequence) + bytes(100_000)


def save(journal: Journal, sequence: int, ns: int | None = None) -> None:
    at = sequence * 10 if ns is None else ns
    assert journal.save_snapshot(sequence, at, blob(sequence), {"round": sequence})
    end = time.monotonic() + 20
    while (
        journal._writer.snapshot_waits
        or (found := journal.latest_snapshot()) is None
        or found.sequence < sequence
    ):
        assert time.monotonic() < end
        time.sleep(0.01)
