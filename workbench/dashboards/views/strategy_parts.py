"""One strategy looked at closely, as HTML: figures, what it runs with, its certificate, its log."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from workbench.dashboards.state.figures import UNKNOWN, clock, money, percent, signed
from workbench.dashboards.state.risk_desk import Figure
from workbench.dashboards.views.live import text
from workbench.dashboards.views.risk_parts import figures

if TYPE_CHECKING:
    from workbench.client.answers import LogLine, StrategyStatus

__all__ = ["close_up", "log_lines"]


def close_up(status: StrategyStatus | None) -> str:
    """Figures, then what it runs with."""
    if status is None:
        return '<p class="soft">A moment, please.</p>'
    newer = ""
    if status.newer_source_hash:
        newer = (
            '<div class="old"><b>Its script has changed since.</b> Swap it to run the present text '
            f"({text(status.newer_source_hash[:12])}).</div>"
        )
    return newer + figures(_figures(status)) + _facts(status) + _errors(status)


def _figures(status: StrategyStatus) -> tuple[Figure, ...]:
    pnl = status.pnl
    answers = f"p99 {_ms(status.answer_p99_ms)}"
    return (
        Figure(
            "P&L",
            signed(pnl),
            f"capital {money(status.capital, 0)}",
            "good" if pnl > 0 else "bad" if pnl < 0 else "",
        ),
        Figure("Drawdown", percent(status.drawdown), "from its peak"),
        Figure("Gross exposure", money(status.gross_exposure, 0)),
        Figure("Orders", f"{status.accepted:,}", f"{status.refused:,} refused, {status.breaches:,} breaches"),
        Figure("Fills", f"{status.fills:,}"),
        Figure("Answers in", _ms(status.answer_p50_ms), f"{answers}, {status.unanswered:,} waiting"),
    )


def _ms(value: float) -> str:
    return f"{value:.1f} ms" if math.isfinite(value) else UNKNOWN


def _facts(status: StrategyStatus) -> str:
    config = json.dumps(status.config) if status.config else "as the script has them"
    rows = {
        "Script": f"{status.script} ({status.source_hash[:12]})",
        "Parameters": config,
        "Symbols": ", ".join(status.symbols) or "every one",
        "Started by": f"{status.person or UNKNOWN}, {clock(status.started_ns)} UTC",
        "If it dies": "its positions are closed"
        if status.on_failure == "flatten"
        else "its positions are held",
        "Restarts": f"{status.restarts:,}",
    }
    if status.chaos:
        rows["Chaos"] = f"misbehaves on purpose: {status.chaos}"
    items = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in rows.items())
    return f'<h3>Runs with</h3><dl class="facts">{items}</dl>'


def _errors(status: StrategyStatus) -> str:
    if not status.errors:
        return ""
    lines = "".join(
        f"<li><span class='says'>{text(error)}</span></li>" for error in reversed(status.errors[-5:])
    )
    return f'<h3>Errors, newest first</h3><ul class="list">{lines}</ul>'


def log_lines(lines: tuple[LogLine, ...], trouble: str) -> str:
    """Newest first, so that what happened last is seen without scrolling."""
    if trouble:
        return f'<p class="soft">{text(trouble)}</p>'
    if not lines:
        return '<p class="soft">It has logged nothing.</p>'
    shown = "\n".join(
        f'<time>{text(clock(line.ns))}</time> <span class="{text(line.level)}">{text(line.level)}</span> '
        f"{text(line.text)}"
        for line in reversed(lines)
    )
    return f'<pre class="log" tabindex="0" role="region" aria-label="Log, newest first">{shown}</pre>'
