"""Faults of venues and feeds: what reaches the ledger, and what does not."""

import math

import msgspec
import pytest

from tests.core.table import MINUTE, Table, accepted, endings, fills, notices
from workbench.core.build import VenueFaultWindow
from workbench.core.costs import Costs
from workbench.core.limits import OrderLimits, RiskLimits
from workbench.core.venue_faults import VenueFault, chance


def window(kind: VenueFault, first: int, last: int, intensity: float = 1.0) -> VenueFaultWindow:
    """From minute `first` to before minute `last`."""
    return VenueFaultWindow(kind, first * MINUTE, last * MINUTE, "v", intensity, seed=3)


def test_a_disconnect_cancels_what_works_and_rejects_what_comes() -> None:
    table = Table(faults=[window(VenueFault.DISCONNECT, 2, 4)])
    table.price(100.0)
    table.order(1.0, order_type="limit", limit_price=90.0)
    assert notices(table.price(100.0)) == []
    facts = table.price(89.0)
    assert notices(facts) == ["venue_down"]
    assert endings(facts) == [("cancelled", "disconnect", 1.0)]
    assert endings(table.order(1.0)) == [("rejected_by_venue", "venue_down", 1.0)]
    table.price(100.0)
    assert notices(table.price(100.0)) == ["venue_up"]
    table.order(1.0)
    assert fills(table.price(100.0)) == [(1.0, 100.0, "taker")]


@pytest.mark.parametrize(("probability", "rejected"), [(0.0, 0), (1.0, 20)])
def test_a_reject_storm_rejects_with_its_probability(probability: float, rejected: int) -> None:
    table = Table(faults=[window(VenueFault.REJECT_STORM, 0, 5, probability)])
    table.price(100.0)
    ended = [e for _ in range(20) for e in endings(table.order(1.0))]
    assert ended == [("rejected_by_venue", "reject_storm", 1.0)] * rejected
    assert int(table.desk.book.working) == 20 - rejected


def test_chance_is_even_and_depends_on_its_seed() -> None:
    draws = [chance(1, n) for n in range(10_000)]
    assert sum(d < 0.3 for d in draws) == pytest.approx(3_000, abs=150)  # 3.3 standard deviations
    assert draws[:50] != [chance(2, n) for n in range(50)]


def test_a_latency_spike_delays_orders_sent_inside_it() -> None:
    table = Table(faults=[window(VenueFault.LATENCY_SPIKE, 0, 1, 90.0)])
    table.price(100.0)
    table.order(1.0)
    assert fills(table.price(101.0)) == []
    assert fills(table.price(102.0)) == [(1.0, 102.0, "taker")]


def test_partial_fills_shrink_the_share_of_volume() -> None:
    table = Table(
        costs=Costs(0, 0, 0, 0, 0, participation=0.1),
        unit=10.0,
        faults=[window(VenueFault.PARTIAL_FILLS, 1, 2, 0.2)],
    )
    table.price(100.0)
    table.order(1.0)
    assert fills(table.price(100.0, volume=100.0)) == [(2.0, 100.0, "taker")]
    assert fills(table.price(100.0, volume=100.0)) == [(8.0, 100.0, "taker")]


def test_a_duplicate_report_changes_nothing_and_is_told() -> None:
    table = Table(faults=[window(VenueFault.DUPLICATE_FILLS, 0, 9)])
    table.price(100.0)
    table.order(1.0)
    facts = table.price(100.0)
    assert fills(facts) == [(1.0, 100.0, "taker")]
    assert notices(facts) == ["duplicate_execution"]
    assert table.quantity == 1.0


def test_reports_out_of_order_all_arrive_and_the_gap_is_told() -> None:
    table = Table(faults=[window(VenueFault.OUT_OF_ORDER_FILLS, 0, 9)])
    table.price(100.0)
    table.order(1.0)
    table.order(-0.25)
    assert fills(table.price(100.0)) == []  # both executed, neither told
    assert int(table.desk.book.working) == 2
    facts = table.price(110.0)
    assert fills(facts) == [(-0.25, 100.0, "taker"), (1.0, 100.0, "taker")]
    assert notices(facts) == ["execution_gap"]
    assert (table.quantity, int(table.desk.book.working)) == (0.75, 0)
    assert float(table.desk.book.equity) == 1_000_000.0 + 7.5


def test_a_fill_that_arrives_after_the_cancel_is_booked() -> None:
    table = Table(
        costs=Costs(0, 0, 0, 0, 0, participation=0.1),
        unit=10.0,
        faults=[window(VenueFault.OUT_OF_ORDER_FILLS, 0, 9)],
    )
    table.price(100.0)
    table.order(1.0)
    table.price(100.0, volume=40.0)  # 4 executed at the venue, the report is under way
    assert endings(table.order(0.0, action="cancel")) == [("cancelled", "requested", 6.0)]
    position = table.desk.view.positions[0]
    assert float(position.working_buy) == 4.0
    assert fills(table.price(100.0, volume=40.0)) == [(4.0, 100.0, "taker")]
    assert (table.quantity, float(position.working_buy), int(table.desk.book.working)) == (4.0, 0.0, 0)


@pytest.mark.parametrize(
    "bad",
    [
        {"last": math.nan},
        {"last": math.inf},
        {"last": 0.0},
        {"last": -5.0},
        {"last": 100.0, "bid": 101.0, "ask": 99.0},
        {"last": 100.0, "bid": math.nan, "ask": 100.0},
        {"last": 100.0, "bid": 0.0, "ask": 100.0},
        {"last": 100_000.0},
        {"last": 0.1},
    ],
)
def test_a_bad_tick_is_told_and_neither_marks_nor_fills(bad: dict[str, float]) -> None:
    limits = msgspec.structs.replace(RiskLimits.unlimited(), order_limits=OrderLimits(bad_tick_pct=0.2))
    table = Table(limits=limits)
    table.price(100.0)
    table.order(1.0)
    table.price(100.0)
    equity = float(table.desk.book.equity)
    table.order(1.0)
    facts = table.price(**bad)  # type: ignore[arg-type]  # the keywords are all numbers
    assert notices(facts) == ["bad_tick"]
    assert fills(facts) == []
    assert float(table.desk.book.equity) == equity
    assert float(table.desk.view.instruments[0].mark) == 100.0
    assert fills(table.price(101.0)) == [(1.0, 101.0, "taker")]


def test_a_large_jump_is_believed_once_two_more_updates_confirm_it() -> None:
    table = Table(limits=RiskLimits())
    table.price(100.0)
    marks = []
    for last in (70.0, 70.5, 71.0):
        table.price(last)
        marks.append(float(table.desk.view.instruments[0].mark))
    assert marks == [100.0, 100.0, 71.0]


def test_a_thousandfold_price_is_never_believed_however_often_it_comes() -> None:
    table = Table(limits=RiskLimits())
    table.price(100.0)
    for _ in range(50):
        table.price(100_000.0)
    assert float(table.desk.view.instruments[0].mark) == 100.0
    assert accepted(table.order(1.0)) == []  # the collar has no fresh price


def test_a_sequence_gap_is_told() -> None:
    table = Table()
    table.price(100.0)
    assert notices(table.price(100.0, skip=2)) == ["sequence_gap"]
    assert notices(table.price(100.0)) == []


def test_a_clock_that_goes_back_is_told_and_time_stays() -> None:
    table = Table()
    table.price(100.0, minute=10.0)
    assert notices(table.price(100.0, minute=4.0)) == ["clock_backwards"]
    assert int(table.desk.book.now_ns) == 10 * MINUTE
