"""Certified limits hold while something runs under them, and a canary has its part of limits and capital."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from live.machine import (
    Answered,
    CanaryMoved,
    CanaryStep,
    LimitOverride,
    LimitsConfigured,
    Machine,
    PromotionNoted,
    Setup,
    StrategyAdmitted,
    StrategyNoted,
    StrategyRecord,
)
from workbench.core.build import Seat
from workbench.core.codes import Sizing
from workbench.core.costs import Costs
from workbench.core.facts import OrderAccepted, OrderRefused
from workbench.core.intents import ClockTick, ClosePositions, SeatStrategy, SetLimits
from workbench.core.limits import NotionalLimits, OrderLimits, PositionLimit, RiskLimits
from workbench.core.messages import Instrument, MarketSignal, PriceUpdate
from workbench.errors import CertificateError, EngineError

SECOND = 10**9
CERTIFICATE = "a" * 32
CERTIFIED = RiskLimits(order_limits=OrderLimits(max_order_value=10_000.0))
LOOSER = RiskLimits(order_limits=OrderLimits(max_order_value=20_000.0))
STEPS = (CanaryStep(0.1, 1.0, 1, 1.0), CanaryStep(0.5, 1.0, 1, 1.0))


def machine(limits: RiskLimits = CERTIFIED) -> Machine:
    made = Machine(Setup((Instrument("X", "v"),), {"v": Costs.free()}, limits=limits))
    made.apply(SeatStrategy(Seat("s", Sizing.ORDER, 1.0, 100_000.0)))
    made.apply(PriceUpdate("X", "v", SECOND, 100.0, 100.0, 100.0, 1e9, 1e9, 1e9, 0.0, 1))
    return made


def record(state: str, certificate: str = CERTIFICATE) -> StrategyNoted:
    return StrategyNoted(StrategyRecord("s", "S", "1", "0" * 64, "s.py", state, certificate=certificate))


def admitted(made: Machine, state: str = "running") -> Machine:
    made.apply(StrategyAdmitted("s", CERTIFICATE, CERTIFIED, 10**18))
    made.apply(record(state))
    return made


def buys(made: Machine, units: float) -> list[str]:
    facts = made.apply(Answered("s", 1, [MarketSignal("X", None, 1.0, 1.0, {"quantity": units})]))
    accepted = [fact for fact in facts if isinstance(fact, OrderAccepted)]
    refused = [fact for fact in facts if isinstance(fact, OrderRefused)]
    return ["accepted"] * len(accepted) + [check for fact in refused for check in fact.failed_checks]


@pytest.mark.parametrize("state", ["validating", "starting", "running", "paused", "draining"])
def test_limits_cannot_become_looser_than_those_of_what_runs(state: str) -> None:
    made = admitted(machine(), state)
    with pytest.raises(EngineError, match=r"max_order_value: 20000 live, 10000 certified; stop it first"):
        made.apply(SetLimits(LOOSER))
    assert made.limits == made.desk.limits == CERTIFIED
    tighter = RiskLimits(order_limits=OrderLimits(max_order_value=5_000.0))
    made.apply(SetLimits(tighter))
    made.apply(SetLimits(CERTIFIED))


@pytest.mark.parametrize("state", ["stopped", "failed", "available"])
def test_what_does_not_run_holds_nothing_back(state: str) -> None:
    made = admitted(machine(), state)
    made.apply(SetLimits(LOOSER))
    assert made.limits == LOOSER


def test_a_version_that_warms_up_counts_until_its_record_says_otherwise() -> None:
    made = machine()
    made.apply(StrategyAdmitted("s", CERTIFICATE, CERTIFIED, 10**18))
    with pytest.raises(EngineError):
        made.apply(SetLimits(LOOSER))
    made.apply(StrategyAdmitted("s"))  # taken back
    made.apply(SetLimits(LOOSER))


def test_while_one_warms_up_both_count_whatever_is_noted_of_the_one_that_runs() -> None:
    other = "b" * 32
    made = admitted(machine())
    made.apply(StrategyAdmitted("s", other, LOOSER, 10**18))
    with pytest.raises(EngineError, match="20000 live, 10000 certified"):
        made.apply(SetLimits(LOOSER))
    made = machine(CERTIFIED)
    made.apply(StrategyAdmitted("s", other, LOOSER, 10**18))
    made.apply(record("running", other))
    made.apply(StrategyAdmitted("s", CERTIFICATE, CERTIFIED, 10**18))
    made.apply(record("paused", other))
    for _ in range(2):
        with pytest.raises(EngineError, match="20000 live, 10000 certified"):
            made.apply(SetLimits(LOOSER))
        made.apply(record("running"))  # it has taken over
    made.apply(record("stopped"))
    made.apply(SetLimits(LOOSER))


def test_nothing_is_admitted_under_looser_limits() -> None:
    made = machine(LOOSER)
    with pytest.raises(CertificateError, match=r"s is not started: .*20000 live, 10000 certified"):
        made.apply(StrategyAdmitted("s", CERTIFICATE, CERTIFIED, 10**18))
    assert not made.admissions.admitted


def test_an_override_cannot_be_looser_either() -> None:
    made = admitted(machine())
    looser = LimitOverride("order_limits.max_order_value", 15_000.0, 60.0, "ana", "a block")
    made.apply(looser)  # proposed, and in force for nobody
    with pytest.raises(EngineError, match="15000 live, 10000 certified"):
        made.apply(msgspec.structs.replace(looser, person="ben"))
    assert made.desk.limits == CERTIFIED


def test_limits_that_an_override_holds_down_are_looked_through() -> None:
    """What the override hides comes back by itself when its time is over."""
    made = machine(LOOSER)
    tight = LimitOverride("order_limits.max_order_value", 10_000.0, 60.0, "ana", "a quiet hour")
    made.apply(tight)
    made.apply(msgspec.structs.replace(tight, person="ben"))
    assert made.desk.limits == CERTIFIED
    with pytest.raises(CertificateError, match="20000 live"):
        made.apply(StrategyAdmitted("s", CERTIFICATE, CERTIFIED, 10**18))


def test_limits_of_the_file_are_taken_at_a_start_and_admit_less() -> None:
    made = admitted(machine())
    made.apply(LimitsConfigured(LOOSER))
    assert made.limits == LOOSER
    with pytest.raises(CertificateError):
        made.apply(StrategyAdmitted("s", CERTIFICATE, CERTIFIED, 10**18))


def test_a_demoted_certificate_admits_nothing_any_more() -> None:
    made = machine()
    made.apply(PromotionNoted(1, "s", "demoted", "canary", "no agreement", certificate=CERTIFICATE))
    for each in (made, Machine(made.setup, made.dump())):
        with pytest.raises(CertificateError, match="admits nothing any more: s was demoted"):
            each.apply(StrategyAdmitted("s", CERTIFICATE, CERTIFIED, 10**18))


# --- instruments -----------------------------------------------------------------------------------------------------

TWO_BY_TWO = tuple(Instrument(symbol, venue) for symbol in ("X", "Y") for venue in ("v", "w"))
OTHER = "b" * 32


def wide(limits: RiskLimits = CERTIFIED) -> Machine:
    """Two symbols at two venues, priced at 100; a strategy s has a seat."""
    made = Machine(Setup(TWO_BY_TWO, {"v": Costs.free(), "w": Costs.free()}, limits=limits))
    made.apply(SeatStrategy(Seat("s", Sizing.ORDER, 1.0, 100_000.0)))
    for i, one in enumerate(TWO_BY_TWO, 1):
        made.apply(PriceUpdate(one.symbol, one.venue, SECOND, 100.0, 100.0, 100.0, 1e9, 1e9, 1e9, 0.0, i))
    return made


def takes(made: Machine, strategy_id: str = "s") -> set[str]:
    """Instruments in which the desk takes its orders; of the others it says that they are not permitted."""
    found = set()
    for one in TWO_BY_TWO:
        size = {"quantity": 0.001 + 0.001 * len(made.blotter.fills), "venue": one.venue}
        facts = made.apply(Answered(strategy_id, 1, [MarketSignal(one.symbol, None, 1.0, 1.0, size)]))
        if any(isinstance(fact, OrderAccepted) for fact in facts):
            found.add(one.name)
        else:
            (refused,) = [fact for fact in facts if isinstance(fact, OrderRefused)]
            assert refused.failed_checks == ("permitted_instruments",)
    return found


def permitted(made: Machine) -> set[str]:
    """Instruments in which the desk would let its first strategy trade."""
    rows = made.desk.view.positions
    return {one.name for k, one in enumerate(TWO_BY_TWO) if rows[k].permitted}


def admits(*instruments: str, certificate: str = CERTIFICATE, strategy_id: str = "s") -> StrategyAdmitted:
    return StrategyAdmitted(strategy_id, certificate, CERTIFIED, 10**18, instruments)


ALL = {one.name for one in TWO_BY_TWO}


def test_what_is_certified_trades_certified_instruments_alone_for_as_long_as_it_is_admitted() -> None:
    made = wide()
    assert takes(made) == ALL
    made.apply(admits("X@v", "Y@w"))
    assert takes(made) == {"X@v", "Y@w"}  # from its admission on
    for state in ("starting", "running", "paused"):
        made.apply(record(state))
        assert takes(made) == permitted(made) == {"X@v", "Y@w"}, state
    made.apply(record("draining"))
    assert permitted(made) == {"X@v", "Y@w"}
    made.apply(record("stopped"))
    assert permitted(made) == ALL


def test_one_of_an_older_engine_is_held_to_no_instruments() -> None:
    """So its journal replays as it was."""
    made = wide()
    made.apply(StrategyAdmitted("s", CERTIFICATE, CERTIFIED, 10**18))
    assert takes(made) == ALL


@pytest.mark.parametrize(
    ("by_limits", "found"),
    [
        ({}, {"X@v", "X@w"}),
        ({"s": ["X", "Y"]}, {"X@v", "X@w"}),
        ({"s": ["Y"]}, set()),
        ({"s": ["X@w", "Y"]}, {"X@w"}),
        ({"s": []}, set()),
        ({"other": ["Y"]}, {"X@v", "X@w"}),
    ],
)
def test_limits_and_certificate_both_have_to_permit(by_limits: dict[str, list[str]], found: set[str]) -> None:
    limits = msgspec.structs.replace(CERTIFIED, permitted_instruments=by_limits)
    before, after, at_a_start = wide(limits), wide(), wide()
    for made in (before, after, at_a_start):
        made.apply(admits("X@v", "X@w"))
        made.apply(record("running"))
    after.apply(SetLimits(limits))
    at_a_start.apply(LimitsConfigured(limits))
    assert takes(before) == takes(after) == takes(at_a_start) == found
    assert before.limits == before.desk.limits == limits  # what people have set says nothing of certificates
    after.apply(record("stopped"))
    after.apply(SetLimits(CERTIFIED))
    assert permitted(after) == ALL


def test_an_override_that_begins_and_ends_leaves_it_as_it_was() -> None:
    made = wide()
    made.apply(admits("X@v"))
    tight = LimitOverride("order_limits.max_order_value", 9_000.0, 60.0, "ana", "a quiet hour")
    for person in ("ana", "ben"):
        made.apply(msgspec.structs.replace(tight, person=person))
    assert takes(made) == {"X@v"}
    made.apply(ClockTick(100 * SECOND))
    assert not made.overrides.lines
    assert not made.desk.view.positions[1].permitted
    assert made.desk.view.positions[0].permitted


def test_while_a_version_warms_up_it_trades_what_both_are_certified_for() -> None:
    made = wide()
    made.apply(admits("X@v", "Y@v"))
    made.apply(record("running"))
    made.apply(admits("Y@v", "Y@w", certificate=OTHER))
    assert takes(made) == {"Y@v"}
    made.apply(StrategyAdmitted("s"))  # it did not come to it
    assert takes(made) == {"X@v", "Y@v"}
    made.apply(admits("Y@v", "Y@w", certificate=OTHER))
    made.apply(SeatStrategy(Seat("s", Sizing.ORDER, 2.0, 100_000.0)))
    assert takes(made) == {"Y@v"}
    made.apply(record("running", OTHER))
    assert takes(made) == {"Y@v", "Y@w"}


def test_it_is_of_one_strategy_and_holds_from_its_first_seat_on() -> None:
    made = wide()
    made.apply(admits("Y@v", strategy_id="t", certificate=OTHER))
    made.apply(SeatStrategy(Seat("t", Sizing.ORDER, 1.0, 100_000.0)))
    assert takes(made, "t") == {"Y@v"}
    assert takes(made) == ALL


def test_it_outlives_its_engine() -> None:
    made = wide()
    made.apply(admits("X@w"))
    made.apply(record("running"))
    again = Machine(made.setup, made.dump())
    assert Machine(made.setup, again.dump()).dump() == again.dump()
    again.apply(SetLimits(CERTIFIED))
    assert takes(again) == takes(made) == {"X@w"}
    again.apply(record("stopped"))
    assert permitted(again) == ALL


def test_a_person_closes_what_is_held_in_others() -> None:
    """A version that may trade X alone takes over what another holds in Y."""
    made = wide()
    made.apply(Answered("s", 1, [MarketSignal("Y", None, 1.0, 1.0, {"quantity": 5.0, "venue": "v"})]))
    made.apply(PriceUpdate("Y", "v", 2 * SECOND, 100.0, 100.0, 100.0, 1e9, 1e9, 1e9, 0.0, 9))
    assert made.desk.position(0, "Y") == 5.0
    made.apply(admits("X@v"))
    made.apply(ClosePositions("s"))
    made.apply(PriceUpdate("Y", "v", 3 * SECOND, 100.0, 100.0, 100.0, 1e9, 1e9, 1e9, 0.0, 10))
    assert made.desk.position(0, "Y") == 0.0


def moved(step: int = 0, state: str = "growing", **changes: Any) -> CanaryMoved:
    return CanaryMoved("s", state, step, STEPS, SECOND, **changes)


LIMITS = {
    "order_value": (RiskLimits(order_limits=OrderLimits(max_order_value=10_000.0)), "max_order_value"),
    "order_volume": (RiskLimits(order_limits=OrderLimits(max_order_volume=100.0)), "max_order_volume"),
    "strategy_gross": (RiskLimits(notional_limits=NotionalLimits(per_strategy=10_000.0)), "notional_limit"),
    "strategy_net": (RiskLimits(notional_limits=NotionalLimits(net_per_strategy=10_000.0)), "notional_limit"),
    "position": (
        RiskLimits(position_limits={"X": PositionLimit(per_strategy_long=100.0)}),
        "position_limit",
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_step_has_its_part_of_a_limit(name: str) -> None:
    """100 units at 100 are the whole limit: 10 at the first step, 50 at the second, all of them without."""
    limits, check = LIMITS[name]
    for place, (line, most) in enumerate(((moved(0), 10.0), (moved(1), 50.0), (moved(1, "passed"), 100.0))):
        made = machine(limits)
        made.apply(line)
        assert buys(made, most + 1.0) == [check], place
        assert buys(made, most) == ["accepted"], place
        assert made.desk.view.limits[0].order_value == limits.order_limits.max_order_value  # the whole, again


def test_where_nothing_limits_a_strategy_its_part_of_the_capital_does() -> None:
    made = machine(msgspec.structs.replace(RiskLimits.unlimited(), enable_pre_trade=True))
    made.apply(moved(0))
    assert buys(made, 101.0) == ["notional_limit"]  # 10 % of 100,000
    assert buys(made, 100.0) == ["accepted"]


def test_capital_grows_with_the_steps_and_the_peak_with_it() -> None:
    made = machine()
    row = made.desk.view.strategies[0]
    assert (row.capital, row.peak) == (100_000.0, 100_000.0)
    for line, capital in ((moved(0), 10_000.0), (moved(1), 50_000.0), (moved(1, "passed"), 100_000.0)):
        made.apply(line)
        assert (row.capital, row.peak) == (capital, capital)
    made.apply(moved(0))
    assert row.capital == 10_000.0


def test_a_seat_that_comes_after_its_canary_has_its_part() -> None:
    made = machine()
    made.apply(msgspec.structs.replace(moved(0), strategy_id="t"))
    made.apply(SeatStrategy(Seat("t", capital=40_000.0)))
    assert made.desk.view.strategies[1].capital == 4_000.0
    made.apply(SeatStrategy(Seat("t", unit=2.0)))  # seated anew, as at a restart
    assert made.desk.view.strategies[1].capital == 4_000.0


def test_a_loss_that_the_whole_capital_bears_stops_a_canary() -> None:
    """Stop loss 10 %: a loss of 1,500 is 1.5 % of 100,000 and 15 % of 10,000."""

    def falls(made: Machine) -> tuple[str, ...]:
        assert buys(made, 50.0) == ["accepted"]
        made.apply(PriceUpdate("X", "v", 2 * SECOND, 100.0, 100.0, 100.0, 1e9, 1e9, 1e9, 0.0, 2))
        held = made.desk.position(0, "X")
        last = 100.0 - 1_500.0 / held
        for i in range(3, 8):  # a jump is believed once others confirm it
            made.apply(PriceUpdate("X", "v", i * SECOND, last, last, last, 1e9, 1e9, 1e9, 0.0, i))
        return made.desk.halted("s")

    wide = RiskLimits(order_limits=OrderLimits(bad_tick_pct=math.inf))
    assert falls(machine(wide)) == ()
    small = machine(wide)
    small.apply(moved(0))
    assert "stop_loss" in falls(small) or "strategy_drawdown" in falls(small)


def test_other_strategies_have_all_of_theirs() -> None:
    made = machine()
    made.apply(SeatStrategy(Seat("t", capital=40_000.0)))
    made.apply(moved(0))
    facts = made.apply(Answered("t", 1, [MarketSignal("X", None, 1.0, 1.0, {"quantity": 100.0})]))
    assert [type(fact) for fact in facts] == [OrderAccepted]


def test_a_canary_outlives_its_engine() -> None:
    made = machine()
    made.apply(moved(1))
    again = Machine(made.setup, made.dump())
    assert Machine(made.setup, again.dump()).dump() == again.dump()
    assert again.canaries.lines["s"] == moved(1)
    assert buys(again, 51.0) == ["max_order_value"]
    again.apply(moved(1, "passed"))
    assert again.desk.view.strategies[0].capital == 100_000.0


@pytest.mark.parametrize(
    "line",
    [
        moved(2),
        moved(-1),
        moved(0, "growing up"),
        CanaryMoved("s", "growing", 0, (), SECOND),
        CanaryMoved("s", "growing", 0, (CanaryStep(0.0, 1.0, 1, 1.0),), SECOND),
        CanaryMoved("s", "growing", 0, (CanaryStep(1.5, 1.0, 1, 1.0),), SECOND),
        CanaryMoved("s", "growing", 0, (CanaryStep(math.nan, 1.0, 1, 1.0),), SECOND),
    ],
)
def test_a_step_that_makes_no_sense_changes_nothing(line: CanaryMoved) -> None:
    made = machine()
    with pytest.raises(EngineError, match="expected a"):
        made.apply(line)
    assert made.canaries.lines == {}


def test_what_happened_is_kept_through_a_snapshot() -> None:
    made = machine()
    line = PromotionNoted(7, "s", "promoted", "ana", "it passed", "1.0", "b" * 64, CERTIFICATE, 0.1)
    made.apply(line)
    made.apply(ClockTick(2 * SECOND))
    assert list(Machine(made.setup, made.dump()).history) == [line]
