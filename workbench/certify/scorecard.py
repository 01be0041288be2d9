"""A scorecard for people: a frame, a table of a terminal, and a cell of a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

import pandas as pd

from workbench.cells import GREEN, QUIET, RED, Html, cell, ink, table
from workbench.certify.checks import FAMILIES, UNMEASURED, Check

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["cell_html", "failed_lines", "frame_of", "rich_table", "verdict"]

_MARKS: Final = {True: "passed", False: "FAILED"}


def frame_of(checks: Sequence[Check]) -> pd.DataFrame:
    """One row per line: family, check, passed, measured, required, value, threshold, note, look_closer."""
    rows = [
        (c.family, c.name, c.passed, c.measured, c.required, c.value, c.threshold, c.note, c.look_closer)
        for c in checks
    ]
    names = ["family", "check", "passed", "measured", "required", "value", "threshold", "note", "look_closer"]
    frame = pd.DataFrame(rows, columns=pd.Index(names))
    return frame.astype({"passed": bool, "value": float, "threshold": float})


def verdict(name: str, checks: Sequence[Check]) -> str:
    """One line: how many lines passed, how many of those without being measured, and which did not."""
    bad = [check.name for check in checks if not check.passed]
    blank = sum(check.passed and check.measured == UNMEASURED for check in checks)
    unmeasured = f", {blank} not measured" if blank else ""
    if not bad:
        return f"{name} passed {len(checks)} of {len(checks)} checks{unmeasured}"
    shown = ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
    return f"{name} FAILED {len(bad)} of {len(checks)} checks{unmeasured}: {shown}"


def failed_lines(checks: Sequence[Check]) -> list[str]:
    """Of each line that failed: what was measured, what was required, and how to look closer."""
    return [
        f"{c.family} / {c.name}\n  measured: {c.measured}\n  required: {c.required}\n  look closer: {c.look_closer}"
        for c in checks
        if not c.passed
    ]


def rich_table(title: str, checks: Sequence[Check]) -> Table:
    """The scorecard for a terminal; lines that failed bring their look_closer with them."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=title, title_justify="left", show_lines=False)
    for column, ratio in (("check", None), ("", None), ("measured", 3), ("required", 2)):
        grid.add_column(column, ratio=ratio, overflow="fold")
    for family in FAMILIES:
        mine = [check for check in checks if check.family == family]
        if not mine:
            continue
        passed = sum(check.passed for check in mine)
        grid.add_row(Text(f"{family} {passed}/{len(mine)}", style="bold"), "", "", "")
        for check in mine:
            mark = Text(_MARKS[check.passed], style="green" if check.passed else "bold red")
            measured = Text(check.measured)
            if check.note:
                measured.append(f" ({check.note})", style="dim")
            if not check.passed:
                measured.append(f"\n{check.look_closer}", style="cyan")
            grid.add_row(Text(f"  {check.name}"), mark, measured, Text(check.required))
    return grid


def cell_html(title: str, checks: Sequence[Check], footer: str) -> str:
    """The scorecard for a notebook; families that failed are open."""
    return cell(title, footer, *(_family_html(family, checks) for family in FAMILIES))


def _family_html(family: str, checks: Sequence[Check]) -> str:
    mine = [check for check in checks if check.family == family]
    if not mine:
        return ""
    bad = sum(not check.passed for check in mine)
    tone = RED if bad else GREEN
    state = f'<span style="{ink(tone)}">{len(mine) - bad} of {len(mine)} passed</span>'
    lines = table(("check", "", "measured", "required"), (_cells(check) for check in mine))
    return (
        f'<details{" open" if bad else ""} style="margin-top:4px"><summary><b>{family}</b> {state}</summary>'
        f"{lines}</details>"
    )


def _cells(check: Check) -> tuple[str, str, str, str]:
    tone = GREEN if check.passed else RED
    note = f' <span style="{QUIET}">({escape(check.note)})</span>' if check.note else ""
    closer = "" if check.passed else f"<br><code>{escape(check.look_closer)}</code>"
    state = Html(f'<span style="{ink(tone)}">{_MARKS[check.passed]}</span>')
    return check.name, state, Html(f"{escape(check.measured)}{note}{closer}"), check.required
