"""Reports on schedule: each once when it is due, once for all that was missed, and never twice at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from workbench.configuration.reports import Job, ReportsConfig
from workbench.errors import ReportError
from workbench.reporting.content.book import day_of
from workbench.reporting.cron import cron_trigger, last_due
from workbench.reporting.index import write_index
from workbench.reporting.library import DONE, BeingRun, Library
from workbench.reporting.metrics import ReportMetrics, serve_metrics
from workbench.reporting.notebooks import find_report
from workbench.reporting.runner import Stopped, run_report

__all__ = ["Schedule", "dated"]

_AT_ONCE: Final = 2  # reports that run beside each other
_TURN_S: Final = 0.5
_AGAIN_S: Final = 2.0  # until a report that somebody else runs is tried again


def dated(parameters: Mapping[str, Any], due: datetime) -> dict[str, Any]:
    """Parameters with `today` and `yesterday` as they were when the report was due, UTC, however late it runs."""
    return {
        name: day_of(value, due.astimezone(UTC)).isoformat() if value in ("today", "yesterday") else value
        for name, value in parameters.items()
    }


class Schedule:
    """The jobs of a reports.yaml.  told: gets a line for each thing that happens."""

    def __init__(self, config: ReportsConfig, folder: Path, told: Callable[[str], None]) -> None:
        """folder: of the notebooks.  Raises ReportError where a job's report or parameters are not there."""
        for job in config.jobs:
            find_report(job.report, folder, job.parameters)
        self._config, self._folder, self._told = config, folder, told
        self._stop = threading.Event()
        self.library = Library(Path(config.output))

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; what runs then is ended, and made up for at the next start.

        Raises ReportError where another schedule has the same output.
        """
        self.library.make()
        with self.library.only("schedule"):
            self.library.clear_working()
            scheduler = self._scheduler()
            end_metrics = self._serve()
            scheduler.start()
            try:
                for job in self._config.jobs:
                    due = scheduler.get_job(job.name).next_run_time
                    self._told(f"{job.name}: next at {due:%Y-%m-%d %H:%M %Z}")
                while not stop.wait(_TURN_S):
                    pass
            finally:
                self._stop.set()
                scheduler.shutdown(wait=True)
                end_metrics()

    def _scheduler(self) -> BackgroundScheduler:
        zone = ZoneInfo(self._config.time_zone)
        scheduler = BackgroundScheduler(
            timezone=zone,
            executors={"default": ThreadPoolExecutor(_AT_ONCE)},
            # However long the machine slept, or a report took: once for all moments that have passed.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for job in self._config.jobs:
            scheduler.add_job(
                partial(self._fire, job),
                cron_trigger(job.cron, self._config.time_zone),
                id=job.name,
                name=job.name,
            )
            if self._missed(job, datetime.now(UTC)) is not None:
                self._told(f"{job.name}: was due while nothing ran, and is made up for")
                scheduler.add_job(partial(self._fire, job), id=f"{job.name} made up for")
        return scheduler

    def _serve(self) -> Callable[[], None]:
        if not self._config.metrics_port:
            return lambda: None
        return serve_metrics(ReportMetrics(self.library, self.overdue), self._config.metrics_port)

    def _missed(self, job: Job, now: datetime) -> datetime | None:
        """The newest moment at which the job was due and did not run; a job that is new has missed nothing."""
        totals = self.library.totals().get(job.name)
        if totals is None or not totals.last_due:
            self.library.note_due(job.name, now)
            return None
        since = datetime.fromtimestamp(totals.last_due, UTC)
        return last_due(job.cron, self._config.time_zone, since, now)

    def overdue(self, now: datetime) -> dict[str, float]:
        """Seconds for which each job has been due."""
        found = {job.name: self._missed(job, now) for job in self._config.jobs}
        return {name: (now - due).total_seconds() if due else 0.0 for name, due in found.items()}

    def _fire(self, job: Job) -> None:
        """Run a job; where it is being run already, by hand or to make up for an earlier time, once that has ended."""
        now = datetime.now(UTC)
        due: datetime | None = self._missed(job, now) or now
        self._told(f"{job.name}: runs")
        waits = False
        while due is not None:
            try:
                self._run(job, due, now)
            except BeingRun as error:
                if not waits:
                    self._told(f"{job.name}: {error}; it runs after that")
                waits = True
                if self._stop.wait(_AGAIN_S):
                    return
                now = datetime.now(UTC)
                due = self._missed(job, now)
            else:
                return

    def _run(self, job: Job, due: datetime, now: datetime) -> None:
        """Raises BeingRun."""
        try:
            run = run_report(
                job.report,
                dated(job.parameters, due),
                name=job.name,
                folder=self._folder,
                output=self._config.output,
                time_limit_s=60.0 * job.time_limit_minutes,
                retries=job.retries,
                deliveries=[self._config.deliveries[name] for name in job.deliver],
                due=due,
                stop=self._stop,
                told=lambda text: self._told(f"{job.name}: {text}"),
            )
        except Stopped:
            self._told(f"{job.name}: ended before it was done; it is made up for at the next start")
            return
        except BeingRun:
            raise
        except (ReportError, OSError) as error:  # a disk that is full, say; the next time it is due comes
            self._told(f"{job.name}: {error}")
            return
        self.library.note_due(job.name, now)
        how = "done" if run.outcome == DONE else f"failed at cell {run.cell or '?'}: {run.error}"
        self._told(f"{job.name}: {how}, {run.seconds:.0f} s")
        if removed := self.library.prune(self._config.keep_days):
            self._told(f"{len(removed)} runs older than {self._config.keep_days} days are removed")
            write_index(self.library)
