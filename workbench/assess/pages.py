"""An assessment as a table of a terminal, as JSON, and as one self-contained page."""

from __future__ import annotations

from datetime import UTC
from html import escape
from typing import TYPE_CHECKING, Any, Final

import msgspec

from workbench.assess.assessment import Assessment, Line, Proof

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["as_dict", "as_page", "as_table", "summary"]

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #667182; --line: #d9dee6; --red: #c62f37; --green: #17803d;
  --paper: #fff; --gap: #c62f3714; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #93a0b2; --line: #2d3643; --red: #ff7b7b;
  --green: #58c98b; --paper: #12161c; --gap: #ff7b7b1a; } }
body { margin: 0 auto; max-width: 1300px; padding: 28px 30px 60px; background: var(--paper); color: var(--ink);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.about { color: var(--soft); } .scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid var(--line); padding: 8px 14px 8px 0; text-align: left; vertical-align: top; }
tr.gap { background: var(--gap); } .bad { color: var(--red); font-weight: 600; } .good { color: var(--green); }
code { font-size: 12px; overflow-wrap: anywhere; } ul { margin: 0; padding-left: 16px; }
"""


def summary(found: Assessment) -> str:
    """One line."""
    gaps = len(found.gaps)
    state = "no gaps" if not gaps else f"{gaps} gap{'s' if gaps > 1 else ''}"
    return f"{found.rule}: {len(found.lines)} controls, {state}"


def as_dict(found: Assessment) -> dict[str, Any]:
    """Plain values, for JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return {**plain, "gaps": [line.article for line in found.gaps], "ok": not found.gaps}


def as_table(found: Assessment) -> Table:
    """Gaps in red."""
    from rich.markup import escape as plain
    from rich.table import Table

    table = Table(title=summary(found), title_justify="left", show_lines=True)
    table.add_column("article", no_wrap=True)
    table.add_column("control", ratio=3)
    table.add_column("setting", ratio=2)
    table.add_column("tests", ratio=3)
    table.add_column("state", no_wrap=True)
    for line in found.lines:
        values = line.settings.items()
        settings = "\n".join(
            value if name == value else f"{_short(name)} = {value}" for name, value in values
        )
        tests = "\n".join(f"{_name(proof)}: {_outcome(proof)}" for proof in line.proofs)
        state = "[bold red]GAP[/bold red]" if line.gaps else "[green]proven[/green]"
        missing = "".join(f"\n{gap}" for gap in line.gaps if not gap.startswith("test_"))
        table.add_row(
            line.article,
            plain(f"{line.requirement}\n→ {line.control}"),
            plain(settings + missing),
            plain(tests),
            state,
            style="red" if line.gaps else None,
        )
    for other in found.elsewhere:
        table.add_row(other.articles, plain(f"{other.subject}: {other.reason}"), "", "", "n/a", style="dim")
    return table


def _short(name: str) -> str:
    return name.partition(" ")[2] or name


def _name(proof: Proof) -> str:
    return proof.test.partition("::test_")[2].replace("_", " ")


def _outcome(proof: Proof) -> str:
    if proof.at is None:
        return proof.outcome
    when = proof.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    cases = f", {proof.cases} cases" if proof.cases > 1 else ""
    return f"{proof.problem or proof.outcome} ({when} UTC{cases})"


def as_page(found: Assessment) -> str:
    """A page that fetches nothing."""
    rows = "".join(_row(line) for line in found.lines)
    others = "".join(
        f"<tr><td>{escape(o.articles)}</td><td>{escape(o.subject)}</td><td>{escape(o.reason)}</td></tr>"
        for o in found.elsewhere
    )
    made = found.made_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    state = "bad" if found.gaps else "good"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Self-assessment</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>Self-assessment</h1><p class='{state}'>{escape(summary(found))}</p>"
        f"<p class='about'>Made {made}. What the articles ask for is in our own words; the text that counts is the "
        "regulation's. A control is proven where it is on and each of its tests has passed on its present file.</p>"
        "<div class='scroll'><table><thead><tr><th>Article</th><th>Asked for</th><th>Control</th><th>Setting</th>"
        f"<th>Tests</th><th>State</th></tr></thead><tbody>{rows}</tbody></table></div>"
        "<h2>Not applicable</h2><table><thead><tr><th>Articles</th><th>Subject</th><th>Reason</th></tr></thead>"
        f"<tbody>{others}</tbody></table></main></body></html>\n"
    )


def _row(line: Line) -> str:
    settings = "".join(
        f"<li><code>{escape(_short(name))}</code>{'' if name == value else f' = {escape(value)}'}</li>"
        for name, value in line.settings.items()
    )
    tests = "".join(
        f"<li class='{'bad' if proof.problem else ''}'><code>{escape(proof.test)}</code><br>"
        f"{escape(_outcome(proof))}</li>"
        for proof in line.proofs
    )
    gaps = "".join(f"<br>{escape(gap)}" for gap in line.gaps)
    state = f"<span class='bad'>GAP{gaps}</span>" if line.gaps else "<span class='good'>proven</span>"
    return (
        f"<tr class='{'gap' if line.gaps else ''}'><td>{escape(line.article)}</td><td>{escape(line.requirement)}</td>"
        f"<td>{escape(line.control)}</td><td><ul>{settings}</ul></td><td><ul>{tests}</ul></td><td>{state}</td></tr>"
    )
