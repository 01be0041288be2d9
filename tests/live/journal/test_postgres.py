"""A server that is stopped, killed, restarted, fails over or runs out of room under a running engine."""

from __future__ import annotations

import asyncio
import errno
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from live.journal import Journal
from tests.live.conftest import fresh_schema
from tests.live.journal.postgres_server import PostgresServer, wait_for
from tests.live.journal.proxy import Proxy
from tests.live.journal.use import change, fill, payload, wait_durable, wait_failure, whole
from workbench.errors import JournalDamaged, JournalError, JournalFailed


@pytest.fixture(scope="module")
def victim() -> Iterator[PostgresServer]:
    """A server that may be hurt."""
    running = PostgresServer()
    yield running
    running.remove()


@pytest.fixture
def place(victim: PostgresServer) -> str:
    return fresh_schema(victim)


def take(journal: Journal, count: int) -> None:
    """Append without waiting, as `fill` would."""
    for _ in range(count):
        sequence = journal.appended + 1
        kind = "block" if sequence % 3 else "command"
        journal.append(kind, sequence * 10, payload(sequence), sequence % 5)


def resume(journal: Journal) -> None:
    asyncio.run(asyncio.wait_for(journal.resume(), 30))


def leave_nothing_behind(journal: Journal, place: str) -> None:
    """All that was taken is durable once, and a new engine finds the same."""
    wait_durable(journal)
    newest = fill(journal, 3)
    journal.close()
    journal = Journal.open(place)
    assert whole(journal) == newest
    journal.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_stops_halts_the_engine_and_a_person_resumes(
    victim: PostgresServer, place: str, how: signal.Signals
) -> None:
    journal = Journal.open(place)
    fill(journal, 100)
    victim.stop(how)
    failure = wait_failure(journal, 5.0)  # without anything to write
    assert (failure.cause, failure.final) == ("gone", False)
    with pytest.raises(JournalFailed, match="once the server is back, have the journal resumed"):
        journal.append("block", 0, b"")
    with pytest.raises(JournalFailed):
        resume(journal)
    victim.start()
    resume(journal)
    assert journal.failure is None
    leave_nothing_behind(journal, place)


def test_a_server_killed_under_load_keeps_what_it_promised(victim: PostgresServer, place: str) -> None:
    journal = Journal.open(place, commit_interval_ms=0.0)
    for _ in range(3):
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.15; kill -QUIT {victim.pid}"])
        while journal.failure is None:
            if journal.backlog < 200:
                try:
                    take(journal, 5)
                except JournalFailed:
                    break
            else:
                time.sleep(0.001)
        killer.wait()
        durable = journal.head
        victim.stop(signal.SIGQUIT)
        victim.start()
        reader = Journal.open(place, read_only=True)
        assert reader.head >= durable
        reader.close()
        resume(journal)
        wait_durable(journal)
        assert whole(journal) == journal.appended
    leave_nothing_behind(journal, place)


def end_connection(server: PostgresServer) -> None:
    """Of the only engine that has a journal in this server."""
    rows = server.ask("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted")
    assert len(rows) == 1
    server.ask(f"SELECT pg_terminate_backend({rows[0][0]})")


def test_losing_the_connection_is_losing_the_lock(victim: PostgresServer, place: str) -> None:
    journal = Journal.open(place)
    fill(journal, 10)
    end_connection(victim)
    assert wait_failure(journal, 5.0).cause == "gone"
    # Nobody has taken it meanwhile.
    resume(journal)
    fill(journal, 10)
    # Now somebody does.
    end_connection(victim)
    wait_failure(journal, 5.0)
    other = Journal.open(place)
    with pytest.raises(JournalFailed, match="in use by") as caught:
        resume(journal)
    assert not caught.value.final
    assert fill(other, 1) == 21
    other.close()
    with pytest.raises(JournalFailed, match="another engine has written since") as caught:
        resume(journal)
    assert (caught.value.cause, caught.value.final) == ("foreign", True)
    with pytest.raises(JournalFailed, match="another engine"):
        journal.append("block", 0, b"")
    journal.close()
    journal = Journal.open(place)
    assert whole(journal) == 21
    journal.close()


def test_an_answer_that_never_came_is_not_written_twice(victim: PostgresServer, place: str) -> None:
    """The commit happens, and the connection ends before the engine hears of it."""
    proxy = Proxy(victim.folder)
    journal = Journal.open(place.replace(str(victim.folder), str(proxy.folder)))
    fill(journal, 10)
    proxy.armed.set()
    take(journal, 5)
    newest = Journal.open(place, read_only=True)
    wait_for(lambda: newest.head > 10, "the commit to happen")
    take(journal, 5)  # these are not even sent
    proxy.drop()
    assert wait_failure(journal, 5.0).cause == "gone"
    assert journal.head == 10
    resume(journal)
    wait_durable(journal)
    assert whole(newest) == 20
    newest.close()
    journal.close()
    proxy.close()


def test_a_fail_over_to_read_only_halts(victim: PostgresServer, place: str) -> None:
    journal = Journal.open(place)
    fill(journal, 10)
    victim.configure("default_transaction_read_only", "on")
    try:
        failure = wait_failure(journal, 5.0)
        assert (failure.cause, failure.final) == ("gone", False)
        assert "the server has become read-only" in str(failure)
        with pytest.raises(JournalFailed, match="has become read-only"):
            resume(journal)
        with pytest.raises(JournalError, match="read-only"):
            Journal.open(fresh_schema(victim))
    finally:
        victim.configure("default_transaction_read_only", None)
    resume(journal)
    leave_nothing_behind(journal, place)


def test_a_write_to_a_read_only_server_is_told_as_one(victim: PostgresServer, place: str) -> None:
    journal = Journal.open(place, commit_interval_ms=0.0)
    fill(journal, 10)
    victim.configure("default_transaction_read_only", "on")
    try:
        while journal.failure is None:
            time.sleep(0.001)
            try:
                take(journal, 1)
            except JournalFailed:
                break
        assert "the server has become read-only" in str(journal.failure)
    finally:
        victim.configure("default_transaction_read_only", None)
    resume(journal)
    leave_nothing_behind(journal, place)


def test_a_server_without_room_halts_and_a_person_resumes(victim: PostgresServer) -> None:
    if victim.user is None:
        pytest.skip("needs root that may mount: mount -t tmpfs")
    owner = pwd.getpwnam(victim.user)
    folder = Path(tempfile.mkdtemp(prefix="journal-small-"))
    options = f"size=2m,uid={owner.pw_uid},gid={owner.pw_gid},mode=700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs root that may mount: mount -t tmpfs ({mounted.stderr.decode().strip()})")
    try:
        victim.ask(f"CREATE TABLESPACE small LOCATION '{folder}'")
        place = fresh_schema(victim)
        schema = place.rpartition("%3D")[2]
        place += "%20-cdefault_tablespace%3Dsmall"
        journal = Journal.open(place)
        while journal.failure is None:
            try:
                take(journal, 100)
                wait_durable(journal)
            except JournalFailed:
                break
        failure = wait_failure(journal)
        assert (failure.cause, failure.final) == ("full", False)
        assert 0 < journal.head < journal.appended
        subprocess.run(["mount", "-o", "remount,size=16m", folder], check=True)
        resume(journal)
        leave_nothing_behind(journal, place)
        victim.ask(f"DROP SCHEMA {schema} CASCADE")
        victim.ask("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def test_a_server_that_would_lose_commits_is_refused(victim: PostgresServer, place: str) -> None:
    victim.configure("fsync", "off")
    try:
        with pytest.raises(JournalError, match="survives a power cut, found fsync off"):
            Journal.open(place)
    finally:
        victim.configure("fsync", None)
    Journal.open(place).close()


def test_the_password_is_told_to_nobody(place: str) -> None:
    journal = Journal.open(place.replace("journal@", "journal:secret@"))
    assert "secret" not in str(journal.info())
    with pytest.raises(JournalError) as caught:
        Journal.open(place.replace("journal@", "journal:secret@"))
    assert "secret" not in str(caught.value)
    journal.close()


def newest_gone(place: str, count: int) -> None:
    """As after a fail-over to a server that had not heard of everything."""
    newest = "(SELECT max(sequence) FROM journal_records)"
    change(place, f"DELETE FROM journal_records WHERE sequence > {newest} - {count}")


def test_an_end_that_is_lost_after_an_orderly_end_is_told(place: str) -> None:
    journal = Journal.open(place)
    fill(journal, 20)
    journal.close()
    journal = Journal.open(place)
    assert journal.warnings == ()  # all is there
    journal.close()
    newest_gone(place, 5)
    journal = Journal.open(place)
    (told,) = journal.warnings
    assert "records up to 20 were durable, found them up to 15 only: the end of the journal is lost" in told
    assert fill(journal, 1) == 16
    journal.close()
    change(place, "UPDATE journal_ends SET crc = crc + 1")
    with pytest.raises(JournalDamaged, match="record 16, with which an engine has ended, is another one now"):
        Journal.open(place)
    change(place, "UPDATE journal_ends SET crc = crc - 1", "DELETE FROM journal_records")
    with pytest.raises(JournalDamaged, match="records up to 16 were durable, found them up to 0 only"):
        Journal.open(place)


def test_a_full_disk_under_the_mark_is_got_over(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has the records; what they are noted in, on the engine's machine, has no room."""
    journal = Journal.open(place, mark=tmp_path / "journal.mark")
    fill(journal, 5)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("live.journal.mark.os.pwrite", full)
        take(journal, 3)
        failure = wait_failure(journal)
        assert (failure.cause, failure.final) == ("full", False)
        assert "journal.mark: cannot be written: No space left on device; make room" in str(failure)
    resume(journal)
    leave_nothing_behind(journal, place)


def crash(victim: PostgresServer, journal: Journal) -> None:
    """An engine that does not come to its orderly end."""
    end_connection(victim)
    wait_failure(journal, 5.0)
    journal.close()


def test_an_end_that_is_lost_after_a_crash_is_told_by_the_mark(
    victim: PostgresServer, place: str, tmp_path: Path
) -> None:
    mark = tmp_path / "data" / "journal.mark"
    journal = Journal.open(place, mark=mark)
    fill(journal, 20)
    crash(victim, journal)
    journal = Journal.open(place, mark=mark)
    assert journal.warnings == ()
    crash(victim, journal)
    newest_gone(place, 5)
    journal = Journal.open(place)  # nobody else knows
    assert journal.warnings == ()
    crash(victim, journal)
    journal = Journal.open(place, mark=mark)
    (told,) = journal.warnings
    assert "records up to 20 were durable, found them up to 15 only: the end of the journal is lost" in told
    fill(journal, 1)
    crash(victim, journal)
    change(place, "DELETE FROM journal_records")
    with pytest.raises(JournalDamaged, match=f"restore the journal, or remove {mark} to begin a new one"):
        Journal.open(place, mark=mark)
    other = fresh_schema(victim)
    journal = Journal.open(other, mark=mark)  # it is of another journal
    assert (journal.warnings, fill(journal, 2)) == ((), 2)
    journal.close()
