"""Finished runs of reports, put into a library as the runner puts them."""

from __future__ import annotations

from pathlib import Path

from workbench.reporting.library import DONE, FAILED, Library, Run
from workbench.reporting.runner import OUTPUT

__all__ = ["keep"]

PAGE = """<!doctype html><html lang="en"><head><title>Report</title></head><body><h1>{title}</h1>
<p id="here"></p><script>document.getElementById("here").textContent = "scripts run"</script></body></html>"""


def keep(folder: Path, name: str, hour: int, *, error: str = "") -> Run:
    """A run of `name` that was started at `hour` of a day, in the library below `folder`."""
    library = Library(folder / OUTPUT)
    library.make()
    run = Run(
        id=f"20240102T{hour:02}0000Z-abcdef",
        name=name,
        report=name,
        outcome=FAILED if error else DONE,
        started=f"2024-01-02T{hour:02}:00:00+00:00",
        seconds=12.4,
        parameters={"strategy": "momentum"},
        cell=3 if error else 0,
        error=error,
    )
    with library.working() as made:
        (made / "executed.ipynb").write_text("{}")
        if not error:
            (made / "report.html").write_text(PAGE.format(title=f"{name} at {hour}"))
        library.publish(run, made)
    return run
