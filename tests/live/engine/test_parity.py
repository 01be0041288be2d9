"""The same strategy, prices and limits through a replay and through the live engine: the same fills, bit for bit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from live.engine import StartRequest
from live.venues.recorded import recorded_feed
from live.venues.settings import load_venues
from tests.live.engine.desk import SCRIPTS, open_engine, recorded_market, settings_for
from workbench.backtest.replay import replay
from workbench.backtest.seating import seat_strategies
from workbench.core.limits import RiskLimits
from workbench.data.store import write_parquet

RUNS: list[dict[str, dict[str, Any]]] = [
    {"sma_cross": {"fast": 5, "slow": 20}},
    {"mean_reversion": {"window": 15, "entry": 1.0, "exit": 0.2}},
    {"arbitrage": {"venues": ["v", "w"], "min_spread_bps": 3, "close_spread_bps": 1}},
    {"market_making": {}},
    {"momentum": {"lookback": 10, "entry": 0.1}, "rsi": {}, "bollinger": {"window": 10}},
]


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """800 minutes of two symbols at two venues, with more than enough movement."""
    path = tmp_path_factory.mktemp("prices") / "market.parquet"
    market = wb.synthetic(["BTC-USD", "ETH-USD"], venues=["v", "w"], bars=400, seed=3)
    write_parquet(market, path)
    return path


def expected(market: dict[str, Any], run: dict[str, dict[str, Any]], limits: RiskLimits) -> tuple[str, int]:
    config = load_venues(market)
    feed = recorded_feed(config.feeds["f"], config.venues)
    sources = {name: SCRIPTS / f"{name}.py" for name in run}
    capital = 1_000_000.0
    players = seat_strategies(sources, run, feed.instruments, seed=0)
    costs = {venue.name: venue.costs for venue in config.venues}
    done = replay(feed, players, limits=limits, costs=costs, initial_cash=capital, contain_errors=True)
    return done.fingerprint, len(done.recorder.fills)


async def play(
    folder: Path, market: dict[str, Any], run: dict[str, dict[str, Any]], limits: RiskLimits, isolation: str
) -> str:
    minimum = "none" if isolation == "thread" else "rlimits"
    settings = settings_for(folder, strategy_isolation=isolation, strategy_isolation_minimum=minimum)
    async with open_engine(settings, market, limits) as engine:
        for name, config in run.items():
            await engine.strategies.start(StartRequest(name, config=config))
        await engine.play()
    return wb.replay(folder / "data").fingerprint


@pytest.mark.parametrize("isolation", ["thread", "sandbox"])
@pytest.mark.parametrize("run", RUNS, ids="+".join)
def test_live_does_what_the_replay_does(
    tmp_path: Path, prices: Path, run: dict[str, dict[str, Any]], isolation: str
) -> None:
    market = recorded_market(prices, "BTC-USD", "ETH-USD", venues=("v", "w"))
    limits = RiskLimits()
    fingerprint, fills = expected(market, run, limits)
    assert fills > 0
    assert asyncio.run(play(tmp_path, market, run, limits, isolation)) == fingerprint
