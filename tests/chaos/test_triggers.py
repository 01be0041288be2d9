"""When chaos strategies start and stop: market conditions, chance per hour, breach counts, durations."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.chaos.market_state import UNKNOWN, MarketGauge, MarketMeasures, conditions
from workbench.chaos.triggers import (
    ChaosTrigger,
    ChaosTriggers,
    TriggerEvent,
    TriggerEventKind,
    TriggerState,
    luck,
)
from workbench.configuration.chaos_settings import (
    ChaosStrategyConfig,
    MarketCondition,
    MarketThresholds,
    TriggerCondition,
    TriggerSettings,
)
from workbench.errors import ChaosError

MINUTE = 60_000_000_000
MIDNIGHT = 1_700_006_400_000_000_000  # 2023-11-15 00:00 UTC, a whole number of any interval used here
QUIET = MarketMeasures(volatility=0.10, spread_bps=2.0, trend=0.5)
STORM = MarketMeasures(volatility=0.90, spread_bps=2.0, trend=0.5)
EACH_MINUTE = TriggerSettings(evaluation_interval_minutes=1.0)
STARTED, ESCALATED, STOPPED = TriggerEventKind


def strategy(
    *conditions: TriggerCondition, hourly: float = 0.0, longest: float = 10.0, name: str = "chaos"
) -> ChaosStrategyConfig:
    return ChaosStrategyConfig(
        name,
        "RunawayStrategy",
        trigger_conditions=conditions,
        trigger_probability=hourly,
        max_duration_minutes=longest,
    )


def when(
    condition: MarketCondition, probability: float = 1.0, minutes: float | None = None
) -> TriggerCondition:
    return TriggerCondition(market_condition=condition, probability=probability, duration_minutes=minutes)


def after_breaches(count: int, factor: float = 1.0, minutes: float | None = None) -> TriggerCondition:
    return TriggerCondition(risk_breach_count=count, escalation_factor=factor, duration_minutes=minutes)


def play(
    config: ChaosStrategyConfig,
    updates: Sequence[tuple[float, MarketMeasures, int]],
    settings: TriggerSettings = EACH_MINUTE,
    seed: int = 1,
) -> list[tuple[float, str, str, float]]:
    """Feed (minute, measures, breach count); what happened as (minute, kind, cause, intensity)."""
    trigger = ChaosTrigger(config, seed, settings)
    events = [trigger.update(MIDNIGHT + round(at * MINUTE), what, count) for at, what, count in updates]
    return [
        ((event.timestamp_ns - MIDNIGHT) / MINUTE, str(event.kind), event.cause, event.intensity)
        for event in events
        if event is not None
    ]


class TestConditions:
    @pytest.mark.parametrize(
        ("measures", "expected"),
        [
            (MarketMeasures(0.19, 5.0, 0.0), {"low_volatility", "calm"}),
            (MarketMeasures(0.20, 5.0, 0.0), {"calm"}),
            (MarketMeasures(0.60, 5.0, 0.99), {"calm"}),
            (MarketMeasures(0.61, 5.0, 0.0), {"high_volatility"}),
            (MarketMeasures(0.40, 5.0, 1.0), set()),
            (MarketMeasures(0.40, 5.0, 2.0), {"trending"}),
            (MarketMeasures(0.10, 5.0, -2.5), {"low_volatility", "trending"}),
            (MarketMeasures(0.40, 20.0, 0.0), {"wide_spread"}),
            (MarketMeasures(math.nan, 25.0, math.nan), {"wide_spread"}),
            (MarketMeasures(0.10, math.nan, 0.0), {"low_volatility"}),
            (UNKNOWN, set()),
        ],
    )
    def test_the_default_thresholds(self, measures: MarketMeasures, expected: set[str]) -> None:
        assert conditions(measures, MarketThresholds()) == expected

    def test_thresholds_can_be_set(self) -> None:
        thresholds = MarketThresholds(low_volatility=0.5, high_volatility=0.8, wide_spread_bps=1.0)
        assert conditions(MarketMeasures(0.4, 2.0, 0.0), thresholds) == {"low_volatility", "wide_spread"}


class TestGauge:
    def test_volatility_spread_and_trend_of_prices_worked_by_hand(self) -> None:
        """Nine minutes, the mid doubling or halving each: r = +-ln 2, sum of squares 9 ln2^2 over 540 s;
        net move +ln 2, so trend = ln 2 / (3 ln 2) = 1/3."""
        gauge = MarketGauge()
        for minute in range(10):
            mid = 200.0 if minute % 2 else 100.0
            gauge.see(MIDNIGHT + minute * MINUTE, mid * 0.999, mid * 1.001)
        volatility, spread_bps, trend = gauge.measures()
        assert volatility == pytest.approx(math.sqrt(9 * math.log(2) ** 2 / 540 * 31_536_000))
        assert spread_bps == pytest.approx(20.0)
        assert trend == pytest.approx(1 / 3)

    def test_a_steady_rise_trends_and_a_flat_market_does_not(self) -> None:
        rise, flat = MarketGauge(window=25), MarketGauge(window=25)
        for minute in range(60):
            price = 100.0 * 1.001**minute
            rise.see(MIDNIGHT + minute * MINUTE, price, price)
            flat.see(MIDNIGHT + minute * MINUTE, 100.0, 100.0)
        assert rise.measures().trend == pytest.approx(5.0)  # 25 r / sqrt(25 r^2)
        assert flat.measures() == MarketMeasures(0.0, 0.0, 0.0)

    def test_it_is_unknown_until_there_are_eight_returns(self) -> None:
        gauge = MarketGauge()
        assert all(map(math.isnan, gauge.measures()))
        for minute in range(8):
            gauge.see(MIDNIGHT + minute * MINUTE, 100.0 + minute, 101.0 + minute)
        assert math.isnan(gauge.measures().volatility)
        assert not math.isnan(gauge.measures().spread_bps)
        gauge.see(MIDNIGHT + 8 * MINUTE, 108.0, 109.0)
        assert gauge.measures().volatility > 0.0

    @pytest.mark.parametrize(
        ("bid", "ask"),
        [
            (math.nan, 1.0),
            (1.0, math.nan),
            (0.0, 1.0),
            (-1.0, 1.0),
            (101.0, 100.0),
            (1.0, math.inf),
            (1e308, 1e308),
        ],
    )
    def test_a_bad_quote_leaves_no_trace(self, bid: float, ask: float) -> None:
        clean, struck = MarketGauge(), MarketGauge()
        for minute in range(20):
            for gauge in (clean, struck):
                gauge.see(MIDNIGHT + minute * MINUTE, 100.0 + minute % 3, 101.0 + minute % 3)
            struck.see(MIDNIGHT + minute * MINUTE + 1, bid, ask)
            struck.see(MIDNIGHT - MINUTE, 50.0, 51.0)
        assert struck.measures() == clean.measures()

    def test_quotes_at_one_instant_give_no_volatility(self) -> None:
        gauge = MarketGauge()
        for step in range(20):
            gauge.see(MIDNIGHT, 100.0 + step, 100.0 + step)
        assert math.isnan(gauge.measures().volatility)


class TestMarketTrigger:
    def test_certain_chance_starts_at_the_next_evaluation_and_stops_after_its_duration(self) -> None:
        config = strategy(when(MarketCondition.LOW_VOLATILITY, 1.0, 5.0))
        updates = [(minute / 2, QUIET, 0) for minute in range(18)]  # every half minute, 0 .. 8.5
        assert play(config, updates) == [
            (1.0, "started", "low_volatility", 1.0),
            (6.0, "stopped", "low_volatility", 0.0),
            (7.0, "started", "low_volatility", 1.0),
        ]

    def test_no_chance_never_starts(self) -> None:
        config = strategy(when(MarketCondition.LOW_VOLATILITY, 0.0), hourly=0.0)
        assert play(config, [(float(minute), QUIET, minute) for minute in range(5000)]) == []

    def test_it_waits_until_its_condition_holds(self) -> None:
        config = strategy(when(MarketCondition.HIGH_VOLATILITY, 1.0, 2.0))
        updates = [(float(minute), STORM if minute == 4 else QUIET, 0) for minute in range(10)]
        assert play(config, updates) == [
            (4.0, "started", "high_volatility", 1.0),
            (6.0, "stopped", "high_volatility", 0.0),
        ]

    def test_only_the_first_update_of_an_interval_is_evaluated(self) -> None:
        config = strategy(when(MarketCondition.HIGH_VOLATILITY))
        assert play(config, [(0.0, QUIET, 0), (1.0, QUIET, 0), (1.5, STORM, 0), (2.0, QUIET, 0)]) == []

    def test_unknown_measures_start_nothing(self) -> None:
        config = strategy(*(when(condition) for condition in MarketCondition))
        assert play(config, [(float(minute), UNKNOWN, 0) for minute in range(100)]) == []

    def test_the_longest_duration_bounds_a_condition_s_own(self) -> None:
        config = strategy(when(MarketCondition.CALM, 1.0, 60.0), longest=3.0)
        updates = [(float(minute), QUIET, 0) for minute in range(5)]
        assert play(config, updates)[:2] == [(1.0, "started", "calm", 1.0), (4.0, "stopped", "calm", 0.0)]

    def test_a_sparse_market_stops_it_at_the_first_update_past_the_end(self) -> None:
        config = strategy(when(MarketCondition.CALM, 1.0, 5.0))
        assert play(config, [(0.0, QUIET, 0), (1.0, QUIET, 0), (1440.0, QUIET, 0)]) == [
            (1.0, "started", "calm", 1.0),
            (1440.0, "stopped", "calm", 0.0),
        ]

    def test_the_chance_of_an_evaluation_is_its_rate_over_a_long_run(self) -> None:
        """Probability 0.1 in each of 20,000 evaluations that are not spent running: mean 2,000 starts, deviation
        sqrt(20000 * 0.1 * 0.9) = 42.4; five deviations are 212."""
        config = strategy(when(MarketCondition.CALM, 0.1, 0.5))
        trigger = ChaosTrigger(config, 7, EACH_MINUTE)
        starts = 0
        for minute in range(20_001):
            event = trigger.update(MIDNIGHT + minute * MINUTE, QUIET, 0)
            starts += event is not None and event.kind == STARTED
            trigger.update(
                MIDNIGHT + minute * MINUTE + MINUTE // 2, QUIET, 0
            )  # the stop, before the next evaluation
        assert abs(starts - 2_000) < 212


class TestHourlyChance:
    @pytest.mark.parametrize("minutes", [1.0, 15.0, 60.0])
    def test_the_hourly_probability_is_the_share_of_hours_with_a_start(self, minutes: float) -> None:
        """p = 0.05 over 4,000 hours: 200 hours with a start, deviation sqrt(4000 * 0.05 * 0.95) = 13.8, five are 69.

        However finely the hour is cut: 1 - (1 - q) ** n = p for n evaluations of q = 1 - (1 - p) ** (1 / n).
        """
        settings = TriggerSettings(evaluation_interval_minutes=minutes)
        trigger = ChaosTrigger(strategy(hourly=0.05, longest=0.4), 11, settings)
        step = round(minutes * MINUTE)
        hours = set()
        for count in range(1, int(4_000 * 60 / minutes) + 1):
            event = trigger.update(MIDNIGHT + count * step, UNKNOWN, 0)
            if event is not None and event.kind == STARTED:
                hours.add(count * step // (60 * MINUTE))
                trigger.update(MIDNIGHT + count * step + MINUTE // 2, UNKNOWN, 0)
        assert abs(len(hours) - 200) < 69

    def test_daily_updates_give_the_chance_of_the_whole_day(self) -> None:
        """1 - 0.95 ** 24 = 0.708 a day over 2,000 days: 1,416, deviation sqrt(2000 * 0.708 * 0.292) = 20.3."""
        trigger = ChaosTrigger(strategy(hourly=0.05, longest=1.0), 3, EACH_MINUTE)
        starts = 0
        for day in range(2_001):
            event = trigger.update(MIDNIGHT + day * 1440 * MINUTE, UNKNOWN, 0)
            starts += event is not None and event.kind == STARTED
            trigger.update(MIDNIGHT + day * 1440 * MINUTE + MINUTE, UNKNOWN, 0)
        assert abs(starts - 1_416) < 102

    def test_a_certain_hour_starts_at_the_first_evaluation(self) -> None:
        updates = [(float(minute), UNKNOWN, 0) for minute in range(14)]
        assert play(strategy(hourly=1.0), updates) == [
            (1.0, "started", "trigger_probability", 1.0),
            (11.0, "stopped", "trigger_probability", 0.0),
            (12.0, "started", "trigger_probability", 1.0),
        ]

    def test_a_clock_that_goes_back_evaluates_nothing(self) -> None:
        assert play(strategy(hourly=1.0), [(60.0, UNKNOWN, 0), (10.0, UNKNOWN, 0), (60.5, UNKNOWN, 0)]) == []


class TestBreachCount:
    def test_it_starts_at_the_count_and_doubles_with_each_further_breach(self) -> None:
        config = strategy(after_breaches(3, 2.0), longest=10.0)
        breaches = [(0.0, 0), (0.1, 2), (0.2, 3), (0.3, 3), (0.4, 4), (0.5, 6), (10.1, 6), (10.2, 6)]
        assert play(config, [(at, UNKNOWN, count) for at, count in breaches]) == [
            (0.2, "started", "risk_breach_count", 1.0),
            (0.4, "escalated", "risk_breach_count", 2.0),
            (0.5, "escalated", "risk_breach_count", 8.0),
            (10.2, "stopped", "risk_breach_count", 0.0),
        ]

    def test_breaches_beyond_the_count_at_the_start_escalate_at_once(self) -> None:
        updates = [(0.0, UNKNOWN, 0), (0.1, UNKNOWN, 5)]
        assert play(strategy(after_breaches(3, 2.0)), updates) == [(0.1, "started", "risk_breach_count", 4.0)]

    def test_after_a_stop_it_takes_the_whole_count_again(self) -> None:
        config = strategy(after_breaches(2, minutes=1.0))
        breaches = [(0.0, 0), (1.0, 2), (2.0, 5), (3.0, 6), (4.0, 7)]
        assert play(config, [(at, UNKNOWN, count) for at, count in breaches]) == [
            (1.0, "started", "risk_breach_count", 1.0),
            (2.0, "stopped", "risk_breach_count", 0.0),
            (4.0, "started", "risk_breach_count", 1.0),
        ]

    def test_intensity_ends_at_a_hundred_however_many_breaches_there_are(self) -> None:
        updates = [(0.0, UNKNOWN, 1), (0.1, UNKNOWN, 7), (0.2, UNKNOWN, 8), (0.3, UNKNOWN, 10**9)]
        assert [event[3] for event in play(strategy(after_breaches(1, 2.0)), updates)] == [1.0, 64.0, 100.0]

    def test_a_strategy_that_the_market_started_does_not_escalate(self) -> None:
        config = strategy(when(MarketCondition.CALM), after_breaches(1, 2.0))
        updates = [(0.0, QUIET, 0), (1.0, QUIET, 0), (2.0, QUIET, 9)]
        assert play(config, updates) == [(1.0, "started", "calm", 1.0)]


class TestLuck:
    @pytest.mark.parametrize("place", [-1, 0, 3])
    def test_it_is_uniform(self, place: int) -> None:
        """20,000 draws in ten bins: chi-square of 9 degrees, 99.99 % below 33.7."""
        draws = np.array([luck(12345, slot, place) for slot in range(20_000)])
        assert draws.min() >= 0.0
        assert draws.max() < 1.0
        counts = np.histogram(draws, bins=10, range=(0.0, 1.0))[0]
        assert ((counts - 2_000) ** 2 / 2_000).sum() < 33.7

    def test_triggers_and_strategies_draw_apart(self) -> None:
        first, second = ([luck(1, slot, place) for slot in range(5_000)] for place in (0, 1))
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
        assert first[1:] != first[:-1]

    def test_the_key_of_a_first_draw_is_the_published_sequence(self) -> None:
        """SplitMix64 from state 0 gives 0xE220A8397B1DCDAF; place -1 adds nothing before its own mixing."""

        def mixed(value: int) -> int:
            value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
            value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) % 2**64
            return value ^ (value >> 31)

        assert mixed(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF
        assert luck(0, 0, -1) == (mixed(0xE220A8397B1DCDAF) >> 11) / 2**53

    @given(key=st.integers(0, 2**64 - 1), slot=st.integers(0, 2**40), place=st.integers(-1, 20))
    def test_it_stays_in_its_range(self, key: int, slot: int, place: int) -> None:
        assert 0.0 <= luck(key, slot, place) < 1.0


def events_of(triggers: ChaosTriggers, minutes: range) -> list[TriggerEvent]:
    measures = (QUIET, STORM)
    return [
        event
        for minute in minutes
        for event in triggers.update(MIDNIGHT + minute * MINUTE, measures[minute // 90 % 2], minute // 40)
    ]


SEVERAL = (
    strategy(when(MarketCondition.LOW_VOLATILITY, 0.05, 5.0), hourly=0.2, name="runaway"),
    strategy(after_breaches(3, 2.0), name="ignoring"),
    strategy(when(MarketCondition.HIGH_VOLATILITY, 0.1), hourly=0.1, longest=3.0, name="amplifier"),
)


class TestSeveral:
    def test_the_same_seed_gives_the_same_run_and_another_seed_another(self) -> None:
        runs = [events_of(ChaosTriggers(SEVERAL, seed, EACH_MINUTE), range(3_000)) for seed in (5, 5, 6)]
        assert runs[0] == runs[1]
        assert runs[0] != runs[2]
        assert {event.name for event in runs[0]} == {"runaway", "ignoring", "amplifier"}

    def test_a_generator_seeds_it(self) -> None:
        runs = [
            events_of(ChaosTriggers(SEVERAL, np.random.default_rng(seed), EACH_MINUTE), range(1_000))
            for seed in (9, 9, 10)
        ]
        assert runs[0] == runs[1]
        assert runs[0] != runs[2]

    def test_one_strategy_does_not_change_the_luck_of_another(self) -> None:
        together = events_of(ChaosTriggers(SEVERAL, 5, EACH_MINUTE), range(3_000))
        alone = events_of(ChaosTriggers(SEVERAL[2:], 5, EACH_MINUTE), range(3_000))
        assert [event for event in together if event.name == "amplifier"] == alone

    def test_updates_passed_over_would_have_changed_nothing(self) -> None:
        """Every 20 s; one by one each trigger looks at every update."""
        together = ChaosTriggers(SEVERAL, 5, EACH_MINUTE)
        apart = [ChaosTrigger(config, 5, EACH_MINUTE) for config in SEVERAL]
        count = 0
        for third in range(6_000):
            at, breaches = MIDNIGHT + third * MINUTE // 3, third // 100
            measures = STORM if third % 500 > 250 else QUIET
            changes = [trigger.update(at, measures, breaches) for trigger in apart]
            assert together.update(at, measures, breaches) == [event for event in changes if event]
            count += len(changes) - changes.count(None)
        assert count > 100

    @pytest.mark.parametrize("cut", [1, 137, 1_500])
    def test_a_run_that_goes_on_from_its_states_is_the_run_that_never_stopped(self, cut: int) -> None:
        whole = events_of(ChaosTriggers(SEVERAL, 5, EACH_MINUTE), range(3_000))
        first = ChaosTriggers(SEVERAL, 5, EACH_MINUTE)
        head = events_of(first, range(cut))
        second = ChaosTriggers(SEVERAL, 5, EACH_MINUTE, first.states)
        assert second.active == first.active
        assert head + events_of(second, range(cut, 3_000)) == whole

    def test_active_names_what_runs_with_its_intensity(self) -> None:
        triggers = ChaosTriggers(SEVERAL[1:2], 5, EACH_MINUTE)
        triggers.update(MIDNIGHT, UNKNOWN, 0)
        assert triggers.active == {}
        triggers.update(MIDNIGHT + 1, UNKNOWN, 4)
        assert triggers.active == {"ignoring": 2.0}
        triggers.update(MIDNIGHT + 11 * MINUTE, UNKNOWN, 4)
        assert triggers.active == {}

    def test_measures_are_due_once_per_interval(self) -> None:
        triggers = ChaosTriggers(SEVERAL, 5, EACH_MINUTE)
        due = []
        for half_minute in range(5):
            at = MIDNIGHT + half_minute * MINUTE // 2
            due.append(triggers.due(at))
            triggers.update(at, QUIET, 0)
        assert due == [True, False, True, False, True]

    @given(
        counts=st.lists(st.integers(0, 3), min_size=1, max_size=60),
        gaps=st.lists(st.integers(0, 200), min_size=60, max_size=60),
        seed=st.integers(0, 5),
    )
    def test_no_run_exceeds_its_longest_duration_and_events_alternate(
        self, counts: list[int], gaps: list[int], seed: int
    ) -> None:
        """Gaps in seconds; a run may outlast its end only until the next update."""
        trigger = ChaosTrigger(strategy(after_breaches(2, 1.5), hourly=0.9, longest=2.0), seed, EACH_MINUTE)
        now, breaches, before = MIDNIGHT, 0, TriggerState()
        for count, gap in zip(counts, gaps, strict=False):
            now += gap * 1_000_000_000
            breaches += count
            event = trigger.update(now, UNKNOWN, breaches)
            after = trigger.state
            if after.active:
                assert after.ends_ns - after.started_ns == 2 * MINUTE
                assert after.started_ns <= now < after.ends_ns
                assert 1.0 <= after.intensity <= 100.0
            changed = None if event is None else event.kind
            expected = {(False, True): STARTED, (True, False): STOPPED}.get((before.active, after.active))
            assert changed == expected or (changed == ESCALATED and before.intensity < after.intensity)
            before = after


@pytest.mark.parametrize(
    ("config", "settings", "phrase"),
    [
        (strategy(hourly=1.5), TriggerSettings(), "probability from 0 to 1, found 1.5"),
        (strategy(hourly=math.nan), TriggerSettings(), "found nan"),
        (strategy(longest=0.0), TriggerSettings(), "minutes above 0"),
        (strategy(TriggerCondition()), TriggerSettings(), "either market_condition or risk_breach_count"),
        (strategy(after_breaches(0)), TriggerSettings(), "whole number, 1 or above, found 0"),
        (strategy(after_breaches(1, 0.5)), TriggerSettings(), "from 1 to 100, found 0.5"),
        (strategy(), TriggerSettings(evaluation_interval_minutes=0.0), "from 0.001"),
        (
            strategy(),
            TriggerSettings(thresholds=MarketThresholds(high_volatility=0.1)),
            "low_volatility at or below",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    config: ChaosStrategyConfig, settings: TriggerSettings, phrase: str
) -> None:
    with pytest.raises(ChaosError, match=phrase):
        ChaosTrigger(config, 1, settings)


def test_two_strategies_of_one_name_and_a_negative_seed_are_refused() -> None:
    with pytest.raises(ChaosError, match="'chaos' twice"):
        ChaosTriggers([strategy(), strategy()], 1)
    with pytest.raises(ChaosError, match="seed of 0 or above, found -1"):
        ChaosTriggers([strategy()], -1)
