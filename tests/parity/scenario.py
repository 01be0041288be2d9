"""One run with everything in it, and its fingerprint: two strategies, two venues, chaos of every family, all rules.

Run as a script it prints the fingerprint, so that it can be compared across processes.
"""

import sys
from pathlib import Path

from workbench.backtest.replay import ReplayRecord, replay
from workbench.backtest.seating import seat_strategies
from workbench.chaos.events import ChaosEvent
from workbench.core.costs import Costs
from workbench.core.limits import NotionalLimits, PositionLimit, RiskLimits
from workbench.data.synthetic import synthetic

STRATEGIES = Path(__file__).parents[2] / "strategies"


def run(bars: int) -> ReplayRecord:
    """`bars` one-minute bars of two symbols on two venues; seeded throughout."""
    prices = synthetic(symbols=("BTC-USD", "ETH-USD"), venues=("exchange-1", "exchange-2"), bars=bars, seed=5)
    feed = prices.to_feed(2.0)
    players = seat_strategies(
        {
            "momentum": STRATEGIES / "sma_cross.py",
            "arbitrage": STRATEGIES / "arbitrage.py",
            "leak": STRATEGIES / "chaos" / "slow_leak.py",
        },
        {"momentum": {"fast": 3, "slow": 8}, "arbitrage": {"min_spread_bps": 3}},
        feed.instruments,
        seed=11,
    )
    start = feed.timestamp_ns[0] // 1_000_000_000
    events = [
        _event("volatility_burst", start + 20 * 60, 3.0),
        _event("bad_tick", start + 40 * 60, 0.5),
        _event("out_of_order_fills", start + 50 * 60, 1.0),
        _event("runaway", start + 60 * 60, 0.1, "momentum"),
    ]
    limits = RiskLimits(
        position_limits={"BTC-USD": PositionLimit(10.0, -5.0)},
        notional_limits=NotionalLimits(per_strategy=400_000.0, total_portfolio=900_000.0),
    )
    return replay(feed, players, limits=limits, costs=Costs(), chaos=events, progress=False)


def _event(kind: str, start: int, intensity: float, target: str = "") -> ChaosEvent:
    from datetime import UTC, datetime

    return ChaosEvent(kind, datetime.fromtimestamp(start, UTC), "15min", intensity, target, seed=2)


if __name__ == "__main__":
    record = run(int(sys.argv[1]))
    sys.stdout.write(f"{len(record.recorder.fills)} {record.fingerprint}\n")
