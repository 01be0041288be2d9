"""`workbench data list | show | fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.output import answer_console, check_writable, print_json, progress_bar, say
from workbench.cli.settings import Json, Symbol, Venue

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["data_app"]

MOST_GAPS = 10

data_app = typer.Typer(no_args_is_help=False, help="Sample prices, what is in a file, and fetching more.")


@data_app.callback(invoke_without_command=True)
def _start(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@data_app.command("list")
def _list_samples(json: Json = False) -> None:
    """List the sample prices, which are there without a network."""
    from workbench.data.samples import samples

    if json:
        print_json(samples())
        return
    from rich.table import Table

    table = Table("sample", "what it holds")
    for name, what in samples().items():
        table.add_row(name, what)
    answer_console().print(table)


@data_app.command("show")
def _show_prices(
    source: Annotated[str, typer.Argument(metavar="FILE|SAMPLE", help="A file of prices, or a sample.")],
    symbol: Symbol = None,
    venue: Venue = None,
    json: Json = False,
) -> None:
    """Check prices and show what they hold: instruments, dates, and bars that are missing.

    Example: workbench data show sp500
    """
    from workbench.data import load

    prices = load(source, symbol, venue)
    summary, gaps = prices.summary().reset_index(), prices.gaps()
    if json:
        rows = gaps.assign(start=gaps["start"].map(str), end=gaps["end"].map(str))
        print_json(
            {
                "instruments": summary.to_dict("records"),
                "gaps": rows.to_dict("records"),
                "fingerprint": prices.fingerprint,
            }
        )
        return
    _print(summary, "instruments")
    if gaps.empty:
        typer.echo("no bars are missing")
        return
    longest = gaps.sort_values("minutes", ascending=False, kind="stable").head(MOST_GAPS)
    shown = longest[["instrument", "start", "end", "missing_bars"]]
    _print(shown, f"the {len(longest)} longest of {len(gaps):,} gaps (open of the bar before and after)")


def _print(frame: pd.DataFrame, title: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(*map(str, frame.columns), title=title, title_justify="left")
    for row in frame.itertuples(index=False):
        table.add_row(*(escape(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row))
    answer_console().print(table)


@data_app.command("fetch")
def _fetch_prices(
    exchange: Annotated[str, typer.Argument(metavar="EXCHANGE", help="As ccxt calls it: coinbase, kraken …")],
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="As the exchange writes it: BTC/USD.")],
    start: Annotated[str, typer.Option(metavar="DATE", help="First bar (UTC).")],
    end: Annotated[str, typer.Option(metavar="DATE", help="Last bar (UTC).")],
    interval: Annotated[str, typer.Option(metavar="SPAN", help="Length of a bar.")] = "1m",
    out: Annotated[
        Path,
        typer.Option(metavar="FILE.parquet", help="Where the bars are kept; a stopped run goes on there."),
    ] = Path("prices.parquet"),
) -> None:
    """Fetch bars from an exchange, where there is a network (needs the extra `data`: ccxt).

    Example: workbench data fetch kraken BTC/USD --start 2026-01-01 --end 2026-01-31 --interval 1h --out btc.parquet
    """
    from workbench.data.fetch import fetch

    check_writable(out)
    with progress_bar() as progress:
        task = progress.add_task(f"{exchange} {symbol}", total=None)
        prices = fetch(
            exchange,
            symbol,
            start,
            end,
            interval,
            out,
            progress=lambda reached: progress.update(
                task, advance=1, description=f"{exchange} {symbol} to {reached:%Y-%m-%d %H:%M}"
            ),
        )
    say(f"{prices!r} written to {out}")
