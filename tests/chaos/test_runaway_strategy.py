"""The runaway: a hundred market buys on every update, inside its window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.arena import BTC, ETH, bystander, limits, market, minutes, play, suspect, wave
from tests.chaos.verdict import assert_contained, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.limits import RiskLimits
from workbench.core.messages import PriceUpdate
from workbench.errors import ParameterError

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def test_hundred_full_size_market_buys_on_each_update(script: Script, quote: Quote) -> None:
    runaway = script("runaway")
    for minute in range(3):
        signals = runaway.on_market_data(quote(minute, symbol="ETH-USD", venue="exchange-2"))
        assert len(signals) == 100
        assert {(s.symbol, s.signal_strength, s.confidence) for s in signals} == {("ETH-USD", 1.0, 1.0)}
        assert signals[0].metadata == {
            "chaos_type": "runaway_buying",
            "order_type": "market",
            "venue": "exchange-2",
        }


def test_intensity_is_orders_per_update(script: Script, quote: Quote) -> None:
    assert len(script("runaway", intensity=7).on_market_data(quote(0))) == 7
    assert script("runaway", intensity=0).on_market_data(quote(0)) == []


def test_window_runs_in_event_time_from_the_first_update(script: Script, quote: Quote) -> None:
    runaway = script("runaway", intensity=1, start_after_minutes=2.0, duration_minutes=3.0)
    sent = [len(runaway.on_market_data(quote(minute))) for minute in (10, 11, 12, 13, 14, 15, 16)]
    assert sent == [0, 0, 1, 1, 1, 0, 0]


def test_chaos_active_says_whether_the_window_is_open(script: Script, quote: Quote) -> None:
    runaway = script("runaway", start_after_minutes=1.0, duration_minutes=1.0)
    seen = []
    for minute in range(3):
        runaway.on_market_data(quote(minute))
        seen.append(runaway.chaos_active)
    assert seen == [False, True, False]


@pytest.mark.parametrize(
    "config",
    [{"intensity": -1}, {"intensity": 100_001}, {"intensity": 2.5}, {"duration_minutes": -1.0}, {"speed": 1}],
)
def test_settings_that_make_no_sense_are_refused(script: Script, config: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(config))):
        script("runaway", **config)


def test_seeds_may_be_large(script: Script) -> None:
    assert script("nan_signals", seed=2**62).config["seed"] == 2**62


def test_settings_of_the_runner_pass(script: Script) -> None:
    assert script("runaway", unit=-0.5, symbols=["BTC-USD"]).config["symbols"] == ["BTC-USD"]


# -- contained ---------------------------------------------------------------------------------------------------------

FEED = market({BTC: wave(40, 100.0, 0.01, 20), ETH: wave(40, 50.0, 0.01, 16)})
LIMITS = limits(25.0)


def beside_a_bystander(controls: RiskLimits = LIMITS) -> ReplayRecord:
    return play(FEED, suspect("runaway", symbols=BTC), bystander(), limits=controls)


def test_contained() -> None:
    """Ten identical orders a second, so 10 + 10 + 5 until 25 units are held; 90 messages at once of a hundred."""
    record = beside_a_bystander()
    assert_contained(record, LIMITS, play(FEED, bystander(), limits=LIMITS))
    assert minutes(record.recorder.accepted, "suspect") == {0: 10, 1: 10, 2: 5}
    first, second = (
        minutes(record.recorder.refused, "suspect", check) for check in ("duplicate_order", "message_rate")
    )
    assert (first[0], second[0]) == (90, 10)
    assert {"position_limit"} <= set(record.recorder.refused[-1].failed_checks)
    assert record.desk.position(0, BTC) == 25.0
    assert record.recorder.trips == []


def test_without_position_limit_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("position_limit"))
    assert violated(record, LIMITS) == {"position_limit"}
    assert record.desk.position(0, BTC) > 200.0 - 10.0  # what the notional limit of 20,000 USD leaves


def test_without_duplicate_order_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("duplicate_order"))
    assert violated(record, LIMITS) == {"duplicate_order"}
    assert minutes(record.recorder.accepted, "suspect") == {0: 25}


def test_without_message_rate_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("message_rate"))
    assert violated(record, LIMITS) == {"message_rate"}


def test_duplicates_and_rate_bound_each_burst_where_no_position_is_limited() -> None:
    """Without all four controls on its way a burst is a hundred orders; each of them alone makes it smaller."""
    four = ("position_limit", "notional_limit", "duplicate_order", "message_rate")
    bursts = [
        max(minutes(beside_a_bystander(LIMITS.without(*off)).recorder.accepted, "suspect").values())
        for off in (four[:2], four[:3], four)
    ]
    assert bursts == [10, 90, 100]


def test_limit_of_one_strategy_counts_all_venues_together() -> None:
    """25 units of BTC, wherever they are bought: with two venues ten on each, and then five more in all."""
    two = market({BTC: wave(40, 100.0, 0.01, 20)}, venues=("exchange-1", "exchange-2"))
    record = play(two, suspect("runaway", symbols=BTC), limits=LIMITS.without("message_rate"))
    assert minutes(record.recorder.accepted, "suspect") == {0: 20, 1: 5}
    assert record.desk.position(0, BTC) == 25.0
