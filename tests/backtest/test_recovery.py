"""What an event cost and how long it took to get over it: paths of equity and positions worked by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.backtest.recovery import HOLD, Latch, RunPath, compare, recovery_seconds, shortfall
from workbench.chaos import ChaosEvent

MINUTE = 60_000_000_000
START = pd.Timestamp("2024-01-01", tz="UTC").value
EVENT = ChaosEvent("runaway", "2024-01-01T00:05", "5min")  # minutes 5 to 10, the end left out
END = EVENT.end_ns


def at(minute: float) -> int:
    return START + int(minute * MINUTE)


def path(
    equity: Sequence[float],
    *,
    minutes: Sequence[int] | None = None,
    held: Mapping[int, float] | None = None,
    breaches: Sequence[int] = (),
    latches: Sequence[Latch] = (),
) -> RunPath:
    """A run of the strategy "s" on 1,000 of cash, one update a minute; `held`: units of X from a minute on."""
    steps = held or {}
    times = np.array([at(m) for m in (minutes or range(len(equity)))], dtype=np.int64)
    return RunPath(
        cash=1_000.0,
        times_ns=times,
        equity=np.array(equity, dtype=np.float64),
        strategies=frozenset({"s"}),
        holdings={"X@V": (np.array([at(m) for m in steps]), np.array([*steps.values()]))} if steps else {},
        breaches=[(at(m), "s") for m in breaches],
        latches=latches,
    )


def flat(count: int = 40) -> list[float]:
    return [1_000.0] * count


# -- damage -----------------------------------------------------------------------------------------------------


def test_damage_is_the_shortfall_at_the_end_and_worst_damage_the_largest_since_the_start() -> None:
    disturbed = [1_000.0] * 6 + [980.0, 970.0, 990.0] + [995.0] * 31
    outcome = compare(path(disturbed), path(flat()), EVENT)
    assert (outcome.damage_usd, outcome.worst_damage_usd) == (5.0, 30.0)


def test_an_event_that_happened_to_earn_has_negative_damage_and_no_worst() -> None:
    outcome = compare(path([1_000.0] * 6 + [1_004.0] * 34), path(flat()), EVENT)
    assert (outcome.damage_usd, outcome.worst_damage_usd) == (-4.0, 0.0)


def test_equity_is_carried_over_moments_that_a_run_does_not_have() -> None:
    normal = path([100.0, 101.0, 102.0, 103.0, 104.0])
    lossy = path([100.0, 99.0], minutes=[0, 3])
    times, gap = shortfall(lossy, normal)
    assert times.tolist() == [at(m) for m in range(5)]
    assert gap.tolist() == [0.0, 1.0, 2.0, 4.0, 5.0]


def test_before_its_first_update_a_run_is_worth_its_cash() -> None:
    late = path([990.0], minutes=[2])
    assert shortfall(late, path([1_001.0, 1_002.0, 1_003.0]))[1].tolist() == [1.0, 2.0, 13.0]


def test_breaches_are_counted_inside_the_window_alone() -> None:
    disturbed = path(flat(), breaches=[4, 5, 7, 9, 10, 11])
    assert compare(disturbed, path(flat()), EVENT).breach_count == 3  # minutes 5, 7 and 9


def test_stops_that_the_run_without_the_event_has_too_are_not_counted() -> None:
    both = Latch(at(20), "s", "stop_loss")
    own = Latch(at(8), "s", "strategy_drawdown")
    before = Latch(at(2), "", "daily_loss")
    outcome = compare(path(flat(), latches=[before, own, both]), path(flat(), latches=[both]), EVENT)
    assert outcome.emergency_stops == 1


# -- recovery ---------------------------------------------------------------------------------------------------


def test_recovered_once_the_shortfall_stops_growing() -> None:
    # Equity falls by 1 a minute from minute 5 to 13; from 13 on the shortfall is 9 for good.
    falling = [1_000.0 - max(0, min(minute, 13) - 4) for minute in range(40)]
    assert recovery_seconds(path(falling), path(flat()), END) == 180.0


def test_a_shortfall_that_stays_is_no_trouble_as_it_does_not_grow() -> None:
    assert recovery_seconds(path([1_000.0] * 6 + [900.0] * 34), path(flat()), END) == 0.0


@pytest.mark.parametrize(("count", "seconds"), [(24, 180.0), (23, None)])
def test_the_normal_state_must_be_seen_to_last(count: int, seconds: float | None) -> None:
    falling = [1_000.0 - max(0, min(minute, 13) - 4) for minute in range(count)]
    assert HOLD == 10  # minute 13 and ten more need 24 updates
    assert recovery_seconds(path(falling), path([1_000.0] * count), END) == seconds


def test_a_run_shorter_than_the_hold_tells_nothing() -> None:
    assert recovery_seconds(path(flat(10)), path(flat(10)), at(1)) is None


@pytest.mark.parametrize(("drift", "seconds"), [(1.0, 0.0), (1.1, None)])
def test_the_band_is_what_equity_does_without_the_event(drift: float, seconds: float | None) -> None:
    # Without the event equity goes up and down by 10: within ten minutes the shortfall may move by 10 too.
    normal = [1_000.0 + 10.0 * (minute % 2) for minute in range(40)]
    drifting = [value - drift * max(0, minute - 4) for minute, value in enumerate(normal)]
    assert recovery_seconds(path(drifting), path(normal), END) == seconds


def test_a_rare_leap_of_the_run_without_does_not_widen_the_band() -> None:
    # One leap in 400 minutes touches 10 of 390 stretches, under 5 %: the band stays at its least, 0.001.
    normal = [1_000.0] * 300 + [1_500.0] * 100
    drifting = [value - 0.01 * max(0, minute - 4) for minute, value in enumerate(normal)]
    assert recovery_seconds(path(drifting), path(normal), END) is None


def test_recovered_once_the_position_is_no_larger_than_ever_without_the_event() -> None:
    disturbed = path(flat(), held={6: 5.0, 16: 2.0})
    assert recovery_seconds(disturbed, path(flat(), held={1: 2.0, 3: 0.0}), END) == 360.0


def test_a_position_that_stays_too_large_is_never_recovered_from() -> None:
    assert recovery_seconds(path(flat(), held={6: 2.5}), path(flat(), held={1: 2.0}), END) is None


def test_an_instrument_that_the_run_without_never_held_must_be_flat() -> None:
    assert recovery_seconds(path(flat(), held={6: 1.0, 12: 0.0}), path(flat()), END) == 120.0


def test_a_latched_breaker_is_never_recovered_from() -> None:
    latched = path(flat(), latches=[Latch(at(7), "s", "stop_loss")])
    assert recovery_seconds(latched, path(flat()), END) is None


def test_a_breaker_that_is_reset_is_recovered_from() -> None:
    latches = [Latch(at(7), "", "daily_loss"), Latch(at(18), "", "daily_loss", on=False)]
    assert recovery_seconds(path(flat(), latches=latches), path(flat()), END) == 480.0


def test_a_breaker_that_trips_without_the_event_as_well_does_not_count() -> None:
    latches = [Latch(at(7), "s", "stop_loss")]
    assert recovery_seconds(path(flat(), latches=latches), path(flat(), latches=latches), END) == 0.0


def test_a_breaker_of_a_strategy_that_the_run_without_does_not_have_is_no_trouble() -> None:
    stopped = path(flat(), latches=[Latch(at(7), "intruder", "stop_loss")])
    assert recovery_seconds(stopped, path(flat()), END) == 0.0


def test_breaches_beyond_the_usual_delay_recovery() -> None:
    assert recovery_seconds(path(flat(), breaches=[12]), path(flat()), END) == 180.0
    assert recovery_seconds(path(flat(), breaches=[12]), path(flat(), breaches=[30]), END) == 0.0
    assert recovery_seconds(path(flat(), breaches=[12, 13]), path(flat(), breaches=[30]), END) == 180.0


def test_an_equity_that_is_no_number_is_not_calm() -> None:
    disturbed = path([1_000.0] * 6 + [math.nan] * 10 + [1_000.0] * 24)
    assert recovery_seconds(disturbed, path(flat()), END) == 360.0


def test_the_state_at_the_end_is_that_of_the_last_update_before_it() -> None:
    # Updates every 20 minutes: the end, minute 10, lies between two, and all is well at the one before.
    minutes = [20 * n for n in range(20)]
    calm = path(flat(20), minutes=minutes)
    assert recovery_seconds(calm, calm, END) == 0.0
    late = path([1_000.0, 1_000.0] + [990.0] * 18, minutes=minutes)  # the loss comes at minute 40
    assert recovery_seconds(late, path(flat(20), minutes=minutes), END) == 1_800.0


@given(
    equity=st.lists(st.floats(1.0, 1e6), min_size=25, max_size=60),
    held=st.dictionaries(st.integers(0, 24), st.floats(0.0, 100.0), max_size=6),
    breaches=st.lists(st.integers(0, 24), max_size=6),
    trips=st.lists(st.tuples(st.integers(0, 24), st.sampled_from(["s", ""])), max_size=3),
)
def test_two_equal_runs_differ_in_nothing(
    equity: list[float], held: dict[int, float], breaches: list[int], trips: list[tuple[int, str]]
) -> None:
    run = path(
        equity,
        held=dict(sorted(held.items())),
        breaches=sorted(breaches),
        latches=[Latch(at(minute), strategy, "stop_loss") for minute, strategy in sorted(trips)],
    )
    outcome = compare(run, run, EVENT)
    assert (outcome.damage_usd, outcome.worst_damage_usd, outcome.emergency_stops) == (0.0, 0.0, 0)
    assert outcome.recovery_seconds == 0.0
