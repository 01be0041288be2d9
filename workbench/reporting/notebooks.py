"""Report notebooks: which there are, and what parameters they take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import ReportError

__all__ = ["Report", "find_report", "report_folder", "reports_in"]


class Report(msgspec.Struct, frozen=True):
    """A parameterised notebook.  about: its first line.  parameters: name to its default as it is written."""

    name: str
    path: str
    about: str
    parameters: dict[str, str]


def report_folder(given: Path | str | None = None) -> Path:
    """The folder of report notebooks: `given`, reports/ here, or reports/ beside the package."""
    if given is not None:
        return Path(given)
    here, beside = Path("reports"), Path(__file__).resolve().parents[2] / "reports"
    return here if any(here.glob("*.ipynb")) or not beside.is_dir() else beside


def reports_in(folder: Path) -> list[Report]:
    """All reports of a folder, by name."""
    return [_read(path) for path in sorted(folder.glob("*.ipynb"))]


def find_report(name: str, folder: Path, parameters: Mapping[str, Any]) -> Report:
    """A report by its name or path.  Raises ReportError where it is not there, or takes no such parameter."""
    path = Path(name) if name.endswith(".ipynb") else folder / f"{name}.ipynb"
    if not path.is_file():
        known = ", ".join(path.stem for path in sorted(folder.glob("*.ipynb"))) or "none"
        raise ReportError(f"expected a report in {folder} (there: {known}), found no {name!r:.80}")
    report = _read(path)
    unknown = [key for key in parameters if key not in report.parameters]
    if unknown:
        raise ReportError(
            f"report {report.name}: expected parameters {', '.join(report.parameters) or '(none)'}, "
            f"found {', '.join(map(repr, unknown))}"
        )
    return report


def _read(path: Path) -> Report:
    import nbformat
    from papermill.inspection import inspect_notebook

    try:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        found = inspect_notebook(str(path))
    except (OSError, ValueError, nbformat.reader.NotJSONError) as error:
        raise ReportError(f"{path}: expected a notebook, found something else: {error!s:.200}") from error
    first = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    lines = [line.strip() for line in first.splitlines() if line.strip() and not line.startswith("#")]
    parameters = {name: str(entry["default"]) for name, entry in found.items()}
    return Report(path.stem, str(path), lines[0] if lines else "", parameters)
