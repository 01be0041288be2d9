"""`workbench live override | accept-price | resume-engine`: what a risk officer decides and a strategy never does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.live_options import Data, Url, engine_at
from workbench.cli.live_tables import clean
from workbench.cli.output import answer_console, print_json
from workbench.cli.settings import Json
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.client.answers import OverrideView

__all__ = ["oversight_commands"]

Why = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, for those who read the audit log; needed.")
]


def oversight_commands(app: typer.Typer) -> None:
    """Add the commands; each needs the role risk."""
    # A short position is limited by a negative number, which would be taken for an option.
    app.command("override", context_settings={"ignore_unknown_options": True})(_override)
    app.command("accept-price")(_accept_price)
    app.command("resume-engine")(_resume_engine)


def _override(
    limit: Annotated[
        str,
        typer.Argument(
            metavar="LIMIT", help="As order_limits.max_order_value; without one, those there are."
        ),
    ] = "",
    value: Annotated[
        float | None, typer.Argument(metavar="VALUE", help="What it shall be.", show_default=False)
    ] = None,
    minutes: Annotated[float, typer.Option(metavar="MINUTES", help="For how long, at most 480.")] = 60.0,
    end: Annotated[bool, typer.Option("--end", help="End the override, or take the proposal back.")] = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; needed for a change.")] = "",
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Have one limit at another value for a while: one person proposes it, and a second one asks for the same.

    Example: workbench live override order_limits.max_order_value 2000000 --minutes 30 --reason "block trade"
    """
    if limit and (value is None) != end:
        raise ConfigError(f"expected a value for {limit}, or --end, found {'both' if end else 'neither'}")
    with engine_at(url, data) as engine:
        if limit:
            found = engine.override(limit, value, reason=reason, seconds=60.0 * minutes)
        else:
            found = engine.overrides()
    if json:
        print_json(found)
        return
    for line in found.overrides:
        answer_console().print(_told(line))
    if not found.overrides:
        answer_console().print("nothing is overridden")


def _told(line: OverrideView) -> str:
    until = datetime.fromtimestamp(line.until_ns / 1e9, UTC)
    what = (
        f"{clean(line.limit)}: {line.value:,.12g} in place of {line.usual:,.12g}, until {until:%H:%M:%S} UTC"
    )
    if line.in_force:
        return f"{what}, by {clean(line.person)} and {clean(line.approver)}: {clean(line.reason)}"
    return (
        f"{what} [yellow]waits for a second person[/]; proposed by {clean(line.person)}: {clean(line.reason)}"
    )


def _accept_price(
    symbol: Annotated[str, typer.Argument(help="As BTC-USD.")],
    reason: Why,
    venue: Annotated[
        str, typer.Option(metavar="VENUE", help="At this venue alone.", show_default=False)
    ] = "",
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Take the next price of a symbol for true, however far it has jumped (a split, a real crash).

    Example: workbench live accept-price BTC-USD --reason "confirmed at three venues"
    """
    with engine_at(url, data) as engine:
        done = engine.accept_price(symbol, reason=reason, venue=venue)
    if json:
        print_json(done)
        return
    where = f" at {clean(done.venue)}" if done.venue else ""
    answer_console().print(f"the next price of {clean(done.symbol)}{where} is taken for true")


def _resume_engine(reason: Why, url: Url = None, data: Data = None, json: Json = False) -> None:
    """Have an engine that halted go on, once its journal has room again, or its database is back.

    Example: workbench live resume-engine --reason "the disk has room again"
    """
    with engine_at(url, data) as engine:
        done = engine.resume_engine(reason)
    if json:
        print_json(done)
    else:
        answer_console().print(f"the engine is {clean(done.state)}")
