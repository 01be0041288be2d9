"""Files that were cut short, or in which a bit has flipped: what is read is what was written, or nothing is."""

from __future__ import annotations

import logging
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from live.journal import Journal
from tests.live.journal.use import fill, payload, wait_durable, whole
from workbench.errors import JournalDamaged, JournalError


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a journal of 400 records as a clean end leaves it, and with a log of 40 commits as a crash does."""
    folder = tmp_path_factory.mktemp("kept")
    journal = Journal.open(f"sqlite:///{folder}/clean.db")
    fill(journal, 400)
    journal.save_snapshot(200, 0, payload(7) * 50, {})
    journal.close()
    journal = Journal.open(f"sqlite:///{folder}/working.db", commit_interval_ms=0.0)
    fill(journal, 300)
    journal.close()
    journal = Journal.open(f"sqlite:///{folder}/working.db", commit_interval_ms=0.0)
    for _ in range(40):
        fill(journal, 1)
    for name in ("crashed.db", "crashed.db-wal", "crashed.db.lock"):
        shutil.copy(folder / name.replace("crashed", "working"), folder / name)
    journal.close()
    return folder


def copy_of(kept: Path, name: str, to: Path) -> Path:
    """The journal `name` copied into the folder `to`, in place of what was there."""
    for file in to.iterdir():
        file.unlink()
    for file in kept.glob(f"{name}*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, to / file.name)
    return to / name


def flip(file: Path, place: float, bit: int) -> None:
    with file.open("r+b") as stream:
        at = min(int(place * file.stat().st_size), file.stat().st_size - 1)
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 1 << bit]))


def cut(file: Path, size: int) -> None:
    with file.open("r+b") as stream:
        stream.truncate(size)


def opened(file: Path) -> tuple[int, tuple[str, ...]] | JournalError:
    """Newest record, each one compared, and the warnings; or why it was refused."""
    try:
        journal = Journal.open(f"sqlite:///{file}")
    except JournalError as error:
        return error
    try:
        return whole(journal), journal.warnings
    finally:
        journal.close()


anywhere = st.floats(0.0, 1.0, exclude_max=True)
shared_folder = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@shared_folder
@given(place=anywhere, bit=st.integers(0, 7))
def test_a_bit_flipped_in_the_file_is_found_or_changes_nothing(
    kept: Path, tmp_path: Path, place: float, bit: int
) -> None:
    file = copy_of(kept, "clean.db", tmp_path)
    flip(file, place, bit)
    match opened(file):
        case JournalError() as error:
            assert "\n" not in str(error)
        case newest, _:
            assert newest == 400


@shared_folder
@given(place=anywhere, bit=st.integers(0, 7))
def test_a_bit_flipped_in_the_log_is_found_or_costs_its_last_commit(
    kept: Path, tmp_path: Path, place: float, bit: int
) -> None:
    file = copy_of(kept, "crashed.db", tmp_path)
    flip(Path(f"{file}-wal"), place, bit)
    match opened(file):
        case JournalError() as error:
            assert "\n" not in str(error)
        case 340, _:
            pass
        case 339, warnings:
            assert any("records up to 340 were durable" in line for line in warnings)
        case found:
            pytest.fail(f"found {found}")


def test_a_bit_flipped_in_a_record_names_it(kept: Path, tmp_path: Path) -> None:
    file = copy_of(kept, "clean.db", tmp_path)
    content = file.read_bytes()
    place = content.index(payload(217))
    flip(file, (place + 5) / len(content), 3)
    with pytest.raises(JournalDamaged, match="record 217 is not what was written"):
        Journal.open(f"sqlite:///{file}")


def test_a_bit_flipped_in_the_log_names_the_last_sound_record(kept: Path, tmp_path: Path) -> None:
    file = copy_of(kept, "crashed.db", tmp_path)
    log = Path(f"{file}-wal")
    content = log.read_bytes()
    flip(log, (content.index(payload(320)) + 5) / len(content), 3)
    for _ in range(2):  # refusing leaves it as it is
        with pytest.raises(JournalDamaged, match="the last sound record is 319"):
            Journal.open(f"sqlite:///{file}")


def test_a_log_whose_head_is_damaged_is_refused(kept: Path, tmp_path: Path) -> None:
    file = copy_of(kept, "crashed.db", tmp_path)
    flip(Path(f"{file}-wal"), 0.0, 3)
    with pytest.raises(
        JournalDamaged,
        match=r"the log's head is damaged, with all records after \d+ in it \(durable were 340\)",
    ):
        Journal.open(f"sqlite:///{file}")


@pytest.mark.parametrize("bytes_off", [1, 100, 4000, 4121, 30_000])
def test_a_log_that_was_cut_opens_to_its_sound_part_loudly(
    kept: Path, tmp_path: Path, bytes_off: int, caplog: pytest.LogCaptureFixture
) -> None:
    file = copy_of(kept, "crashed.db", tmp_path)
    log = Path(f"{file}-wal")
    cut(log, log.stat().st_size - bytes_off)
    with caplog.at_level(logging.CRITICAL):
        found = opened(file)
    assert not isinstance(found, JournalError)
    newest, warnings = found
    assert 300 <= newest < 340
    assert f"records up to 340 were durable, found them up to {newest} only" in caplog.text
    assert warnings
    journal = Journal.open(f"sqlite:///{file}")
    assert journal.warnings == ()  # it was told once
    assert fill(journal, 10) == whole(journal) == newest + 10
    journal.close()


def test_a_log_that_is_gone_is_told(kept: Path, tmp_path: Path) -> None:
    file = copy_of(kept, "crashed.db", tmp_path)
    Path(f"{file}-wal").unlink()
    found = opened(file)
    assert not isinstance(found, JournalError)
    assert "records up to 340 were durable" in found[1][0]


@pytest.mark.parametrize("part", [0.999, 0.9, 0.6])
def test_a_file_that_was_cut_opens_to_its_sound_part_loudly(
    kept: Path, tmp_path: Path, part: float, caplog: pytest.LogCaptureFixture
) -> None:
    file = copy_of(kept, "clean.db", tmp_path)
    before = file.read_bytes()
    size = int(len(before) * part)
    cut(file, size)
    with caplog.at_level(logging.CRITICAL):
        found = opened(file)
    assert not isinstance(found, JournalError)
    newest, warnings = found
    assert 400 * part * 0.7 - 30 < newest <= 400
    assert f"the file was cut short; records up to {newest} are kept" in warnings[0]
    assert warnings[0] in caplog.text
    (aside,) = tmp_path.glob("clean.db.damaged-*")
    assert aside.read_bytes() == before[:size]
    journal = Journal.open(f"sqlite:///{file}")
    assert fill(journal, 10) == whole(journal) == newest + 10
    journal.close()


@pytest.mark.parametrize("size", [0, 50, 100, 3000])
def test_a_file_of_which_nothing_is_left_is_refused(kept: Path, tmp_path: Path, size: int) -> None:
    file = copy_of(kept, "clean.db", tmp_path)
    cut(file, size)
    assert isinstance(opened(file), JournalError)
    assert file.stat().st_size >= size
    assert isinstance(opened(file), JournalError)


@settings(shared_folder, max_examples=40)
@given(part=st.floats(0.0, 1.0))
def test_wherever_a_file_is_cut_no_record_is_changed(kept: Path, tmp_path: Path, part: float) -> None:
    file = copy_of(kept, "clean.db", tmp_path)
    cut(file, int(file.stat().st_size * part))
    opened(file)


def test_without_checksums_a_flip_would_be_read_as_a_record(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests above can fail: this is what they would see."""
    file = copy_of(kept, "clean.db", tmp_path)
    content = file.read_bytes()
    flip(file, (content.index(payload(217)) + 5) / len(content), 3)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    monkeypatch.setattr("live.journal.verify._checked", lambda _shown, row, _sequence, _previous: row[5])
    with pytest.raises(AssertionError):
        opened(file)


def test_random_appends_and_crashes_leave_no_damage(tmp_path: Path) -> None:
    """Copies of the files at any moment, as a crash of the whole machine would leave them at best."""
    moments = random.Random(3)
    file = tmp_path / "journal.db"
    journal = Journal.open(f"sqlite:///{file}", commit_interval_ms=0.0)
    for at in range(15):
        for _ in range(moments.randrange(1, 60)):
            sequence = journal.appended + 1
            kind = "block" if sequence % 3 else "command"
            journal.append(kind, sequence * 10, payload(sequence), sequence % 5)
        wait_durable(journal)
        folder = tmp_path / str(at)
        folder.mkdir()
        for copied in ("journal.db", "journal.db-wal", "journal.db.lock"):
            shutil.copy(tmp_path / copied, folder / copied)
        assert opened(folder / "journal.db") == (journal.head, ())
    journal.close()
