"""The risk ignorant: more orders after each breach, in the direction that makes it worse."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.arena import BTC, ETH, bystander, limits, market, minutes, play, suspect, wave
from tests.chaos.verdict import assert_contained, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.limits import CircuitBreakers, RiskLimits
from workbench.core.messages import PriceUpdate, RiskBreach

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def breach(kind: str) -> RiskBreach:
    return RiskBreach(kind, "s1", "BTC-USD", "exchange-1", 11.0, 10.0, 0)


def sides(signals: list[Any]) -> list[tuple[str, float]]:
    return [(s.symbol, s.signal_strength) for s in signals]


def test_one_order_an_update_in_the_direction_of_the_position(script: Script, quote: Quote) -> None:
    ignorant = script("risk_ignorant")
    assert sides(ignorant.on_market_data(quote(0))) == [("BTC-USD", 1.0)]
    ignorant.positions["BTC-USD"] = -3.0
    assert sides(ignorant.on_market_data(quote(1))) == [("BTC-USD", -1.0)]


def test_each_breach_doubles_the_orders_up_to_the_cap(script: Script, quote: Quote) -> None:
    ignorant = script("risk_ignorant", max_orders_per_update=6)
    counts = []
    for minute in range(5):
        counts.append(len(ignorant.on_market_data(quote(minute))))
        ignorant.on_risk_breach(breach("notional_limit"))
    assert counts == [1, 2, 4, 6, 6]
    assert ignorant.breach_count == 5


def test_intensity_is_the_growth_per_breach(script: Script, quote: Quote) -> None:
    ignorant = script("risk_ignorant", intensity=3.0)
    ignorant.on_market_data(quote(0))
    ignorant.on_risk_breach(breach("notional_limit"))
    assert len(ignorant.on_market_data(quote(1))) == 3


def test_position_limit_is_answered_with_more_of_every_position(script: Script, quote: Quote) -> None:
    ignorant = script("risk_ignorant")
    ignorant.on_market_data(quote(0))
    ignorant.active_symbols |= {"BTC-USD", "ETH-USD", "SOL-USD"}
    ignorant.positions |= {"BTC-USD": 10.0, "ETH-USD": -4.0}
    ignorant.on_risk_breach(breach("position_limit"))
    assert sides(ignorant.on_market_data(quote(1))) == [
        ("BTC-USD", 1.0),
        ("ETH-USD", -1.0),
        ("SOL-USD", -1.0),
        ("BTC-USD", 1.0),
        ("BTC-USD", 1.0),
    ]
    assert len(ignorant.on_market_data(quote(2))) == 2


def test_says_that_it_ignores_the_breach(
    script: Script, quote: Quote, caplog: pytest.LogCaptureFixture
) -> None:
    ignorant = script("risk_ignorant")
    ignorant.on_market_data(quote(0))
    with caplog.at_level(logging.INFO):
        ignorant.on_risk_breach(breach("position_limit"))
    assert caplog.messages == ["Ignoring risk breach: position_limit"]


def test_breaches_outside_the_window_change_nothing(script: Script, quote: Quote) -> None:
    ignorant = script("risk_ignorant", start_after_minutes=2.0)
    assert ignorant.on_market_data(quote(0)) == []
    ignorant.on_risk_breach(breach("position_limit"))
    assert len(ignorant.on_market_data(quote(2))) == 1


# -- contained ---------------------------------------------------------------------------------------------------------

FALL = market({BTC: [100.0 - i for i in range(40)], ETH: wave(40, 50.0, 0.01, 16)})
LIMITS = limits(
    10.0,
    circuit_breakers=CircuitBreakers(
        portfolio_loss_pct=-0.5, single_strategy_loss=-100.0, rapid_drawdown_rate=-0.5
    ),
)


def beside_a_bystander(controls: RiskLimits = LIMITS) -> ReplayRecord:
    return play(FALL, suspect("risk_ignorant", symbols=BTC), bystander(), limits=controls)


def test_contained() -> None:
    """One more unit a minute up to ten, each losing 1 a minute: 105 are lost in minute 16, and it is flat in 17.

    The n-th unit is filled in minute n, so minute m costs min(m - 1, 10): 45 up to minute 10, and 10 a minute from
    then on; that makes 105 in minute 16, to which the fees and spreads of the ten fills come.
    """
    record = beside_a_bystander()
    assert_contained(record, LIMITS, play(FALL, bystander(), limits=LIMITS))
    (trip,) = record.recorder.trips
    assert (trip.reason, trip.strategy_id) == ("single_strategy_loss", "suspect")
    assert minutes([trip], "suspect") == {16: 1}
    assert 105.0 < trip.value < 106.0
    assert record.desk.position(0, BTC) == 0.0
    assert record.curves[-1, 1] > -105.0 - 10.0 - 2.0
    assert set(minutes(record.recorder.fills, "suspect")) == {*range(1, 11), 17}


def test_every_order_after_the_breaker_is_refused() -> None:
    """Its bursts grow to 64 orders an update, and none of them leaves."""
    record = beside_a_bystander()
    sent = minutes(record.recorder.signals, "suspect")
    refused = minutes(record.recorder.refused, "suspect", "circuit_breaker")
    assert {minute: refused[minute] for minute in range(17, 40)} == dict.fromkeys(range(17, 40), 64)
    assert sent[39] == 64


def test_without_single_strategy_loss_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("single_strategy_loss"))
    assert violated(record, LIMITS) == {"single_strategy_loss"}
    assert record.desk.position(0, BTC) == 10.0
    assert record.curves[-1, 1] < -3 * 100.0


def test_without_position_limit_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("position_limit"))
    assert violated(record, LIMITS) == {"position_limit"}
    assert record.desk.view.symbols[0].worst_long == 15.0  # it doubles no more, since nothing is refused
