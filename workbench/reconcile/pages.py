"""A reconciliation for people: lines of text, and a cell of a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from workbench.reconcile.causes import CAUSES

if TYPE_CHECKING:
    from workbench.reconcile.result import Reconciliation

__all__ = ["MEANINGS", "as_html", "as_page", "as_text", "verdict"]

MEANINGS: Final = {
    "venue": "the venue filled otherwise than the rulebook",
    "logic": "the code answers otherwise than it did",
    "fee": "fees, spread or slippage are others than assumed",
    "data": "prices were lost, late, or recorded otherwise",
    "latency": "an answer or an order took its time",
    "unexplained": "no known cause",
}
_CELL: Final = 'style="text-align:{};padding:2px 12px 2px 0;{}"'
_GOOD: Final = "color:#17803d;font-weight:600"
_BAD: Final = "color:#c62f37;font-weight:600"
_MOST_ROWS: Final = 2_000


def verdict(found: Reconciliation) -> str:
    """The whole of it in one line."""
    figures = found.figures()
    if not figures.fills and not figures.different:
        head = "no fills"
    elif not figures.different:
        head = f"all {figures.fills:,} fills agree"
    else:
        head = f"{figures.different:,} fills differ, live or in replay; live had {figures.fills:,}"
    return (
        f"{head}; unexplained {figures.unexplained_pnl:,.2f} = {figures.unexplained_bps:.2f} bps "
        f"of a turnover of {figures.turnover:,.0f}"
    )


def _warnings(found: Reconciliation) -> list[str]:
    lines = [f"{name}: not run again: {why}" for name, why in found.problems.items()]
    return lines + [f"{name}: {why}" for name, why in found.logic.items()]


def as_text(found: Reconciliation) -> str:
    lines = [f"live against replay: {'ok' if found.ok else 'NOT OK'}: {verdict(found)}"]
    for cause, row in found.causes.iterrows():
        if row["fills"]:
            lines.append(
                f"  {cause!s:<12}{int(row['fills']):>7,} fills {row['pnl']:>14,.2f} {row['bps']:>9.2f} bps  "
                f"{MEANINGS[str(cause)]}"
            )
    return "\n".join(
        [*lines, *(f"  ! {line}" for line in _warnings(found)), *(f"  {n}" for n in found.notes)]
    )


def as_html(found: Reconciliation) -> str:
    """A small table; everything that came from a journal is escaped."""
    left, right = _CELL.format("left", ""), _CELL.format("right", "font-variant-numeric:tabular-nums")
    state = f'<span style="{_GOOD if found.ok else _BAD}">{"✓ ok" if found.ok else "✗ not ok"}</span>'
    parts = [f"<div><b>Live against replay</b> {state}<br>{escape(verdict(found))}</div><table>"]
    head = ("cause", "fills", "P&L", "bps", "")
    parts.append(
        "<tr>" + "".join(f"<th {left if not n or n == 'cause' else right}>{escape(n)}</th>" for n in head)
    )
    for cause in CAUSES:
        row = found.causes.loc[cause]
        if not row["fills"]:
            continue
        bad = _BAD if cause in ("unexplained", "logic") else ""
        figures = (f"{int(row['fills']):,}", f"{row['pnl']:,.2f}", f"{row['bps']:.2f}")
        parts.append(f"</tr><tr><td {_CELL.format('left', bad)}>{cause}</td>")
        parts.append("".join(f"<td {right}>{figure}</td>" for figure in figures))
        parts.append(f"<td {left}>{escape(MEANINGS[cause])}</td>")
    parts.append("</tr></table>")
    parts += [f'<div style="{_BAD}">{escape(line)}</div>' for line in _warnings(found)]
    parts += [f"<div>{escape(note)}</div>" for note in found.notes]
    return "".join(parts)


def as_page(found: Reconciliation) -> str:
    """A page of its own, which fetches nothing: the same, and the fills that differ."""
    rows = found.fills.head(_MOST_ROWS)
    more = len(found.fills) - len(rows)
    table = rows.to_html(
        index=False, na_rep="-", float_format=lambda value: f"{value:,.6g}", escape=True, border=0
    )
    title = f"Live against replay: {found.journal}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>"
        ":root{color-scheme:light dark}body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1400px;"
        "padding:0 1.5em}.scroll{overflow-x:auto}td,th{padding:2px 10px 2px 0;text-align:right;white-space:nowrap;"
        "font-variant-numeric:tabular-nums}</style></head><body>"
        f"<h1>{escape(title)}</h1>{as_html(found)}<h2>Fills that differ</h2>"
        + (f'<div class="scroll">{table}</div>' if len(rows) else "<p>None.</p>")
        + (f"<p>and {more:,} more</p>" if more else "")
        + "</body></html>\n"
    )
