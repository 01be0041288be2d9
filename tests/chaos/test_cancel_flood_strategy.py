"""The cancel flood: one resting order, and a hundred cancels of it, on every update."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.arena import (
    BTC,
    ETH,
    MINUTE_NS,
    START_NS,
    Operator,
    Scripted,
    bystander,
    limits,
    market,
    minutes,
    play,
    seated,
    suspect,
    wave,
)
from tests.chaos.verdict import assert_contained, messages, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.intents import CancelOrders
from workbench.core.limits import MessageRate, RiskLimits
from workbench.core.messages import MarketSignal, PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def test_one_order_far_from_the_market_and_a_hundred_cancels_of_it(script: Script, quote: Quote) -> None:
    flood = script("cancel_flood")
    order, *cancels = flood.on_market_data(quote(0, 100.0))
    assert order.metadata["order_type"] == "limit"
    assert order.metadata["limit_price"] == pytest.approx(98.505)  # 1 % under the bid of 99.5
    assert len(cancels) == 100
    assert {c.metadata["action"] for c in cancels} == {"cancel"}
    assert {c.metadata["client_order_id"] for c in cancels} == {order.metadata["client_order_id"]} == {1}


def test_every_order_has_a_number_of_its_own(script: Script, quote: Quote) -> None:
    flood = script("cancel_flood", intensity=2)
    numbers = [[s.metadata["client_order_id"] for s in flood.on_market_data(quote(m))] for m in range(3)]
    assert numbers == [[1, 1, 1], [2, 2, 2], [3, 3, 3]]


@pytest.mark.parametrize("price", [math.nan, 0.5])
def test_waits_for_a_bid(script: Script, quote: Quote, price: float) -> None:
    assert script("cancel_flood").on_market_data(quote(0, price)) == []


# -- contained ---------------------------------------------------------------------------------------------------------

QUIET = market({BTC: wave(40, 100.0, 0.004, 20), ETH: wave(40, 50.0, 0.01, 16)})
LIMITS = limits(25.0)


def beside_a_bystander(controls: RiskLimits = LIMITS) -> ReplayRecord:
    return play(QUIET, suspect("cancel_flood", symbols=BTC), bystander(), limits=controls)


def test_contained() -> None:
    """Of the order and its hundred cancels 90 pass each minute; a tenth of the bucket of a hundred is left alone."""
    record = beside_a_bystander()
    assert_contained(record, LIMITS, play(QUIET, bystander(), limits=LIMITS))
    assert set(Counter(messages(record, "suspect")).values()) == {90}
    limited = [b for b in record.recorder.breaches if b.breach_type == "rate_limited"]
    assert len(limited) == 40 * 11
    assert record.desk.view.strategies[0].tokens >= 10.0
    assert minutes(record.recorder.fills, "suspect") == {}
    assert {e.reason for e in record.recorder.ended} == {"requested"}
    assert record.curves[-1, 1] == 0.0


def test_without_message_rate_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("message_rate"))
    assert violated(record, LIMITS) == {"message_rate"}
    assert set(Counter(messages(record, "suspect")).values()) == {101}


def test_emergency_cancel_gets_through_the_flood_and_an_ordinary_one_does_not() -> None:
    """The flood drains the bucket of the venue; in minute 5 a sister and in minute 6 a person want to cancel."""

    script: dict[int, dict[str, Any]] = {
        1: {"order_type": "limit", "limit_price": 95.0},
        5: {"action": "cancel"},
    }

    def sister(update: PriceUpdate) -> list[MarketSignal]:
        terms = script.get((update.timestamp_ns - START_NS) // MINUTE_NS)
        return [MarketSignal(BTC, signal_strength=1.0, metadata=terms)] if terms else []

    flood = suspect("cancel_flood", symbols=BTC, start_after_minutes=2.0)
    tight = limits(25.0, message_rate=MessageRate(per_venue_burst=90.0, per_venue_per_second=1.0))
    person = Operator((6.0, CancelOrders(strategy_id="sister")))
    record = play(
        QUIET,
        flood,
        seated(Scripted(sister), "sister", symbols=BTC),
        seated(person, "operator", symbols=BTC),
        limits=tight,
    )
    limited = [b for b in record.recorder.breaches if b.strategy_id == "sister"]
    assert [(b.breach_type, (b.timestamp_ns - START_NS) // MINUTE_NS) for b in limited] == [
        ("rate_limited", 5)
    ]
    ended = [
        (e.timestamp_ns - START_NS) // MINUTE_NS for e in record.recorder.ended if e.strategy_id == "sister"
    ]
    assert ended == [6]
