"""The wash trade: rests a sell and buys at its price on the next update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.arena import BTC, ETH, bystander, limits, market, minutes, play, suspect, wave
from tests.chaos.verdict import assert_contained, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.limits import RiskLimits
from workbench.core.messages import PriceUpdate

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]


def test_buys_at_the_very_price_of_its_resting_sell(script: Script, quote: Quote) -> None:
    wash = script("wash_trade", quantity=3.0)
    (sell,) = wash.on_market_data(quote(0, 100.0))
    assert sell.metadata["limit_price"] == pytest.approx(100.55025)  # 5 basis points over the ask of 100.5
    (buy,) = wash.on_market_data(quote(1, 99.0))
    assert buy.metadata["limit_price"] == sell.metadata["limit_price"]
    assert (sell.signal_strength, buy.signal_strength) == (-1.0, 1.0)
    assert {s.metadata["quantity"] for s in (sell, buy)} == {3.0}


def test_starts_over_after_each_round_and_keeps_venues_apart(script: Script, quote: Quote) -> None:
    wash = script("wash_trade", intensity=2)
    venues = ["a", "b", "a", "b", "a"]
    rounds = [
        [s.signal_strength for s in wash.on_market_data(quote(m, venue=v))] for m, v in enumerate(venues)
    ]
    assert rounds == [[-1.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]]


def test_waits_for_an_ask(script: Script, quote: Quote) -> None:
    assert script("wash_trade").on_market_data(quote(0, float("nan"))) == []


# -- contained ---------------------------------------------------------------------------------------------------------

STILL = market({BTC: [100.0] * 40, ETH: wave(40, 50.0, 0.01, 16)})
LIMITS = limits(25.0)


def beside_a_bystander(controls: RiskLimits = LIMITS) -> ReplayRecord:
    return play(STILL, suspect("wash_trade", symbols=BTC), bystander(), limits=controls)


def test_contained() -> None:
    """A sell rests in each even minute, and the buy that would meet it in each odd one is refused."""
    record = beside_a_bystander()
    assert_contained(record, LIMITS, play(STILL, bystander(), limits=LIMITS))
    assert minutes(record.recorder.accepted, "suspect") == dict.fromkeys(range(0, 40, 2), 1)
    assert minutes(record.recorder.refused, "suspect") == dict.fromkeys(range(1, 40, 2), 1)
    assert {r.failed_checks for r in record.recorder.refused} == {("self_trade_prevention",)}
    assert minutes(record.recorder.fills, "suspect") == {}


def test_without_self_trade_prevention_it_is_not_contained() -> None:
    record = beside_a_bystander(LIMITS.without("self_trade_prevention"))
    assert violated(record, LIMITS) == {"self_trade_prevention"}
    assert len(minutes(record.recorder.fills, "suspect")) == 19


@pytest.mark.parametrize(
    ("mode", "bought", "resting"),
    [("cancel_newest", 0, 20), ("cancel_oldest", 19, 1), ("cancel_both", 0, 0)],
)
def test_each_way_of_prevention_keeps_the_house_off_both_sides(mode: str, bought: int, resting: int) -> None:
    """Newest: the buy is refused.  Oldest: the sell goes, the buy trades a minute later.  Both: both go."""
    controls = limits(25.0, self_trade_prevention=mode)
    record = beside_a_bystander(controls)
    assert violated(record, controls) == set()
    assert len(minutes(record.recorder.fills, "suspect")) == bought
    assert int(record.desk.book.working) == resting


def test_sister_strategy_on_the_other_side_counts_as_the_house() -> None:
    """The sister is a minute behind: from minute 1 on each buy meets a sell that the other has resting."""
    players = [
        suspect("wash_trade", symbols=BTC),
        suspect("wash_trade", name="sister", symbols=BTC, start_after_minutes=1.0),
    ]
    record = play(STILL, *players, limits=LIMITS)
    assert violated(record, LIMITS) == set()
    assert {r.strategy_id for r in record.recorder.refused} == {"suspect", "sister"}
    assert record.recorder.fills == []
