"""The volatility amplifier: strength 2.0 in the direction of a move of more than 1 %."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

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
