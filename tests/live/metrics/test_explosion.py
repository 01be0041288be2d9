"""Thousands of names of strategies, symbols, versions and chaos leave the number of series bounded."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import numpy as np

from live.machine import ChaosNoted, StrategyNoted, StrategyRecord
from live.metrics import Metrics
from tests.live.metrics.harness import Samples, buys, price, running, samples
from workbench.core.build import Seat
from workbench.core.intents import SeatStrategy, StrategyFailed

STRATEGIES = 120
SYMBOLS = tuple(f"S{k}" for k in range(40))


def record(strategy_id: str, state: str) -> StrategyRecord:
    return StrategyRecord(strategy_id, "Some", "9" * 1000, "0" * 64, "some.py", state)


async def _crowd(folder: Path) -> tuple[Samples, float]:
    async with running(folder, SYMBOLS) as engine:
        metrics = Metrics(engine, most_strategies=20, most_symbols=10)
        machine = engine.machine  # straight into the state: so many processes are not what this is about
        for s in range(STRATEGIES):
            name = f"s{s}"
            machine.apply(SeatStrategy(Seat(name, capital=1e6)))
            machine.apply(StrategyNoted(record(name, "running")))
            machine.apply(StrategyFailed(name, "no"))
            machine.apply(ChaosNoted(name, f"kind{s}", active=True))
        for symbol in SYMBOLS:
            machine.apply(price(1, 100.0, symbol))
        for s in range(0, STRATEGIES, 5):
            for symbol in SYMBOLS[::4]:
                machine.apply(buys(f"s{s}", 1, symbol))
        for symbol in SYMBOLS:
            machine.apply(price(2, 101.0, symbol))
            machine.apply(price(3, 102.0, symbol))
        for s in range(STRATEGIES - 1):
            machine.apply(StrategyNoted(record(f"s{s}", "stopped")))
        metrics.update()
        shown = samples(metrics.render()[0])
        return shown, float(np.asarray(machine.desk.view.strategies)["pnl"].sum())


def test_series_are_bounded_and_nothing_is_lost_from_the_sums(tmp_path: Path) -> None:
    shown, pnl = asyncio.run(_crowd(tmp_path))
    counts = Counter(name for name, _ in shown)
    assert counts["trading_strategy_pnl"] == 21
    assert counts["trading_strategy_win_rate"] == 20
    assert counts["trading_risk_limit_breaches_total"] == 21
    assert counts["trading_risk_position_size"] <= 21 * 11
    assert counts["trading_chaos_strategy_active"] <= 21 * 51
    strategies = {
        value for _, labels in shown for key, value in labels if key in ("strategy", "strategy_name")
    }
    assert len(strategies) == 21
    assert "s119" in strategies  # what runs comes before what once ran
    assert max(len(value) for _, labels in shown for _, value in labels) <= 64

    def total(name: str) -> float:
        return sum(value for (found, _), value in shown.items() if found == name)

    assert total("trading_risk_limit_breaches_total") == STRATEGIES
    assert total("trading_chaos_strategy_active") == STRATEGIES
    assert total("trading_strategy_trades_total") == 240
    assert abs(total("trading_strategy_pnl") - pnl) < 1e-6
    assert shown["trading_engine_names_folded", (("label", "strategy"),)] == STRATEGIES - 20
    assert shown["trading_engine_names_folded", (("label", "chaos_type"),)] == STRATEGIES - 50
