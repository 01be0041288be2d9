"""An executed notebook as one page that stands by itself: what its cells show, without its code."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

from workbench.backtest.page_style import STYLE

__all__ = ["failed_cell", "write_page"]

_PAPER: Final = """
.jp-Cell, .cell { margin: 0; } .output_prompt, .input_prompt, .prompt, .anchor-link { display: none; }
h1 { margin: 6px 0 4px; } p { margin: 6px 0; }
.about code { font: 12px ui-monospace, monospace; }
pre { font: 12.5px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
td, th { white-space: nowrap; } td:last-child { white-space: normal; }
table.dataframe { border-collapse: collapse; font-size: 13px; border: 0; margin: 6px 0; }
table.dataframe th, table.dataframe td { padding: 3px 12px 3px 0; border: 0; border-bottom: 1px solid var(--line);
  text-align: right; font-variant-numeric: tabular-nums; }
.output_subarea { overflow-x: auto; } svg { max-width: 100%; height: auto; }
footer { margin-top: 40px; padding-top: 10px; border-top: 1px solid var(--line); color: var(--soft); font-size: 12px; }
@page { size: A4; margin: 14mm 12mm; }
@media print { :root { color-scheme: light; --paper: #fff; --panel: #f6f7f9; --ink: #1c2430; --soft: #667182;
  --line: #d9dee6; --blue: #1769aa; --red: #c62f37; --green: #17803d; --amber: #b26a00; }
  body { padding: 0; max-width: none; font-size: 12px; } h2 { break-after: avoid; }
  svg, tr, .tiles { break-inside: avoid; } }
"""


def write_page(notebook: Path, page: Path, title: str, parameters: Mapping[str, Any], made: str) -> None:
    """Write the page of an executed notebook.  made: when, as text."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(_shown(notebook))
    shown = ", ".join(f"{name} = {value}" for name, value in parameters.items())
    about = f'<p class="about">{escape(made)}{" · " if shown else ""}<code>{escape(shown)}</code></p>'
    page.write_text(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}{_PAPER}</style></head>\n<body><main>{about}\n{body}</main>"
        f"<footer>Trading workbench · {escape(title)} · {escape(made)}</footer></body></html>\n",
        encoding="utf-8",
    )


def _shown(notebook: Path) -> Any:
    """The notebook without what papermill adds, and without what cells print on stderr."""
    import nbformat

    found = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    found.cells = [
        cell for cell in found.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", ())
    ]
    for cell in found.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if not (output.output_type == "stream" and output.name == "stderr")
            ]
    return found


def failed_cell(notebook: Path) -> tuple[int, str]:
    """Number of the cell at which a failed execution stopped, as the report's author counts, and its first line.

    (0, "") where nothing was executed.
    """
    import nbformat

    if not notebook.is_file():
        return 0, ""
    found = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    number, stopped = 0, (0, "")
    for cell in found.cells:
        tags = cell.metadata.get("tags", ())
        if "injected-parameters" in tags or "papermill-error-cell-tag" in tags:
            continue
        number += 1
        did = cell.metadata.get("papermill", {})
        if cell.cell_type == "code" and did.get("start_time"):
            lines = [line for line in cell.source.splitlines() if line.strip()]
            stopped = number, lines[0] if lines else ""
            if did.get("status") in ("running", "failed"):
                break
    return stopped  # the last that was begun: of a kernel that died under it papermill says that it was completed
