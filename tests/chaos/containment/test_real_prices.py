"""Every misbehaving strategy on real prices: shares in the autumn of 2008, coins in the night of 18 April 2021."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.chaos.arena import Bystander, limits, play, seated, suspect
from tests.chaos.books import books_agree
from tests.chaos.verdict import alarms, violated
from workbench.core.codes import Sizing
from workbench.core.feed import Feed
from workbench.core.limits import (
    CircuitBreakers,
    NotionalLimits,
    OrderLimits,
    PerStrategyLimits,
    PositionLimit,
    RepeatedExecution,
    RiskLimits,
)

DATA = Path(__file__).parents[4] / "shared" / "data" / "btc_eth_usdt_1m_2021_04"
CASH = 1_000_000.0
MISBEHAVIOURS: dict[str, dict[str, Any]] = {
    "runaway": {},
    "risk_ignorant": {},
    "volatility_amplifier": {},
    "correlation_breaker": {"move_threshold": 0.002, "lookback_minutes": 10.0},
    "slow_leak": {"fast": 2, "slow": 4, "degradation_rate": 0.1},
    "nan_signals": {"intensity": 3},
    "cancel_flood": {},
    "stale_price": {"intensity": 10.0},
    "fat_finger": {"intensity": 0.3},
    "knight_replay": {},
    "wash_trade": {},
}


@cache
def shares() -> Feed:
    """65 days of two indices, with the worst weeks of October 2008."""
    both = wb.merge(wb.load("sp500"), wb.load("nasdaq"))
    return both.between("2008-09-02", "2008-12-02").to_feed(2.0)


@cache
def coins() -> Feed:
    """Two hours of two coins in minutes; bitcoin falls by a tenth within the first."""
    files = {symbol: next(DATA.glob(f"{symbol[:3]}USDT_*.parquet")) for symbol in ("BTC-USD", "ETH-USD")}
    both = wb.merge(*(wb.load(path, symbol=symbol, venue="exchange-1") for symbol, path in files.items()))
    return both.between("2021-04-18T03:00Z", "2021-04-18T05:00Z").to_feed(2.0)


def of(feed: Feed, units: float, order_value: float) -> RiskLimits:
    """Limits for this feed: `units` of each symbol for each strategy, orders of at most `order_value` USD."""
    position = PositionLimit(units * 3.0, -units * 3.0, units, -units)
    return limits(
        position_limits=dict.fromkeys((i.symbol for i in feed.instruments), position),
        notional_limits=NotionalLimits(per_strategy=300_000.0, total_portfolio=600_000.0),
        circuit_breakers=CircuitBreakers(single_strategy_loss=-5_000.0),
        order_limits=OrderLimits(max_order_value=order_value, max_price_age_seconds=5 * 86_400.0),
        per_strategy=PerStrategyLimits(max_daily_trades=150.0),
        repeated_execution=RepeatedExecution(max_executions=60, window_seconds=1_800.0),
    )


def held(feed: Feed, controls: RiskLimits, script: str, unit: float) -> None:
    """Run `script` beside a bystander: limits and ledger hold, the bystander sees all, somebody is told."""
    first, second = (i.symbol for i in feed.instruments)
    config = dict(MISBEHAVIOURS[script])
    if script == "correlation_breaker":
        config |= {"leader_symbol": first, "follower_symbol": second}
    symbols = f"{first} {second}"
    bystander = Bystander({})
    record = play(
        feed,
        suspect(script, unit=unit, symbols=symbols, **config),
        seated(bystander, "bystander", Sizing.TARGET, unit, symbols),
        limits=controls,
        cash=CASH,
    )
    assert violated(record, controls) == set()
    books_agree(record, CASH)
    assert bystander.updates == len(feed)
    assert record.recorder.signals
    assert alarms(record, "suspect") or script in ("correlation_breaker", "volatility_amplifier", "slow_leak")


@pytest.mark.parametrize("script", MISBEHAVIOURS)
def test_contained_on_shares_in_2008(script: str) -> None:
    held(shares(), of(shares(), 25.0, 10_000.0), script, unit=1.0)


@pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared/data with minutes of coins beside the project")
@pytest.mark.parametrize("script", MISBEHAVIOURS)
def test_contained_on_coins_in_2021(script: str) -> None:
    held(coins(), of(coins(), 2.5, 70_000.0), script, unit=0.1)


def test_without_position_limit_the_runaway_is_not_contained_on_shares() -> None:
    controls = of(shares(), 25.0, 10_000.0)
    runaway = suspect("runaway", symbols="SPX IXIC")
    record = play(shares(), runaway, limits=controls.without("position_limit"), cash=CASH)
    assert violated(record, controls) == {"position_limit"}
