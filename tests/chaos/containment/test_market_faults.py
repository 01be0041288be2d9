"""Market faults: what is no price never becomes a mark, and no order goes on the strength of one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.chaos.arena import (
    BTC,
    ETH,
    MINUTE_NS,
    START_NS,
    Scripted,
    bystander,
    event,
    limits,
    market,
    minutes,
    play,
    seated,
    wave,
)
from tests.chaos.books import books_agree
from tests.chaos.verdict import violated
from workbench.backtest.replay import ReplayRecord
from workbench.backtest.seating import Player
from workbench.chaos.events import ChaosEvent
from workbench.core.feed import ASK, BID, LAST
from workbench.core.limits import CircuitBreakers, MonitorSettings, OrderLimits, RiskLimits
from workbench.core.messages import MarketSignal, PriceUpdate

FEED = market({BTC: wave(80, 100.0, 0.01, 16), ETH: wave(80, 50.0, 0.01, 12)})
LIMITS = limits(10.0)


def to_and_fro() -> Player:
    """Buys one BTC in even minutes and sells it in odd ones, on the updates of ETH."""

    def answer(update: PriceUpdate) -> list[MarketSignal]:
        minute = (update.timestamp_ns - START_NS) // MINUTE_NS
        return [MarketSignal(BTC, signal_strength=1.0 if minute % 2 == 0 else -1.0)]

    return seated(Scripted(answer), "trader", symbols=ETH)


def struck(*faults: ChaosEvent, controls: RiskLimits = LIMITS) -> ReplayRecord:
    return play(FEED, to_and_fro(), bystander(), limits=controls, chaos=faults)


def at(record: ReplayRecord, kind: str) -> list[int]:
    """Minutes of the notices of a kind."""
    return [(n.timestamp_ns - START_NS) // MINUTE_NS for n in record.recorder.notices if n.kind == kind]


def sound(record: ReplayRecord, controls: RiskLimits = LIMITS) -> None:
    """Limits held, the journal is the ledger, and every strategy saw every update that there was."""
    assert violated(record, controls) == set()
    books_agree(record)
    rows = [int((record.feed.instrument == k).sum()) for k in range(2)]
    trader, other = (player.strategy for player in record.players)
    assert isinstance(trader, Scripted)
    assert trader.updates == rows[1]
    assert other.updates == sum(rows)  # type: ignore[attr-defined]  # it is the Bystander


# -- bad ticks -------------------------------------------------------------------------------------------------------


def test_no_mark_from_a_bad_tick() -> None:
    """Each tick that is NaN, zero, negative, x 1000 or x 0.001 is told, and equity keeps to the prices before it."""
    record = struck(event("bad_tick", 20.0, 20.0, 0.5, BTC, seed=1))
    sound(record)
    last, clean = record.feed.quotes[:, LAST], FEED.quotes[:, LAST]
    spoilt = np.flatnonzero(~(np.abs(last / clean - 1.0) < 0.5))
    assert len(spoilt) >= 5
    assert at(record, "bad_tick") == [
        (int(record.feed.timestamp_ns[i]) - START_NS) // MINUTE_NS for i in spoilt
    ]
    assert np.ptp(record.curves[:, 0]) < 20.0
    mark = record.desk.view.instruments[0].mark
    assert mark == clean[-2]


def test_no_order_on_a_bad_tick() -> None:
    record = struck(event("bad_tick", 20.0, 20.0, 0.5, BTC, seed=1))
    refused = minutes(record.recorder.refused, "trader", "price_collar")
    assert sorted(refused) == at(record, "bad_tick")
    assert {r.failed_checks[0] for r in record.recorder.refused} == {"price_collar"}


def test_without_bad_tick_it_is_not_contained() -> None:
    """A price x 1000 then is a mark, and ten units of 100 USD are worth a million; what is no number never gets in."""
    faults = [event("bad_tick", 20.0, 20.0, 1.0, BTC, seed=1)]
    held = play(FEED, holder(10.0), limits=LIMITS, chaos=faults)
    assert np.ptp(held.curves[:, 0]) < 10.0 * 2.1  # prices run from 99 to 101
    loose = play(FEED, holder(10.0), limits=LIMITS.without("bad_tick"), chaos=faults)
    assert loose.curves[:, 0].max() > 900_000.0
    assert np.isfinite(loose.curves).all()


def test_crossed_book_is_no_price() -> None:
    record = struck(event("crossed_book", 20.0, 10.0, 2.0, BTC))
    sound(record)
    crossed = record.feed.quotes[:, BID] > record.feed.quotes[:, ASK]
    assert int(crossed.sum()) == 10
    assert at(record, "bad_tick") == list(range(20, 30))
    assert minutes(record.recorder.refused, "trader", "price_collar") == dict.fromkeys(range(20, 30), 1)
    filled = [(f.timestamp_ns - START_NS) // MINUTE_NS for f in record.recorder.fills if f.symbol == BTC]
    assert set(filled) & set(range(20, 30)) == set()


# -- gaps ------------------------------------------------------------------------------------------------------------


def test_gap_of_a_third_is_believed_once_two_updates_confirm_it() -> None:
    """Down by 30 % in minute 20, up again by 43 % in minute 40: each time two updates are held back."""
    record = struck(event("price_gap", 20.0, 20.0, -0.3, BTC))
    sound(record)
    assert at(record, "bad_tick") == [20, 21, 40, 41]
    assert minutes(record.recorder.refused, "trader", "price_collar") == dict.fromkeys((20, 21, 40, 41), 1)


def test_gap_to_three_times_the_price_is_never_believed_by_itself() -> None:
    record = struck(event("price_gap", 20.0, 20.0, 2.0, BTC))
    sound(record)
    assert at(record, "bad_tick") == list(range(20, 40))
    assert max(minutes(record.recorder.fills, "trader")) == 79


def test_order_filled_beyond_a_gap_keeps_its_price_limit() -> None:
    """A buy with a limit of 101 does not trade at 130, and trades when the price is back."""

    def answer(update: PriceUpdate) -> list[MarketSignal]:
        terms = {"order_type": "limit", "limit_price": 101.5}
        return [MarketSignal(BTC, signal_strength=1.0, metadata=terms)] if update.sequence == 19 else []

    gap = event("price_gap", 20.0, 20.0, 0.3, BTC)
    record = play(FEED, seated(Scripted(answer), "buyer", symbols=BTC), limits=LIMITS, chaos=[gap])
    (fill,) = record.recorder.fills
    assert fill.price <= 101.5
    assert minutes(record.recorder.fills, "buyer") == {42: 1}


# -- a feed that stands still ----------------------------------------------------------------------------------------


def test_stale_price_refuses() -> None:
    """BTC falls silent from minute 20 to 39: its price is 300 s old in minute 24, and older ones refuse."""
    record = struck(event("stale_feed", 20.0, 20.0, 1.0, BTC))
    sound(record)
    refused = minutes(record.recorder.refused, "trader", "price_collar")
    assert refused == dict.fromkeys(range(25, 40), 1)
    assert {math.isinf(r.value) for r in record.recorder.refused} == {True}
    assert at(record, "sequence_gap") == [40]


def test_without_price_collar_it_is_not_contained() -> None:
    """Orders then pile up on a price of minutes ago: 20 of them, and all at once when the feed is back."""
    record = struck(event("stale_feed", 20.0, 20.0, 1.0, BTC), controls=limits(30.0).without("price_collar"))
    assert record.recorder.refused == []
    assert minutes(record.recorder.fills, "trader")[40] == 21


def test_feed_that_repeats_itself_is_told_by_the_gaps_in_its_sequence() -> None:
    record = struck(event("stale_feed", 20.0, 20.0, 0.5, BTC, seed=2))
    sound(record)
    assert len(at(record, "sequence_gap")) >= 3
    assert len(record.feed) < len(FEED)


# -- paths -----------------------------------------------------------------------------------------------------------

RAPID = CircuitBreakers(portfolio_loss_pct=-0.5, single_strategy_loss=-20_000.0, rapid_drawdown_rate=-0.02)


def holder(units: float = 100.0) -> Player:
    """Buys once and holds."""

    def answer(update: PriceUpdate) -> list[MarketSignal]:
        return [MarketSignal(BTC, signal_strength=1.0)] if update.sequence == 3 else []

    return seated(Scripted(answer), "trader", unit=units, symbols=BTC)


def test_volatility_burst_ends_in_the_rapid_drawdown_breaker() -> None:
    """Swings of 1 % become swings of 21 %: a fall of 2 % of 100,000 within ten minutes stops everything, once."""
    burst = event("volatility_burst", 20.0, 40.0, 20.0, BTC)
    controls = limits(150.0, circuit_breakers=RAPID)
    record = play(FEED, holder(), limits=controls, chaos=[burst])
    assert violated(record, controls) == set()
    books_agree(record)
    assert [(t.reason, t.strategy_id) for t in record.recorder.trips] == [("rapid_drawdown_rate", "")]
    assert record.desk.position(0, BTC) == 0.0
    after = record.feed.timestamp_ns > record.recorder.trips[0].timestamp_ns + MINUTE_NS
    assert np.ptp(record.curves[after, 0]) == 0.0
    loose = play(FEED, holder(), limits=controls.without("rapid_drawdown_rate"), chaos=[burst])
    assert loose.recorder.trips == []
    assert np.ptp(loose.curves[after, 0]) > 4_000.0


@pytest.mark.parametrize("control", ["", "holding_correlation"])
def test_monitor_of_holdings_hears_a_correlation_break(control: str) -> None:
    """Two holdings that move as one are told of; a break of their correlation ends that, its return is told again."""
    swings = wave(200, 100.0, 0.01, 16)
    twins = market({BTC: swings, ETH: [round(0.5 * price, 2) for price in swings]})

    def answer(update: PriceUpdate) -> list[MarketSignal]:
        return [MarketSignal(update.symbol, signal_strength=1.0)] if update.sequence == 3 else []

    watched = limits(
        10.0, monitors=MonitorSettings(interval_seconds=60.0, window=20, max_holding_correlation=0.9)
    ).without(*[control] if control else [])
    break_ = event("correlation_break", 60.0, 60.0, 1.0, ETH, seed=4)
    record = play(twins, seated(Scripted(answer), "trader"), limits=watched, chaos=[break_])
    books_agree(record)
    told = [(a.timestamp_ns - START_NS) // MINUTE_NS for a in record.recorder.alerts]
    assert {a.monitor for a in record.recorder.alerts} == (set() if control else {"holding_correlation"})
    assert (len([m for m in told if m < 60]) > 0, len([m for m in told if m >= 120]) > 0) == (
        not control,
        not control,
    )


def test_volume_that_is_unknown_refuses_where_a_share_of_it_is_the_limit() -> None:
    feed = market({BTC: wave(30, 100.0, 0.01, 16), ETH: wave(30, 50.0, 0.01, 12)}, volume=math.nan)
    controls = limits(10.0, order_limits=OrderLimits(max_volume_share=0.1))
    record = play(feed, to_and_fro(), limits=controls)
    assert record.recorder.accepted == []
    assert {r.failed_checks for r in record.recorder.refused} == {("max_order_volume",)}
    loose = play(feed, to_and_fro(), limits=controls.without("max_order_volume"))
    books_agree(loose)
    assert len(loose.recorder.fills) == 29
