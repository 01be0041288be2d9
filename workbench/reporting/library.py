"""Where finished reports are kept: one folder a run, which appears whole or not at all.

`OUTPUT/NAME/ID/` has report.html, report.pdf (where Chromium is there), executed.ipynb and run.json; OUTPUT/index.html
and index.json list them.  Runs under way are in OUTPUT/.working, which nobody looks at.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from workbench.errors import ReportError

__all__ = ["DONE", "FAILED", "BeingRun", "Delivered", "Library", "Run", "Totals", "new_id"]

DONE: Final = "done"
FAILED: Final = "failed"
_RECORD: Final = "run.json"
_TOTALS: Final = "totals.json"


class BeingRun(ReportError):
    """Somebody else runs what is asked for."""


class Delivered(msgspec.Struct, frozen=True):
    """error: "" where it arrived."""

    name: str
    error: str = ""


class Run(msgspec.Struct, frozen=True):
    """One run of a report.

    name: of the job, or of the report where it was run by hand.  started: UTC, ISO 8601.  due: when the schedule wanted
    it, "" by hand.  seconds: all attempts together.  cell: number of the cell that failed, from 1, 0 where none did.
    """

    id: str
    name: str
    report: str
    outcome: str
    started: str
    seconds: float
    parameters: dict[str, Any] = {}
    attempts: int = 1
    due: str = ""
    cell: int = 0
    source: str = ""
    error: str = ""
    pdf: bool = False
    deliveries: tuple[Delivered, ...] = ()

    @property
    def place(self) -> str:
        """Its folder, from the library's."""
        return f"{self.name}/{self.id}"


class Totals(msgspec.Struct):
    """Counted since the library began, whatever was removed since.

    last_success, last_due: seconds since 1970, 0 for never.
    """

    runs: int = 0
    failures: int = 0
    last_success: float = 0.0
    last_seconds: float = 0.0
    last_due: float = 0.0


class Library:
    """The reports in one folder; several processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._working, self._locks = folder / ".working", folder / ".locks"

    def make(self) -> None:
        """Make the folder.  Raises ReportError where that may not be."""
        try:
            for path in (self.folder, self._working, self._locks):
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReportError(
                f"expected a folder for reports, found that {self.folder} cannot be made: {error.strerror}"
            ) from error

    @contextlib.contextmanager
    def only(self, name: str) -> Iterator[None]:
        """While this lasts, nobody else has `name`.  Raises BeingRun where somebody has it."""
        with (self._locks / f"{name}.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BeingRun(
                    f"{name} is being run already; wait until it has ended, or end process {_holder(file)}"
                ) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    @contextlib.contextmanager
    def working(self) -> Iterator[Path]:
        """A folder to work in, gone afterwards unless it was published."""
        path = Path(tempfile.mkdtemp(dir=self._working))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def clear_working(self) -> None:
        """Remove what interrupted runs have left; only for who has the library alone."""
        for path in self._working.glob("*"):
            shutil.rmtree(path, ignore_errors=True)

    def publish(self, run: Run, made: Path) -> Path:
        """Have a run's folder appear; where it is.  Everything is on the disk before its name is."""
        _write(made / _RECORD, msgspec.json.format(msgspec.json.encode(run), indent=1))
        for path in made.iterdir():
            _sync(path)
        _sync(made)
        target = self.folder / run.place
        target.parent.mkdir(exist_ok=True)
        made.chmod(0o755)
        made.rename(target)
        _sync(target.parent)
        self._count(run)
        return target

    def amend(self, run: Run) -> None:
        """Put a published run's record anew, with how its deliveries went."""
        _write(self.folder / run.place / _RECORD, msgspec.json.format(msgspec.json.encode(run), indent=1))

    def runs(self) -> list[Run]:
        """All runs that are kept, newest first; one whose record makes no sense has failed, and says so."""
        found = []
        for path in self.folder.glob(f"*/*/{_RECORD}"):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Run))
            except FileNotFoundError:
                continue  # it was removed meanwhile
            except msgspec.MsgspecError as error:
                found.append(_damaged(path, error))
        return sorted(found, key=lambda run: (run.started, run.id), reverse=True)

    def prune(self, days: int, now: datetime | None = None) -> list[Run]:
        """Remove runs older than `days`, but for the newest good one of each name; those that were removed."""
        oldest = (now or datetime.now(UTC)) - timedelta(days=days)
        kept: set[str] = set()
        removed = []
        for run in self.runs():
            newest = run.outcome == DONE and run.name not in kept
            if run.outcome == DONE:
                kept.add(run.name)
            if not newest and datetime.fromisoformat(run.started) < oldest:
                shutil.rmtree(self.folder / run.place, ignore_errors=True)
                removed.append(run)
        return removed

    def totals(self) -> dict[str, Totals]:
        """Counts of each name."""
        try:
            return msgspec.json.decode((self.folder / _TOTALS).read_bytes(), type=dict[str, Totals])
        except FileNotFoundError:
            return {}
        except msgspec.MsgspecError as error:
            path = self.folder / _TOTALS
            raise ReportError(f"{path}: expected counts of reports, found {error}; remove it") from error

    def note_due(self, name: str, due: datetime) -> None:
        """The schedule has dealt with `name` up to `due`."""
        with self._totals() as totals:
            entry = totals.setdefault(name, Totals())
            entry.last_due = max(entry.last_due, due.timestamp())

    def _count(self, run: Run) -> None:
        with self._totals() as totals:
            entry = totals.setdefault(run.name, Totals())
            entry.runs += 1
            entry.last_seconds = run.seconds
            if run.outcome == DONE:
                entry.last_success = datetime.fromisoformat(run.started).timestamp() + run.seconds
            else:
                entry.failures += 1

    @contextlib.contextmanager
    def _totals(self) -> Iterator[dict[str, Totals]]:
        with (self._locks / "totals").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            found = self.totals()
            yield found
            _write(self.folder / _TOTALS, msgspec.json.encode(found))


def _damaged(path: Path, error: msgspec.MsgspecError) -> Run:
    """A run of which only the folder can be read."""
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    what = f"its {_RECORD} makes no sense ({error}); remove the folder"
    return Run(path.parent.name, path.parent.parent.name, "", FAILED, written, 0.0, error=what)


def new_id(started: datetime) -> str:
    """A name for a run, which sorts by time."""
    return f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _holder(file: Any) -> str:
    file.seek(0)
    return file.read(20).strip() or "that has it"


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    part.write_bytes(data)
    _sync(part)
    part.replace(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
