"""Running a report: execute, print, publish, deliver."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from workbench.configuration.reports import Delivery
from workbench.errors import ReportError
from workbench.reporting.delivery import deliver
from workbench.reporting.index import write_index
from workbench.reporting.library import DONE, FAILED, Library, Run, new_id
from workbench.reporting.notebooks import Report, find_report, report_folder
from workbench.reporting.page import failed_cell, write_page
from workbench.reporting.pdf import find_chromium, write_pdf
from workbench.reporting.processes import run_limited

__all__ = ["OUTPUT", "Stopped", "run_report"]

OUTPUT: Final = "reports/output"
_LONGEST_PAUSE_S: Final = 60.0
_EXECUTED: Final = "executed.ipynb"


class Stopped(ReportError):
    """Somebody asked for a run to end before it was done."""


class _Attempt(NamedTuple):
    error: str
    cell: int = 0
    source: str = ""


def run_report(
    report: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    folder: Path | str | None = None,
    output: Path | str = OUTPUT,
    time_limit_s: float = 1_200.0,
    retries: int = 0,
    pause_s: float = 5.0,
    pdf: bool = True,
    deliveries: Sequence[Delivery] = (),
    due: datetime | None = None,
    stop: threading.Event | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Run:
    """Run a report notebook and keep what it made; how it went, which may be that it failed.

    report: name of a notebook in `folder` (reports/), or its path.  name: under which it is kept.
    time_limit_s: of each attempt.  pause_s: before the first further attempt, then twice that.
    pdf: where Chromium is there.
    told: gets a line for each thing that happens.
    Raises ReportError where nothing was run: an unknown report or parameter, or it is being run already.
    """
    found = find_report(report, report_folder(folder), parameters or {})
    library = Library(Path(output))
    library.make()
    kept_as = name or found.name
    with library.only(kept_as), library.working() as working:
        run = _run(
            found, kept_as, dict(parameters or {}), working, time_limit_s, retries, pause_s, due, stop, told
        )
        run = _print(run, working, pdf, told)
        place = library.publish(run, working)
        if deliveries:
            run = msgspec.structs.replace(run, deliveries=deliver(run, place, deliveries))
            for one in run.deliveries:
                told(f"{one.name}: {one.error or 'delivered'}")
            library.amend(run)
        write_index(library)
    return run


def _run(
    report: Report,
    name: str,
    parameters: dict[str, Any],
    working: Path,
    time_limit_s: float,
    retries: int,
    pause_s: float,
    due: datetime | None,
    stop: threading.Event | None,
    told: Callable[[str], None],
) -> Run:
    started, begun = datetime.now(UTC), time.monotonic()
    attempts, attempt = 0, _Attempt("")
    while attempts <= retries:
        if attempts:
            told(f"{attempt.error}; once more")
            _pause(min(pause_s * 2 ** (attempts - 1), _LONGEST_PAUSE_S), stop)
        attempts += 1
        attempt = _execute(report, parameters, working, time_limit_s, stop)
        if not attempt.error:
            break
    return Run(
        id=new_id(started),
        name=name,
        report=report.name,
        outcome=FAILED if attempt.error else DONE,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - begun, 3),
        parameters=parameters,
        attempts=attempts,
        due=due.isoformat(timespec="seconds") if due else "",
        cell=attempt.cell,
        source=attempt.source,
        error=attempt.error,
    )


def _pause(seconds: float, stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise Stopped("the run was ended before it was done")


def _execute(
    report: Report, parameters: Mapping[str, Any], working: Path, seconds: float, stop: threading.Event | None
) -> _Attempt:
    """One attempt, in a process that is ended with its kernel when its time is over."""
    executed = working / _EXECUTED
    executed.unlink(missing_ok=True)
    command = [sys.executable, "-m", "workbench.reporting.execute", report.path, str(executed)]
    line = msgspec.json.encode(parameters).decode()
    ended = run_limited(command, first_line=line, seconds=seconds, folder=working, stop=stop)
    for name in ("stdout.txt", "stderr.txt"):
        (working / name).unlink()
    if ended.why == "asked":
        raise Stopped("the run was ended before it was done")
    if ended.why == "time":
        error = f"not done within {seconds:g} s"
    else:
        error = _said(ended.out, ended.err, ended.code)
    if not error:
        return _Attempt("")
    if not executed.is_file():  # it never came as far as its first cell
        shutil.copyfile(report.path, executed)
        return _Attempt(error)
    return _Attempt(error, *failed_cell(executed))


def _said(out: str, err: str, code: int | None) -> str:
    """What went wrong, by the program's own words; "" where nothing did."""
    try:
        answer = msgspec.json.decode(out.strip().rpartition("\n")[2])
    except msgspec.DecodeError:
        last = err.strip().rpartition("\n")[2]
        return f"the program that executes it ended with status {code}{': ' + last if last else ''}"[:2_000]
    return "" if answer["ok"] else str(answer["error"])


def _print(run: Run, working: Path, pdf: bool, told: Callable[[str], None]) -> Run:
    """The page, and the PDF where Chromium is there; of a failed run only the notebook is kept."""
    if run.outcome == FAILED:
        return run
    page = working / "report.html"
    made = f"{run.started[:16].replace('T', ' ')} UTC"
    write_page(working / _EXECUTED, page, run.name.replace("_", " "), run.parameters, made)
    chromium = find_chromium() if pdf else None
    if chromium is None:
        return run
    try:
        write_pdf(page, working / "report.pdf", chromium)
    except ReportError as error:
        told(f"no PDF: {error}")  # the page says the same; it is not lost for want of a second form
        return run
    return msgspec.structs.replace(run, pdf=True)
