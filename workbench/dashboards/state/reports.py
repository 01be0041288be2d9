"""The reports browser: what the report runner has kept, and which of it is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import param

from workbench.errors import WorkbenchError
from workbench.reporting.library import DONE, Library, Run
from workbench.reporting.runner import OUTPUT

__all__ = ["ALL", "ReportsState", "started_text"]

ALL: Final = "All reports"


class ReportsState(param.Parameterized):
    """What one page of the browser knows."""

    report: Any = param.Selector(
        default=ALL, objects=[ALL], doc="Which report is listed; all of them at first."
    )
    runs = param.List([], doc="Run of each that is kept, newest first, whatever `report` is.")
    chosen: Any = param.Parameter(
        None, doc="Id of the run that is looked at; None for the newest that is listed."
    )
    error = param.String("", doc="Why the runs cannot be read, in one line.")

    def __init__(self, folder: Path | None = None, **given: Any) -> None:
        super().__init__(**given)  # type: ignore[no-untyped-call]  # param has no types
        self.folder = (folder or Path.cwd()) / OUTPUT
        self.refresh()

    def refresh(self) -> None:
        """Look again; parameters change only where something did."""
        try:
            runs, error = Library(self.folder).runs(), ""
        except WorkbenchError as reason:
            runs, error = self.runs, " ".join(str(reason).split())
        if runs != self.runs or error != self.error:
            self.param.report.objects = [ALL, *sorted({run.name for run in runs})]
            if self.report not in self.param.report.objects:
                self.report = ALL
            self.param.update(runs=runs, error=error)

    @property
    def listed(self) -> list[Run]:
        """The runs of `report`, newest first."""
        return [run for run in self.runs if self.report in (ALL, run.name)]

    @property
    def shown(self) -> Run | None:
        """The run that is looked at; None where nothing is listed."""
        listed = self.listed
        return next((run for run in listed if run.id == self.chosen), listed[0] if listed else None)

    def label(self, run: Run) -> str:
        """One line of the list, which says in words how it went."""
        how = "" if run.outcome == DONE else " (failed)"
        return f"{started_text(run)}  {run.name.replace('_', ' ')}{how}"


def started_text(run: Run) -> str:
    """When it was started, UTC, to the minute."""
    return run.started[:16].replace("T", " ")
