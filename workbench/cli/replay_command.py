"""`workbench replay`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.output import answer_console, check_writable, print_json, say
from workbench.cli.settings import Json, plain, read_limits

if TYPE_CHECKING:
    from workbench.backtest.result import BacktestResult

__all__ = ["replay_command"]

Journal = Annotated[
    str,
    typer.Argument(
        metavar="JOURNAL",
        help="An engine's data folder, its journal's file, or the URL of one. The engine may be running.",
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help="First price: 2026-03-10 or 2026-03-10T14:30 (UTC).",
        show_default=False,
    ),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Last price, its whole day or month.", show_default=False),
]
OtherLimits = Annotated[
    str | None,
    typer.Option(
        "--limits",
        metavar="FILE|off",
        help="Show what these limits would have made of it; off for none at all.",
        show_default=False,
    ),
]
Faults = Annotated[
    Path | None,
    typer.Option(
        "--chaos",
        metavar="FILE",
        help="Show what market and venue faults would have made of it: events in YAML or JSON, as for chaos --events.",
    ),
]
Page = Annotated[
    Path | None,
    typer.Option(
        "--html", metavar="FILE", help="Also write a page: of what would have been, where that is asked."
    ),
]

_COMPARED = ("fills", "orders_sent", "orders_refused", "breaches", "breaker_trips", "fees", "max_drawdown")


def replay_command(
    journal: Journal,
    start: From = None,
    end: To = None,
    limits: OtherLimits = None,
    chaos: Faults = None,
    html: Page = None,
    json: Json = False,
) -> None:
    """Carry a live session through again from its journal, fill for fill, and show what came of it.

    With --limits or --chaos also what they would have changed; the strategies' signals stay as they were.

    Example: workbench replay var/engine --from 2026-03-10T14:00 --to 2026-03-10T15:00 --limits stricter.yaml
    """
    from workbench.backtest.incident import replay
    from workbench.cli.chaos_command import read_events

    check_writable(html)
    asked: dict[str, Any] = {}
    if limits is not None:
        asked["limits"] = read_limits(limits)
    if chaos is not None:
        asked["chaos"] = read_events(chaos)
    session = replay(journal, start=start, end=end)
    other = replay(journal, start=start, end=end, **asked) if asked else None
    before = _comparable(session, journal, start, end) if asked else session
    if html is not None:
        (other or session).to_html(html)
    if json:
        print_json(
            {
                **_plain(session),
                "before": None if other is None else _plain(before),
                "after": None if other is None else _plain(other),
                "html": None if html is None else str(html),
            }
        )
        return
    typer.echo(repr(session))
    typer.echo(f"in full           {session.fingerprint}")
    if other is not None:
        _show(before, other, rematched=before is not session)
    if html is not None:
        say(f"page written to {html}")


def _comparable(session: BacktestResult, journal: str, start: str | None, end: str | None) -> BacktestResult:
    """The session itself; matched by the rulebook, as what it is compared with, where venues matched by themselves."""
    from workbench.backtest.incident import replay

    matched = replay(journal, start=start, end=end, rematch=True)
    return session if matched.fingerprint == session.fingerprint else matched


def _plain(result: BacktestResult) -> dict[str, Any]:
    return {
        "strategies": result.strategies,
        "instruments": result.instruments,
        "pnl": _pnl(result),
        "stats": plain(result.stats()),
        "fingerprint": result.fingerprint,
    }


def _pnl(result: BacktestResult) -> float:
    """Since the engine's journal began, to the end of the part."""
    return result.final_equity - result.initial_cash


def _show(before: BacktestResult, after: BacktestResult, *, rematched: bool) -> None:
    from rich.table import Table

    table = Table(title="What would have been", title_justify="left")
    table.add_column("")
    for column in ("before", "after", "change"):
        table.add_column(column, justify="right")
    table.add_row("P&L", *_cells(_pnl(before), _pnl(after)))
    was, is_now = before.stats(), after.stats()
    for name in _COMPARED:
        table.add_row(name.replace("_", " "), *_cells(was[name], is_now[name]))
    table.add_row("fingerprint", before.fingerprint[:16], after.fingerprint[:16], "")
    console = answer_console()
    console.print(table)
    if rematched:
        console.print("Both are matched by the rulebook: what venues have reported is of the orders of then.")


def _cells(before: Any, after: Any) -> tuple[str, str, str]:
    return _figure(before), _figure(after), _figure(after - before, sign="+")


def _figure(value: Any, sign: str = "") -> str:
    if isinstance(value, float):
        return f"{value:{sign},.4f}" if abs(value) < 10.0 else f"{value:{sign},.2f}"
    return f"{value:{sign},}"
