"""Two sets of limits under the same chaos, side by side."""

from __future__ import annotations

from html import escape

import pandas as pd
import panel as pn

from workbench.dashboards.parts import html_part, words
from workbench.dashboards.state.campaigns import Comparison

__all__ = ["limits_table"]

_BARS = """
.bar { display: flex; align-items: center; gap: 8px; min-width: 150px; }
.bar span { flex: 0 0 72px; text-align: right; }
.bar i { display: block; height: 10px; border-radius: 3px; background: var(--wb-accent); min-width: 1px; }
.bar i.after { background: none; border: 2px solid var(--wb-accent); box-sizing: border-box; }
p { margin: 0 0 8px; }
td, th { vertical-align: middle; }
"""


def limits_table(comparison: Comparison) -> pn.pane.HTML:
    """Worst damage, exposure and survival of each kind under both, and what a normal market says."""
    table, (first, second) = comparison.by_kind, comparison.names
    most = float(table[["worst_damage_a", "worst_damage_b"]].to_numpy().max()) or 1.0
    rows = "".join(_row(str(kind), row, most) for kind, row in table.iterrows())
    before, after = comparison.calm
    head = "".join(
        f'<th scope="col" class="{kind}">{text}</th>'
        for text, kind in (
            ("Fault", ""),
            ("Worst damage", ""),
            ("Saved", "number"),
            ("Worst exposure", "number"),
            ("Survived", "number"),
        )
    )
    return html_part(
        f"<p>Filled bar and first figure: <b>{escape(first)}</b>. Hollow bar and second figure: "
        f"<b>{escape(second)}</b>. In a normal market the strategy makes {before:+,.0f} under the first and "
        f"{after:+,.0f} under the second.</p>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="Limits before and after">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>",
        stylesheets=[_BARS],
    )


def _row(kind: str, row: pd.Series[float], most: float) -> str:
    saved = row["worst_damage_a"] - row["worst_damage_b"]
    return (
        f'<tr><th scope="row">{words(kind)}</th>'
        f"<td>{_bars(row['worst_damage_a'], row['worst_damage_b'], most)}</td>"
        f'<td class="number {_tone(saved)}">{saved:+,.0f}</td>'
        f'<td class="number">{row["worst_exposure_a"]:.0%} / {row["worst_exposure_b"]:.0%}</td>'
        f'<td class="number">{row["survived_a"]:.0%} / {row["survived_b"]:.0%}</td></tr>'
    )


def _bars(before: float, after: float, most: float) -> str:
    return "".join(
        f'<div class="bar"><span>{value:,.0f}</span>'
        f'<i class="{name}" style="width: {max(value, 0.0) / most * 160:.0f}px"></i></div>'
        for name, value in (("before", before), ("after", after))
    )


def _tone(saved: float) -> str:
    return "good" if saved > 0.5 else "bad" if saved < -0.5 else ""
