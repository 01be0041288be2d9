"""The page that lists all reports, and the same for programs."""

from __future__ import annotations

import secrets
from html import escape
from pathlib import Path
from typing import Final

import msgspec

from workbench.backtest.page_style import STYLE
from workbench.reporting.library import DONE, Library, Run

__all__ = ["write_index"]

_STYLE: Final = """
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 5px 14px 5px 0;
border-bottom: 1px solid var(--line); vertical-align: top; } th { color: var(--soft); font-weight: 500; }
td.n { font-variant-numeric: tabular-nums; white-space: nowrap; } a { color: var(--blue); }
.scroll { overflow-x: auto; }
"""


def write_index(library: Library) -> None:
    """Write index.html and index.json, each whole or not at all."""
    runs = library.runs()
    _write(library.folder / "index.json", msgspec.json.format(msgspec.json.encode(runs), indent=1))
    _write(library.folder / "index.html", _page(runs).encode())


def _page(runs: list[Run]) -> str:
    names = list(dict.fromkeys(run.name for run in sorted(runs, key=lambda run: run.name)))
    parts = [_section(name, [run for run in runs if run.name == name]) for name in names]
    body = (
        "\n".join(parts) or "<p>No report has run yet: <code>workbench report run NAME</code> makes one.</p>"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Reports</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}{_STYLE}</style></head>\n<body><main><h1>Reports</h1>\n{body}</main></body></html>\n"
    )


def _section(name: str, runs: list[Run]) -> str:
    rows = "\n".join(_row(run) for run in runs)
    head = "<tr><th>started (UTC)</th><th>how it went</th><th>parameters</th><th>took</th><th></th></tr>"
    return (
        f'<h2>{escape(name.replace("_", " "))}</h2><div class="scroll" tabindex="0">'
        f"<table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"
    )


def _row(run: Run) -> str:
    links = [f'<a href="{escape(run.place)}/executed.ipynb">notebook</a>']
    if run.outcome == DONE:
        links = [f'<a href="{escape(run.place)}/report.html">report</a>', *links]
    if run.pdf:
        links.insert(1, f'<a href="{escape(run.place)}/report.pdf">PDF</a>')
    undelivered = [f"not delivered to {one.name}: {one.error}" for one in run.deliveries if one.error]
    if run.outcome == DONE:
        how = '<span class="good">done</span>'
    else:
        where = f" at cell {run.cell}" if run.cell else ""
        how = f'<span class="bad">failed{where}</span>: {escape(run.error[:300])}'
    how += "".join(f'<br><span class="bad">{escape(text)}</span>' for text in undelivered)
    parameters = ", ".join(f"{key} = {value}" for key, value in run.parameters.items())
    return (
        f'<tr><td class="n">{escape(run.started[:19].replace("T", " "))}</td><td>{how}</td>'
        f'<td>{escape(parameters)}</td><td class="n">{run.seconds:.0f} s</td>'
        f'<td class="n">{" · ".join(links)}</td></tr>'
    )


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    part.write_bytes(data)
    part.replace(path)
