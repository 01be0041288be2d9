"""Venue faults: what a venue does or says wrong changes neither the limits nor the truth of the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pytest

from tests.chaos.arena import (
    BTC,
    COSTS,
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
    suspect,
    wave,
)
from tests.chaos.books import books_agree
from tests.chaos.verdict import violated
from workbench.backtest.replay import ReplayRecord
from workbench.backtest.seating import Player
from workbench.chaos.events import ChaosEvent
from workbench.core.codes import Sizing
from workbench.core.costs import Costs
from workbench.core.limits import RiskLimits
from workbench.core.messages import MarketSignal, PriceUpdate

FEED = market({BTC: wave(80, 100.0, 0.01, 16), ETH: wave(80, 50.0, 0.01, 12)}, volume=100.0)
LIMITS = limits(10.0)
WINDOW = range(20, 40)


def trader() -> Player:
    """Buys one BTC in even minutes, sells it in odd ones, and every tenth minute rests a bid of one far below."""

    def answer(update: PriceUpdate) -> list[MarketSignal]:
        minute = update.sequence
        signals = [MarketSignal(BTC, signal_strength=1.0 if minute % 2 == 0 else -1.0)]
        if minute % 10 == 5:
            terms = {"order_type": "limit", "limit_price": 95.0}
            signals.append(MarketSignal(BTC, signal_strength=1.0, metadata=terms))
        return signals

    return seated(Scripted(answer), "trader", symbols=BTC)


def struck(*faults: ChaosEvent, controls: RiskLimits = LIMITS, costs: Costs = COSTS) -> ReplayRecord:
    record = play(FEED, trader(), bystander(), limits=controls, costs=costs, chaos=faults)
    assert violated(record, controls) == set()
    books_agree(record)
    updates = [player.strategy.updates for player in record.players]  # type: ignore[attr-defined]  # both count
    assert updates == [80, 160]
    return record


def notices(record: ReplayRecord) -> list[tuple[str, int]]:
    return [(n.kind, (n.timestamp_ns - START_NS) // MINUTE_NS) for n in record.recorder.notices]


def ended(record: ReplayRecord, reason: str) -> dict[int, int]:
    count: defaultdict[int, int] = defaultdict(int)
    for fact in record.recorder.ended:
        if fact.reason == reason and fact.strategy_id == "trader":
            count[(fact.timestamp_ns - START_NS) // MINUTE_NS] += 1
    return dict(count)


def test_disconnect_cancels_rejects_and_comes_back() -> None:
    """In minute 20 the two resting bids and the sale of minute 19 go; what is sent until minute 39 is rejected."""
    record = struck(event("venue_disconnect", 20.0, 20.0))
    assert notices(record) == [("venue_down", 20), ("venue_up", 40)]
    assert ended(record, "disconnect") == {20: 3}
    rejected = ended(record, "venue_down")
    assert {minute: rejected[minute] for minute in (20, 25, 39)} == {20: 1, 25: 2, 39: 1}
    filled = set(minutes(record.recorder.fills, "trader"))
    assert filled & set(WINDOW) == set()
    assert {41, 42, 43} <= filled
    assert {f.state for f in record.recorder.ended if f.reason == "venue_down"} == {"rejected_by_venue"}


def test_flapping_venue_is_told_each_time_and_leaves_nothing_behind() -> None:
    """Down in every second minute from 20 on: orders live for a minute at most, and none is lost from the books."""
    record = struck(*(event("venue_disconnect", minute, 1.0) for minute in range(20, 40, 2)))
    assert [m for kind, m in notices(record) if kind == "venue_down"] == list(range(20, 40, 2))
    assert [m for kind, m in notices(record) if kind == "venue_up"] == list(range(21, 41, 2))
    assert len(ended(record, "disconnect")) == 10


@pytest.mark.parametrize(("probability", "least", "most"), [(1.0, 22, 22), (0.5, 5, 17)])
def test_reject_storm_is_the_venues_refusal_and_not_ours(probability: float, least: int, most: int) -> None:
    """22 orders are sent from minute 20 to 39; where half are rejected, 5 to 17 is three standard deviations."""
    record = struck(event("reject_storm", 20.0, 20.0, probability, seed=5))
    rejected = ended(record, "reject_storm")
    assert set(rejected) <= set(WINDOW)
    assert least <= sum(rejected.values()) <= most
    assert record.recorder.refused == []
    assert {f.state for f in record.recorder.ended if f.reason == "reject_storm"} == {"rejected_by_venue"}


def test_runaway_in_a_reject_storm_stays_within_its_limits() -> None:
    """What is rejected gives its room back at once, so the burst goes on; what it holds is still at most ten."""
    storm = event("reject_storm", 0.0, 79.0, 0.5, seed=5)
    record = play(FEED, suspect("runaway", symbols=BTC), bystander(), limits=LIMITS, chaos=[storm])
    assert violated(record, LIMITS) == set()
    books_agree(record)
    assert record.desk.position(0, BTC) == 10.0


def test_latency_spike_delays_and_loses_nothing() -> None:
    """90 seconds more: an order of minute 20 is there in minute 22, one of minute 39 in minute 41."""
    record = struck(event("latency_spike", 20.0, 20.0, 90.0))
    clean = struck()
    late = minutes(record.recorder.fills, "trader")
    assert late.get(21, 0) == 0
    assert late[41] == 2  # of minute 39, late, and of minute 40, in time
    assert sum(late.values()) == sum(minutes(clean.recorder.fills, "trader").values())
    assert record.desk.position(0, BTC) == clean.desk.position(0, BTC)


def test_latency_does_not_let_a_burst_past_the_position_limit() -> None:
    """Orders under way count: with 10 minutes of latency nothing is filled, and ten orders are all that go."""
    spike = event("latency_spike", 0.0, 79.0, 600.0)
    record = play(FEED, suspect("runaway", symbols=BTC), limits=LIMITS, chaos=[spike])
    assert violated(record, LIMITS) == set()
    assert minutes(record.recorder.accepted, "suspect") == {0: 10}
    assert minutes(record.recorder.fills, "suspect") == {10: 10}


def test_partial_fills_leave_exact_leaves() -> None:
    """2 % of a participation of 10 % of 100 units: 0.2 an update, so a unit takes five updates."""
    costs = Costs(2.0, 2.0, 5.0, 1.0, 0.0, 0.10, 0.0)
    record = struck(event("partial_fills", 20.0, 20.0, 0.02), costs=costs)
    inside = [f for f in record.recorder.fills if (f.timestamp_ns - START_NS) // MINUTE_NS in range(21, 40)]
    mine = [f for f in inside if f.symbol == BTC]
    by_minute: defaultdict[int, float] = defaultdict(float)
    for fill in mine:
        by_minute[fill.timestamp_ns] += abs(fill.quantity)
    assert max(by_minute.values()) == pytest.approx(0.2)
    left: dict[int, float] = {}
    for order in record.recorder.accepted:
        left[order.order_id] = order.quantity
    for fill in record.recorder.fills:
        left[fill.order_id] -= abs(fill.quantity)
        assert fill.leaves == pytest.approx(left[fill.order_id], abs=1e-12)


def test_target_that_is_reached_but_for_rounding_sends_no_order() -> None:
    """A target of 1 while 0.1 and 0.2 have been filled and 0.7 are working is reached, to the last bit or not."""

    def answer(update: PriceUpdate) -> list[MarketSignal]:
        return [MarketSignal(BTC, signal_strength=1.0 if update.sequence < 60 else 0.0)]

    thin = market({BTC: [100.0] * 80}, volume=1.0)
    for share in (0.1, 0.3, 0.07, 0.011):
        costs = Costs(2.0, 2.0, 5.0, 1.0, 0.0, share, 0.0)
        holder = seated(Scripted(answer), "holder", Sizing.TARGET, symbols=BTC)
        record = play(thin, holder, limits=LIMITS, costs=costs)
        assert [o.side for o in record.recorder.accepted] == [1, -1]
        books_agree(record)


def test_duplicate_reports_are_booked_once() -> None:
    clean, record = struck(), struck(event("duplicate_fills", 20.0, 20.0))
    doubled = [m for kind, m in notices(record) if kind == "duplicate_execution"]
    inside = [f for f in clean.recorder.fills if (f.timestamp_ns - START_NS) // MINUTE_NS in WINDOW]
    assert len(doubled) == len(inside) > 20
    assert record.fingerprint == clean.fingerprint


def test_reports_out_of_order_come_to_the_same_ledger() -> None:
    """Each report comes an update late and the newest first; the gaps are told, and in the end nothing is missing."""
    clean, record = struck(), struck(event("out_of_order_fills", 20.0, 20.0))
    assert "execution_gap" in {kind for kind, _ in notices(record)}
    assert record.fingerprint != clean.fingerprint  # on the way
    for s in range(2):
        assert record.desk.position(s, BTC) == clean.desk.position(s, BTC)
        assert record.curves[-1, 1 + s] == pytest.approx(clean.curves[-1, 1 + s], abs=1e-6)


ALL = (
    event("reject_storm", 10.0, 30.0, 0.3, seed=1),
    event("partial_fills", 20.0, 30.0, 0.05),
    event("duplicate_fills", 15.0, 40.0),
    event("out_of_order_fills", 30.0, 20.0),
    event("latency_spike", 35.0, 20.0, 45.0),
    event("venue_disconnect", 50.0, 5.0),
    event("bad_tick", 25.0, 30.0, 0.3, seed=2),
    event("stale_feed", 60.0, 8.0, 1.0, BTC),
)


@pytest.mark.parametrize(
    "scripts",
    [
        ("runaway", "knight_replay", "nan_signals"),
        ("cancel_flood", "fat_finger", "stale_price"),
        ("risk_ignorant", "slow_leak", "volatility_amplifier"),
        ("correlation_breaker", "nan_signals", "runaway"),
    ],
    ids="+".join,
)
@pytest.mark.parametrize("participation", [0.1, 1e-3])
def test_everything_at_once(scripts: Sequence[str], participation: float) -> None:
    """Three strategies that misbehave, every venue fault, bad ticks and silence: limits and ledger hold."""
    costs = Costs(2.0, 2.0, 5.0, 1.0, 10.0, participation, 0.0)
    players = [suspect(script, name=script) for script in scripts]
    record = play(FEED, *players, bystander(), limits=LIMITS, costs=costs, chaos=ALL)
    assert violated(record, LIMITS) == set()
    books_agree(record)
    assert record.players[-1].strategy.updates == len(record.feed)  # type: ignore[attr-defined]  # the Bystander
