"""One run: done, failed, hung, killed; what is kept, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from tests.reporting.notebooks import write_notebook
from workbench.errors import ReportError
from workbench.reporting import Library, Run, run_report
from workbench.reporting.runner import Stopped

ROOT = Path(__file__).parents[2]
IN_C = "import ctypes; ctypes.PyDLL(None).sleep(600)"  # holds the interpreter's lock: no signal is seen, no interrupt


def run(
    tmp_path: Path, report: str = "r", parameters: dict[str, object] | None = None, **given: object
) -> Run:
    chosen: dict[str, object] = {"pdf": False, "pause_s": 0.05, "time_limit_s": 120.0, **given}
    return run_report(
        report,
        parameters,
        folder=tmp_path / "reports",
        output=tmp_path / "out",
        **chosen,  # type: ignore[arg-type]
    )


def gone(process: int) -> bool:
    """Whether it has ended; one that waits for its parent to notice has."""
    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def made(tmp_path: Path) -> list[Path]:
    """Folders of runs that somebody who looks at the library sees."""
    return [path for path in (tmp_path / "out").glob("*/*") if not path.parent.name.startswith(".")]


def test_parameters_are_put_in_and_the_page_shows_what_cells_show_without_their_code(tmp_path: Path) -> None:
    write_notebook(
        tmp_path / "reports" / "r.ipynb",
        "print('hello', who)",
        "import sys; print('a warning', file=sys.stderr)\nimport pandas as pd; pd.DataFrame({'a': [n]})",
        parameters="who = 'nobody'\nn = 1",
    )
    done = run(tmp_path, parameters={"who": "<me>", "n": 41})
    assert (done.outcome, done.attempts, done.cell, done.error) == ("done", 1, 0, "")
    folder = tmp_path / "out" / done.place
    assert {path.name for path in folder.iterdir()} == {"report.html", "executed.ipynb", "run.json"}
    page = (folder / "report.html").read_text()
    assert "hello &lt;me&gt;" in page
    assert "<td>41</td>" in page
    for absent in ("print(", "a warning", "http://", "https://", "<script"):
        assert absent not in page.replace('xmlns="http://www.w3.org/2000/svg"', ""), absent
    (kept,) = Library(tmp_path / "out").runs()
    assert kept == done
    assert done.place in (tmp_path / "out" / "index.html").read_text()
    assert list((tmp_path / "out" / ".working").iterdir()) == []


def test_a_failure_keeps_the_executed_notebook_and_says_which_cell(tmp_path: Path) -> None:
    write_notebook(
        tmp_path / "reports" / "r.ipynb",
        "first = 1",
        "# divide\nfirst / 0",
        "print('never')",
        parameters="x = 1",
    )
    failed = run(tmp_path, parameters={"x": 2}, retries=2)
    assert (failed.outcome, failed.attempts) == ("failed", 3)
    assert (failed.cell, failed.source) == (4, "# divide")  # heading, parameters, first, this one
    assert failed.error == "ZeroDivisionError: division by zero"
    folder = tmp_path / "out" / failed.place
    assert not (folder / "report.html").exists()
    executed = nbformat.read(folder / "executed.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    assert any(output.output_type == "error" for cell in executed.cells for output in cell.get("outputs", ()))
    assert "failed at cell 4" in (tmp_path / "out" / "index.html").read_text()


def test_what_fails_once_is_done_at_the_second_attempt(tmp_path: Path) -> None:
    flag = tmp_path / "tried"
    write_notebook(
        tmp_path / "reports" / "r.ipynb",
        f"from pathlib import Path\np = Path({str(flag)!r})\nseen = p.exists()\np.touch()\nassert seen",
    )
    done = run(tmp_path, retries=1)
    assert (done.outcome, done.attempts) == ("done", 2)


def test_a_dead_kernel_is_a_failure_of_its_cell(tmp_path: Path) -> None:
    write_notebook(
        tmp_path / "reports" / "r.ipynb", "1 + 1", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    failed = run(tmp_path)
    assert (failed.outcome, failed.cell) == ("failed", 3)
    assert "kernel died" in failed.error


def test_a_hung_kernel_is_ended_with_everything_that_it_started(tmp_path: Path) -> None:
    told = tmp_path / "processes"
    write_notebook(
        tmp_path / "reports" / "r.ipynb",
        "import os, subprocess, sys, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        f"open({str(told)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}} all')\n{IN_C}",
    )
    stop = threading.Event()

    def look() -> None:
        while not told.exists() or not told.read_text().endswith("all"):
            time.sleep(0.05)
        time.sleep(0.5)
        stop.set()

    watcher = threading.Thread(target=look)
    watcher.start()
    with pytest.raises(Stopped, match="before it was done"):
        run(tmp_path, stop=stop)
    watcher.join()
    kernel, child, _ = told.read_text().split()
    assert gone(int(kernel))
    assert gone(int(child))
    assert made(tmp_path) == []


def test_the_time_limit_ends_it(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "import time; time.sleep(600)")
    failed = run(tmp_path, time_limit_s=15.0)
    assert (failed.outcome, failed.error) == ("failed", "not done within 15 s")
    assert (tmp_path / "out" / failed.place / "executed.ipynb").is_file()


def test_a_report_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "print('x' * 1000)")
    seen: list[set[str]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.extend({path.name for path in folder.iterdir()} for folder in made(tmp_path))

    watcher = threading.Thread(target=watch)
    watcher.start()
    run(tmp_path)
    over.set()
    watcher.join()
    assert all({"report.html", "executed.ipynb", "run.json"} <= files for files in seen)


def test_a_runner_that_is_killed_leaves_no_report_and_no_process(tmp_path: Path) -> None:
    started = tmp_path / "started"
    write_notebook(
        tmp_path / "reports" / "r.ipynb",
        f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(600)",
    )
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "report", "run", "r"]
    folders = ["--folder", str(tmp_path / "reports"), "--output", str(tmp_path / "out")]
    runner = subprocess.Popen([*command, *folders], cwd=ROOT)
    deadline = time.monotonic() + 60.0
    while not started.exists() or not started.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(ReportError, match=f"run already.*end process {runner.pid}"):
        run(tmp_path)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    kernel = int(started.read_text())
    while not gone(kernel):
        assert time.monotonic() < deadline, "the kernel outlived who asked for it"
        time.sleep(0.1)
    assert made(tmp_path) == []
    library = Library(tmp_path / "out")
    assert list((tmp_path / "out" / ".working").iterdir())
    library.clear_working()
    assert library.runs() == []


BAD = {
    "an unknown report": ("nothing", {}, "there: r"),
    "an unknown parameter": ("r", {"colour": 1}, "expected parameters who, found 'colour'"),
    "a notebook that is none": ("broken", {}, "expected a notebook"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_run_is_one_line_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", parameters="who = 1")
    if name.endswith("none"):
        (tmp_path / "reports" / "broken.ipynb").write_text("{")
    report, parameters, says = BAD[name]
    with pytest.raises(ReportError, match=says) as told:
        run(tmp_path, report, dict(parameters))
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "1")
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ReportError, match="expected a folder for reports"):
        run(tmp_path)


def test_runs_grow_old_but_the_newest_good_one_stays(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    library = Library(tmp_path / "out")
    library.make()
    for day, outcome in ((1, "done"), (2, "done"), (3, "failed"), (20, "failed")):
        with library.working() as working:
            library.publish(
                Run(f"run-{day}", "r", "r", outcome, datetime(2026, 1, day, tzinfo=UTC).isoformat(), 1.0),
                working,
            )
    removed = library.prune(10, datetime(2026, 1, 21, tzinfo=UTC))
    assert [run.id for run in removed] == ["run-3", "run-1"]
    assert [run.id for run in library.runs()] == ["run-20", "run-2"]
    totals = library.totals()["r"]
    assert (totals.runs, totals.failures) == (4, 2)  # counted, whatever was removed


def test_a_record_that_makes_no_sense_costs_its_own_run_alone(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "1 + 1")
    broken = tmp_path / "out" / "old" / "20260101T000000Z-abc"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text("{")
    done = run(tmp_path)
    good, bad = sorted(Library(tmp_path / "out").runs(), key=lambda one: one.outcome)
    assert (good, bad.outcome, bad.name) == (done, "failed", "old")
    assert "remove the folder" in (tmp_path / "out" / "index.html").read_text()


def test_pdf_by_a_real_chromium(tmp_path: Path) -> None:
    from workbench.reporting.pdf import find_chromium

    if find_chromium() is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    write_notebook(tmp_path / "reports" / "r.ipynb", "print('on paper')")
    done = run(tmp_path, pdf=True)
    assert done.pdf
    assert (tmp_path / "out" / done.place / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_without_a_chromium_that_works_the_page_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CHROMIUM", "/bin/false")
    write_notebook(tmp_path / "reports" / "r.ipynb", "1")
    told: list[str] = []
    done = run(tmp_path, pdf=True, told=told.append)
    assert (done.outcome, done.pdf) == ("done", False)
    assert told
    assert told[0].startswith("no PDF: expected /bin/false")


def test_the_environment_marks_what_belongs_to_a_run(tmp_path: Path) -> None:
    """Processes that drop the mark are not found: the limit of what can be ended is known."""
    from workbench.reporting.processes import run_limited

    ended = run_limited(
        [sys.executable, "-c", "import os; print('WORKBENCH_REPORT_RUN' in os.environ)"],
        first_line="{}",
        seconds=30.0,
        folder=tmp_path,
    )
    assert (ended.out.strip(), ended.why) == ("True", "")
    assert "WORKBENCH_REPORT_RUN" not in os.environ
