"""What is dropped from a journal that runs for months, and what never is."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from live.journal import Journal, Retention
from live.journal.retention import kept_snapshots
from tests.live.journal.use import change, fill, whole
from tests.waiting import until
from workbench.errors import JournalDamaged

HOUR = 3_600 * 10**9
DAY = 24 * HOUR
META = {"setup": "a desk"}
KEEP = Retention(snapshots=2, days=2, needs=("setup",))


def save(journal: Journal, ns: int, meta: dict[str, str] = META) -> int:
    """Write 400 records and a snapshot after the last of them; its sequence."""
    sequence = fill(journal, 400)
    assert journal.save_snapshot(sequence, ns, b"state", meta)
    until(lambda: not journal._writer.snapshot_waits and sequence in listed(journal))
    return sequence


def listed(journal: Journal) -> list[int]:
    return [sequence for sequence, _ in journal._store.snapshots_listed()]


def settled(journal: Journal) -> int:
    """Up to where records are dropped once nothing more is."""
    writer = journal._writer
    until(lambda: not writer.snapshot_waits and writer._prune_upto == 0)
    return journal.pruned


@pytest.mark.parametrize(
    ("hours", "kept"),
    [
        ([1], [1]),
        ([1, 2, 3], [2, 3]),  # the newest two
        ([1, 2, 25, 26, 49, 50], [2, 26, 49, 50]),  # and the last of each day
        ([1, 25, 49, 73, 97], [25, 49, 73, 97]),  # days 2 to 4 are kept, and the last state before them
        ([1, 25, 200], [25, 200]),
        ([200, 1, 2], [1, 2, 200]),  # a clock that was set back: its days count
    ],
)
def test_the_newest_snapshots_stay_and_the_last_of_each_day_and_the_last_before(
    hours: list[int], kept: list[int]
) -> None:
    found = [(number, hour * HOUR) for number, hour in enumerate(hours)][::-1]
    stays = kept_snapshots(found, KEEP)
    assert sorted(hours[number] for number in stays) == kept
    assert kept_snapshots(found, Retention(snapshots=2)) == {number for number, _ in found[:2]}


def test_whole_days_are_kept_and_what_is_left_begins_with_a_state(url: str) -> None:
    journal = Journal.open(url, retain=KEEP)
    ends = [save(journal, day * DAY + HOUR) for day in range(2)]
    assert settled(journal) == 0  # day 0 is among the two days before
    ends += [save(journal, day * DAY + HOUR) for day in (2, 3)]
    assert settled(journal) == ends[0]  # on day 3 the days 1 and 2 stay
    ends += [save(journal, 3 * DAY + hour * HOUR) for hour in (2, 3, 23)]
    assert settled(journal) == ends[0]  # the day is not over
    ends.append(save(journal, 4 * DAY))
    assert settled(journal) == ends[1]
    begins = journal.first_snapshot()
    assert begins is not None
    assert (begins.sequence, begins.meta) == (ends[1], META)
    journal.close()
    journal = Journal.open(url)  # keeps all from now on
    assert whole(journal, after=ends[1]) == ends[-1]
    save(journal, 40 * DAY)
    assert settled(journal) == ends[1]
    journal.close()


@pytest.mark.parametrize("trouble", ["the base is damaged", "no setup", "none is sound but the base"])
def test_records_stay_where_no_other_sound_snapshot_stands_for_them(url: str, trouble: str) -> None:
    journal = Journal.open(url, retain=KEEP)
    first = save(journal, HOUR, {} if trouble == "no setup" else META)
    if trouble == "none is sound but the base":
        second = fill(journal, 400)
        assert journal.save_snapshot(second, 3 * DAY, b"state", {"other": "meta"})
    else:
        if trouble == "the base is damaged":
            journal.close()
            change(url, f"UPDATE journal_snapshots SET crc = crc + 1 WHERE sequence = {first}")
            journal = Journal.open(url, retain=KEEP)
        second = save(journal, 3 * DAY)
    until(lambda: not journal._writer.snapshot_waits and second in listed(journal))
    assert settled(journal) == 0
    assert whole(journal) == second
    third = save(journal, 3 * DAY + HOUR)
    assert settled(journal) == (first if trouble == "none is sound but the base" else 0)
    assert whole(journal, after=journal.pruned) == third
    journal.close()


def test_without_any_sound_snapshot_a_pruned_journal_says_what_is_missing(url: str) -> None:
    journal = Journal.open(url, retain=KEEP)
    first = save(journal, HOUR)
    save(journal, 5 * DAY)
    assert settled(journal) == first
    with pytest.raises(JournalDamaged, match=f"the first one kept follows {first}"):
        list(journal.read())
    journal.close()
    change(url, "UPDATE journal_snapshots SET crc = crc + 1")
    journal = Journal.open(url)
    assert journal.first_snapshot() is None
    journal.close()


@pytest.mark.parametrize("moment", ["before", "inside", "after"])
def test_killed_in_the_middle_of_dropping(url: str, moment: str) -> None:
    """At the second of three transactions of a thousand records: each happens wholly or not at all."""
    command = [sys.executable, "-m", "tests.live.journal.pruner", url, moment]
    child = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert child.returncode == -signal.SIGKILL, child.stderr
    journal = Journal.open(url, retain=KEEP)
    assert journal.pruned == (2000 if moment == "after" else 1000)
    assert journal.warnings == ()
    head = whole(journal, after=journal.pruned)
    begins = journal.first_snapshot()
    assert begins is not None
    assert begins.sequence == 2500
    assert save(journal, 10 * DAY + HOUR) == head + 400
    assert settled(journal) == 2500  # the next snapshot goes on with it
    journal.close()
