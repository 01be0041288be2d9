"""`workbench live status | positions | orders | fills | pnl | risk | history | logs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.live_options import Data, Url, engine_at
from workbench.cli.live_tables import plain_rows, show_frame, show_history, show_status, show_strategy
from workbench.cli.output import print_json
from workbench.cli.settings import Json

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["reading_commands"]

DOWN = 1

Only = Annotated[
    str, typer.Option("--strategy", metavar="ID", help="Of this strategy alone.", show_default=False)
]
OnlySymbol = Annotated[
    str, typer.Option("--symbol", metavar="SYMBOL", help="Of this symbol alone.", show_default=False)
]
Last = Annotated[int, typer.Option("--last", "-n", metavar="NUMBER", min=1, help="So many, newest last.")]
States = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="In this state (working, filled, cancelled …). May be repeated.",
        show_default=False,
    ),
]


def reading_commands(app: typer.Typer) -> None:
    """Add the commands that change nothing."""
    app.command("status")(_status)
    app.command("positions")(_positions)
    app.command("orders")(_orders)
    app.command("fills")(_fills)
    app.command("pnl")(_pnl)
    app.command("scripts")(_scripts)
    app.command("history")(_history)
    app.command("logs")(_logs)


def _frame(frame: pd.DataFrame, columns: tuple[str, ...], nothing: str, json: bool) -> None:
    if json:
        print_json(plain_rows(frame))
    else:
        show_frame(frame, columns, "", nothing)


def _status(
    strategy: Annotated[
        str | None, typer.Argument(metavar="STRATEGY", help="One strategy, in full.", show_default=False)
    ] = None,
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> int:
    """How the engine does: health, money, risk, strategies. Exit status 1 where it is down or halted.

    Example: workbench live status fast
    """
    import msgspec

    with engine_at(url, data) as engine:
        if strategy is not None:
            one = engine.strategy(strategy)
            if json:
                print_json(one)
            else:
                show_strategy(one)
            return 0
        health, risk = engine.health(), engine.risk()
        portfolio, running = engine.portfolio(), engine.strategies()
    if json:
        answer = {
            "health": msgspec.to_builtins(health),
            "risk": msgspec.to_builtins(risk),
            "portfolio": msgspec.to_builtins(portfolio),
            "strategies": plain_rows(running),
        }
        print_json(answer)
    else:
        show_status(health, engine.address.url, portfolio, risk, running)
    return DOWN if health.status == "down" or risk.status == "halted" else 0


def _positions(
    strategy: Only = "", symbol: OnlySymbol = "", url: Url = None, data: Data = None, json: Json = False
) -> None:
    """Positions that are not flat."""
    with engine_at(url, data) as engine:
        found = engine.positions(strategy, symbol)
    columns = (
        "strategy_id",
        "symbol",
        "venue",
        "quantity",
        "average_price",
        "mark",
        "notional",
        "unrealised_pnl",
        "realised_pnl",
        "fees",
    )
    _frame(found, columns, "no positions", json)


def _orders(
    strategy: Only = "",
    symbol: OnlySymbol = "",
    state: States = None,
    last: Last = 20,
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Orders, by their last change.

    Example: workbench live orders --strategy fast --last 20
    """
    with engine_at(url, data) as engine:
        found = engine.orders(strategy_id=strategy, symbol=symbol, states=state or ()).tail(last)
    columns = (
        "updated",
        "order_id",
        "strategy_id",
        "symbol",
        "venue",
        "side",
        "quantity",
        "filled",
        "price",
        "order_type",
        "state",
        "reason",
    )
    _frame(found, columns, "no orders", json)


def _fills(
    strategy: Only = "",
    symbol: OnlySymbol = "",
    last: Last = 20,
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Fills.

    Example: workbench live fills --symbol BTC-USD
    """
    with engine_at(url, data) as engine:
        found = engine.fills(strategy_id=strategy, symbol=symbol).tail(last)
    columns = (
        "timestamp",
        "order_id",
        "strategy_id",
        "symbol",
        "venue",
        "side",
        "quantity",
        "price",
        "fee",
        "realised_pnl",
        "correlation_id",
    )
    _frame(found, columns, "no fills", json)


def _pnl(url: Url = None, data: Data = None, json: Json = False) -> None:
    """P&L of each strategy."""
    with engine_at(url, data) as engine:
        found = engine.pnl()
    columns = (
        "strategy_id",
        "capital",
        "total_pnl",
        "realised_pnl",
        "unrealised_pnl",
        "fees",
        "drawdown",
    )
    _frame(found, columns, "no strategy has traded", json)


def _scripts(url: Url = None, data: Data = None, json: Json = False) -> None:
    """Strategy scripts that this engine could start."""
    with engine_at(url, data) as engine:
        found = engine.scripts()
    columns = ("name", "strategy_name", "version", "chaos", "uploaded", "allowed", "source_hash")
    short = found if json else found.assign(source_hash=found["source_hash"].str[:12])
    _frame(short, columns, "no scripts", json)


def _history(
    strategy: Annotated[
        str | None,
        typer.Argument(
            metavar="STRATEGY",
            help="Promotions, demotions, overrides and commands of one strategy; left out, everything (role risk).",
            show_default=False,
        ),
    ] = None,
    last: Last = 20,
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Who did what, why, and how it ended.

    Example: workbench live history fast
    """
    columns: tuple[str, ...] = ("time", "person", "role", "action", "target", "outcome")
    detail = "detail"
    with engine_at(url, data) as engine:
        if strategy is None:
            found = engine.audit(last)
        else:
            found = engine.history(strategy, limit=last)
            columns, detail = ("time", "action", "person", "outcome", "version", "share"), "reason"
    if json:
        print_json(plain_rows(found))
    else:
        show_history(found, columns, detail, "nothing yet")


def _logs(
    strategy: Annotated[
        str | None,
        typer.Argument(
            metavar="STRATEGY",
            help="What this strategy logged or printed; left out, the engine's own log on this machine.",
            show_default=False,
        ),
    ] = None,
    last: Last = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as lines come, until Ctrl-C.")
    ] = False,
    level: Annotated[
        str, typer.Option(metavar="LEVEL", help="From this level on: debug, info, warning, error, critical.")
    ] = "debug",
    url: Url = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Log lines, newest last: of a strategy, or of the engine itself.

    Example: workbench live logs fast --follow
    """
    from workbench.cli.live_logs import engine_lines, show_lines, strategy_lines

    source = (
        engine_lines(_folder(data), last, follow, level)
        if strategy is None
        else strategy_lines(engine_at(url, data), strategy, last, follow, level)
    )
    show_lines(source, json)


def _folder(data: Path | None) -> Path:
    from workbench.client.address import data_folder

    return data_folder(data)
