"""The scorecard as one self-contained page that fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from workbench.backtest.charts import drawdown_chart, equity_chart
from workbench.backtest.page_style import STYLE
from workbench.backtest.svg import draw
from workbench.certify.checks import FAMILIES, Check, Subject
from workbench.certify.scorecard import verdict

__all__ = ["scorecard_page"]

_WORDS: Final[Mapping[str, str]] = {
    "normal": "Normal: the given prices, with costs and all rules on",
    "honest": "Honest: what the figures owe to the future, to luck, or to the moment",
    "significant": "Significant: how likely it is that the figures are luck",
    "stress": "Stress: crises of the past, made-up shocks, and twice the messages",
    "chaos": "Chaos: every fault, and every misbehaving neighbour",
}
_COLUMNS: Final = (
    '<colgroup><col class="check"><col class="state"><col class="measured"><col class="required"></colgroup>'
)
_MORE_STYLE: Final = """
td.closer { padding-top: 0; border-bottom: 1px solid var(--line); } td.above { border-bottom: none; }
code { font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere; }
.state { font-weight: 600; } td.state, td.check { white-space: nowrap; }
table.checks { table-layout: fixed; min-width: 900px; } col.check { width: 200px; } col.state { width: 66px; }
col.required { width: 30%; }
"""


def scorecard_page(subject: Subject, checks: Sequence[Check], facts: Sequence[str], footer: str) -> str:
    """The whole page.  facts: what was certified, in a few words each.  footer: who signed, or that nobody did."""
    title = verdict(subject.name, checks)
    tone = "good" if all(check.passed for check in checks) else "bad"
    families = "\n".join(_family(family, checks) for family in FAMILIES)
    body = (
        f'<main><h1>{escape(subject.name)}</h1><p class="about">{" &middot; ".join(map(escape, facts))}</p>'
        f'<p class="state {tone}">{escape(title)}</p>{_tiles(checks)}{families}{_charts(subject)}'
        f"<footer>{escape(footer)}</footer></main>"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Certification: {escape(subject.name)}</title><style>{STYLE}{_MORE_STYLE}</style></head>\n"
        f"<body>{body}</body></html>\n"
    )


def _tiles(checks: Sequence[Check]) -> str:
    cells = []
    for family in FAMILIES:
        mine = [check for check in checks if check.family == family]
        if not mine:
            continue
        bad = sum(not check.passed for check in mine)
        tone, state = ("bad", f"{bad} failed") if bad else ("good", "passed")
        cells.append(
            f'<div class="tile"><div class="name">{family}</div><div class="value {tone}">{state}</div>'
            f'<div class="more">{len(mine) - bad} of {len(mine)} checks</div></div>'
        )
    return f'<div class="tiles">{"".join(cells)}</div>'


def _family(family: str, checks: Sequence[Check]) -> str:
    mine = [check for check in checks if check.family == family]
    if not mine:
        return ""
    rows = "".join(_rows(check) for check in mine)
    heads = "".join(f"<th>{name}</th>" for name in ("check", "result", "measured", "required"))
    return (
        f'<h2>{escape(_WORDS[family])}</h2><div class="scroll"><table class="checks">{_COLUMNS}'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _rows(check: Check) -> str:
    """A line; one that failed has a second that says how to look closer."""
    tone, state = ("good", "passed") if check.passed else ("bad", "failed")
    note = f' <span class="note">({escape(check.note)})</span>' if check.note else ""
    above = "" if check.passed else " above"
    line = (
        f'<tr><td class="check{above}">{escape(check.name)}</td><td class="state {tone}{above}">{state}</td>'
        f'<td class="text{above}">{escape(check.measured)}{note}</td>'
        f'<td class="text{above}">{escape(check.required)}</td></tr>'
    )
    if check.passed:
        return line
    return line + (
        f'<tr><td class="closer"></td><td class="closer"></td><td class="closer text" colspan="2">look closer: '
        f"<code>{escape(check.look_closer)}</code></td></tr>"
    )


def _charts(subject: Subject) -> str:
    """The run without stress."""
    result = subject.backtest(on_error="contain")
    return (
        f'<h2>Equity of the normal run</h2><div class="frame">{draw(equity_chart(result))}</div>'
        f'<h2>Drawdown</h2><div class="frame">{draw(drawdown_chart(result))}</div>'
    )
