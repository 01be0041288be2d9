"""What people ask of backtests, and what they are told."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

__all__ = ["BacktestPrices", "BacktestRequest", "BacktestResponse", "BacktestView"]

type Name = Annotated[str, Meta(min_length=1, max_length=128)]
type Text = Annotated[str, Meta(max_length=64)]


class BacktestPrices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which prices: a made-up market (source synthetic) or a sample by its name.

    symbols: () for the usual ones, or all of a sample.  venues, bars, interval, seed: of a made-up market.
    start, end: of a sample, such as 2020-01-31; "" for all of it.
    """

    source: Name = "synthetic"
    symbols: Annotated[tuple[Name, ...], Meta(max_length=20)] = ()
    venues: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=8)] = ("exchange-1", "exchange-2")
    bars: Annotated[int, Meta(ge=1, le=200_000)] = 10_000
    interval: Text = "1min"
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    start: Text = ""
    end: Text = ""


class BacktestRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replay prices to a strategy.

    script: as in strategies/start.  limits: laid over those in force in the engine.  costs: fields of Costs.
    chaos: events, as chaos_strategies.yaml has them.
    """

    script: Name
    config: dict[str, Any] = {}
    prices: BacktestPrices = BacktestPrices()
    limits: dict[str, Any] = {}
    costs: dict[str, float] = {}
    chaos: Annotated[list[dict[str, Any]], Meta(max_length=100)] = []
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    initial_cash: Annotated[float, Meta(gt=0, le=1e15)] = 1_000_000.0


class BacktestResponse(msgspec.Struct, frozen=True):
    """state: queued, running, done or failed."""

    backtest_id: str
    state: str


class BacktestView(msgspec.Struct, frozen=True):
    """A backtest.  error: why it failed.

    result, once it is done: fingerprint, start, end, initial_cash, final_equity, stats, performance (one per strategy),
    breaches (by type), refusals, errors, fill_count, equity ([ns, equity], thinned to 2,000 points), fills (the newest
    1,000).
    """

    backtest_id: str
    state: str
    person: str
    strategy_name: str
    source_hash: str
    created_ns: int
    request: BacktestRequest
    started_ns: int = 0
    finished_ns: int = 0
    error: str = ""
    result: dict[str, Any] | None = None
