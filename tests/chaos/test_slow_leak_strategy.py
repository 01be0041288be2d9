"""The slow leak: a trend rule whose decisions go wrong with probability min(0.5, trade_count x rate)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
