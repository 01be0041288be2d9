"""`workbench certify`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from workbench.cli.output import answer_console, check_writable, print_json, say
from workbench.cli.settings import (
    Cash,
    Config,
    CostSettings,
    End,
    Json,
    Limits,
    ProgressBar,
    Seed,
    Start,
    Strategy,
    Symbol,
    Venue,
    load_prices,
    read_cost_settings,
    read_limits,
)
from workbench.configuration.arguments import read_parameters

if TYPE_CHECKING:
    from workbench.certify.checks import Subject
    from workbench.data.prices import Prices

__all__ = ["certify_command"]

FAILED: Final = 1

Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--prices",
        "-p",
        metavar="FILE|SAMPLE",
        help="A file of prices (CSV, Parquet, Binance klines) or a sample (sp500, nasdaq, wti). May be repeated. "
        "(default: the house's made-up market)",
        show_default=False,
    ),
]
ThresholdFile = Annotated[
    Path | None,
    typer.Option(
        "--thresholds", metavar="FILE", help="What is required, in YAML. (default: config/certification.yaml)"
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Write the certificate; unsigned where it failed."),
]
Page = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write the scorecard as one page.")
]


def certify_command(
    strategy: Strategy,
    prices: Sources = None,
    symbol: Symbol = None,
    venue: Venue = None,
    config: Config = None,
    limits: Limits = None,
    costs: CostSettings = None,
    thresholds: ThresholdFile = None,
    start: Start = None,
    end: End = None,
    seed: Seed = 0,
    cash: Cash = 1_000_000.0,
    out: Out = None,
    html: Page = None,
    json: Json = False,
    progress: ProgressBar = None,
) -> int:
    """Put a strategy through everything, and sign a certificate if it passes: without one no engine starts it.

    Leaves with status 1 where it failed.

    Example: workbench certify strategies/momentum.py -c lookback=60 --out momentum.json --html momentum.html
    """
    from workbench.certify.certification import certify_subject
    from workbench.certify.checks import Subject
    from workbench.strategy.folders import find_strategy, optional_file

    for path in (out, html):
        check_writable(path)
    played, code = _prices(prices or (), symbol, venue, start, end)
    subject: Subject = Subject.of(
        find_strategy(strategy),
        played,
        config=read_parameters(config),
        limits=read_limits(limits),
        costs=read_cost_settings(costs),
        seed=seed,
        initial_cash=cash,
        thresholds=thresholds or optional_file("config/certification.yaml"),
    ).replaced(prices_code=code, limits_code=_limits_code(limits))
    found = certify_subject(subject, progress=progress)
    if html is not None:
        found.to_html(html)
    if out is not None:
        found.save(out)
    if json:
        written = {"out": None if out is None else str(out), "html": None if html is None else str(html)}
        print_json({**found.to_dict(), **written})
        return 0 if found.passed else FAILED
    answer_console().print(found)
    say(found.standing)
    for path, what in ((out, "certificate" if found.signed else "unsigned scorecard"), (html, "page")):
        if path is not None:
            say(f"{what} written to {path}")
    return 0 if found.passed else FAILED


def _prices(
    sources: Sequence[str], symbol: str | None, venue: str | None, start: str | None, end: str | None
) -> tuple[Prices, str]:
    """The prices, and the Python that gives the same."""
    from workbench.certify.markets import house_market

    chosen = "".join(f", {name}={value!r}" for name, value in (("symbol", symbol), ("venue", venue)) if value)
    cut = f".between({start!r}, {end!r})" if start or end else ""
    if sources:
        parts = [f"wb.load({source!r}{chosen})" for source in sources]
        whole = parts[0] if len(parts) == 1 else f"wb.merge({', '.join(parts)})"
        return load_prices(sources, symbol, venue, start, end), f"{whole}{cut}"
    prices = house_market()
    only = f".only({symbol!r}, {venue!r})" if chosen else ""
    if chosen:
        prices = prices.only(symbol, venue)
    return (prices.between(start, end) if cut else prices), f"wb.house_market(){only}{cut}"


def _limits_code(given: str | None) -> str:
    if given is None:
        return ""
    return "wb.RiskLimits.unlimited()" if given == "off" else repr(given)
