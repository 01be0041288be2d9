"""The schedule as a process: what is due runs once, what was missed is made up for once, nothing runs twice."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.live.metrics.prometheus import program
from tests.reporting.notebooks import free_port, write_notebook
from tests.waiting import until
from workbench.configuration.reports import Job, ReportsConfig
from workbench.errors import ReportError
from workbench.reporting import Library, Run, schedule
from workbench.reporting.metrics import ReportMetrics
from workbench.reporting.schedule import Schedule, dated

ROOT = Path(__file__).parents[2]
NEVER = "0 0 29 2 *"  # not while a test runs


def missed(library: Library, name: str, ago: timedelta) -> None:
    library.make()
    library.note_due(name, datetime.now(UTC) - ago)


@contextmanager
def scheduled(folder: Path, *jobs: Mapping[str, object], port: int = 0) -> Iterator[subprocess.Popen[str]]:
    """`workbench report schedule` with these jobs; ended by SIGTERM."""
    config = {
        "reports": {"output": str(folder / "out"), "metrics_port": port, "jobs": [dict(job) for job in jobs]}
    }
    (folder / "reports.yaml").write_text(yaml.safe_dump(config))
    program = [sys.executable, "-c", "from workbench.cli import main; main()", "report", "schedule"]
    process = subprocess.Popen(
        [*program, "--config", str(folder / "reports.yaml"), "--folder", str(folder / "reports")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(60)
        assert process.stderr is not None
        process.stderr.close()


def test_what_was_missed_for_days_is_made_up_for_once_and_seen_in_metrics(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "1 + 1")
    library, port = Library(tmp_path / "out"), free_port()
    missed(library, "late", timedelta(days=4))
    job = {"name": "late", "report": "r", "cron": "0 0 * * *"}
    new = {"name": "new", "report": "r", "cron": "0 0 * * *"}  # which has missed nothing
    with scheduled(tmp_path, job, new, port=port):
        until(library.runs)
        until(lambda: library.totals()["late"].last_due > time.time() - 120.0)
        time.sleep(1.0)
        (run,) = library.runs()
        assert (run.name, run.outcome) == ("late", "done")
        assert datetime.fromisoformat(run.due).time().isoformat() == "00:00:00"
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
    found = {(s.name, s.labels["report"]): s.value for family in families for s in family.samples}
    assert found["workbench_report_runs_total", "late"] == 1
    assert found["workbench_report_failures_total", "late"] == 0
    assert found["workbench_report_last_success_timestamp_seconds", "late"] > time.time() - 300
    assert found["workbench_report_last_duration_seconds", "late"] > 0
    assert found["workbench_report_overdue_seconds", "late"] == 0
    assert found["workbench_report_overdue_seconds", "new"] == 0


def test_its_end_ends_what_runs_which_is_made_up_for_at_the_next_start(tmp_path: Path) -> None:
    started = tmp_path / "started"
    library = Library(tmp_path / "out")
    write_notebook(
        tmp_path / "reports" / "r.ipynb",
        f"import os, time\nwas = os.path.exists({str(started)!r})\n"
        f"open({str(started)!r}, 'a').write(f'{{os.getpid()}} ')\ntime.sleep(0 if was else 600)",
    )
    missed(library, "j", timedelta(days=2))
    job = {"name": "j", "report": "r", "cron": "0 0 * * *"}
    with scheduled(tmp_path, job) as process:
        until(lambda: started.exists() and started.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    kernel = int(started.read_text())
    until(lambda: not psutil.pid_exists(kernel) or psutil.Process(kernel).status() == psutil.STATUS_ZOMBIE)
    assert library.runs() == []
    with scheduled(tmp_path, job):
        until(library.runs)
    (run,) = library.runs()
    assert run.outcome == "done"


def test_what_is_due_while_somebody_runs_it_runs_after_that(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "1")
    library = Library(tmp_path / "out")
    missed(library, "j", timedelta(days=2))
    with scheduled_beside(tmp_path, library) as lines:
        until(lambda: any("it runs after that" in line for line in lines))
        assert library.runs() == []
    (run,) = library.runs()
    assert run.outcome == "done"


def test_who_waits_for_a_run_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "1")
    monkeypatch.setattr(schedule, "_AGAIN_S", 0.01)
    library, job = Library(tmp_path / "out"), Job("j", "r", "0 0 * * *")
    missed(library, "j", timedelta(days=2))
    lines: list[str] = []
    tries: list[datetime] = []
    config = ReportsConfig((job,), output=str(tmp_path / "out"), metrics_port=0)
    ours = Schedule(config, tmp_path / "reports", lines.append)
    run = ours._run

    def counted(*given: Any) -> None:
        tries.append(datetime.now(UTC))
        run(*given)

    monkeypatch.setattr(ours, "_run", counted)
    with library.only("j"):
        waiting = threading.Thread(target=ours._fire, args=(job,))
        waiting.start()
        until(lambda: len(tries) > 5)
        ours._stop.set()
        waiting.join()
    assert [line.split(";")[-1] for line in lines] == ["j: runs", " it runs after that"]


@contextmanager
def scheduled_beside(folder: Path, library: Library) -> Iterator[list[str]]:
    """A schedule whose job somebody else is running; its lines.  Until that one has ended, and the job has run."""
    with ExitStack() as ours:
        with ExitStack() as running:
            running.enter_context(library.only("j"))
            process = ours.enter_context(scheduled(folder, {"name": "j", "report": "r", "cron": "0 0 * * *"}))
            lines: list[str] = []
            assert process.stderr is not None
            reader = threading.Thread(target=lines.extend, args=(process.stderr,))
            reader.start()
            yield lines
        until(library.runs)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        reader.join()


def test_two_schedules_do_not_share_a_library(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "1")
    library = Library(tmp_path / "out")
    library.make()
    config = ReportsConfig((Job("j", "r", NEVER),), output=str(tmp_path / "out"), metrics_port=0)
    with library.only("schedule"), pytest.raises(ReportError, match="run already"):
        Schedule(config, tmp_path / "reports", lambda _: None).run(threading.Event())


def test_a_job_without_its_report_or_parameter_stops_the_start(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", parameters="a = 1")
    for job, says in (
        (Job("j", "gone", NEVER), "found no 'gone'"),
        (Job("j", "r", NEVER, {"b": 1}), "found 'b'"),
    ):
        with pytest.raises(ReportError, match=says):
            Schedule(ReportsConfig((job,)), tmp_path / "reports", lambda _: None)


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = ReportsConfig(
            (Job("j", "r", NEVER),), output=str(tmp_path / "out"), metrics_port=taken.getsockname()[1]
        )
        with pytest.raises(ReportError, match="set metrics_port"):
            Schedule(config, tmp_path / "reports", lambda _: None).run(threading.Event())


def test_how_late_a_job_is(tmp_path: Path) -> None:
    """Due at each full hour, dealt with until 9:30: at 11:15 it has been due since 11:00."""
    write_notebook(tmp_path / "reports" / "r.ipynb", "1")
    config = ReportsConfig((Job("j", "r", "0 * * * *"),), output=str(tmp_path / "out"))
    schedule = Schedule(config, tmp_path / "reports", lambda _: None)
    schedule.library.make()
    schedule.library.note_due("j", datetime(2026, 3, 10, 9, 30, tzinfo=UTC))
    assert schedule.overdue(datetime(2026, 3, 10, 9, 59, tzinfo=UTC)) == {"j": 0.0}
    assert schedule.overdue(datetime(2026, 3, 10, 11, 15, tzinfo=UTC)) == {"j": 900.0}


def test_yesterday_is_that_of_when_it_was_due() -> None:
    due = datetime(2026, 3, 10, 23, 50, tzinfo=UTC)
    given = {"date": "yesterday", "last": "today", "journal": "var/engine", "days": 7}
    assert dated(given, due) == {
        "date": "2026-03-09",
        "last": "2026-03-10",
        "journal": "var/engine",
        "days": 7,
    }


def test_failures_are_counted(tmp_path: Path) -> None:
    library = Library(tmp_path / "out")
    library.make()
    for number, outcome in enumerate(("done", "failed", "failed")):
        with library.working() as working:
            library.publish(
                Run(f"{number}", "r", "r", outcome, f"2026-01-01T00:0{number}:00+00:00", 2.5), working
            )
    found = {s.name: s.value for family in ReportMetrics(library).collect() for s in family.samples}
    assert found["workbench_report_runs_total"] == 3
    assert found["workbench_report_failures_total"] == 2
    assert found["workbench_report_last_success_timestamp_seconds"] == (
        datetime(2026, 1, 1, tzinfo=UTC).timestamp() + 2.5
    )


ALERTS = """
rule_files: [{rules}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {{series: 'workbench_report_failures_total{{report="a"}}', values: '0x20 1x20'}}
      - {{series: 'workbench_report_overdue_seconds{{report="b"}}', values: '3500+60x40'}}
      - {{series: 'up{{job="workbench-reports"}}', values: '1x30 0x10'}}
    alert_rule_test:
      - {{eval_time: 1m, alertname: ReportFailed, exp_alerts: []}}
      - {{eval_time: 1m, alertname: ReportOverdue, exp_alerts: []}}
      - {{eval_time: 30m, alertname: ReportScheduleDown, exp_alerts: []}}
      - {{eval_time: 25m, alertname: ReportFailed, exp_alerts: [{{exp_labels: {{severity: warning, report: a}}}}]}}
      - {{eval_time: 9m, alertname: ReportOverdue, exp_alerts: [{{exp_labels: {{severity: warning, report: b}}}}]}}
      - eval_time: 38m
        alertname: ReportScheduleDown
        exp_alerts: [{{exp_labels: {{severity: warning, job: workbench-reports}}}}]
"""


def test_alerts_fire_when_they_should_and_not_before(tmp_path: Path) -> None:
    rules = yaml.safe_load((ROOT / "config" / "report_alerts.yml").read_text())
    for rule in rules["groups"][0]["rules"]:
        del rule["annotations"]  # what they say is for people
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
    (tmp_path / "test.yml").write_text(ALERTS.format(rules=tmp_path / "rules.yml"))
    promtool = program("promtool")
    for command in (
        ["check", "rules", str(ROOT / "config" / "report_alerts.yml")],
        ["test", "rules", "test.yml"],
    ):
        done = subprocess.run(
            [promtool, *command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_job_runs_at_its_minute_and_once(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "1 + 1")
    library = Library(tmp_path / "out")
    begun = datetime.now(UTC)
    with scheduled(tmp_path, {"name": "j", "report": "r", "cron": "* * * * *"}):
        until(lambda: len(library.runs()) >= 2, 200.0)
    runs = list(reversed(library.runs()))
    minutes = [datetime.fromisoformat(run.started).replace(second=0) for run in runs]
    assert len(set(minutes)) == len(minutes)
    assert minutes[0] > begun.replace(second=0)
