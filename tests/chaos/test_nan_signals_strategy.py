"""NaN signals: one bad field in each signal, drawn by seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.chaos.arena import (
    BTC,
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
from tests.chaos.verdict import assert_contained, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.limits import RiskLimits
from workbench.core.messages import MarketSignal, PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def fields(signal: MarketSignal) -> dict[str, float]:
    numbers = {key: value for key, value in signal.metadata.items() if key in ("limit_price", "quantity")}
    return {"signal_strength": signal.signal_strength, "confidence": signal.confidence, **numbers}


def is_garbage(value: float) -> bool:
    return not math.isfinite(value) or abs(value) > 1e300 or value < 0.0 or math.copysign(1.0, value) < 0.0


def test_exactly_one_field_of_each_signal_is_garbage(script: Script, quote: Quote) -> None:
    signals = script("nan_signals", intensity=500).on_market_data(quote(0))
    assert len(signals) == 500
    assert {sum(is_garbage(v) for v in fields(s).values()) for s in signals} == {1}
    assert {s.metadata["chaos_type"] for s in signals} == {"nan_signals"}


def test_every_variant_comes(script: Script, quote: Quote) -> None:
    signals = script("nan_signals", intensity=500).on_market_data(quote(0))
    bad = {(key, repr(value)) for s in signals for key, value in fields(s).items() if is_garbage(value)}
    assert {("signal_strength", v) for v in ("nan", "inf", "-inf", "-0.0", "1e+308")} <= bad
    assert {("confidence", "nan"), ("limit_price", "nan"), ("quantity", "1e+308")} <= bad
    assert len(bad) == 14


def test_limit_price_comes_with_a_limit_order(script: Script, quote: Quote) -> None:
    signals = script("nan_signals", intensity=200).on_market_data(quote(0))
    kinds = {("limit_price" in s.metadata, s.metadata.get("order_type")) for s in signals}
    assert kinds == {(True, "limit"), (False, None)}


def test_draw_depends_on_the_seed_alone(script: Script, quote: Quote) -> None:
    runs = [
        [
            repr(s)
            for m in range(20)
            for s in script("nan_signals", seed=seed, intensity=3).on_market_data(quote(m))
        ]
        for seed in (3, 3, 4)
    ]
    assert runs[0] == runs[1] != runs[2]


# -- contained ---------------------------------------------------------------------------------------------------------

FEED = market({BTC: wave(40, 100.0, 0.01, 20), ETH: wave(40, 50.0, 0.01, 16)})
LIMITS = limits(25.0)
HUGE = ("position_limit", "notional_limit", "strategy_limit", "max_order_value", "buying_power")


def beside_a_bystander(controls: RiskLimits = LIMITS) -> ReplayRecord:
    return play(FEED, suspect("nan_signals", symbols=BTC, intensity=3), bystander(), limits=controls)


def test_contained() -> None:
    """Garbage is refused before risk, each piece of it counts, and the fifth within the hour stops the strategy."""
    record = beside_a_bystander()
    assert_contained(record, LIMITS, play(FEED, bystander(), limits=LIMITS))
    (trip,) = record.recorder.trips
    assert (trip.reason, trip.strategy_id, trip.value) == ("strategy_error", "suspect", 5.0)
    refused = [s for s in record.recorder.signals_refused if s.timestamp_ns <= trip.timestamp_ns]
    assert {s.reason for s in refused} <= {"invalid_signal", "bad_metadata"}
    assert len([s for s in refused if s.timestamp_ns < trip.timestamp_ns]) < 5 <= len(refused)
    last = max(minutes(record.recorder.accepted, "suspect"))
    assert last <= (trip.timestamp_ns - START_NS) // MINUTE_NS
    assert record.desk.position(0, BTC) == 0.0


def test_without_strategy_error_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("strategy_error"))
    assert violated(record, LIMITS) == {"strategy_error"}
    assert max(minutes(record.recorder.accepted, "suspect")) > 30


def test_no_garbage_ever_reaches_ledger_or_high_water_mark() -> None:
    """Also where the strategy is never stopped: the huge fail every limit on size, the rest is refused unread."""
    record = beside_a_bystander(LIMITS.without("strategy_error"))
    books_agree(record)
    view = record.desk.view
    peaks = [view.books[0].peak, view.books[0].equity, *(view.strategies[s].peak for s in range(2))]
    assert all(math.isfinite(peak) for peak in peaks)
    assert all(r.quantity < 1e300 for r in record.recorder.refused)  # a value beyond all numbers is no signal
    far = [r.failed_checks for r in record.recorder.refused if r.quantity == 1.0]
    assert far
    assert set(far) == {("price_collar", "max_order_value")}


def test_even_without_any_limit_on_size_no_infinite_order_is_sent() -> None:
    open_gates = LIMITS.without("strategy_error", "stop_loss", *HUGE)
    record = beside_a_bystander(open_gates)
    assert "strategy_error" in violated(record, LIMITS)
    assert np.isfinite(record.curves).all()
    assert "equity_not_finite" not in {trip.reason for trip in record.recorder.trips}
