"""Each fault of a simulated exchange: what a session sees of it, and that the exchange itself knows better."""

from __future__ import annotations

import math
from typing import Any

import pytest

from live.venues.book import End
from live.venues.exchange import SimulatedExchange
from live.venues.faults import FaultPlan
from live.venues.venue_settings import FAULT_KINDS, FaultSettings
from tests.live.venues.kit import SECOND, START, SYMBOL, Desk, config
from workbench.errors import ConfigError, VenueError


def faulty(kind: str, intensity: float | None = None, seconds: float = 5.0, **venue: Any) -> Desk:
    """An exchange on which a fault begins after a second."""
    desk = Desk(config(**venue))
    desk.wait(1)
    desk.exchange.inject(kind, desk.now, intensity, seconds)
    return desk


def truth(desk: Desk) -> list[tuple[int, str]]:
    """Reports as the exchange knows them."""
    return [(r.report_id, r.kind) for r in desk.exchange.reports("me", 0)]


def test_reject_storm() -> None:
    desk = faulty("reject_storm", 0.5)
    kinds = [desk.kinds(desk.order(1, 0.1))[0] for _ in range(200)]
    assert 60 < kinds.count("rejected") < 140
    assert {r.reason for r in desk.reports if r.kind == "rejected"} == {"reject_storm"}
    desk.wait(5)
    assert [desk.kinds(desk.order(1, 0.1))[0] for _ in range(50)] == ["acknowledged"] * 50


def test_lost_ack_is_found_by_its_missing_number() -> None:
    desk = faulty("lost_ack", 1.0)
    order = desk.order(1, 1.0)
    assert desk.kinds(order) == ["filled"]
    assert desk.reports[0].report_id == 2
    assert truth(desk) == [(1, "acknowledged"), (2, "filled")]


def test_late_ack_comes_after_the_fill() -> None:
    desk = faulty("late_ack", 2.0)
    order = desk.order(1, 1.0)
    desk.wait(1.9)
    assert desk.kinds(order) == ["filled"]
    desk.wait(0.1)
    assert desk.kinds(order) == ["filled", "acknowledged"]
    assert desk.reports[1].timestamp_ns == START + SECOND


def test_duplicate_fill_has_one_number_and_moves_the_position_once() -> None:
    desk = faulty("duplicate_fill", 1.0)
    order = desk.order(1, 1.0)
    assert desk.kinds(order) == ["acknowledged", "filled", "filled"]
    assert desk.reports[1] == desk.reports[2]
    assert desk.exchange.account("me", desk.now).positions == {SYMBOL: 1.0}


def test_out_of_order_reports_come_newest_first_and_none_is_kept_back() -> None:
    desk = faulty("out_of_order", 4)
    for _ in range(3):
        desk.order(1, 0.1)
    assert [r.report_id for r in desk.reports] == [4, 3, 2, 1]
    desk.wait(0.1)
    assert [r.report_id for r in desk.reports] == [4, 3, 2, 1, 6, 5]


def test_unsolicited_cancel() -> None:
    desk = faulty("unsolicited_cancel", 1.0)
    order = desk.order(1, 1.0, 60.0)
    desk.wait(0.2)
    assert desk.kinds(order) == ["acknowledged", "cancelled"]
    assert desk.reports[-1].reason == "unsolicited"


def test_latency_spike_delays_both_ways_and_nothing_is_overtaken() -> None:
    desk = faulty("latency_spike", 1.0, seconds=0.5)
    first = desk.order(1, 0.1)
    desk.wait(0.6)
    assert not desk.exchange.faults.active
    second = desk.order(1, 0.1)
    assert desk.reports == []
    desk.wait(2.0)
    assert [r.order_id for r in desk.reports] == [first, first, second, second]
    assert [p.sequence for p in desk.prices()] == sorted(p.sequence for p in desk.prices())


def test_blackhole_swallows_orders_reports_and_prices_while_the_session_seems_up() -> None:
    desk = faulty("blackhole", seconds=math.inf)
    before = len(desk.events)
    resting = desk.exchange.account("me", desk.now)
    desk.order(1, 1.0)
    desk.wait(3)
    assert len(desk.events) == before
    assert not desk.exchange.down
    assert desk.exchange.lost == 1
    assert desk.exchange.account("me", desk.now).last_report_id == resting.last_report_id
    desk.exchange.clear_faults(desk.now)
    assert desk.kinds(desk.order(1, 1.0)) == ["acknowledged", "filled"]


def test_fills_inside_a_blackhole_are_kept_for_later() -> None:
    desk = Desk(quiet=True)
    order = desk.order(1, 1.0, 99.0)
    desk.exchange.inject("blackhole", desk.now, seconds=5.0)
    desk.exchange._entry.cancel_all(desk.exchange.accounts["me"].open.values(), End.UNSOLICITED)
    desk.take()
    assert desk.kinds(order) == ["acknowledged"]
    assert truth(desk) == [(1, "acknowledged"), (2, "cancelled")]


def test_disconnect_ends_the_session_cancels_its_orders_and_passes() -> None:
    desk = faulty("disconnect", seconds=3.0)
    desk.exchange.open_account("me")
    assert desk.exchange.down == "disconnect"
    assert not desk.exchange.accounts["me"].connected
    with pytest.raises(VenueError, match="disconnect"):
        desk.exchange.connect("me", 0, desk.now)
    desk.wait(3)
    assert desk.exchange.connect("me", 0, desk.now) == []


def test_flapping_falls_and_comes_back_again_and_again() -> None:
    desk = faulty("flapping", 1.0, seconds=6.0)
    seen = []
    for _ in range(8):
        desk.wait(0.5)
        seen.append(bool(desk.exchange.down))
        desk.wait(0.5)
    assert seen == [True, False, True, False, True, False, False, False]


def test_bad_ticks_are_wrong_in_every_way_and_the_book_is_right() -> None:
    desk = faulty("bad_tick", 1.0)
    desk.events.clear()
    desk.wait(4)
    lasts = [p.last for p in desk.prices()]
    assert any(math.isnan(x) for x in lasts)
    assert any(x == 0.0 for x in lasts)
    assert any(x < 0.0 for x in lasts)
    assert any(x > 50_000.0 for x in lasts)
    order = desk.order(1, 0.1)
    assert 99.0 < next(r.price for r in desk.reports if r.order_id == order and r.kind == "filled") < 101.0


def test_crossed_book() -> None:
    desk = faulty("crossed_book")
    desk.events.clear()
    desk.wait(1)
    assert all(p.bid > p.ask for p in desk.prices())


def test_frozen_feed_has_no_prices_and_orders_are_worked() -> None:
    desk = faulty("frozen_feed")
    desk.events.clear()
    desk.wait(2)
    assert desk.events == []
    assert desk.kinds(desk.order(1, 0.1)) == ["acknowledged", "filled"]
    desk.wait(4)
    assert desk.prices()


def test_sequence_gap() -> None:
    desk = faulty("sequence_gap", 0.5)
    desk.events.clear()
    desk.wait(4)
    numbers = [p.sequence for p in desk.prices()]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < numbers[-1] - numbers[0] + 1


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_every_fault_passes_and_leaves_the_exchange_whole(kind: str) -> None:
    """During and after any fault: numbers without gaps, and positions that are the sum of the fills."""
    desk = faulty(kind, seconds=2.0)
    for step in range(60):
        if desk.exchange.accounts["me"].connected:
            desk.order(1 if step % 2 else -1, 0.3, 100.0 if step % 3 else None)
        elif not desk.exchange.down:
            desk.exchange.connect("me", 0, desk.now)
        desk.wait(0.05)
    desk.wait(5)
    assert not desk.exchange.faults.active
    known = desk.exchange.reports("me", 0)
    assert [r.report_id for r in known] == list(range(1, len(known) + 1))
    fills = [r for r in known if r.kind == "filled"]
    assert [r.execution_id for r in fills] == list(range(len(fills)))
    account = desk.exchange.account("me", desk.now)
    assert account.positions.get(SYMBOL, 0.0) == pytest.approx(sum(r.side * r.quantity for r in fills))
    ended = {
        r.order_id
        for r in known
        if r.kind in ("cancelled", "expired", "rejected") or (r.kind == "filled" and not r.leaves)
    }
    assert {o.order_id for o in account.open_orders} == {r.order_id for r in known} - ended


def plan(*faults: FaultSettings) -> FaultPlan:
    return FaultPlan(faults, START, "seed")


def active(faults: FaultPlan, seconds: float) -> list[str]:
    faults.refresh(START + int(seconds * SECOND))
    return list(faults.active)


def test_a_schedule_comes_and_comes_again() -> None:
    faults = plan(FaultSettings("frozen_feed", 1.0, duration_seconds=2, after_seconds=10, every_seconds=60))
    found = [active(faults, t) for t in (0, 9.9, 10, 11.9, 12, 69.9, 70, 72, 131)]
    frozen = ["frozen_feed"]
    assert found == [[], [], frozen, frozen, [], [], frozen, [], frozen]


def test_a_fault_without_repetition_comes_once() -> None:
    faults = plan(FaultSettings("blackhole", duration_seconds=2))
    assert [active(faults, t) for t in (0, 1.9, 2, 1e6)] == [["blackhole"], ["blackhole"], [], []]


def test_faults_by_chance_come_about_as_often_as_said() -> None:
    faults = plan(FaultSettings("blackhole", duration_seconds=1, per_hour=60))
    began, was = 0, False
    for second in range(36_000):
        now = bool(active(faults, second + 0.5))
        began += now and not was
        was = now
    assert 480 < began < 720


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ConfigError, match="reject_storm"):
        Desk().exchange.inject("earthquake", START)


def test_a_scheduled_fault_of_the_configuration_is_in_force() -> None:
    desk = Desk(config(faults=[{"kind": "frozen_feed", "after_seconds": 1, "duration_seconds": 1}]))
    assert isinstance(desk.exchange, SimulatedExchange)
    desk.wait(3)
    times = {(p.timestamp_ns - START) // 100_000_000 for p in desk.prices()}
    assert times == set(range(1, 10)) | set(range(20, 31))
