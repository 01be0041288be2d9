"""The risk desk's figures as HTML: each part is a function from what is known to what is drawn."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from workbench.dashboards.parts import badge
from workbench.dashboards.state.bars import SCOPES, Bar, Gain
from workbench.dashboards.state.figures import age, clock, signed
from workbench.dashboards.state.notices import Notice
from workbench.dashboards.state.risk_desk import Figure
from workbench.dashboards.views.live import text
from workbench.plotting.style import DIVERGING, colour_of, text_on

if TYPE_CHECKING:
    from workbench.client.answers import Correlations, VenueRisk

__all__ = ["bars", "figures", "gains", "matrix", "notice_list", "venue_list"]

_PALE: Final = 0.45  # of the palette: what is darker has too little contrast with any text


def figures(rows: tuple[Figure, ...]) -> str:
    """Figures beside each other."""
    cells = "".join(
        f'<div><dt>{text(row.name)}</dt><dd class="{row.tone}">{text(row.value)}'
        f"<small>{text(row.note)}</small></dd></div>"
        for row in rows
    )
    return f'<dl class="tiles">{cells}</dl>'


def bars(rows: tuple[Bar, ...]) -> str:
    """Limits that are on, by scope, and how full they are."""
    if not rows:
        return '<p class="soft">No limit is on.</p>'
    parts = []
    for scope, group in groupby(rows, key=lambda bar: bar.scope):
        items = "".join(_bar(bar) for bar in group)
        parts.append(f'<h3>{text(SCOPES.get(scope, scope))}</h3><ul class="bars">{items}</ul>')
    return "".join(parts)


def _bar(bar: Bar) -> str:
    whose = f"<b>{text(bar.target)}</b> " if bar.target else ""
    label = text(f"{bar.target} {bar.name}".strip())
    mark = f", <b>{text(bar.says)}</b>" if bar.level != "good" else ""
    spoken = text(f"{bar.use} used: {bar.value} of {bar.limit}, {bar.says}")
    return (
        f'<li class="at-{bar.level}"><div class="line">'
        f'<span class="name" title="{label}">{whose}{text(bar.name)}</span>'
        f'<span class="use">{text(bar.use)}</span></div>'
        f'<span class="track" role="meter" aria-label="{label}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{bar.share * 100:.0f}" aria-valuetext="{spoken}">'
        f'<i style="width:{bar.share:.1%}"></i></span>'
        f"<small>{text(bar.value)} of {text(bar.limit)}{mark}</small></li>"
    )


def gains(rows: tuple[Gain, ...], nothing: str) -> str:
    """P&L of each, gains to the right, losses to the left."""
    if not rows:
        return f'<p class="soft">{text(nothing)}</p>'
    items = "".join(
        f'<li class="{"gain" if row.pnl > 0.0 else "loss" if row.pnl < 0.0 else ""}">'
        f'<span class="name" title="{text(row.name)}">{text(row.name)}</span>'
        f'<span class="both"><i style="width:{abs(row.share) / 2.0:.1%}"></i></span>'
        f'<span class="figure">{text(signed(row.pnl))}</span></li>'
        for row in rows
    )
    return f'<ul class="gains">{items}</ul>'


def matrix(found: Correlations | None) -> str:
    """Correlations of strategies and of instruments; where there are too few samples, when there will be more."""
    if found is None:
        return ""
    if not found.by_instrument:
        wait = age(found.interval_seconds)
        return (
            f'<p class="soft">Known after {found.needed} samples, one every {wait}; '
            f"{found.samples} so far.</p>"
        )
    parts = [_table("Returns of instruments", found.instruments, found.by_instrument)]
    if len(found.strategies) > 1:
        parts.insert(0, _table("P&L of strategies", found.strategies, found.by_strategy))
    return "".join(parts)


def _table(caption: str, names: tuple[str, ...], rows: tuple[tuple[float, ...], ...]) -> str:
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in names)
    lines = "".join(
        f'<tr><th scope="row">{text(name)}</th>{"".join(_cell(value) for value in row)}</tr>'
        for name, row in zip(names, rows, strict=True)
    )
    return (
        f'<div class="matrix" tabindex="0" role="region" aria-label="{text(caption)}">'
        f"<table><caption>{text(caption)}</caption>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _cell(value: float) -> str:
    colour = colour_of(_PALE * value, -1.0, 1.0, DIVERGING)
    shown = f"{value:.2f}".replace("-", "\u2212")
    return f'<td style="background:{colour};color:{text_on(colour)}">{shown}</td>'


def venue_list(venues: tuple[VenueRisk, ...]) -> str:
    """How venues do."""
    return f'<ul class="list">{"".join(_venue(venue) for venue in venues)}</ul>'


def _venue(venue: VenueRisk) -> str:
    word, tone = (
        ("up", "good")
        if venue.up and not venue.halted
        else ("halted", "bad")
        if venue.up
        else ("down", "bad")
    )
    return (
        f'<li>{badge(word, tone)}<span class="what">{text(venue.venue)}</span>'  # type: ignore[arg-type]
        f'<span class="says">{text(venue.kind)}{": " + text(venue.problem) if venue.problem else ""}</span></li>'
    )


def notice_list(rows: tuple[Notice, ...]) -> str:
    """What to look at, worst first."""
    if not rows:
        return '<p class="soft">Nothing to look at.</p>'
    word: dict[str, tuple[str, Any]] = {
        "bad": ("stopped", "bad"),
        "warn": ("look", "warn"),
        "info": ("noted", ""),
    }
    items = "".join(
        f"<li>{badge(*word[row.level])}"
        f'<span class="what">{text(row.what)}</span><span class="says">{text(row.says)}</span>'
        f"<time>{text(clock(row.ns)) if row.ns else 'now'}</time></li>"
        for row in rows[:60]
    )
    return f'<div class="tall" tabindex="0" role="region" aria-label="Alerts"><ul class="list">{items}</ul></div>'
