"""The correlation breaker: sells the follower at full size when the leader rises by more than 2 %."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from workbench.core.messages import PriceUpdate
from workbench.errors import ParameterError

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def test_rise_of_the_leader_sells_the_follower(script: Script, quote: Quote) -> None:
    (signal,) = script("correlation_breaker").on_market_data(quote(0, change=0.021))
    assert (signal.symbol, signal.signal_strength, signal.confidence) == ("ETH-USD", -1.0, 1.0)
    assert signal.metadata == {"chaos_type": "correlation_breaking", "order_type": "market"}


@pytest.mark.parametrize("change", [0.02, 0.0, -0.05, math.nan])
def test_nothing_on_two_percent_or_less(script: Script, quote: Quote, change: float) -> None:
    assert script("correlation_breaker").on_market_data(quote(0, change=change)) == []


def test_other_symbols_set_nothing_off(script: Script, quote: Quote) -> None:
    assert script("correlation_breaker").on_market_data(quote(0, symbol="ETH-USD", change=0.05)) == []


def test_symbols_threshold_and_intensity_are_settings(script: Script, quote: Quote) -> None:
    breaker = script(
        "correlation_breaker",
        leader_symbol="SPY",
        follower_symbol="QQQ",
        move_threshold=0.005,
        intensity=0.5,
    )
    (signal,) = breaker.on_market_data(quote(0, symbol="SPY", change=0.006))
    assert (signal.symbol, signal.signal_strength) == ("QQQ", -0.5)


def test_rise_over_the_lookback_counts_where_it_is_set(script: Script, quote: Quote) -> None:
    breaker = script("correlation_breaker", lookback_minutes=10.0)
    prices = [100.0, 100.9, 101.8, 102.7]  # 2.7 % in three minutes, never more than 1 % in one
    sent = [len(breaker.on_market_data(quote(minute, price))) for minute, price in enumerate(prices)]
    assert sent == [0, 0, 0, 1]


def test_leader_and_follower_must_differ(script: Script) -> None:
    with pytest.raises(ParameterError, match="must differ"):
        script("correlation_breaker", leader_symbol="ETH-USD")
