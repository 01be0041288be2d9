"""The demo's page: tables, and a chart per incident with its window marked.  One file that fetches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from workbench.backtest.charts import money
from workbench.backtest.page_style import STYLE
from workbench.backtest.svg import Band, Chart, Line, Rule, draw
from workbench.cli.demo.scenes import CASH, FITTED
from workbench.cli.demo.tables import MADE_UP, NOTES, over_limit, sharpe_text, stopped_by, summary, where
from workbench.cli.words import percent, share_text, span_text, units, usd

if TYPE_CHECKING:
    from workbench.cli.demo.runs import Behaved, Curve, Demo, IncidentResult, Side

__all__ = ["page"]

type Cell = tuple[str, str]
"""Text, and the CSS classes that it stands in."""

_MORE_STYLE: Final = """
.on { stroke: var(--green); stroke-width: 2.2; } .off { stroke: var(--red); }
.normal { stroke: var(--soft); stroke-dasharray: 5 4; } svg.chart { overflow: visible; }
.held line { stroke: var(--green); stroke-width: 1.2; stroke-dasharray: 3 3; } .held path { fill: var(--green); }
.lead { font-size: 17px; font-weight: 600; margin: 14px 0 4px; }
h3 { font-size: 14px; margin: 26px 0 0; } td.bad { color: var(--red); font-weight: 600; }
body { max-width: 1320px; }
td small { color: var(--soft); display: block; font-weight: 400; white-space: nowrap; }
td.number { white-space: nowrap; }
a { color: var(--blue); text-decoration: none; } a:hover { text-decoration: underline; }
"""


def page(demo: Demo) -> str:
    """The page as text."""
    parts = [
        "<h1>Chaos strategies, with risk controls on and off</h1>",
        f'<p class="lead">{escape(summary(demo))}</p>',
        _incident_table(demo.incidents),
        *(f'<p class="note">{escape(note.replace("`", ""))}</p>' for note in NOTES),
        f'<p class="note">Limits: {escape(demo.limits)}, but {escape("; ".join(FITTED))}.</p>',
        "<h2>Equity of the account in each incident</h2>",
        _legend(),
        *(part for incident in demo.incidents for part in _incident(incident)),
        "<h2>Well-behaved strategies</h2>",
        '<p class="note">real: 2005 to 2010, the crash of 2008 inside; made-up: two days of minutes</p>',
        _behaved_table(demo.behaved),
        *_behaved_charts(demo.behaved),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Workbench demo</title><style>{STYLE}{_MORE_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


# -- tables -----------------------------------------------------------------------------------------------------


def _table(heads: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> str:
    """Texts are HTML already."""
    head = "".join(f'<th class="{style}">{text}</th>' for text, style in heads)
    body = "\n".join(
        "<tr>" + "".join(f'<td class="{style}">{text}</td>' for text, style in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>\n{body}</table></div>'


def _number(text: str, bad: bool = False) -> Cell:
    return escape(text), "number bad" if bad else "number"


def _position(side: Side) -> Cell:
    """The worst position as a share of its limit, and in units below."""
    text, style = _number(share_text(side.limit_use), over_limit(side))
    return f"{text}<small>{units(side.worst_position)} of {units(side.limit)}</small>", style


def _incident_table(incidents: Sequence[IncidentResult]) -> str:
    heads = [
        ("chaos strategy", ""),
        *(
            (text, "number")
            for text in (
                "orders<br>sent",
                "refused",
                "worst position<br>of its limit, on",
                "<br>off",
                "damage USD<br>controls on",
                "damage USD<br>controls off",
                "breaker<br>trips",
                "recovered<br>on",
                "<br>off",
                "others<br>USD",
            )
        ),
        ("what held it", ""),
    ]
    return _table(heads, (_incident_row(one) for one in incidents))


def _incident_row(one: IncidentResult) -> list[Cell]:
    on, off = one.controlled, one.uncontrolled
    name = f'<a href="#{one.incident.script}">{escape(one.incident.script)}</a>'
    about = f"<small>{escape(one.incident.what)}</small><small>{escape(where(one))}</small>"
    return [
        (name + about, ""),
        _number(f"{on.sent:,}"),
        _number(f"{on.refused:,}"),
        _position(on),
        _position(off),
        _number(usd(on.damage_usd)),
        _number(usd(off.damage_usd), off.damage_usd > on.damage_usd),
        _number(f"{len(on.trips)}"),
        _number(span_text(on.recovery_seconds)),
        _number(span_text(off.recovery_seconds), off.recovery_seconds is None),
        _number(usd(on.neighbour_usd)),
        (escape(stopped_by(on)).replace(", ", "<br>"), "text"),
    ]


def _behaved_table(behaved: Sequence[Behaved]) -> str:
    heads = [("strategy", ""), ("prices", "")]
    heads += [
        (text, "number")
        for text in ("total return", "Sharpe", "max drawdown", "trades", "fees USD", "breaker trips")
    ]
    rows = []
    for one in behaved:
        figures = one.stats
        rows.append(
            [
                (f"{escape(one.name)}<small>{escape(one.description)}</small>", ""),
                ("real" if one.stage.real else MADE_UP, ""),
                _number(percent(figures["total_return"]), figures["total_return"] < 0.0),
                _number(sharpe_text(one)),
                _number(percent(figures["max_drawdown"])),
                _number(f"{figures['trades']:,}"),
                _number(usd(figures["fees"])),
                _number(f"{figures['breaker_trips']}", figures["breaker_trips"] > 0),
            ]
        )
    return _table(heads, rows)


# -- charts -----------------------------------------------------------------------------------------------------


def _legend() -> str:
    entries = (
        ("--green", "controls on"),
        ("--red", "controls off"),
        ("--soft", "without the chaos strategy (dashed)"),
        ("--amber", "the misbehaviour"),
    )
    shown = "".join(
        f'<span><i style="background:var({colour})"></i>{text}</span>' for colour, text in entries
    )
    return f'<div class="legend">{shown}<span>&#9660; a breaker trips, with controls on</span></div>'


def _incident(one: IncidentResult) -> list[str]:
    """Heading and chart of one incident."""
    on, off = one.controlled, one.uncontrolled
    times = np.unique(np.concatenate([one.normal.times_ns, on.curve.times_ns, off.curve.times_ns]))
    lines = [
        Line(_on_times(off.curve, times), "off", "controls off"),
        Line(_on_times(one.normal, times), "normal", "without the chaos strategy"),
        Line(_on_times(on.curve, times), "on", "controls on"),
    ]
    band = Band(one.start_ns, one.end_ns, one.incident.script.replace("_", " "), one.incident.what)
    rules = [Rule(trip_ns, f"controls on: breaker {reason} trips", "held") for trip_ns, reason in on.trips]
    chart = Chart(
        one.incident.script, times, lines, money, base=CASH, height=240.0, bands=[band], rules=rules
    )
    said = (
        f"{one.incident.what}; {where(one)}.  Damage {usd(on.damage_usd)} USD with controls, "
        f"{usd(off.damage_usd)} without."
    )
    return [
        f'<h3 id="{one.incident.script}">{escape(one.incident.script)}</h3>',
        f'<p class="note">{escape(said)}</p>',
        f'<div class="frame">{draw(chart)}</div>',
    ]


def _on_times(curve: Curve, times: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """float64[n]: equity at each of `times`, the cash before the first."""
    places = np.searchsorted(curve.times_ns, times, side="right")
    return np.concatenate([[CASH], curve.equity])[places]


def _behaved_charts(behaved: Sequence[Behaved]) -> list[str]:
    """One chart for the real prices and one for the made-up ones."""
    parts = []
    for real, title in ((True, "on real daily prices"), (False, "on the made-up minutes")):
        group = [one for one in behaved if one.stage.real is real]
        if not group:
            continue
        times = np.unique(np.concatenate([one.curve.times_ns for one in group]))
        lines = [Line(_on_times(one.curve, times), f"s{n}", one.name) for n, one in enumerate(group)]
        names = "".join(
            f'<span><i style="background:var(--s{n})"></i>{escape(one.name)}</span>'
            for n, one in enumerate(group)
        )
        parts += [
            f"<h3>Equity {title}</h3>",
            f'<div class="legend">{names}</div>',
            f'<div class="frame">{draw(Chart(title, times, lines, money, base=CASH, height=280.0))}</div>',
        ]
    return parts
