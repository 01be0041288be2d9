"""The workbench: a Python strategy, the event replay, every risk rule on.

Run: python -m tests.benchmarks.contestant_workbench {cross|orders} BARS REPEATS
"""

import sys
from pathlib import Path

import numpy as np

from tests.benchmarks.workload import FAST, SLOW, minute_bars, report, timed
from workbench.backtest.replay import ReplayRecord, replay
from workbench.backtest.seating import seat_strategies
from workbench.core.costs import Costs
from workbench.core.feed import ASK, ASK_SIZE, BID, BID_SIZE, CHANGE_PCT, LAST, VOLUME, Feed
from workbench.core.limits import (
    ConcentrationLimits,
    MessageRate,
    NotionalLimits,
    OrderLimits,
    PerStrategyLimits,
    PositionLimit,
    RiskLimits,
)
from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.strategy.contract import TradingStrategy

CROSS = Path(__file__).parents[2] / "strategies" / "sma_cross.py"
EVERY_RULE = RiskLimits(
    position_limits={"X": PositionLimit(10.0, -10.0, 10.0, -10.0)},
    notional_limits=NotionalLimits(1e6, 5e6, 2e6, 4e6, 1e6, 3e6),
    concentration_limits=ConcentrationLimits(0.999999, 1e9),
    per_strategy=PerStrategyLimits(max_daily_trades=5_000),
    order_limits=OrderLimits(max_order_volume=1_000.0, max_volume_share=0.5),
    message_rate=MessageRate(per_strategy_per_second=50.0),
)
"""A finite figure for every check, none of which this work comes near."""


class EveryBar(TradingStrategy):
    """Buys and sells one unit in turn, on every bar."""

    def __init__(self, config: dict[str, object]) -> None:
        super().__init__(config)
        self.side = -1.0

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        self.side = -self.side
        return [MarketSignal(price_update.symbol, None, self.side)]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing to do."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Nothing to do."""


def feed(count: int) -> Feed:
    bars = minute_bars(count)
    quotes = np.full((count, 7), np.nan)
    for column in (BID, ASK, LAST):
        quotes[:, column] = bars["close"]
    quotes[:, VOLUME] = bars["volume"]
    quotes[:, [BID_SIZE, ASK_SIZE]] = np.nan
    quotes[:, CHANGE_PCT] = np.concatenate([[0.0], bars["close"][1:] / bars["close"][:-1] - 1.0])
    row = np.arange(count, dtype=np.int64)
    times = 1_704_067_200_000_000_000 + row * 60_000_000_000
    return Feed((Instrument("X", "SIM"),), times, np.zeros(count, dtype=np.int64), quotes, row)


def run(work: str, market: Feed) -> ReplayRecord:
    """One replay with every rule on; the order run swings too little to meet a loss limit."""
    source = CROSS if work == "cross" else EveryBar
    config = {"fast": FAST, "slow": SLOW} if work == "cross" else {}
    players = seat_strategies(source, config, market.instruments, seed=0)
    costs = Costs(spread_bps=0.0, maker_bps=10.0, taker_bps=10.0, slippage_bps=0.0, impact_bps=0.0)
    limits = EVERY_RULE
    return replay(market, players, limits=limits, costs=costs, progress=False)


if __name__ == "__main__":
    work, count, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    market = feed(count)
    seconds, record = timed(lambda: run(work, market), repeats)
    refused = len(record.recorder.refused)
    if refused or record.desk.halted():
        raise SystemExit(f"{refused} orders refused, halted by {record.desk.halted()}: not the same work")
    report(seconds, len(record.recorder.fills))
