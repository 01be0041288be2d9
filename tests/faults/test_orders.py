"""Strategies that misbehave with orders, in a real engine: floods, garbage, doubling down, wash trades, slips."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live.engine.flooding import FloodWatch
from live.session import Session
from tests.faults.harness import Scene, excesses, play, until
from workbench.configuration.limits import load_limits
from workbench.core.facts import OrderAccepted, OrderRefused
from workbench.core.intents import ResetBreaker
from workbench.core.limits import (
    CircuitBreakers,
    DuplicateOrder,
    MessageRate,
    OrderLimits,
    PositionLimit,
    RepeatedExecution,
    RiskLimits,
)
from workbench.core.messages import OrderFill
from workbench.errors import EngineError

RATE = MessageRate(20.0, 60.0, 200.0, 400.0)
FLOOD = RiskLimits(
    position_limits={"BTC-USD": PositionLimit(0.5, -0.5), "ETH-USD": PositionLimit(5.0, -5.0)},
    message_rate=RATE,
    repeated_execution=RepeatedExecution(15, 60.0),
)
SANDBOX: dict[str, Any] = {"strategy_isolation": "sandbox", "strategy_isolation_minimum": "rlimits"}


def accepted(session: Session, strategy_id: str) -> list[OrderAccepted]:
    return [f for f in session.facts if isinstance(f, OrderAccepted) and f.strategy_id == strategy_id]


def refused(session: Session, strategy_id: str, check: str) -> list[OrderRefused]:
    return [
        f
        for f in session.facts
        if isinstance(f, OrderRefused) and f.strategy_id == strategy_id and check in f.failed_checks
    ]


async def runaway(scene: Scene) -> None:
    scene.fault_begins()
    await scene.start("runaway", symbols=["BTC-USD"], unit=0.01)
    await scene.told("message_rate", "runaway")
    await scene.told("repeated_execution", "runaway")
    assert "repeated_execution" in scene.machine.desk.halted("runaway")
    assert scene.machine.desk.halted() == scene.machine.desk.halted("witness") == ()


def test_a_runaway_is_refused_by_the_token_bucket_and_stopped_by_its_breaker(tmp_path: Path) -> None:
    session = play(tmp_path, runaway, limits=FLOOD, **SANDBOX)
    assert len(accepted(session, "runaway")) <= 60
    assert refused(session, "runaway", "message_rate")
    assert session.machine.chaos["runaway"].active


def test_without_the_token_bucket_and_the_breaker_a_runaway_is_not_contained(tmp_path: Path) -> None:
    async def unhindered(scene: Scene) -> None:
        await scene.start("runaway", symbols=["BTC-USD"], unit=0.01)
        await until(lambda: scene.position("runaway") > 1.0)

    off = FLOOD.without("message_rate", "duplicate_order", "repeated_execution", "position_limit")
    session = play(tmp_path, unhindered, limits=off, contained=False)
    assert len(accepted(session, "runaway")) > 100
    assert excesses(session.facts, FLOOD)


def shipped() -> RiskLimits:
    return load_limits(Path(__file__).parents[2] / "config" / "risk_limits.yaml")


def test_under_the_limits_as_they_are_shipped_a_runaway_is_stopped(tmp_path: Path) -> None:
    """Its position is full after a few orders, so that fills and losses may not stop it; here they cannot."""

    async def work(scene: Scene) -> None:
        scene.fault_begins()
        await scene.start("runaway", symbols=["BTC-USD"])
        await scene.told("strategy_error", "runaway")
        await until(lambda: scene.machine.desk.halted("runaway") == ("strategy_error",), 30.0)
        assert scene.machine.desk.halted() == scene.machine.desk.halted("witness") == ()
        await until(
            lambda: not [o for o in scene.machine.blotter.working.values() if o.strategy_id == "runaway"]
        )
        await until(lambda: scene.machine.strategies["runaway"].state == "failed", 15.0)
        assert "a flood" in scene.machine.strategies["runaway"].reason

    play(tmp_path, work, limits=shipped().without("repeated_execution"), **SANDBOX)


def test_without_the_watch_for_floods_a_flood_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FloodWatch, "see", lambda _, __: None)

    async def work(scene: Scene) -> None:
        await scene.start("runaway", symbols=["BTC-USD"])
        await until(lambda: scene.breaches("message_rate", "runaway") > 50_000, 60.0)
        assert scene.breaches("strategy_error", "runaway") == 0

    play(tmp_path, work, limits=shipped(), **SANDBOX)


def test_who_keeps_to_its_rate_is_never_taken_for_a_flood(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        start = int(scene.machine.desk.book.now_ns)
        await until(lambda: int(scene.machine.desk.book.now_ns) > start + 3 * 10**9)
        assert scene.breaches("strategy_error") == 0

    play(tmp_path, work, limits=shipped())


def test_a_runaway_is_refused_where_chaos_is_not_enabled(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        with pytest.raises(Exception, match="ENABLE_CHAOS_STRATEGIES"):
            await scene.start("runaway")

    play(tmp_path, work, limits=FLOOD, enable_chaos_strategies=False)


def test_a_cancel_flood_leaves_room_for_the_emergency_cancel(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        scene.fault_begins()
        await scene.start("cancel_flood", unit=0.001)
        await scene.told("rate_limited", "cancel_flood")
        await scene.engine.strategies.stop("cancel_flood", "ana")
        working = scene.machine.blotter.working.values()
        assert not [line for line in working if line.strategy_id == "cancel_flood"]

    play(tmp_path, work, limits=FLOOD)


def test_garbage_in_signals_is_refused_before_risk_and_ends_the_strategy(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        scene.fault_begins()
        await scene.start("nan_signals", intensity=5, unit=0.001)
        await scene.told("strategy_error", "nan_signals")

    session = play(tmp_path, work, limits=FLOOD, **SANDBOX)
    book = session.machine.desk.book
    assert all(math.isfinite(x) for x in (book.equity, book.drawdown, book.day_equity))
    assert np.isfinite(session.curves).all()
    assert all(math.isfinite(order.quantity) for order in accepted(session, "nan_signals"))


DOUBLING = RiskLimits(
    position_limits={"BTC-USD": PositionLimit(0.05, -0.05)},
    circuit_breakers=CircuitBreakers(single_strategy_loss=-0.5),
    duplicate_order=DuplicateOrder(0.001, math.inf),
    message_rate=MessageRate(1e3, 1e3, 1e4, 1e4),
)


async def doubling_down(scene: Scene) -> None:
    """Costs of five basis points on 0.05 BTC come to 0.75: the loss is sure."""
    scene.fault_begins()
    await scene.start("risk_ignorant", symbols=["BTC-USD"], unit=0.02)
    await scene.told("single_strategy_loss", "risk_ignorant")
    before = int(scene.machine.desk.book.accepted)
    await until(lambda: scene.position("risk_ignorant") == 0.0)
    refusals = scene.breaches("circuit_breaker", "risk_ignorant")
    await until(lambda: scene.breaches("circuit_breaker", "risk_ignorant") > refusals + 20)
    assert int(scene.machine.desk.book.accepted) <= before + 20  # those that close, one an update at most


def test_who_doubles_down_on_breaches_is_refused_ever_after(tmp_path: Path) -> None:
    session = play(tmp_path, doubling_down, limits=DOUBLING)
    assert refused(session, "risk_ignorant", "position_limit") or refused(
        session, "risk_ignorant", "circuit_breaker"
    )


def test_without_the_breaker_doubling_down_goes_on(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.start("risk_ignorant", symbols=["BTC-USD"], unit=0.02)
        await until(lambda: scene.position("risk_ignorant") > 0.1)

    off = DOUBLING.without("position_limit", "single_strategy_loss")
    play(tmp_path, work, limits=off, contained=False)


SELL = """
if price_update.venue != "a" or hasattr(self, "sent"):
    return []
self.sent = True
about = {"order_type": "limit", "limit_price": round(price_update.ask * 1.01, 2), "quantity": 0.01, "venue": "a"}
return [MarketSignal("BTC-USD", None, -1.0, 1.0, about)]
"""
BUY = """
if price_update.venue != "a":
    return []
about = {"order_type": "limit", "limit_price": round(price_update.ask * 1.05, 2), "quantity": 0.01, "venue": "a"}
return [MarketSignal("BTC-USD", None, 1.0, 1.0, about)]
"""


async def sisters(scene: Scene) -> None:
    await scene.start("seller", SELL, symbols=["BTC-USD"])
    await until(
        lambda: [line for line in scene.machine.blotter.working.values() if line.strategy_id == "seller"]
    )
    scene.fault_begins()
    await scene.start("sister", BUY, symbols=["BTC-USD"])


def test_a_sister_on_the_other_side_is_refused(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await sisters(scene)
        await scene.told("self_trade_prevention", "sister")

    session = play(tmp_path, work, limits=RiskLimits())
    assert accepted(session, "sister") == []


def test_without_self_trade_prevention_the_sister_trades(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await sisters(scene)
        await until(lambda: scene.position("sister") > 0.0)

    play(tmp_path, work, limits=RiskLimits().without("self_trade_prevention"), contained=False)


def test_a_wash_trader_never_has_the_house_on_both_sides(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        scene.fault_begins()
        await scene.start("wash_trade", symbols=["BTC-USD"], quantity=0.01, offset_bps=50.0)
        await scene.told("self_trade_prevention", "wash_trade")
        await until(lambda: scene.breaches("self_trade_prevention", "wash_trade") > 3)

    play(tmp_path, work, limits=RiskLimits())


SLIPS = RiskLimits(order_limits=OrderLimits(max_order_value=5_000.0))


def test_a_value_in_the_quantity_field_never_leaves(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        scene.fault_begins()
        await scene.start("fat_finger", symbols=["BTC-USD"], quantity=0.01, intensity=0.5)
        await scene.told("max_order_value", "fat_finger")
        await until(lambda: scene.breaches("max_order_value", "fat_finger") >= 3)

    session = play(tmp_path, work, limits=SLIPS)
    assert {order.quantity for order in accepted(session, "fat_finger")} == {0.01}


def test_without_the_caps_on_size_the_slip_is_traded(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.start("fat_finger", symbols=["BTC-USD"], quantity=0.01, intensity=1.0)
        await until(lambda: scene.machine.blotter.fill_cursor > 5)

    session = play(tmp_path, work, limits=RiskLimits.unlimited(), contained=False)
    assert max(order.quantity for order in accepted(session, "fat_finger")) > 100.0


KNIGHT = RiskLimits(
    repeated_execution=RepeatedExecution(20, 60.0), message_rate=MessageRate(1e3, 1e3, 1e4, 1e4)
)


def test_child_orders_without_end_stop_until_a_named_person_lets_them_go_on(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        scene.fault_begins()
        await scene.start("knight_replay", symbols=["BTC-USD"], child_quantity=0.001)
        await scene.told("repeated_execution", "knight_replay")
        await until(lambda: scene.breaches("circuit_breaker", "knight_replay") > 20)
        with pytest.raises(EngineError, match="person"):
            await scene.engine.ask(ResetBreaker("", "go on", "knight_replay"))
        assert "repeated_execution" in scene.machine.desk.halted("knight_replay")
        await until(lambda: scene.position("knight_replay") == 0.0)
        orders = int(scene.machine.desk.book.accepted)
        await scene.engine.ask(ResetBreaker("ana", "the parent was looked at", "knight_replay"))
        await until(lambda: int(scene.machine.desk.book.accepted) > orders)

    session = play(tmp_path, work, limits=KNIGHT)
    fills = [f for f in session.facts if isinstance(f, OrderFill) and f.strategy_id == "knight_replay"]
    assert len(fills) >= 20


def test_without_the_throttle_nothing_ends_the_child_orders(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.start("knight_replay", symbols=["BTC-USD"], child_quantity=0.001)
        await until(lambda: scene.machine.blotter.fill_cursor > 200)
        assert scene.machine.desk.halted("knight_replay") == ()

    play(tmp_path, work, limits=KNIGHT.without("repeated_execution"), contained=False)
