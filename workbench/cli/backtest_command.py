"""`workbench backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.output import check_writable, print_json, say
from workbench.cli.settings import (
    Cash,
    Config,
    CostSettings,
    End,
    Json,
    Limits,
    PriceSources,
    ProgressBar,
    Seed,
    Start,
    Strategy,
    Symbol,
    Venue,
    load_prices,
    plain,
    read_cost_settings,
    read_limits,
)
from workbench.configuration.arguments import read_parameters

__all__ = ["backtest_command"]

Page = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Also write one self-contained page with charts and tables."),
]

ChaosStrategies = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Also run the chaos strategies of this file, such as config/chaos_strategies.yaml, by their triggers.",
    ),
]


def backtest_command(
    strategy: Strategy,
    prices: PriceSources,
    symbol: Symbol = None,
    venue: Venue = None,
    config: Config = None,
    limits: Limits = None,
    costs: CostSettings = None,
    start: Start = None,
    end: End = None,
    chaos_strategies: ChaosStrategies = None,
    seed: Seed = 0,
    cash: Cash = 1_000_000.0,
    html: Page = None,
    json: Json = False,
    progress: ProgressBar = None,
) -> None:
    """Replay prices to a strategy, update by update, under the risk limits, and show what came of it.

    Example: workbench backtest sma_cross --prices sp500 --start 2003 --end 2010 -c fast=50 -c slow=200 -c unit=100
    """
    import msgspec

    from workbench.backtest.api import backtest
    from workbench.chaos.triggered import triggered_strategies
    from workbench.strategy.folders import find_folder, find_strategy
    from workbench.strategy.loader import load_strategy

    check_writable(html)
    own = load_strategy(find_strategy(strategy))
    played, parameters = {own.__name__: own}, read_parameters(config)
    if chaos_strategies is not None:
        played |= triggered_strategies(chaos_strategies, find_folder("strategies") / "chaos", seed)
        parameters = {own.__name__: parameters}
    result = backtest(
        played,
        load_prices(prices, symbol, venue, start, end),
        config=parameters,
        limits=read_limits(limits),
        costs=read_cost_settings(costs),
        seed=seed,
        initial_cash=cash,
        progress=progress,
    )
    if html is not None:
        result.to_html(html)
    if json:
        answer = {
            "strategies": result.strategies,
            "instruments": result.instruments,
            "stats": plain(result.stats()),
            "performance": [msgspec.to_builtins(result.performance(name)) for name in result.strategies],
            "fingerprint": result.fingerprint,
            "html": None if html is None else str(html),
        }
        print_json(answer)
        return
    typer.echo(repr(result))
    if html is not None:
        say(f"page written to {html}")
