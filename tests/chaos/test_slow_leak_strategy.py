"""The slow leak: a trend rule whose decisions go wrong with probability min(0.5, trade_count x rate)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.chaos.arena import BTC, ETH, bystander, limits, market, minutes, play, suspect, wave
from tests.chaos.verdict import alarms, assert_contained, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.limits import DrawdownLimits, PerStrategyLimits, RiskLimits
from workbench.core.messages import PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def held(strategy: Any, quote: Quote, prices: list[float]) -> list[float]:
    """The position last wanted after each update, 0 before the first signal."""
    wanted, positions = 0.0, []
    for minute, price in enumerate(prices):
        for signal in strategy.on_market_data(quote(minute, price)):
            assert signal.signal_strength != wanted
            wanted = signal.signal_strength
        positions.append(wanted)
    return positions


def test_sound_rule_is_the_sign_of_fast_over_slow_average(script: Script, quote: Quote) -> None:
    # fast=1: weight 1, so the price itself.  slow=2: weight 2/3.
    # slow average: 100, 102, 100.67, 102.22; price against it: equal, above, below, above.
    leak = script("slow_leak", fast=1, slow=2, degradation_rate=0.0)
    assert held(leak, quote, [100.0, 103.0, 100.0, 103.0]) == [0.0, 1.0, -1.0, 1.0]


def test_error_probability_grows_with_the_decisions_and_ends_at_half(script: Script, quote: Quote) -> None:
    leak = script("slow_leak", fast=1, slow=2, degradation_rate=0.2)
    seen = []
    for minute, price in enumerate([100.0, 101.0, 102.0, 103.0, 104.0]):
        leak.on_market_data(quote(minute, price))
        seen.append((leak.trade_count, round(leak.error_probability(), 9)))
    assert seen == [(0, 0.0), (1, 0.2), (2, 0.4), (3, 0.5), (4, 0.5)]


def test_ever_more_decisions_are_turned_round(script: Script, quote: Quote) -> None:
    # In a steady rise the rule always wants +1.  Expected errors of decisions 1..500 at 0.001 each: 125.25.
    leak = script("slow_leak", fast=1, slow=2, seed=5)
    wrong = [wanted < 0.0 for wanted in held(leak, quote, [100.0 + i for i in range(1001)])][1:]
    early, late = sum(wrong[:500]), sum(wrong[500:])
    assert 90 <= early <= 160
    assert 215 <= late <= 285  # a coin toss


def test_same_seed_same_errors_and_another_seed_others(script: Script, quote: Quote) -> None:
    prices = [100.0 + i for i in range(200)]
    runs = [
        held(script("slow_leak", fast=1, slow=2, degradation_rate=0.01, seed=seed), quote, prices)
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_follows_the_rule_outside_its_window(script: Script, quote: Quote) -> None:
    leak = script("slow_leak", fast=1, slow=2, degradation_rate=1.0, start_after_minutes=100.0)
    assert held(leak, quote, [100.0 + i for i in range(100)]) == [0.0] + [1.0] * 99
    assert leak.trade_count == 0


def test_wants_a_position_and_says_how_likely_it_errs(script: Script, quote: Quote) -> None:
    leak = script("slow_leak", fast=1, slow=2)
    leak.on_market_data(quote(0, 100.0))
    (signal,) = leak.on_market_data(quote(1, 101.0))
    assert type(leak).SIZING == "target"
    assert signal.metadata == {"chaos_type": "slow_leak", "venue": "exchange-1", "error_probability": 0.001}


# -- contained ---------------------------------------------------------------------------------------------------------

TREND = market({BTC: wave(240, 100.0, 0.03, 80), ETH: wave(240, 50.0, 0.01, 60)})
LIMITS = limits(20.0, drawdown_limits=DrawdownLimits(daily_loss=-20_000.0, strategy_drawdown=-0.002))
DAILY = limits(20.0, per_strategy=PerStrategyLimits(max_daily_trades=30.0))


def beside_a_bystander(controls: RiskLimits = LIMITS, rate: float = 0.02) -> ReplayRecord:
    leak = suspect("slow_leak", symbols=BTC, unit=10.0, fast=2, slow=4, degradation_rate=rate)
    return play(TREND, leak, bystander(), limits=controls)


def test_rule_without_the_leak_earns_and_is_left_alone() -> None:
    record = beside_a_bystander(rate=0.0)
    assert record.curves[-1, 1] > 300.0
    assert alarms(record, "suspect") == set()


def test_contained() -> None:
    """No order can be refused for it; at a loss of 0.2 % of its 50,000 from the peak the strategy is stopped."""
    record = beside_a_bystander()
    assert_contained(record, LIMITS, play(TREND, bystander(), limits=LIMITS))
    (trip,) = record.recorder.trips
    assert (trip.reason, trip.strategy_id) == ("strategy_drawdown", "suspect")
    before = [r for r in record.recorder.refused if r.timestamp_ns < trip.timestamp_ns]
    assert before == []
    warned = [a.timestamp_ns for a in record.recorder.alerts if a.strategy_id == "suspect"]
    assert warned[0] < trip.timestamp_ns
    assert record.desk.position(0, BTC) == 0.0
    assert -130.0 < record.curves[-1, 1] < -90.0


def test_without_strategy_drawdown_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("strategy_drawdown"))
    assert violated(record, LIMITS) == {"strategy_drawdown"}
    assert record.curves[-1, 1] < 1.5 * beside_a_bystander().curves[-1, 1]
    assert record.recorder.trips == []


def test_daily_trades_bound_the_turnover() -> None:
    record = beside_a_bystander(DAILY)
    assert_contained(record, DAILY, play(TREND, bystander(), limits=DAILY))
    assert sum(minutes(record.recorder.accepted, "suspect").values()) == 30
    assert {r.failed_checks for r in record.recorder.refused} == {("strategy_limit",)}


def test_without_strategy_limit_it_is_not_contained() -> None:
    record = beside_a_bystander(DAILY.without("strategy_limit"))
    assert violated(record, DAILY) == {"strategy_limit"}
    assert sum(minutes(record.recorder.accepted, "suspect").values()) > 100
