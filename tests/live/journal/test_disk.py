"""Disks that are full, that fail, or that may not be written."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from live.journal import Journal
from tests.live.journal.use import fill, payload, wait_failure, whole
from workbench.errors import JournalError, JournalFailed

MEGABYTE = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount(folder, "-t", "tmpfs", "-o", "size=2m", "tmpfs")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def mount(folder: Path, *how: str) -> None:
    done = subprocess.run(["mount", *how, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs root that may mount: mount {' '.join(how)} ({done.stderr.strip()})")


def append_until_full(journal: Journal) -> int:
    """Append blocks of 10 kB until it fails; the newest sequence that was taken."""
    while journal.failure is None:
        try:
            journal.append("block", 0, bytes(10_000), 0)
        except JournalFailed:
            break
        if journal.backlog > 20:
            try:
                asyncio.run(journal.wait(journal.appended - 10))
            except JournalFailed:
                break
    return journal.appended


def test_a_full_disk_halts_and_a_person_resumes(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk}/journal.db"
    journal = Journal.open(url)
    taken = append_until_full(journal)
    failure = wait_failure(journal)
    assert (failure.cause, failure.final) == ("full", False)
    assert "make room, then have the journal resumed" in str(failure)
    durable = journal.head
    assert 0 < durable < taken
    with pytest.raises(JournalFailed, match="make room"):
        journal.append("block", 0, b"")
    with pytest.raises(JournalFailed, match="make room"):
        asyncio.run(journal.wait(taken))
    reader = Journal.open(url, read_only=True)
    assert [record.sequence for record in reader.read()] == list(range(1, durable + 1))
    reader.close()
    # There is no room yet, so it fails again; then there is.
    asyncio.run(journal.resume())
    wait_failure(journal)
    assert journal.head < taken
    mount(small_disk, "-o", "remount,size=8m")
    asyncio.run(journal.resume())
    asyncio.run(journal.wait(taken))
    assert journal.failure is None
    assert journal.append("block", 0, b"on") == taken + 1
    journal.close()
    journal = Journal.open(url)
    assert [record.sequence for record in journal.read()] == list(range(1, taken + 2))
    assert journal.warnings == ()
    journal.close()


def test_an_engine_that_died_on_a_full_disk_starts_with_what_was_durable(small_disk: Path) -> None:
    journal = Journal.open(f"sqlite:///{small_disk}/journal.db")
    append_until_full(journal)
    wait_failure(journal)
    durable = journal.head
    journal.close()
    mount(small_disk, "-o", "remount,size=8m")
    journal = Journal.open(f"sqlite:///{small_disk}/journal.db")
    assert durable <= len(list(journal.read())) <= durable + 21
    journal.close()


SYNC = "fdatasync,fsync"


def run_on_failing_disk(folder: Path, when: int) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """A process that writes; in each of its threads sync number `when` fails.  What it said, and its calls to sync."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("no strace here: apt-get install -y strace")
    log = folder / "calls"
    inject = [
        "-f",
        "-qq",
        "-o",
        str(log),
        "-e",
        f"trace={SYNC}",
        "-e",
        f"inject={SYNC}:error=EIO:when={when}",
    ]
    url = f"sqlite:///{folder}/journal.db"
    command = [strace, *inject, sys.executable, "-m", "tests.live.journal.trader", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done, log.read_text().splitlines()


@pytest.mark.parametrize("when", [8, 40])
def test_a_failed_sync_is_final_and_never_tried_again(tmp_path: Path, when: int) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    Journal.open(url).close()
    done, calls = run_on_failing_disk(tmp_path, when)
    assert done.returncode == 0, done.stderr
    *_, last, closed = done.stdout.splitlines()
    assert closed == "closed"
    told = re.fullmatch(r"failed io True (\d+)", last)
    assert told is not None, done.stdout
    assert "EIO" in calls[-1], "the disk was asked again after it had failed"
    journal = Journal.open(url)
    assert whole(journal) >= int(told[1])
    journal.close()


@pytest.mark.parametrize(
    "when", [1, 3]
)  # the log, the file; the second is the folder's, of which SQLite says nothing
def test_a_sync_that_fails_while_it_is_opened_stops_the_start(tmp_path: Path, when: int) -> None:
    journal = Journal.open(f"sqlite:///{tmp_path}/original.db")
    fill(journal, 10)
    for ending in (
        "",
        "-wal",
        ".lock",
    ):  # as a crash leaves them: the log is carried into the file at the start
        shutil.copy(tmp_path / f"original.db{ending}", tmp_path / f"journal.db{ending}")
    journal.close()
    done, calls = run_on_failing_disk(tmp_path, when)
    assert done.returncode == 1
    assert re.search(r"JournalFailed|JournalError", done.stderr.strip().splitlines()[-1])
    assert re.search(r"I/O error|Input/output error", done.stderr.strip().splitlines()[-1])
    assert "durable" not in done.stdout
    assert "EIO" in calls[-1]
    journal = Journal.open(f"sqlite:///{tmp_path}/journal.db")
    assert whole(journal) == 10
    journal.close()


@pytest.mark.parametrize("what", ["journal.db", "journal.db-wal", "journal.db.lock"])
def test_a_file_that_is_taken_away_ends_it(tmp_path: Path, what: str) -> None:
    journal = Journal.open(f"sqlite:///{tmp_path}/journal.db")
    fill(journal, 5)
    (tmp_path / what).rename(tmp_path / "elsewhere")
    failure = wait_failure(journal)  # it looks once a second, without being asked to write
    assert (failure.cause, failure.final) == ("gone", True)
    with pytest.raises(JournalFailed, match="removed or replaced while in use"):
        journal.append("block", 0, b"")
    with pytest.raises(JournalFailed, match="removed or replaced"):
        asyncio.run(journal.resume())
    journal.close()


def as_nobody(statement: str) -> str:
    """Last line of what a user says who owns nothing."""
    if os.getuid() != 0:
        done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=False)
        return done.stderr.strip().rpartition("\n")[2]
    program = f"import os; os.setgroups([]); os.setgid(65534); os.setuid(65534); {statement}"
    with_imports = f"import live.journal, live.journal.sqlite, sqlalchemy.dialects.sqlite; {program}"
    done = subprocess.run([sys.executable, "-c", with_imports], capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2]


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Not below pytest's own folder, into which nobody else may look."""
    with tempfile.TemporaryDirectory(prefix="journal-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_journal_that_may_only_be_read(public_folder: Path) -> None:
    url = f"sqlite:///{public_folder}/journal.db"
    journal = Journal.open(url)
    fill(journal, 5)
    journal.close()
    public_folder.chmod(0o555)
    for file in public_folder.iterdir():
        file.chmod(0o444)
    told = as_nobody(f"live.journal.Journal.open({url!r})")
    assert told.startswith("workbench.errors.JournalError: ")
    assert "journal.db.lock: expected a file that can be written, found Permission denied" in told
    assert (
        as_nobody(f"assert len(list(live.journal.Journal.open({url!r}, read_only=True).read())) == 5") == ""
    )
    (public_folder / "journal.db.lock").chmod(0o666)
    told = as_nobody(f"live.journal.Journal.open({url!r})")
    assert told.startswith("workbench.errors.JournalError: ")
    assert "check that the file and its folder can be written" in told
    public_folder.chmod(0o755)


def test_what_is_no_place_for_a_journal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "other.db").write_text("not a database, but longer than the head of one would be" * 20)
    for url, told in [
        (f"sqlite:///{tmp_path}", "expected a file for the journal, found a folder"),
        (f"sqlite:///{tmp_path}/file/journal.db", "expected a folder for the journal"),
        (f"sqlite:///{tmp_path}/other.db", "the file is damaged, or no journal"),
        ("sqlite://", "found a database in memory"),
        ("mysql://host/journal", "expected sqlite:/// or postgresql"),
        ("nonsense", "expected sqlite:///path or postgresql"),
        (
            f"postgresql+psycopg://nobody@/x?host={tmp_path}",
            "check that the server runs and the url is right",
        ),
    ]:
        with pytest.raises(JournalError, match=told) as caught:
            Journal.open(url)
        assert "\n" not in str(caught.value)
    with pytest.raises(JournalError, match="found no such file"):
        Journal.open(f"sqlite:///{tmp_path}/none.db", read_only=True)
    assert not (tmp_path / "none.db").exists()
    assert len(payload(1)) < MEGABYTE
