"""What a misbehaving strategy cost and when it was got over; the figures are worked by hand."""

from __future__ import annotations

import math

import msgspec

from live.machine import Answered, ChaosEpisode, ChaosNoted, Input, KillReset, KillSwitch, Machine, Setup
from workbench.core.build import Seat
from workbench.core.costs import Costs
from workbench.core.intents import ClockTick, SeatStrategy
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, MarketSignal, PriceUpdate

SECOND = 10**9
NAN = math.nan
SETUP = Setup((Instrument("X", "paper"),), {"paper": Costs.free()}, limits=RiskLimits.unlimited())
BEGINS = ChaosNoted("s", "runaway", active=True)
ENDS = ChaosNoted("s", "runaway", active=False)


def price(second: int, last: float) -> PriceUpdate:
    return PriceUpdate("X", "paper", second * SECOND, last, last, last, NAN, NAN, NAN, 0.0, second)


def wants(strength: float) -> Answered:
    return Answered("s", 1, [MarketSignal("X", None, strength, 1.0, {})])


def machine(*items: Input) -> Machine:
    made = Machine(SETUP)
    made.apply(SeatStrategy(Seat("s", capital=1e5)))
    for item in items:
        made.apply(item)
    return made


def episode(made: Machine) -> ChaosEpisode:
    return made.chaos["s"]


# Buys one unit at 100 while it misbehaves, and the price falls to 90.
LOSING: tuple[Input, ...] = (price(1, 100.0), BEGINS, wants(1.0), price(2, 100.0), price(3, 90.0))
# It ends at second 3, and the unit is sold at 95 at second 5.
OVER: tuple[Input, ...] = (*LOSING, ENDS, price(4, 92.0), wants(-1.0), price(5, 95.0))


def test_damage_is_what_it_has_lost_since_it_began() -> None:
    found = episode(machine(*LOSING))
    assert (found.active, found.start_ns, found.damage, found.worst) == (True, SECOND, 10.0, 10.0)
    assert found.recovery_seconds is None


def test_it_is_got_over_once_nothing_is_held_any_more() -> None:
    held = episode(machine(*OVER[:-2]))
    assert (held.active, held.end_ns, held.damage, held.recovered_ns) == (False, 3 * SECOND, 8.0, 0)
    made = machine(*OVER)
    assert (episode(made).damage, episode(made).worst) == (5.0, 10.0)
    assert episode(made).recovery_seconds == 2.0
    assert made.performance("s").chaos_recovery_time == 2.0


def test_damage_stays_what_it_was_when_it_was_got_over() -> None:
    after = (wants(1.0), price(6, 95.0), price(7, 50.0))
    assert episode(machine(*OVER, *after)).damage == 5.0


def test_what_was_held_before_need_not_be_sold() -> None:
    before = (price(1, 100.0), wants(1.0), price(2, 100.0), BEGINS, price(3, 90.0), ENDS, price(4, 91.0))
    found = episode(machine(*before))
    assert (found.held, found.damage, found.recovery_seconds) == ((1.0,), 9.0, 1.0)


def test_a_breaker_that_latched_meanwhile_must_be_reset_first() -> None:
    kill, reset = KillSwitch("strategy", "s", "ana", "drill"), KillReset("strategy", "s", "ana", "over")
    made = machine(price(1, 100.0), BEGINS, kill, ENDS, ClockTick(60 * SECOND))
    assert episode(made).recovery_seconds is None
    made.apply(reset)
    made.apply(ClockTick(90 * SECOND))
    assert episode(made).recovery_seconds == 89.0


def test_a_breaker_that_was_latched_before_is_none_of_its_doing() -> None:
    kill = KillSwitch("strategy", "s", "ana", "drill")
    made = machine(price(1, 100.0), kill, BEGINS, price(2, 100.0), ENDS, price(3, 100.0))
    assert episode(made).recovery_seconds == 1.0


def test_what_begins_again_before_it_was_got_over_goes_on() -> None:
    found = episode(machine(*LOSING, ENDS, price(4, 90.0), BEGINS, price(5, 85.0)))
    assert (found.active, found.start_ns, found.end_ns, found.damage) == (True, SECOND, 0, 15.0)


def test_what_begins_after_it_was_got_over_is_counted_anew() -> None:
    found = episode(machine(*OVER, BEGINS, price(6, 95.0)))
    assert (found.active, found.start_ns, found.pnl, found.damage) == (True, 5 * SECOND, -5.0, 0.0)


def test_an_end_without_a_beginning_is_nothing() -> None:
    assert machine(ENDS).chaos == {}


def test_a_strategy_without_a_seat_may_be_noted() -> None:
    made = machine(ChaosNoted("later", "runaway", active=True), price(1, 100.0), price(2, 100.0))
    assert (made.chaos["later"].held, made.chaos["later"].damage) == ((), 0.0)


def test_a_snapshot_at_any_place_goes_on_as_if_nothing_had_been() -> None:
    whole = machine(*OVER)
    for cut in range(len(OVER)):
        made = Machine(SETUP, machine(*OVER[:cut]).dump())
        for item in OVER[cut:]:
            made.apply(item)
        assert msgspec.to_builtins(made.chaos) == msgspec.to_builtins(whole.chaos)
        assert made.dump() == whole.dump()
