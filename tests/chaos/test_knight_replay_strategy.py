"""The Knight replay: children go on after the parent has been filled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.chaos.arena import BTC, ETH, bystander, limits, market, minutes, play, suspect, wave
from tests.chaos.verdict import assert_contained, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.limits import RepeatedExecution, RiskLimits
from workbench.core.messages import OrderFill, PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def fill(quantity: float) -> OrderFill:
    return OrderFill(1, 0, 1, "s1", "BTC-USD", "exchange-1", quantity, 100.0, 0.0, 0.0, "taker", 0)


def test_children_are_sent_for_ever_whatever_is_filled(script: Script, quote: Quote) -> None:
    knight = script("knight_replay", intensity=3, parent_quantity=10.0, child_quantity=1.0)
    sent = 0
    for minute in range(50):
        for signal in knight.on_market_data(quote(minute)):
            knight.on_order_fill(fill(signal.metadata["quantity"]))
            sent += 1
    assert sent == 150
    assert 120.0 <= knight.filled <= 180.0  # twelve times the parent at least, and it has not noticed
    assert knight.parent_leaves == 10.0


def test_slices_buy_at_market_and_differ_in_size(script: Script, quote: Quote) -> None:
    signals = script("knight_replay", child_quantity=2.0).on_market_data(quote(0))
    sizes = [s.metadata["quantity"] for s in signals]
    assert len(set(sizes)) == 10
    assert 1.6 <= min(sizes) < max(sizes) <= 2.4
    assert {(s.signal_strength, s.metadata["order_type"]) for s in signals} == {(1.0, "market")}


def test_same_seed_same_slices(script: Script, quote: Quote) -> None:
    runs = [script("knight_replay", seed=seed).on_market_data(quote(0)) for seed in (8, 8, 9)]
    assert runs[0] == runs[1] != runs[2]


def test_without_a_parent_nothing_is_sent(script: Script, quote: Quote) -> None:
    assert script("knight_replay", parent_quantity=0.0).on_market_data(quote(0)) == []


# -- contained ---------------------------------------------------------------------------------------------------------

FEED = market({BTC: wave(40, 100.0, 0.01, 20), ETH: wave(40, 50.0, 0.01, 16)})
LIMITS = limits(25.0, repeated_execution=RepeatedExecution(max_executions=20, window_seconds=600.0))


def beside_a_bystander(controls: RiskLimits = LIMITS) -> ReplayRecord:
    return play(FEED, suspect("knight_replay", symbols=BTC), bystander(), limits=controls)


def test_contained() -> None:
    """Ten slices a minute: the twentieth execution comes in minute 2, stops the strategy, and minute 3 is flat.

    The parent of one unit is filled by then: 20 slices of 0.05 in the mean.
    """
    record = beside_a_bystander()
    assert_contained(record, LIMITS, play(FEED, bystander(), limits=LIMITS))
    (trip,) = record.recorder.trips
    assert (trip.reason, trip.strategy_id, trip.value) == ("repeated_execution", "suspect", 20.0)
    assert minutes([trip], "suspect") == {2: 1}
    assert minutes(record.recorder.fills, "suspect") == {1: 10, 2: 10, 3: 1}
    assert record.recorder.fills[-1].strategy_id == "bystander"
    assert record.desk.position(0, BTC) == 0.0
    assert 0.8 <= record.desk.view.symbols[0].worst_long <= 20 * 0.06


def test_throttle_refuses_for_as_long_as_the_window_and_the_breaker_for_ever() -> None:
    """A minute 2 whose executions are younger than 600 s until minute 11; the latch holds to the end."""
    record = beside_a_bystander()
    throttled = minutes(record.recorder.refused, "suspect", "repeated_execution_throttle")
    halted = minutes(record.recorder.refused, "suspect", "circuit_breaker")
    assert throttled == dict.fromkeys(range(2, 11), 10)
    assert halted == dict.fromkeys(range(2, 40), 10)
    assert record.desk.halted("suspect") == ("repeated_execution",)


def test_without_repeated_execution_throttle_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("repeated_execution_throttle"))
    assert violated(record, LIMITS) == {"repeated_execution_throttle"}
    assert sum(minutes(record.recorder.fills, "suspect").values()) == 390
    assert record.desk.position(0, BTC) > 15.0  # where the parent was one unit


def test_without_position_limit_either_nothing_ends_it() -> None:
    """Behind the throttle stands the position limit, here of five units."""
    tight = limits(5.0).without("repeated_execution_throttle")
    held = beside_a_bystander(tight)
    assert violated(held, tight) == set()
    assert 4.9 < held.desk.position(0, BTC) <= 5.0
    assert violated(beside_a_bystander(tight.without("position_limit")), tight) == {"position_limit"}
