"""`workbench reconcile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.output import answer_console, check_writable, print_json, say, write_whole
from workbench.cli.replay_command import From, Journal, To
from workbench.cli.settings import Json

if TYPE_CHECKING:
    from workbench.reconcile.result import Reconciliation

__all__ = ["reconcile_command"]

Date = Annotated[
    str | None, typer.Option("--date", metavar="DAY", help="A day, UTC: 2026-03-10.", show_default=False)
]
Strategy = Annotated[
    list[str] | None,
    typer.Option("--strategy", metavar="ID", help="Only this one; may be given again.", show_default=False),
]
Code = Annotated[
    Path | None,
    typer.Option(
        "--code",
        metavar="FOLDER",
        help="Run the strategies of this folder in place of the code that ran.",
        show_default=False,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="The engine's data folder, where the journal is a database.",
        show_default=False,
    ),
]
Recording = Annotated[
    bool, typer.Option(help="Take the replay's prices from the engine's recording, where there is one.")
]
Attribute = Annotated[
    bool, typer.Option(help="Look for the causes; without, all that differs is unexplained.")
]
Isolation = Annotated[
    str,
    typer.Option(
        metavar="KIND", help="Of the strategies' processes: sandbox, container, or thread for trusted code."
    ),
]
Minimum = Annotated[
    str, typer.Option(metavar="LEVEL", help="What must hold of it: none, rlimits, filtered, bubblewrap.")
]
Publish = Annotated[
    bool,
    typer.Option("--publish", help="Put the result where the engine's metrics find it.", show_default=False),
]
Page = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write a page.", show_default=False)
]

_MOST_ROWS = 20


def reconcile_command(
    journal: Journal,
    date: Date = None,
    start: From = None,
    end: To = None,
    strategy: Strategy = None,
    code: Code = None,
    data: Data = None,
    recording: Recording = True,
    attribute: Attribute = True,
    isolation: Isolation = "sandbox",
    minimum: Minimum = "filtered",
    publish: Publish = False,
    html: Page = None,
    json: Json = False,
) -> None:
    """Run a live session again with the code that ran in it, and list every fill that differs with its cause.

    Exit status 1 where something is unexplained, or the code answers otherwise than it did.

    Example: workbench reconcile var/engine --date 2026-03-10
    """
    from workbench.reconcile.api import reconcile

    check_writable(html)
    found = reconcile(
        journal,
        date=date,
        start=start,
        end=end,
        strategy=strategy or None,
        code=code,
        data=data,
        prices=recording,
        attribute=attribute,
        isolation=isolation,
        minimum=minimum,
        publish=publish,
    )
    if html is not None:
        from workbench.reconcile.pages import as_page

        write_whole(html, as_page(found))
    if json:
        print_json({**found.to_dict(), "html": None if html is None else str(html)})
    else:
        _show(found)
        if html is not None:
            say(f"page written to {html}")
    if not found.ok:
        raise typer.Exit(1)


def _show(found: Reconciliation) -> None:
    typer.echo(repr(found))
    if not found.differences:
        return
    from rich.table import Table

    table = Table(title="Fills that differ", title_justify="left")
    for column in ("strategy", "instrument", "cause"):
        table.add_column(column)
    for column in ("live", "replay", "P&L"):
        table.add_column(column, justify="right")
    for one in found.differences[:_MOST_ROWS]:
        key = one.key
        bad = one.cause in ("unexplained", "logic")
        table.add_row(
            key.strategy_id,
            f"{key.symbol}@{key.venue}",
            f"[red]{one.cause}[/red]" if bad else one.cause,
            _fill(one.live),
            _fill(one.replay),
            f"{one.pnl:,.4f}",
        )
    console = answer_console()
    console.print(table)
    if len(found.differences) > _MOST_ROWS:
        console.print(f"and {len(found.differences) - _MOST_ROWS:,} more: .fills in a notebook, or --html")


def _fill(fill: object) -> str:
    from workbench.core.messages import OrderFill

    if not isinstance(fill, OrderFill):
        return "-"
    return f"{fill.timestamp:%H:%M:%S.%f} {fill.quantity:+g} @ {fill.price:,.2f}"
