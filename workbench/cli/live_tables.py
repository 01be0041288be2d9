"""The engine's answers as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.cli.output import answer_console

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from workbench.client.answers import Health, Portfolio, RiskStatus, StrategyStatus

__all__ = [
    "clean",
    "health_lines",
    "plain_rows",
    "show_frame",
    "show_history",
    "show_status",
    "show_strategy",
]

_STATES = {"ok": "green", "running": "green", "warning": "yellow", "degraded": "yellow", "paused": "yellow"}


def clean(value: Any) -> str:
    """Text of others, without what a terminal or rich would obey."""
    from rich.markup import escape

    return escape("".join(sign if sign.isprintable() else " " for sign in str(value)))


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) == "NaT":
        return "-"
    if hasattr(value, "isoformat"):
        return str(value.strftime("%Y-%m-%d %H:%M:%S"))
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 1000.0 else f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else clean(value)


def show_frame(frame: pd.DataFrame, columns: Sequence[str], title: str, nothing: str) -> None:
    """Some columns of a frame, the figures to the right; one line where it has no rows."""
    from rich.table import Table

    console = answer_console()
    if frame.empty:
        console.print(nothing)
        return
    flat = frame.reset_index()
    table = Table(title=title, title_justify="left")
    for name in columns:
        figures = flat[name].dtype.kind in "fi"
        table.add_column(name.replace("_", " "), justify="right" if figures else "left", overflow="fold")
    for row in flat[list(columns)].itertuples(index=False):
        table.add_row(*(_cell(cell) for cell in row))
    console.print(table)


def show_history(frame: pd.DataFrame, columns: Sequence[str], detail: str, nothing: str) -> None:
    """What happened, oldest first: a line each, and below it all of its column `detail`, one line a parameter."""
    from rich.padding import Padding
    from rich.table import Table

    console = answer_console()
    if frame.empty:
        console.print(nothing)
        return
    for row in frame.reset_index().to_dict("records"):
        cells = (_cell(row[name]) for name in columns)
        console.print("  ".join(cell for cell in cells if cell not in ("", "-")))
        table = Table(show_header=False, box=None)
        table.add_column(overflow="fold", style="dim")
        table.add_column(overflow="fold")
        for name, value in _parts(str(row[detail])):
            table.add_row(clean(name), clean(value))
        if table.row_count:
            console.print(Padding(table, (0, 0, 0, 3)))


def _parts(detail: str) -> list[tuple[str, str]]:
    """A request as its parameters, those inside of others with both names; other text in one piece."""
    import json

    try:
        found = json.loads(detail)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return [("", detail)] if detail else []
    parts: list[tuple[str, str]] = []
    for name, value in found.items():
        if isinstance(value, dict):
            parts += [(f"{name}.{key}", _plain(inside)) for key, inside in value.items()]
        elif value not in ("", None):
            parts.append((name, _plain(value)))
    return parts


def _plain(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows for JSON: times as ISO text, NaN as null."""
    flat = frame.reset_index()
    return [
        {str(name): _json_cell(value) for name, value in record.items()} for record in flat.to_dict("records")
    ]


def _json_cell(value: Any) -> Any:
    if str(value) == "NaT":
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def health_lines(health: Health, url: str) -> list[str]:
    """How the engine does, one line each."""
    colour = _STATES.get(health.status, "red")
    what = f"up {_span(health.uptime_seconds)}, version {clean(health.version)}"
    lines = [
        f"[{colour}]{health.status}[/]  {clean(url)}  {what}, strategies isolated by {clean(health.isolation)}"
    ]
    lines += [f"  [{colour}]{clean(part)}: {clean(why)}[/]" for part, why in health.problems.items()]
    return lines


def _span(seconds: float) -> str:
    from workbench.cli.words import span_text

    return span_text(seconds)


def show_status(
    health: Health, url: str, portfolio: Portfolio, risk: RiskStatus, strategies: pd.DataFrame
) -> None:
    """The whole engine on one page."""
    console = answer_console()
    for line in health_lines(health, url):
        console.print(line)
    console.print(_money(portfolio, risk))
    if risk.halted:
        console.print(f"[red]halted: {clean(', '.join(risk.halted))}[/]")
    for kill in risk.kills:
        what = " ".join(part for part in (kill.scope, kill.target) if part)
        console.print(f"[red]killed: {clean(what)} by {clean(kill.person)}: {clean(kill.reason)}[/]")
    remark = ("halted_by",) if (strategies["halted_by"] != "").any() else ()
    columns = (
        "strategy_id",
        "strategy_name",
        "version",
        "state",
        *remark,
        "pnl",
        "gross_exposure",
        "fills",
    )
    show_frame(strategies, columns, "strategies", "no strategy runs")


def _money(portfolio: Portfolio, risk: RiskStatus) -> RenderableType:
    from rich.table import Table

    table = Table("equity", "today", "P&L", "drawdown", "gross", "net", "working orders", "risk")
    table.add_row(
        f"{portfolio.equity:,.2f}",
        f"{portfolio.day_pnl:+,.2f}",
        f"{portfolio.total_pnl:+,.2f}",
        f"{portfolio.drawdown:.2%}",
        f"{portfolio.gross_exposure:,.0f}",
        f"{portfolio.net_exposure:+,.0f}",
        f"{risk.working_orders:,}",
        f"[{_STATES.get(risk.status, 'red')}]{risk.status}[/]",
    )
    return table


def show_strategy(status: StrategyStatus) -> None:
    """Everything about one strategy, one line each."""
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for name in status.__struct_fields__:
        value = getattr(status, name)
        if name.endswith("_ns"):
            value = _moment(value)
        elif isinstance(value, tuple):
            value = ", ".join(map(str, value))
        shown = _cell(value) if not isinstance(value, dict) else clean(value)
        if shown not in ("", "-"):
            table.add_row(f"[dim]{name.removesuffix('_ns').replace('_', ' ')}[/]", shown)
    answer_console().print(table)


def _moment(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if ns else "-"
