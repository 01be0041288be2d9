"""Options that several commands share, and what their words mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.configuration.arguments import key_value
from workbench.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.core.limits import RiskLimits
    from workbench.data.prices import Prices

__all__ = [
    "Cash",
    "Config",
    "CostSettings",
    "End",
    "Json",
    "Limits",
    "PriceSources",
    "ProgressBar",
    "Seed",
    "Start",
    "Strategy",
    "Symbol",
    "Venue",
    "load_prices",
    "plain",
    "read_cost_settings",
    "read_limits",
]

Strategy = Annotated[
    str,
    typer.Argument(
        metavar="STRATEGY",
        help="A script (.py, or .py:Class where it has several), package.module:Class, or the name of a script in "
        "strategies/, such as sma_cross.",
    ),
]
PriceSources = Annotated[
    list[str],
    typer.Option(
        "--prices",
        "-p",
        metavar="FILE|SAMPLE",
        help="A file of prices (CSV, Parquet, Binance klines) or a sample (sp500, nasdaq, wti). May be repeated.",
    ),
]
Symbol = Annotated[
    str | None,
    typer.Option(
        metavar="SYMBOL", help="Keep this symbol; or its name, where the file has none.", show_default=False
    ),
]
Venue = Annotated[
    str | None,
    typer.Option(
        metavar="VENUE", help="Keep this venue; or its name, where the file has none.", show_default=False
    ),
]
Config = Annotated[
    list[str] | None,
    typer.Option(
        "--config",
        "-c",
        metavar="KEY=VALUE|JSON",
        help="A parameter (fast=10), or several as a JSON object. Also unit, sizing and symbols. May be repeated.",
        show_default=False,
    ),
]
Limits = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|off", help="Risk limits in YAML, or off for none at all. (default: the house limits)"
    ),
]
CostSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--costs",
        metavar="KEY=VALUE",
        help="A cost, in basis points where its name says so (taker_bps=5). May be repeated.",
        show_default=False,
    ),
]
Start = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="First bar: 2008, 2008-09, 2008-09-15 or 2008-09-15T14:30 (UTC)."),
]
End = Annotated[str | None, typer.Option(metavar="DATE", help="Last bar, its whole day, month or year.")]
Seed = Annotated[
    int, typer.Option(metavar="NUMBER", min=0, help="Seed of everything that is left to chance.")
]
Cash = Annotated[float, typer.Option(metavar="USD", help="Cash at the start.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
ProgressBar = Annotated[
    bool | None,
    typer.Option(
        "--progress/--no-progress",
        help="Show a progress bar. (default: on long runs at a terminal)",
        show_default=False,
    ),
]


def read_cost_settings(given: Sequence[str] | None) -> dict[str, float] | None:
    """Costs of repeated `key=value`, not yet checked against what there is; None without any."""
    if not given:
        return None
    found: dict[str, float] = {}
    for entry in given:
        key, text = key_value(entry, "--costs", "taker_bps=5")
        try:
            found[key] = float(text)
        except ValueError as error:
            raise ConfigError(f"--costs: expected a number for {key}, found {text!r}") from error
    return found


def read_limits(given: str | None) -> RiskLimits:
    """The limits of a file; the house limits for None; none at all for "off"."""
    from workbench.configuration import load_limits
    from workbench.core.limits import RiskLimits

    if given == "off":
        return RiskLimits.unlimited()
    return load_limits(None if given is None else Path(given))


def load_prices(
    sources: Sequence[str], symbol: str | None, venue: str | None, start: str | None, end: str | None
) -> Prices:
    """Prices of all `sources` together, cut to the dates.  Raises DataError."""
    from workbench.data import load, merge

    prices = merge(*(load(source, symbol, venue) for source in sources))
    return prices if start is None and end is None else prices.between(start, end)


def plain(value: Mapping[Any, Any] | pd.Series[Any]) -> dict[str, Any]:
    """`value` with numpy's and pandas' scalars as Python's own, times as ISO text and spans as seconds."""
    return {str(key): _plain(entry) for key, entry in value.items()}


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat() if not hasattr(value, "total_seconds") else value.total_seconds()
    return value.item() if hasattr(value, "item") else value
