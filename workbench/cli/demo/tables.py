"""The demo's findings as tables for the terminal, and as JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from workbench.cli.demo.scenes import CASH, FITTED
from workbench.cli.words import percent, share_text, span_text, usd

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.cli.demo.runs import Behaved, Demo, IncidentResult, Side

__all__ = [
    "FULL_WIDTH",
    "MADE_UP",
    "NOTES",
    "as_json",
    "over_limit",
    "sharpe_text",
    "show",
    "stopped_by",
    "summary",
    "where",
]

MADE_UP: Final = "made-up"
NOTES: Final = (
    (
        "real: daily S&P 500 (SPX), NASDAQ (IXIC) and crude oil (WTI) prices.  made-up: two days of BTC-USD and "
        "ETH-USD by the minute on two venues, in a market that falls; no real minute prices come with the package "
        "(`workbench data fetch` gets some)."
    ),
    (
        "Each chaos strategy runs beside a well-behaved one (`others`) in one account of 1,000,000 USD.  Damage: what "
        "the account has less at the end than without the chaos strategy; a minus is a gain.  Worst position: as a "
        "share of the limit for that strategy, or as a multiple of it."
    ),
    (
        "Recovered: from the end of the misbehaviour until losses, positions and breakers are back to what they are "
        "without it.  On daily prices a stop closes positions a day later, hence losses beyond it."
    ),
)
FULL_WIDTH: Final = 130
_TITLE: Final = "Chaos strategies, with risk controls on and off"
_FIGURES: Final = ("total_return", "sharpe_ratio", "max_drawdown", "trades", "fees", "breaker_trips")


def show(demo: Demo, console: Console) -> None:
    """Print everything."""
    console.print(_behaved_table(demo.behaved))
    console.print()
    console.print(_incident_table(demo.incidents, full=console.width >= FULL_WIDTH))
    console.print()
    console.print(summary(demo), style="bold")
    for note in NOTES:
        console.print(note, style="dim")
    console.print(f"Limits: {demo.limits}, but {'; '.join(FITTED)}.", style="dim")


def summary(demo: Demo) -> str:
    """The whole demo in one sentence."""
    worst_on = max(demo.incidents, key=lambda i: i.controlled.damage_usd)
    worst_off = max(demo.incidents, key=lambda i: i.uncontrolled.damage_usd)
    on, off = worst_on.controlled.damage_usd, worst_off.uncontrolled.damage_usd
    return (
        f"Worst case with controls: {usd(on)} USD, {100 * on / CASH:.1f} % of the account "
        f"({worst_on.incident.script}); without: {usd(off)} USD, {100 * off / CASH:.0f} % "
        f"({worst_off.incident.script})."
    )


def stopped_by(side: Side) -> str:
    """What did the work: the check that refused most, with its count, and the breakers."""
    # An order refused since its strategy is stopped says nothing that the breaker does not.
    checks = [f"{name} ({count:,})" for name, count in side.reasons if name != "circuit_breaker"]
    return ", ".join([*checks[:1], *(f"breaker: {name}" for _, name in side.trips)]) or "-"


def sharpe_text(one: Behaved) -> str:
    """The Sharpe ratio; "-" for two days of minutes, a year of which nobody has seen."""
    ratio: float = one.stats["sharpe_ratio"]
    return f"{ratio:.2f}" if one.stage.real and math.isfinite(ratio) else "-"


def _behaved_table(behaved: tuple[Behaved, ...]) -> Table:
    title = "Well-behaved strategies (real: 2005 to 2010, the crash inside; made-up: two days)"
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("strategy", no_wrap=True)
    table.add_column("prices")
    for column in ("total\nreturn", "Sharpe", "max\ndrawdown", "trades", "fees\nUSD", "breakers"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in behaved:
        figures = one.stats
        table.add_row(
            one.name,
            "real" if one.stage.real else MADE_UP,
            _toned(percent(figures["total_return"]), figures["total_return"] < 0.0),
            sharpe_text(one),
            percent(figures["max_drawdown"]),
            f"{figures['trades']:,}",
            usd(figures["fees"]),
            f"{figures['breaker_trips']}",
        )
    return table


def over_limit(side: Side) -> bool:
    """Whether the position was beyond its limit, by more than a rounding."""
    return side.limit_use > 1.005


def _incident_table(incidents: tuple[IncidentResult, ...], *, full: bool) -> Table:
    """full: with what each strategy does, what held it, and what became of the others; else for a narrow screen."""
    if not full:
        return _narrow_table(incidents)
    table = Table(title=_TITLE, title_justify="left", title_style="bold", show_lines=True)
    table.add_column("chaos strategy", min_width=20)
    for heading in (
        "orders\nsent",
        "refused",
        "worst\nposition\non / off",
        "damage\nUSD, on",
        "damage\nUSD, off",
        "breaker\ntrips",
        "recovered\non / off",
        "others\nUSD",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("what held it", min_width=20, overflow="fold")
    for one in incidents:
        on, (position, damage, recovered) = one.controlled, _on_off(one)
        table.add_row(
            f"[bold]{one.incident.script}[/]\n{escape(one.incident.what)}\n[dim]{where(one)}[/]",
            f"{on.sent:,}",
            f"{on.refused:,}",
            "\n".join(position),
            *damage,
            f"{len(on.trips)}",
            "\n".join(recovered),
            usd(on.neighbour_usd),
            stopped_by(on).replace(", ", "\n"),
        )
    return table


def _narrow_table(incidents: tuple[IncidentResult, ...]) -> Table:
    """The figures alone, those with controls on above those with controls off."""
    table = Table(
        title=_TITLE, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("chaos strategy", no_wrap=True)
    for heading in (
        "orders\nsent,\nrefused",
        "worst\nposition\non / off",
        "damage\nUSD\non / off",
        "breaker\ntrips",
        "recovered\non / off",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in incidents:
        on, (position, damage, recovered) = one.controlled, _on_off(one)
        table.add_row(
            f"[bold]{one.incident.script}[/]\n[dim]{'real prices' if one.stage.real else MADE_UP}[/]",
            f"{on.sent:,}\n{on.refused:,}",
            "\n".join(position),
            "\n".join(damage),
            f"{len(on.trips)}",
            "\n".join(recovered),
        )
    return table


def _on_off(one: IncidentResult) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
    """Worst position, damage and recovery, each with controls on and off."""
    on, off = one.controlled, one.uncontrolled
    return (
        (share_text(on.limit_use), _toned(share_text(off.limit_use), over_limit(off))),
        (usd(on.damage_usd), _toned(usd(off.damage_usd), off.damage_usd > on.damage_usd)),
        (
            span_text(on.recovery_seconds),
            _toned(span_text(off.recovery_seconds), off.recovery_seconds is None),
        ),
    )


def where(one: IncidentResult) -> str:
    """Which prices, and from when."""
    if one.stage.real:
        return f"real: {one.incident.symbol}, from {one.incident.start}"
    return f"{MADE_UP}: {one.incident.symbol}, minutes"


def _toned(text: str, bad: bool) -> str:
    return f"[red]{text}[/]" if bad else text


# -- JSON -------------------------------------------------------------------------------------------------------


def as_json(demo: Demo) -> dict[str, Any]:
    """Plain values for JSON: the figures of the tables, without the curves."""
    return {
        "behaved": [
            {"strategy": b.name, "real_prices": b.stage.real} | {name: b.stats[name] for name in _FIGURES}
            for b in demo.behaved
        ],
        "chaos": [
            {
                "strategy": i.incident.script,
                "what": i.incident.what,
                "real_prices": i.stage.real,
                "start_ns": i.start_ns,
                "end_ns": i.end_ns,
                "controls_on": _side(i.controlled),
                "controls_off": _side(i.uncontrolled),
            }
            for i in demo.incidents
        ],
        "limits": {"from": demo.limits, "but": FITTED},
        "notes": NOTES,
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "orders_sent": side.sent,
        "refused": side.refused,
        "reasons": dict(side.reasons),
        "worst_position": side.worst_position,
        "position_limit": side.limit,
        "damage_usd": side.damage_usd,
        "worst_damage_usd": side.worst_damage_usd,
        "breaker_trips": [reason for _, reason in side.trips],
        "recovery_seconds": side.recovery_seconds,
        "neighbour_usd": side.neighbour_usd,
    }
