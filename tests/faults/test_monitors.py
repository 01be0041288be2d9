"""What nobody sends by mistake: slow losses, losses of two together, checks that come too late; in a real engine."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import Scene, play, until
from tests.live.engine.desk import paper_market
from workbench.core.facts import OrderAccepted, SignalRefused
from workbench.core.limits import DrawdownLimits, DuplicateOrder, MessageRate, MonitorSettings, RiskLimits

FAST = MessageRate(1e4, 1e4, 1e4, 1e4)
FREE = DuplicateOrder(0.001, math.inf)
CHURN = """
if price_update.venue != "a":
    return []
self.turn = not getattr(self, "turn", False)
return [MarketSignal("BTC-USD", None, 1.0 if self.turn else -1.0, 1.0, {"quantity": 0.002, "venue": "a"})]
"""
LEAK = RiskLimits(
    drawdown_limits=DrawdownLimits(strategy_drawdown=-0.000002), message_rate=FAST, duplicate_order=FREE
)


def test_a_slow_leak_ends_at_the_strategys_own_drawdown(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        scene.fault_begins()
        await scene.start("leaking", CHURN, symbols=["BTC-USD"])
        await scene.told("strategy_drawdown", "leaking")
        await until(lambda: "strategy_drawdown" in scene.machine.desk.halted("leaking"))
        assert scene.machine.desk.halted() == ()
        await until(lambda: scene.position("leaking") == 0.0)

    play(tmp_path, work, limits=LEAK)


def test_without_the_limit_on_drawdown_it_leaks_on(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.start("leaking", CHURN, symbols=["BTC-USD"])
        s = scene.machine.desk.strategy_index("leaking")
        row = scene.machine.desk.view.strategies[s]
        await until(lambda: float(row.drawdown) > 0.000004)
        assert scene.machine.desk.halted("leaking") == ()

    off = LEAK.without("strategy_drawdown", "repeated_execution")
    play(tmp_path, work, limits=off, contained=False)


MISBEHAVING: dict[str, dict[str, Any]] = {
    "slow_leak": {"degradation_rate": 0.5, "fast": 1, "slow": 2, "symbols": ["BTC-USD"]},
    "stale_price": {"intensity": 0.002, "edge_bps": 1.0, "symbols": ["BTC-USD"]},
    "correlation_breaker": {"move_threshold": 0.0},
}


@pytest.mark.parametrize("script", MISBEHAVING)
def test_one_that_loses_on_purpose_ends_at_its_own_drawdown(tmp_path: Path, script: str) -> None:
    """The project's own scripts, as they are; the loss that ends them is small, so that the test need not wait long."""

    async def work(scene: Scene) -> None:
        scene.fault_begins()
        await scene.start(script, **MISBEHAVING[script], unit=0.01)
        await scene.told("strategy_drawdown", script)
        await until(lambda: "strategy_drawdown" in scene.machine.desk.halted(script), 60.0)
        assert scene.machine.desk.halted() == ()
        await until(lambda: not any(scene.position(script, symbol) for symbol in ("BTC-USD", "ETH-USD")))

    market = paper_market(20.0)
    for symbol in market["feeds"]["f"]["symbols"].values():
        symbol["volatility"] = 20.0  # so that a price of 120 ms ago is another one
    play(tmp_path, work, limits=LEAK, market=market)


HOLD = """
if price_update.venue != "a" or hasattr(self, "sent"):
    return []
self.sent = True
return [MarketSignal("BTC-USD", None, 1.0, 1.0, {"quantity": 0.002, "venue": "a"})]
"""


def test_the_monitor_of_correlation_sees_two_that_win_and_lose_together(tmp_path: Path) -> None:
    watched = MonitorSettings(interval_seconds=0.05, window=8, max_strategy_correlation=0.8)

    async def work(scene: Scene) -> None:
        scene.fault_begins()
        for name in ("one", "two"):
            await scene.start(name, HOLD, symbols=["BTC-USD"])
        await scene.told("correlation")

    play(tmp_path, work, limits=RiskLimits(monitors=watched))


async def trade(scene: Scene) -> None:
    await scene.start("trader", CHURN, symbols=["BTC-USD"])


def test_a_check_that_comes_too_late_refuses(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await trade(scene)
        await until(lambda: scene.engine.pump.refused_late > 20)

    limits = RiskLimits(message_rate=FAST, duplicate_order=FREE)
    late = play(tmp_path / "late", work, limits=limits, witnessed=False, risk_check_timeout_ms=1e-6)
    assert not [fact for fact in late.facts if isinstance(fact, OrderAccepted)]
    assert {fact.reason for fact in late.facts if isinstance(fact, SignalRefused)} == {"risk_check_timeout"}

    async def in_time(scene: Scene) -> None:
        await trade(scene)
        await until(lambda: scene.machine.blotter.fill_cursor > 0)

    play(tmp_path / "soon", in_time, limits=limits)
