"""The chaos lab without a browser: a campaign, its worst case, limits before and after."""

from __future__ import annotations

import asyncio
import math
from datetime import date

import pytest

from workbench.core.limits import PositionLimit, RiskLimits
from workbench.dashboards.state.campaigns import Place
from workbench.dashboards.state.chaos import ChaosState
from workbench.dashboards.state.limit_sets import limits_choices, scaled


@pytest.fixture(scope="module")
def run() -> ChaosState:
    """A lab that has run two faults."""
    state = ChaosState()
    state.param.update(kinds=["runaway", "price_gap"], levels=2, starts=2)
    asyncio.run(state.run())
    return state


def test_limits_are_scaled_and_stay_sound() -> None:
    limits = RiskLimits(position_limits={"A": PositionLimit(max_long=10.0, max_short=-4.0)})
    tight = scaled(limits, 0.25)
    assert tight.position_limits["A"] == PositionLimit(2.5, -1.0, math.inf, -math.inf)
    assert tight.notional_limits.per_strategy == 250_000.0
    assert tight.circuit_breakers.single_strategy_loss == -12_500.0
    assert tight.circuit_breakers.rapid_drawdown_minutes == 10.0
    assert tight.tighter_than(limits)


def test_every_set_of_limits_is_sound() -> None:
    for name, make in limits_choices().items():
        assert make().problems() == [], name


def test_a_campaign_has_a_surface_and_its_worst_place_is_looked_into(run: ChaosState) -> None:
    assert run.error == ""
    surface = run.surface
    assert surface is not None
    assert list(surface.index) == ["price_gap", "runaway"]
    assert [int(level) for level in surface.columns] == [1, 2]
    assert run.place == run.worst_place()
    assert run.place.kind == "runaway"
    assert not run.case["survived"]


def test_the_next_page_begins_with_what_the_first_has_worked_out(run: ChaosState) -> None:
    state = ChaosState()
    state.param.update(kinds=["runaway", "price_gap"], levels=2, starts=2)
    assert state.recall()
    assert state.campaign.result is run.campaign.result
    assert state.place == run.place
    assert repr(state.case) == repr(run.case)  # a figure in it may be no number
    assert state.worst is run.worst
    assert state.comparison.by_kind.equals(run.comparison.by_kind)
    state = ChaosState()
    state.param.update(kinds=["runaway", "price_gap"], levels=3, starts=2)
    assert not state.recall()
    assert (state.campaign, state.tried) == (None, False)


def test_the_worst_case_is_the_same_run_again(run: ChaosState) -> None:
    assert run.worst.fingerprint == run.campaign.result.column(run.case["cell"]).fingerprint
    assert [str(event.kind) for event in run.worst.chaos] == ["runaway"]


def test_a_click_finds_its_place_with_words_from_the_top_down(run: ChaosState) -> None:
    assert run.nearest(1.1, 0.9) == {"level": 1, "kind": "price_gap"}
    assert run.nearest(2.4, 0.0) == {"level": 2, "kind": "runaway"}
    assert run.nearest(5.0, 0.0) is None


def test_a_click_replays_the_worst_case_of_its_place(run: ChaosState) -> None:
    asyncio.run(run.look_into({"kind": "price_gap", "level": 1}))
    assert run.place == Place("price_gap", 1)
    table = run.campaign.result.table
    mine = table[(table["kind"] == "price_gap") & (table["level"] == 1)]
    assert run.case["worst_damage_usd"] == mine["worst_damage_usd"].max()


def test_where_survival_is_the_measure_the_least_is_worst(run: ChaosState) -> None:
    run.measure = "survived"
    place = run.worst_place()
    run.measure = "worst_damage_usd"
    assert place is not None
    assert place.kind == "runaway"


def test_a_quarter_of_the_limits_leaves_less_of_a_runaway(run: ChaosState) -> None:
    found = run.comparison
    assert found.names == ("House default", "A quarter of the house default")
    row = found.by_kind.loc["runaway"]
    assert row["worst_damage_b"] < row["worst_damage_a"]
    assert found.calm[0] == found.calm[1]


def test_other_limits_are_compared_on_request(run: ChaosState) -> None:
    run.other_limits = "House default"
    asyncio.run(run.compare())
    assert (
        run.comparison.by_kind["worst_damage_a"].tolist() == run.comparison.by_kind["worst_damage_b"].tolist()
    )


def test_what_cannot_be_run_is_one_line() -> None:
    state = ChaosState()
    state.kinds = []
    asyncio.run(state.run())
    assert state.error == "choose at least one fault"
    state.param.update(kinds=["runaway"], start=date(1950, 1, 1), end=date(1951, 1, 1))
    asyncio.run(state.run())
    assert "1950" in state.error
    assert state.campaign is None


def test_only_compiled_strategies_are_offered() -> None:
    state = ChaosState()
    assert "sma_cross" in state.param.strategy.objects
    assert all(choice.compiled for choice in state.choices.values())
