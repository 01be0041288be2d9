"""What is shown is what the engine's state says; figures are worked by hand."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from live.engine import Engine
from live.machine import ChaosNoted, KillReset, KillSwitch
from live.metrics import Metrics
from live.metrics.sheet import Names, Tally
from live.venues.clock import SimulatedClock
from tests.live.engine.desk import until
from tests.live.metrics.harness import Samples, buys, price, running, samples, see, started
from workbench.core.intents import ClockTick, StrategyFailed
from workbench.core.limits import CircuitBreakers, DrawdownLimits, RiskLimits

SECOND = 10**9


def value(shown: Samples, name: str, **labels: str) -> float:
    return shown[name, tuple(sorted(labels.items()))]


def total(shown: Samples, name: str) -> float:
    return sum(v for (found, _), v in shown.items() if found == name)


async def _bought_and_sold(engine: Engine, _: Metrics) -> None:
    """Buys two at 100, sells one at 110, keeps one, which is worth 105."""
    await started(engine, "s")
    for item in (
        price(1, 100.0),
        buys("s", 2),
        price(2, 100.0),
        buys("s", -1),
        price(3, 110.0),
        price(4, 105.0),
    ):
        await engine.ask(item)


def test_profit_trades_and_positions(tmp_path: Path) -> None:
    shown = see(tmp_path, _bought_and_sold)
    assert value(shown, "trading_strategy_pnl", strategy_name="s", strategy_version="1.2.0") == 15.0
    assert value(shown, "trading_strategy_trades_total", strategy_name="s", side="buy") == 1.0
    assert value(shown, "trading_strategy_trades_total", strategy_name="s", side="sell") == 1.0
    assert value(shown, "trading_strategy_win_rate", strategy_name="s") == 1.0
    assert math.isnan(value(shown, "trading_strategy_sharpe_ratio", strategy_name="s"))
    assert value(shown, "trading_risk_position_size", strategy="s", symbol="BTC-USD") == 1.0
    assert ("trading_risk_position_size", (("strategy", "s"), ("symbol", "ETH-USD"))) not in shown
    assert value(shown, "trading_portfolio_equity") == 1_000_015.0
    assert value(shown, "trading_portfolio_daily_pnl") == 15.0
    assert value(shown, "trading_portfolio_gross_exposure") == 105.0
    assert value(shown, "trading_risk_drawdown", strategy="s") == pytest.approx(5.0 / 1_000_020.0, rel=1e-12)
    assert value(shown, "trading_engine_orders_total", outcome="accepted") == 2.0
    assert value(shown, "trading_engine_fills_total") == 2.0


def test_a_strategy_without_a_trade_is_shown_from_its_start(tmp_path: Path) -> None:
    async def start(engine: Engine, _: Metrics) -> None:
        await started(engine, "s")

    shown = see(tmp_path, start)
    assert value(shown, "trading_strategy_pnl", strategy_name="s", strategy_version="1.2.0") == 0.0
    assert math.isnan(value(shown, "trading_strategy_win_rate", strategy_name="s"))
    assert value(shown, "trading_engine_strategies", state="running") == 1.0
    assert value(shown, "trading_engine_unanswered", strategy="s") == 0.0


def test_an_alert_is_measured_from_what_it_tells_of(tmp_path: Path) -> None:
    async def tell(engine: Engine, _: Metrics) -> None:
        clock = engine.clock
        assert isinstance(clock, SimulatedClock)
        await started(engine, "s")
        await engine.ask(price(1, 100.0))
        for ns in (SECOND * 7 // 2, 400 * SECOND):  # the second is as if the prices were recorded ones
            await clock.run_until(ns)
            await engine.ask(StrategyFailed("s", "no"))
        await until(lambda: len(engine.tracer.alert_seconds) == 2)

    shown = see(tmp_path, tell)
    name = "trading_risk_alert_latency_seconds"
    found = [
        value(shown, f"{name}_bucket", kind="risk_breach", le=le) for le in ("0.005", "2.0", "5.0", "+Inf")
    ]
    assert found == [1.0, 1.0, 2.0, 2.0]
    assert value(shown, f"{name}_sum", kind="risk_breach") == 2.5
    assert value(shown, f"{name}_count", kind="breaker_tripped") == 0.0


def test_breaches_breakers_and_kills(tmp_path: Path) -> None:
    async def stop(engine: Engine, _: Metrics) -> None:
        for name in ("s", "t"):
            await started(engine, name)
        for item in (
            price(1, 100.0),
            StrategyFailed("s", "no"),
            KillSwitch("strategy", "s", "ana", "drill"),
            KillSwitch("strategy", "t", "ana", "drill"),
            KillSwitch("venue", "exchange-1", "ana", "drill"),
            KillReset("strategy", "t", "ana", "over"),
        ):
            await engine.ask(item)

    shown = see(tmp_path, stop)
    assert value(shown, "trading_risk_limit_breaches_total", limit_type="strategy_error", strategy="s") == 1.0
    assert value(shown, "trading_risk_circuit_breaker_triggered", reason="kill_switch") == 1.0
    assert value(shown, "trading_risk_circuit_breaker_triggered", reason="daily_loss") == 0.0
    assert value(shown, "trading_risk_circuit_breaker_trips_total") == 2.0
    kills = [value(shown, "trading_risk_kill_switch_active", scope=s) for s in ("all", "strategy", "venue")]
    assert kills == [0.0, 1.0, 1.0]
    assert value(shown, "trading_venue_halted", venue="exchange-1") == 1.0


def test_limits_in_force_are_positive_and_inf_where_off(tmp_path: Path) -> None:
    limits = RiskLimits(
        drawdown_limits=DrawdownLimits(daily_loss=-500.0, strategy_drawdown=-0.2, portfolio_var=math.inf),
        circuit_breakers=CircuitBreakers(),
    )

    async def run() -> Samples:
        async with running(tmp_path, limits=limits) as engine:
            return samples(Metrics(engine).render()[0])

    shown = asyncio.run(run())
    assert value(shown, "trading_risk_limit", limit_type="daily_loss") == 500.0
    assert value(shown, "trading_risk_limit", limit_type="strategy_drawdown") == 0.2
    assert value(shown, "trading_risk_limit", limit_type="portfolio_var") == math.inf


def test_chaos_from_beginning_to_recovery(tmp_path: Path) -> None:
    """Buys one at 100, which falls to 90, ends, and sells at 95 two seconds later."""
    labels = {"chaos_type": "spammer", "strategy": "s"}
    seen: list[tuple[float, ...]] = []

    def note(metrics: Metrics) -> None:
        metrics.update()
        shown = samples(metrics.render()[0])
        names = ("strategy_active", "recovering", "damage_usd", "recovery_time_seconds")
        seen.append(tuple(value(shown, f"trading_chaos_{name}", **labels) for name in names))

    async def misbehave(engine: Engine, metrics: Metrics) -> None:
        await started(engine, "s", "spammer")
        for item in (price(1, 100.0), buys("s", 1), price(2, 100.0), price(3, 90.0)):
            await engine.ask(item)
        note(metrics)
        await engine.ask(ChaosNoted("s", "spammer", active=False))
        note(metrics)
        for item in (buys("s", -1), price(5, 95.0)):
            await engine.ask(item)
        await engine.ask(ClockTick(9 * SECOND))
        note(metrics)

    see(tmp_path, misbehave)
    assert seen[0][:3] == (1.0, 1.0, 10.0)
    assert math.isnan(seen[0][3])
    assert seen[1][:3] == (0.0, 1.0, 10.0)
    assert seen[2] == (0.0, 0.0, 5.0, 2.0)


def test_counters_of_trading_go_on_after_a_restart(tmp_path: Path) -> None:
    before = see(tmp_path, _bought_and_sold)

    async def nothing(_: Engine, __: Metrics) -> None: ...

    after = see(tmp_path, nothing)
    for name in ("trading_strategy_trades_total", "trading_strategy_pnl", "trading_engine_orders_total"):
        assert total(after, name) == total(before, name) > 0.0
    assert value(after, "trading_engine_orders_per_second") == 0.0


def test_time_in_strategies_and_checks_is_counted_once(tmp_path: Path) -> None:
    async def work(engine: Engine, metrics: Metrics) -> None:
        await started(engine, "s")
        (runner,) = engine.strategies.processes.listeners
        for second in range(1, 6):
            runner.price(price(second, 100.0))
            runner.flush()
        while runner.unanswered:
            await asyncio.sleep(0.01)
        await engine.ask(price(6, 100.0))
        metrics.update()
        await engine.ask(buys("s", 1))
        metrics.update()
        await engine.ask(buys("s", 1))
        metrics.update()
        assert len(engine.pump.check_seconds) == 2  # others read them too

    shown = see(tmp_path, work)
    count = "trading_engine_strategy_execution_time_count"
    assert value(shown, count, strategy="s") >= 5.0
    assert value(shown, count, strategy="s") == value(
        shown, "trading_engine_strategy_execution_time_bucket", strategy="s", le="+Inf"
    )
    assert value(shown, "trading_engine_risk_check_latency_count", check_type="pre_trade") == 2.0
    assert 0.0 < value(shown, "trading_engine_risk_check_latency_sum", check_type="pre_trade") < 1.0
    assert value(shown, "trading_engine_risk_check_latency_count", check_type="post_trade") == 1.0
    assert 0.0 < value(shown, "trading_engine_risk_check_latency_sum", check_type="post_trade") < 1.0


def test_a_process_that_has_ended_stays_counted(tmp_path: Path) -> None:
    seen: list[float] = []
    count = "trading_engine_strategy_execution_time_count"

    async def end(engine: Engine, metrics: Metrics) -> None:
        await started(engine, "s")
        (runner,) = engine.strategies.processes.listeners
        metrics.update()
        seen.append(value(samples(metrics.render()[0]), count, strategy="s"))
        runner.price(price(1, 100.0))
        await engine.strategies.stop("s", "ana")

    shown = see(tmp_path, end)
    assert value(shown, count, strategy="s") == seen[0] + 1.0
    assert ("trading_engine_unanswered", (("strategy", "s"),)) not in shown
    assert value(shown, "trading_engine_strategies", state="stopped") == 1.0


def test_orders_per_second_is_the_rate_since_the_update_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("live.metrics.publisher.time.perf_counter", lambda: now[0])

    async def trade(engine: Engine, metrics: Metrics) -> None:
        await started(engine, "s")
        metrics.update()
        await engine.ask(price(1, 100.0))
        for _ in range(6):
            await engine.ask(buys("s", 1))
        now[0] = 102.0

    assert value(see(tmp_path, trade), "trading_engine_orders_per_second") == 3.0


def test_the_task_updates_by_itself(tmp_path: Path) -> None:
    async def run() -> Samples:
        async with running(tmp_path, metrics_publish_interval_ms=5.0) as engine:
            metrics = Metrics(engine)
            task = asyncio.create_task(metrics.run())
            await started(engine, "s")
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return samples(metrics.render()[0])

    assert value(asyncio.run(run()), "trading_engine_strategies", state="running") == 1.0


def test_an_update_changes_nothing_in_the_state(tmp_path: Path) -> None:
    async def look(engine: Engine, metrics: Metrics) -> None:
        await _bought_and_sold(engine, metrics)
        before = engine.machine.dump()
        metrics.update()
        metrics.render()
        assert engine.machine.dump() == before

    see(tmp_path, look)


def test_a_tally_counts_a_value_at_a_bound_below_it() -> None:
    tally = Tally((1.0, 2.0))
    tally.add([0.5, 1.0, 1.5, 2.5], [1, 2, 3, 4])
    tally.add([])
    assert tally.counts.tolist() == [3, 3, 4]
    assert tally.total == 0.5 + 2.0 + 4.5 + 10.0


def test_names_stay_what_they_were_once_there_are_too_many() -> None:
    names = Names(2)
    assert [names.of(n) for n in ("a", "b", "c", "a", "d", "", "c")] == [
        "a",
        "b",
        "other",
        "a",
        "other",
        "",
        "other",
    ]
    assert names.folded == 2


def test_a_name_that_is_other_is_told_with_the_rest() -> None:
    names = Names(2)
    assert [names.of(n) for n in ("other", "a", "b")] == ["other", "a", "b"]
