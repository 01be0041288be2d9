"""The research lab without a browser: what follows from what is chosen, a sweep, a cell, pins."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import pytest

import workbench as wb
from workbench.dashboards.state.choices import load_prices, price_choices, unit_for, usual_values
from workbench.dashboards.state.grids import Axis
from workbench.dashboards.state.research import ResearchState
from workbench.data.store import Catalog
from workbench.errors import DataError, ParameterError


@pytest.fixture(scope="module")
def swept() -> ResearchState:
    """A lab that has swept what it begins with."""
    state = ResearchState()
    asyncio.run(state.run())
    return state


def test_an_axis_is_even_and_whole_where_its_parameter_is() -> None:
    assert Axis("fast", 5, 20, 4, whole=True).values == [5, 10, 15, 20]
    assert Axis("fast", 1, 3, 9, whole=True).values == [1, 2, 3]
    assert Axis("width", 0.1, 0.3, 3, whole=False).values == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(("low", "high", "count"), [(5, 1, 3), (1, 5, 0), (1, 5, 61)])
def test_an_axis_that_makes_no_sense_is_told(low: float, high: float, count: int) -> None:
    with pytest.raises(ParameterError, match="fast: expected"):
        _ = Axis("fast", low, high, count, whole=True).values


@pytest.mark.parametrize(
    ("default", "expected"),
    [(10, (5, 30, 10)), (1, (1, 11, 10)), (0.5, (0.25, 0.75, 10)), (0.0, (0.0, 1.0, 10))],
)
def test_a_first_range_lies_round_the_default(default: float, expected: tuple[float, float, int]) -> None:
    assert usual_values(default) == expected


def test_the_unit_is_worth_about_a_tenth_of_the_capital() -> None:
    prices = wb.synthetic(["A"], ["x"], bars=10, start_prices={"A": 30_000.0}, volatility=0.01)
    assert unit_for(prices) == 2.0  # 3.3 would be a tenth; 1, 2 or 5 times a power of ten


def test_samples_made_up_prices_and_a_catalog_can_be_chosen(tmp_path: Path) -> None:
    Catalog(tmp_path / "data").add(wb.synthetic(["A"], ["x"], bars=10), "mine")
    names = price_choices(tmp_path)
    assert {"sp500", "synthetic-hours", "catalog:mine"} <= set(names.values())
    assert load_prices("catalog:mine", tmp_path).names == ["A@x"]
    with pytest.raises(DataError, match="no prices 'nonsense'"):
        load_prices("nonsense", tmp_path)


def test_another_strategy_brings_its_own_axes_and_parameters() -> None:
    state = ResearchState()
    state.strategy = "rsi"
    assert (state.across, state.down) == ("window", "lower")
    assert set(state.others) == {"unit", "upper", "exit", "long_only"}
    state.down = "upper"
    assert set(state.others) == {"unit", "lower", "exit", "long_only"}
    assert state.down_range == (35.0, 100.0, 10)


def test_other_prices_bring_a_unit_that_suits_them_and_all_their_days() -> None:
    state = ResearchState()
    state.start = date(2010, 1, 1)
    state.prices = "synthetic-hours"
    assert state.start is None
    assert state.others["unit"] == unit_for(load_prices("synthetic-hours", Path()))


def test_a_sweep_is_run_and_its_best_cell_looked_into(swept: ResearchState) -> None:
    assert swept.error == ""
    assert swept.result.axes == ["fast", "slow"]
    best = swept.result.best("sharpe_ratio", 1)
    assert tuple(swept.cell.values()) == best.index[0]
    assert swept.detail.stats()["sharpe_ratio"] == pytest.approx(
        float(best["sharpe_ratio"].iloc[0]), rel=1e-9
    )


def test_the_next_page_begins_with_what_the_first_has_worked_out(swept: ResearchState) -> None:
    state = ResearchState()
    assert state.recall()
    assert (state.result, state.cell) == (swept.result, swept.cell)
    assert state.detail.fingerprint == swept.detail.fingerprint
    assert state.tried
    assert state.doing == ""


@pytest.mark.parametrize("change", [{"across_range": (5.0, 61.0, 12)}, {"down": "fast"}])
def test_nothing_is_shown_of_what_nobody_has_worked_out(change: dict[str, object]) -> None:
    state = ResearchState()
    state.param.update(**change)
    assert not state.recall()
    assert (state.result, state.detail, state.tried) == (None, None, False)


def test_a_click_finds_its_cell_and_nothing_beside_the_plane(swept: ResearchState) -> None:
    assert swept.nearest(21.9, 109.0) == {"fast": 20, "slow": 100}
    assert swept.nearest(-50.0, 100.0) is None
    assert swept.nearest(60.0, 40.0) is None  # fast < slow leaves it out


def test_a_click_looks_into_that_cell(swept: ResearchState) -> None:
    asyncio.run(swept.look_into({"fast": 20, "slow": 100}))
    assert swept.cell == {"fast": 20, "slow": 100}
    assert swept.detail.fingerprint == swept.result.column(fast=20, slow=100).fingerprint


def test_pins_have_letters_and_are_not_kept_twice(swept: ResearchState) -> None:
    for cell in ({"fast": 20, "slow": 100}, {"fast": 30, "slow": 200}, {"fast": 20, "slow": 100}):
        asyncio.run(swept.look_into(cell))
        swept.pin()
    assert [pin.letter for pin in swept.pins] == ["A", "B"]
    assert list(swept.comparison()) == ["A", "B"]
    assert float(swept.growth()["A"].iloc[0]) == pytest.approx(1.0, abs=0.01)
    swept.unpin("A")
    asyncio.run(swept.look_into({"fast": 10, "slow": 40}))
    swept.pin()
    assert [(pin.letter, pin.label.rpartition(": ")[2]) for pin in swept.pins] == [
        ("B", "fast=30, slow=200"),
        ("A", "fast=10, slow=40"),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"down": "fast"}, "needs two parameters"),
        ({"across_range": (9.0, 1.0, 3)}, "expected the lowest first"),
        ({"across_range": (100.0, 200.0, 2), "down_range": (1.0, 2.0, 2)}, "combinations is allowed"),
        ({"start": date(1950, 1, 1), "end": date(1951, 1, 1)}, "1950"),
    ],
)
def test_what_cannot_be_swept_is_one_line(change: dict[str, object], told: str) -> None:
    state = ResearchState()
    for name, value in change.items():
        setattr(state, name, value)
    asyncio.run(state.run())
    assert told in state.error
    assert "\n" not in state.error
    assert state.result is None


def test_a_sweep_in_which_nothing_trades_says_so() -> None:
    state = ResearchState()
    state.strategy = "pairs"  # on symbols that these prices do not have
    state.param.update(prices="wti", across_range=(60.0, 61.0, 2), down_range=(60.0, 61.0, 2))
    asyncio.run(state.run())
    assert state.silent
