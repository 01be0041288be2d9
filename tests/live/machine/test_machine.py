"""The engine's state: a pure function of its inputs, whole in a snapshot, and the same after a journal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from live.machine import (
    Answered,
    AuditLine,
    CanaryMoved,
    CanaryStep,
    ChaosNoted,
    ChaosTriggered,
    Input,
    KillReset,
    KillSwitch,
    LateSignals,
    LimitOverride,
    LimitsChanged,
    LimitsConfigured,
    Machine,
    PromotionNoted,
    Setup,
    StrategyAdmitted,
    StrategyNoted,
    StrategyRecord,
    decode_block,
    encode_block,
)
from live.machine.snapshot import layout_of
from workbench.chaos.triggers import TriggerState
from workbench.core.build import Seat
from workbench.core.codes import Sizing
from workbench.core.costs import Costs
from workbench.core.facts import OrderAccepted, OrderRefused, SignalRefused
from workbench.core.intents import (
    AcceptPrice,
    CancelOrders,
    ClockTick,
    ClosePositions,
    HaltVenue,
    ResetBreaker,
    SeatStrategy,
    SetLimits,
    StrategyFailed,
    TripBreaker,
    VenueReport,
    VenueSession,
)
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate
from workbench.errors import EngineError, JournalDamaged, OtherVersion, WorkbenchError

SECOND = 10**9
NAN = math.nan
SETUP = Setup(
    (Instrument("X", "paper"), Instrument("X", "far"), Instrument("Y", "paper")),
    {"paper": Costs(), "far": Costs.free()},
    remote=("far",),
    limits=RiskLimits(),
    order_capacity=50,
)
RECORD = StrategyRecord("s", "Some", "1.0", "0" * 64, "some.py", "running", config={"a": [1, 2.5, "x"]})
ONE_OF_EACH: tuple[Input, ...] = (
    PriceUpdate("X", "paper", 5, 1.0, 1.1, 1.05, NAN, 3.0, NAN, 0.0, 7),
    Answered("s", 5, [MarketSignal("X", None, 0.5, 0.25, {"order_type": "limit", "limit_price": 1.0})]),
    VenueReport("filled", "far", "X", 3, -1, "s", 4, 9, 2.0, 1.5, "maker", 12),
    ClockTick(9),
    VenueSession("far", up=True),
    LateSignals("s", 3),
    StrategyFailed("s", "ValueError: no"),
    SeatStrategy(Seat("s", Sizing.TARGET, {"X": 2.0}, 1e5)),
    StrategyNoted(RECORD),
    CancelOrders("s", "X", "paper"),
    ClosePositions("s"),
    TripBreaker("ana", "drill", "s", kill=True),
    ResetBreaker("ana", "over"),
    HaltVenue("ana", "drill", "far"),
    KillSwitch("all", "", "ana", "drill", flatten=True),
    KillReset("all", "", "ana", "over"),
    SetLimits(RiskLimits(restricted_list=["X"])),
    LimitOverride("order_limits.max_order_value", 2e6, 600.0, "ana", "a block trade"),
    LimitsConfigured(RiskLimits(restricted_list=["Y"])),
    LimitsChanged(RiskLimits(restricted_list=["Z"]), RiskLimits(restricted_list=["Y"])),
    AcceptPrice("ana", "split", "X"),
    ChaosNoted("s", "runaway", active=True),
    ChaosTriggered("s", "X@paper", TriggerState(3, 2.0, "calm", 1, 4, 5, 6)),
    AuditLine(5, "ana", "admin", "kill", "all", "done"),
    StrategyAdmitted("s", "a" * 32, RiskLimits(), 9 * SECOND, ("X@paper",)),
    CanaryMoved(
        "s", "growing", 0, (CanaryStep(0.1, 60.0, 5, 1.0),), 7, 2, "a" * 32, "b" * 64, {"script": "some"}
    ),
    PromotionNoted(7, "s", "promoted", "ana", "it passed", "1.0", "b" * 64, "a" * 32, 0.1),
)


def price(i: int, last: float, symbol: str = "X", venue: str = "paper") -> PriceUpdate:
    return PriceUpdate(symbol, venue, i * SECOND, last, last, last, NAN, NAN, NAN, 0.0, i)


def wants(strength: float, correlation: int = 1, **metadata: object) -> Answered:
    return Answered("s", correlation, [MarketSignal("X", None, strength, 1.0, dict(metadata))])


def machine(*items: Input) -> Machine:
    made = Machine(SETUP)
    made.apply(SeatStrategy(Seat("s", capital=1e5)))
    for item in items:
        made.apply(item)
    return made


@pytest.mark.parametrize("item", ONE_OF_EACH, ids=lambda item: type(item).__name__)
def test_every_input_comes_back_out_of_a_block(item: Input) -> None:
    (found,) = decode_block(encode_block([item]))
    assert type(found) is type(item)
    assert found == item or str(found) == str(item)  # NaN is no number, and equals none


def test_every_kind_of_input_is_in_the_list_above() -> None:
    kinds = set(Input.__value__.__args__)
    assert {type(item) for item in ONE_OF_EACH} == kinds


@pytest.mark.parametrize("payload", [b"", b"\xc1", msgspec.msgpack.encode([[99, {}]]), b"\x91\x91\x01"])
def test_a_block_of_another_kind_is_damaged(payload: bytes) -> None:
    with pytest.raises(JournalDamaged, match="expected a block of inputs"):
        decode_block(payload)


@pytest.mark.parametrize("value", [2**70, object(), {1: {2: 3 + 4j}}])
def test_what_cannot_be_written_is_refused_before_anything_changes(value: object) -> None:
    with pytest.raises(EngineError, match="cannot be recorded"):
        encode_block([StrategyNoted(msgspec.structs.replace(RECORD, config={"a": value}))])


def test_an_order_is_followed_from_signal_to_fill() -> None:
    made = machine(price(1, 100.0), wants(2.0, 77), price(2, 101.0))
    (line,) = made.blotter.orders(0, 10)
    (fill,) = made.blotter.newest_fills(0, 10)
    assert (line.state, line.filled) == ("filled", 1.0)
    assert line.price == pytest.approx(fill.fill.price)
    assert (line.correlation, fill.correlation) == (77, 77)
    assert made.blotter.orders(line.cursor, 10) == []
    assert made.blotter.newest_fills(fill.cursor, 10) == []


def test_pages_of_orders_follow_one_another() -> None:
    made = machine(price(1, 100.0))
    for i in range(7):
        made.apply(wants(1.0, order_type="limit", limit_price=90.0 + i / 10))
    pages: list[int] = []
    cursor = 0
    while page := made.blotter.orders(cursor, 3):
        pages += [line.order_id for line in page]
        cursor = page[-1].cursor
    assert pages == [1, 2, 3, 4, 5, 6, 7]


def test_a_fill_of_a_remote_venue_finds_its_strategy() -> None:
    made = machine(
        price(1, 100.0, venue="far"), price(1, 100.0), VenueSession("far", up=True), wants(1.0, venue="far")
    )
    (order,) = made.blotter.working
    facts = made.apply(VenueReport("filled", "far", "X", order, 1, "", 0, 0, 1.0, 100.0, "taker", 1))
    (fill,) = [fact for fact in facts if isinstance(fact, OrderFill)]
    assert (fill.strategy_id, made.reports) == ("s", {"far": 1})


def test_no_report_is_taken_twice_and_none_is_forgotten() -> None:
    made = machine(
        price(1, 100.0, venue="far"), price(1, 100.0), VenueSession("far", up=True), wants(1.0, venue="far")
    )
    late = VenueReport("acknowledged", "far", "X", 1, 1, report_id=1)
    fill = VenueReport("filled", "far", "X", 1, 1, "", 0, 0, 1.0, 100.0, "taker", 2)
    assert made.apply(fill)
    assert made.reports == {"far": 0}  # the first is still missing, and has to be asked for
    assert made.apply(fill) == []
    made.apply(late)
    assert made.reports == {"far": 2}


def test_a_cancel_that_the_venue_refuses_can_be_asked_for_again() -> None:
    made = machine(
        price(1, 100.0, venue="far"),
        price(1, 100.0),
        VenueSession("far", up=True),
        wants(1.0, venue="far", order_type="limit", limit_price=95.0),
    )
    (order,) = made.blotter.working
    for _ in range(2):
        assert len(made.apply(CancelOrders())) == 1
        assert made.blotter.working[order].state == "cancelling"
        made.apply(VenueReport("cancel_rejected", "far", "", order, 0))
        assert made.blotter.working[order].state == "working"
    assert made.apply(VenueReport("cancel_rejected", "far", "", 99, 0)) == []


def test_late_signals_are_refused_unseen() -> None:
    made = machine(price(1, 100.0))
    facts = made.apply(LateSignals("s", 2))
    assert [fact.reason for fact in facts if isinstance(fact, SignalRefused)] == ["risk_check_timeout"] * 2
    assert len(facts) == 2


def test_a_kill_flattens_until_it_is_reset_by_a_person() -> None:
    made = machine(price(1, 100.0), wants(1.0), price(2, 100.0))
    made.apply(KillSwitch("strategy", "s", "ana", "drill", flatten=True))
    made.apply(price(3, 100.0))
    assert made.desk.position(0, "X") == 0.0
    assert any(isinstance(fact, OrderRefused) for fact in made.apply(wants(1.0)))
    with pytest.raises(EngineError, match="no kill of all"):
        made.apply(KillReset("all", "", "ana", "over"))
    made.apply(KillReset("strategy", "s", "ana", "over"))
    assert any(isinstance(fact, OrderAccepted) for fact in made.apply(wants(1.0)))


@pytest.mark.parametrize("scope", [("all", ""), ("strategy", "s"), ("venue", "paper")])
def test_a_kill_without_flatten_holds_what_is_held_until_a_person_wants_it_flat(
    scope: tuple[str, str],
) -> None:
    """Also where breakers liquidate, and one trips afterwards; and it ends a flattening that is under way."""
    made = machine(price(1, 100.0), wants(1.0), price(2, 100.0))
    assert made.desk.limits.circuit_breakers.liquidate
    assert made.desk.position(0, "X") == 1.0
    made.apply(KillSwitch(*scope, "ana", "drill"))
    made.apply(TripBreaker("ben", "drill"))
    for ns in (3, 4, 5):
        assert not [fact for fact in made.apply(price(ns, 100.0)) if isinstance(fact, OrderAccepted)]
    assert made.desk.position(0, "X") == 1.0
    closing = made.apply(KillSwitch(*scope, "ana", "now", flatten=True))
    assert len([fact for fact in closing if isinstance(fact, OrderAccepted)]) == 1
    made.apply(KillSwitch(*scope, "ana", "not yet"))
    made.apply(price(6, 100.0))
    assert made.desk.position(0, "X") == 1.0
    made.apply(KillSwitch(*scope, "ana", "now", flatten=True))
    made.apply(price(7, 100.0))
    assert made.desk.position(0, "X") == 0.0


@pytest.mark.parametrize(
    "kill",
    [
        KillSwitch("all", "", "", "drill"),
        KillSwitch("all", "", "ana", " "),
        KillSwitch("all", "s", "ana", "drill"),
        KillSwitch("strategy", "", "ana", "drill"),
        KillSwitch("strategy", "nobody", "ana", "drill"),
        KillSwitch("venue", "nowhere", "ana", "drill"),
        KillSwitch("planet", "x", "ana", "drill"),
    ],
)
def test_a_kill_that_makes_no_sense_changes_nothing(kill: KillSwitch) -> None:
    made = machine(price(1, 100.0))
    before = bytes(made.desk.state)
    with pytest.raises(EngineError):
        made.apply(kill)
    assert (bytes(made.desk.state), made.kills) == (before, {})


def test_performance_is_what_the_fills_say() -> None:
    made = machine(price(1, 100.0), wants(1.0), price(2, 100.0))
    made.apply(wants(-1.0))
    made.apply(price(3, 110.0))  # + 10
    made.apply(wants(1.0))
    made.apply(price(4, 110.0))
    made.apply(wants(-1.0))
    made.apply(price(5, 105.0))  # - 5
    found = made.performance("s")
    assert (found.trades, found.win_rate) == (4, 0.5)
    assert found.avg_trade_pnl == pytest.approx(2.5, rel=0.05)  # the touch, less slippage
    assert found.total_pnl == pytest.approx(made.desk.view.strategies[0].pnl)


def test_a_snapshot_of_another_set_up_is_refused() -> None:
    dumped = machine().dump()
    other = msgspec.structs.replace(SETUP, order_capacity=70)
    with pytest.raises(JournalDamaged, match="other venues, instruments or queue sizes"):
        Machine(other, dumped)


def test_a_snapshot_knows_the_layout_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"books": (np.dtype([("now_ns", "i8"), ("cash", "f8")]), (1,))}
    others = (
        {"books": (np.dtype([("now_ns", "i8"), ("cash", "f8"), ("more", "f8")]), (1,))},
        {"books": (np.dtype([("cash", "f8"), ("now_ns", "i8")]), (1,))},
        {"books": (np.dtype([("now_ns", "i8"), ("money", "f8")]), (1,))},
        {"books": (np.dtype([("now_ns", "i8"), ("cash", "i8")]), (1,))},
        {"books": (np.dtype([("now_ns", "i8"), ("cash", "f8")]), (2,))},
    )
    digests = {layout_of(one) for one in (rows, *others)}
    assert len(digests) == 1 + len(others)
    dumped = machine().dump()
    Machine(SETUP, dumped)
    monkeypatch.setattr("live.machine.snapshot.LAYOUT", layout_of(rows))
    with pytest.raises(
        OtherVersion, match=r"expected a snapshot of format 2 and layout .*, found one of format 2"
    ):
        Machine(SETUP, dumped)


@st.composite
def inputs(draw: st.DrawFn) -> list[Input]:
    count = draw(st.integers(1, 40))
    found: list[Input] = []
    reports = 0
    for i in range(count):
        last = 100.0 + draw(st.integers(-5, 5))
        kind = draw(st.integers(0, 9))
        if kind <= 3:
            found.append(price(i, last, draw(st.sampled_from("XY"))))
        elif kind == 4:
            found.append(price(i, last, venue="far"))
        elif kind <= 6:
            strength = draw(st.sampled_from([-1.0, -0.5, 0.5, 1.0, NAN, 3.0]))
            where = draw(st.sampled_from(["paper", "far"]))
            found.append(wants(strength, i, venue=where))
        elif kind == 7:
            reports += draw(st.integers(1, 2))
            what = draw(st.sampled_from(["acknowledged", "filled", "cancelled", "rejected"]))
            order = draw(st.integers(1, 6))
            found.append(VenueReport(what, "far", "X", order, 1, "", 0, reports, 0.5, last, "taker", reports))
        elif kind == 8:
            found.append(draw(st.sampled_from(ONE_OF_EACH)))
        else:
            found.append(VenueSession("far", up=draw(st.booleans())))
    return found


def carry(made: Machine, items: Sequence[Input]) -> list[str]:
    facts: list[str] = []
    for item in items:
        try:
            facts += map(str, made.apply(item))
        except WorkbenchError as error:
            facts.append(str(error))
    return facts


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(items=inputs(), cut=st.integers(0, 40))
def test_a_snapshot_and_the_rest_of_the_journal_give_the_same_state(items: list[Input], cut: int) -> None:
    whole, first = machine(), machine()
    told = carry(whole, items)
    before = carry(first, items[:cut])
    second = Machine(SETUP, first.dump())
    after = carry(second, decode_block(encode_block(items[cut:])))
    assert before + after == told
    assert Machine(SETUP, second.dump()).dump() == Machine(SETUP, whole.dump()).dump()
