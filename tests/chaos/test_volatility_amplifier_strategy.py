"""The volatility amplifier: strength 2.0 in the direction of a move of more than 1 %."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from tests.chaos.arena import (
    BTC,
    COSTS,
    ETH,
    MINUTE_NS,
    START_NS,
    bystander,
    limits,
    market,
    minutes,
    play,
    suspect,
    wave,
)
from tests.chaos.books import books_agree
from tests.chaos.verdict import alarms, assert_contained, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.costs import Costs
from workbench.core.limits import OrderLimits, RiskLimits
from workbench.core.messages import PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def strengths(strategy: Any, quote: Quote, prices: Sequence[tuple[float, float]]) -> list[float]:
    """Strength of the signal at each (minute, price), 0 where there was none."""
    answers = [strategy.on_market_data(quote(minute, price)) for minute, price in prices]
    assert all(len(answer) <= 1 for answer in answers)
    return [answer[0].signal_strength if answer else 0.0 for answer in answers]


def test_chases_a_move_of_more_than_one_percent_either_way(script: Script, quote: Quote) -> None:
    # 101.2 is 1.2 % over 100; 98.9 is 2.3 % under 101.2, the oldest price of the last five minutes then.
    path = [(0, 100.0), (1, 100.6), (2, 101.2), (7, 98.9)]
    assert strengths(script("volatility_amplifier"), quote, path) == [0.0, 0.0, 2.0, -2.0]


def test_move_at_the_threshold_is_not_chased(script: Script, quote: Quote) -> None:
    path = [(0, 100.0), (1, 101.0), (2, 101.01)]
    amplifier = script("volatility_amplifier", momentum_threshold=101.0 / 100.0 - 1.0)
    assert strengths(amplifier, quote, path) == [0.0, 0.0, 2.0]


def test_move_is_measured_over_the_lookback(script: Script, quote: Quote) -> None:
    # Minute 9 compares with minute 4 (100), minute 12 with minute 8 (101): 1.5 % and 0.5 %.
    path = [(0, 90.0), (4, 100.0), (8, 101.0), (9, 101.5), (12, 101.5)]
    assert strengths(script("volatility_amplifier", momentum_threshold=0.012), quote, path)[2:] == [
        0.0,
        2.0,
        0.0,
    ]


def test_slow_updates_compare_with_the_one_before(script: Script, quote: Quote) -> None:
    path = [(0, 100.0), (1440, 102.0), (2880, 102.5)]
    assert strengths(script("volatility_amplifier"), quote, path) == [0.0, 2.0, 0.0]


def test_chase_ends_after_its_longest_duration_and_starts_anew_after_a_calm(
    script: Script, quote: Quote
) -> None:
    amplifier = script("volatility_amplifier", max_duration_minutes=3.0, lookback_minutes=1.0)
    rising = [(minute, 100.0 * 1.02**minute) for minute in range(6)]
    assert strengths(amplifier, quote, rising) == [0.0, 2.0, 2.0, 2.0, 0.0, 0.0]
    calm_then_up = [(6, 110.4), (7, 110.4), (8, 113.0)]
    assert strengths(amplifier, quote, calm_then_up) == [0.0, 0.0, 2.0]


def test_amplification_factor_is_the_strength_and_the_signal_is_marked(script: Script, quote: Quote) -> None:
    amplifier = script("volatility_amplifier", amplification_factor=3.5)
    amplifier.on_market_data(quote(0, 100.0))
    (signal,) = amplifier.on_market_data(quote(1, 95.0))
    assert (signal.signal_strength, signal.confidence) == (-3.5, 1.0)
    assert signal.metadata["chaos_type"] == "volatility_amplification"


@pytest.mark.parametrize("bad", [math.nan, 0.0, -100.0, math.inf])
def test_price_that_is_none_is_neither_chased_nor_remembered(
    script: Script, quote: Quote, bad: float
) -> None:
    path = [(0, 100.0), (1, bad), (2, 100.5)]
    assert strengths(script("volatility_amplifier"), quote, path) == [0.0, 0.0, 0.0]


def test_watches_before_its_window_opens(script: Script, quote: Quote) -> None:
    amplifier = script("volatility_amplifier", start_after_minutes=2.0)
    assert strengths(amplifier, quote, [(0, 100.0), (1, 102.0), (2, 102.0)]) == [0.0, 0.0, 2.0]


def test_venues_are_measured_apart(script: Script, quote: Quote) -> None:
    amplifier = script("volatility_amplifier")
    amplifier.on_market_data(quote(0, 100.0, venue="exchange-1"))
    assert amplifier.on_market_data(quote(0, 105.0, venue="exchange-2")) == []


# -- contained ---------------------------------------------------------------------------------------------------------

RISE = [round(100.0 * 1.005**i, 2) for i in range(40)]
FEED = market({BTC: RISE, ETH: wave(40, 50.0, 0.01, 16)})
LIMITS = limits(10.0)


def beside_a_bystander(controls: RiskLimits = LIMITS, costs: Costs = COSTS) -> ReplayRecord:
    return play(FEED, suspect("volatility_amplifier", symbols=BTC), bystander(), limits=controls, costs=costs)


def test_contained() -> None:
    """0.5 % a minute is more than 1 % from minute 3 on; from there one unit a minute until ten are held.

    The second price after two moves stands 1.0025 % higher, so the chase begins in minute 2.
    """
    record = beside_a_bystander()
    assert_contained(record, LIMITS, play(FEED, bystander(), limits=LIMITS))
    assert minutes(record.recorder.accepted, "suspect") == dict.fromkeys(range(2, 12), 1)
    assert minutes(record.recorder.refused, "suspect", "position_limit") == dict.fromkeys(range(12, 32), 1)
    assert record.desk.position(0, BTC) == 10.0
    told = [b for b in record.recorder.breaches if b.breach_type == "signal_out_of_range"]
    assert (
        len(told) == len(record.recorder.signals) - len(of_the_bystander(record)) == 30
    )  # its longest chase
    assert {b.value for b in told} == {2.0}


def of_the_bystander(record: ReplayRecord) -> list[object]:
    return [s for s in record.recorder.signals if s.strategy_id == "bystander"]


def test_refused_instead_of_clipped_nothing_is_traded() -> None:
    strict = limits(10.0, signal_out_of_range="refuse")
    record = beside_a_bystander(strict)
    assert_contained(record, strict, play(FEED, bystander(), limits=strict))
    assert minutes(record.recorder.accepted, "suspect") == {}
    assert [s.reason for s in record.recorder.signals_refused] == ["signal_out_of_range"] * 30


def test_without_signal_out_of_range_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("signal_out_of_range"))
    assert violated(record, LIMITS) == {"signal_out_of_range"}
    assert {a.quantity for a in record.recorder.accepted if a.strategy_id == "suspect"} == {2.0}


def test_without_position_limit_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("position_limit"))
    assert violated(record, LIMITS) == {"position_limit"}
    assert record.desk.position(0, BTC) == 30.0


# -- its impact on a thin market: an update of FEED trades 1,000 units -------------------------------------------------


def test_participation_cap_bounds_what_each_update_fills() -> None:
    """A ten-thousandth of 1,000 units is 0.1: ten orders of one unit take a hundred updates."""
    record = beside_a_bystander(costs=msgspec.structs.replace(COSTS, participation=1e-4))
    filled = [f.quantity for f in record.recorder.fills if f.strategy_id == "suspect"]
    assert max(filled) <= 0.1 * (1.0 + 1e-9)
    assert record.desk.position(0, BTC) < 4.0
    books_agree(record)


def test_without_max_order_volume_it_is_not_contained() -> None:
    """No order above 0.05 % of the volume of an update, which is half a unit."""
    thin = limits(10.0, order_limits=OrderLimits(max_volume_share=5e-4))
    assert minutes(beside_a_bystander(thin).recorder.accepted, "suspect") == {}
    assert "max_order_volume" in alarms(beside_a_bystander(thin), "suspect")
    assert (
        len(minutes(beside_a_bystander(thin.without("max_order_volume")).recorder.accepted, "suspect")) == 10
    )


def test_without_price_collar_it_is_not_contained() -> None:
    """A book whose sides have fled by 15 %: no order goes at such a price, unless the collar is off."""
    torn = market({BTC: RISE, ETH: wave(40, 50.0, 0.01, 16)}, spread_bps=3_000.0)
    held = play(torn, suspect("volatility_amplifier", symbols=BTC), limits=LIMITS)
    assert held.recorder.accepted == []
    assert minutes(held.recorder.refused, "suspect", "price_collar") == dict.fromkeys(range(2, 32), 1)
    loose = play(torn, suspect("volatility_amplifier", symbols=BTC), limits=LIMITS.without("price_collar"))
    assert min(f.price / RISE[(f.timestamp_ns - START_NS) // MINUTE_NS] for f in loose.recorder.fills) > 1.14
