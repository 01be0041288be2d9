"""wb.campaign: each cell is a chaos backtest; its figures and its fingerprint are the same."""

from __future__ import annotations

import math
import os
import signal
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.parity.columns import Completing, Reversal
from workbench.chaos.kinds import ChaosKind
from workbench.core.outcome import judge
from workbench.errors import (
    ChaosError,
    ConfigError,
    LimitsError,
    ParameterError,
    StrategyError,
    WorkbenchError,
)
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy
from workbench.sweeps import campaign as campaigns
from workbench.sweeps import campaign_cells as cells

TIGHT = {
    "position_limits": {
        "BTC-USD": {"max_long": 3.0, "max_short": -3.0},
        "ETH-USD": {"max_long": 3.0, "max_short": -3.0},
    },
    "circuit_breakers": {"portfolio_loss_pct": -0.2, "single_strategy_loss": -9_000.0},
}


def same(left: float, right: float) -> bool:
    return (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-7)


def assert_cell_is_a_chaos_backtest(found: wb.CampaignResult, cell: int) -> None:
    row: Any = found.table.loc[cell]
    replayed = found.replay(cell)
    [outcome] = replayed.outcomes
    recovery = math.nan if outcome.recovery_seconds is None else outcome.recovery_seconds
    assert same(outcome.damage_usd, row["damage_usd"])
    assert same(outcome.worst_damage_usd, row["worst_damage_usd"])
    assert (outcome.breach_count, outcome.emergency_stops) == (row["breaches"], row["breaker_trips"])
    assert same(recovery, row["recovery_seconds"])
    assert found.column(cell).fingerprint == replayed.fingerprint


def test_every_kind_of_chaos_has_the_outcome_of_its_replay(pair: wb.Prices) -> None:
    found = wb.campaign(
        Reversal,
        pair,
        {"run": [1, 2]},
        intensities=2,
        starts=1,
        duration="25min",
        limits=TIGHT,
        config={"unit": 0.2},
        initial_cash=60_000.0,
    )
    assert len(found) == len(ChaosKind) * 2 * 2
    assert set(found.table["kind"]) == set(ChaosKind)
    for cell in found.table.groupby("kind").tail(1).index:
        assert_cell_is_a_chaos_backtest(found, int(cell))
    assert (found.table["damage_usd"] != 0.0).mean() > 0.5
    assert (found.table["worst_exposure"] <= 1.0 + 1e-9).all()


def test_what_happens_at_the_very_end_counts(minutes: wb.Prices) -> None:
    """A strategy that sends more than is looked at is stopped at its fifth update, which is the last of all."""
    start = (minutes.end - pd.Timedelta("4min")).to_pydatetime()
    found = wb.campaign(
        Reversal, minutes, {"run": [1]}, kinds="runaway", intensities=[11.0], starts=[start], duration="5min"
    )
    assert_cell_is_a_chaos_backtest(found, 0)
    assert found.table.loc[0, "breaker_trips"] == 1


@pytest.mark.parametrize("kind", ["out_of_order_fills", "duplicate_fills", "latency_spike", "runaway"])
def test_an_event_to_the_end_of_the_prices_has_the_outcome_of_its_replay(
    minutes: wb.Prices, kind: str
) -> None:
    found = wb.campaign(
        Reversal,
        minutes,
        {"run": [1]},
        kinds=kind,
        starts=[(minutes.end - pd.Timedelta(f"{n}min")).to_pydatetime() for n in (2, 5, 20)],
        duration="2min",
        limits={**TIGHT, "circuit_breakers": {"portfolio_loss_pct": -0.0005}},
        config={"unit": 2.0},
        initial_cash=60_000.0,
    )
    for cell in range(len(found)):
        assert_cell_is_a_chaos_backtest(found, cell)


def test_limits_that_are_off_let_the_exposure_run_away(minutes: wb.Prices) -> None:
    """The control switched off: the same campaign then breaks the limit that it kept."""
    arguments: dict[str, Any] = {"kinds": "runaway", "intensities": [2.0], "starts": 1, "duration": "10min"}
    kept = wb.campaign(Reversal, minutes, {"run": [1]}, limits=TIGHT, **arguments)
    off = wb.RiskLimits.unlimited()
    loose = wb.campaign(Reversal, minutes, {"run": [1]}, limits=off, **arguments)
    held = [result.column(0).record.desk.view.symbols[0].worst_long for result in (kept, loose)]
    assert held[0] <= 3.0 < held[1]
    assert kept.table["worst_exposure"].max() == pytest.approx(held[0] / 3.0)
    assert loose.table["worst_damage_usd"].max() > kept.table["worst_damage_usd"].max()


def test_several_strategies_parameters_starts_and_seeds(pair: wb.Prices) -> None:
    found = wb.campaign(
        {"fast": Reversal, "legs": Completing},
        pair,
        {"fast": {"run": [1, 2, 3]}, "legs": {"gap": [1e-4]}},
        kinds=["slow_leak", "bad_tick"],
        intensities={"slow_leak": [5.0], "bad_tick": [0.2, 0.9]},
        starts=2,
        seeds=3,
        duration="20min",
    )
    table = found.table
    assert len(table) == (3 + 1) * (1 + 2) * 2 * 3
    assert table.columns[:3].tolist() == ["strategy", "run", "gap"]
    assert table.groupby("strategy").size().to_dict() == {"fast": 54, "legs": 18}
    assert table["gap"].notna().sum() == 18
    random = np.random.default_rng(0)
    for cell in random.choice(len(table), 6, replace=False).tolist():
        assert_cell_is_a_chaos_backtest(found, cell)


def test_survival_worst_and_comparison(minutes: wb.Prices) -> None:
    found = wb.campaign(
        Reversal,
        minutes,
        {"run": [1, 2]},
        kinds=["price_gap", "runaway"],
        intensities=3,
        starts=2,
        config={"unit": 2.0},
        limits=TIGHT,
        initial_cash=60_000.0,
    )
    shares = found.survival()
    assert shares.loc["all", "all"] == pytest.approx(found.table["survived"].mean())
    assert shares.columns.tolist() == [1, 2, 3, "all"]
    worst = found.worst(3)
    assert worst["damage_usd"].is_monotonic_decreasing
    assert worst["damage_usd"].iloc[0] == found.table["damage_usd"].max()
    tighter = {**TIGHT, "position_limits": {"BTC-USD": {"max_long": 1.0, "max_short": -1.0}}}
    both = found.compare(TIGHT, tighter)
    expected = both.chaos["damage_a"] - both.chaos["damage_b"]
    pd.testing.assert_series_equal(both.chaos["saved"], expected, check_names=False)
    assert both.normal.index.tolist() == ["Reversal"]
    pd.testing.assert_series_equal(
        both.normal["cost"], both.normal["pnl_a"] - both.normal["pnl_b"], check_names=False
    )
    assert "cells" in repr(found)
    assert "<table" in found._repr_html_()


class Plain(TradingStrategy):
    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        del price_update
        return []

    def on_order_fill(self, fill: OrderFill) -> None: ...

    def on_risk_breach(self, breach: RiskBreach) -> None: ...


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"kinds": "meteor"}, ChaosError, "unknown chaos kind 'meteor'"),
        ({"kinds": []}, ChaosError, "kinds must name at least one"),
        ({"intensities": 0}, ChaosError, "intensities must be 1 or more"),
        ({"intensities": {"runawy": [1]}}, ChaosError, "intensities names no chaos kind 'runawy'"),
        ({"kinds": "runaway", "intensities": [-1.0]}, ChaosError, "intensity"),
        ({"starts": ["1999-01-01"]}, ChaosError, "outside the prices"),
        ({"seeds": []}, ChaosError, "seeds must hold at least one"),
        ({"target": "DOGE"}, ChaosError, "no strategy 'DOGE' in this run; there is: Reversal"),
        ({"kinds": "price_gap", "target": "DOGE"}, ChaosError, "no symbol or venue 'DOGE'"),
        ({"kinds": "runaway", "starts": ["1999-01-01"]}, ChaosError, "outside the prices"),
        (
            {"starts": "garbage"},
            ChaosError,
            "starts must be times such as '2024-01-31 14:30', found 'garbage'",
        ),
        ({"starts": 1.5}, ChaosError, "starts must be a list of times, found 1.5"),
        ({"starts": [None]}, ChaosError, "starts must be times such as '2024-01-31 14:30', found None"),
        ({"intensities": "abc"}, ChaosError, "a number of levels or a list of numbers, found 'abc'"),
        ({"intensities": ["x"]}, ChaosError, "a number of levels or a list of numbers, found ['x']"),
        ({"seeds": "x"}, ChaosError, "seeds must be a list of whole numbers, found 'x'"),
        ({"seeds": 1.5}, ChaosError, "seeds must be a list of whole numbers, found 1.5"),
        ({"seeds": [1.5]}, ChaosError, "seed must be a whole number from 0, found 1.5"),
        ({"kinds": 5}, ChaosError, "kinds must be a list of kinds of chaos, found 5"),
        ({"workers": -1}, ConfigError, "workers must be a whole number from 1"),
        ({"workers": "x"}, ConfigError, "workers must be a whole number from 1"),
        ({"workers": 1.5}, ConfigError, "workers must be a whole number from 1"),
        ({"config": [1]}, ParameterError, "config must map parameters to values, found [1]"),
        ({"params": [1]}, ParameterError, "params must map parameters to values, found [1]"),
        (
            {"strategies": {"a": Reversal, "b": Reversal}, "params": {"a": 5}},
            ParameterError,
            "params of a must",
        ),
        ({"strategies": 5}, StrategyError, "expected a strategy class or a script's path, found 5"),
        ({"where": 5}, ConfigError, "where must be a function"),
        (
            {"strategies": "strategies/sma_cross.py", "params": {"slow": [500, 600]}},
            StrategyError,
            "needs at least 501 prices before its first signal (slow + 1)",
        ),
        ({"strategies": Plain}, StrategyError, "is no CompiledStrategy; use ChaosBacktester"),
        (
            {"strategies": {"a": Reversal, "b": Reversal}, "params": {"c": {"run": [1]}}},
            ParameterError,
            "there is: a, b",
        ),
        ({"params": {"runs": [1]}}, ParameterError, "no parameter 'runs'"),
    ],
)
def test_bad_input_is_one_line_before_any_work(
    minutes: wb.Prices,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    error: type[WorkbenchError],
    words: str,
) -> None:
    monkeypatch.setattr("workbench.sweeps.campaign.Setting", None)
    arguments = {"strategies": Reversal, "params": {"run": [1]}, **change}
    with pytest.raises(error) as caught:
        wb.campaign(arguments.pop("strategies"), minutes, **arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_chaos_of_signals_may_speak_for_a_strategy_that_cannot(minutes: wb.Prices) -> None:
    found = wb.campaign(
        "strategies/sma_cross.py", minutes, {"slow": [500]}, kinds="runaway", intensities=1, starts=1
    )
    assert found.table["final_equity"].tolist() != found.table["normal_equity"].tolist()


SOME: dict[str, Any] = {"kinds": ["bad_tick", "price_gap"], "intensities": 1, "starts": 2}


def test_an_interrupt_keeps_the_cells_that_are_finished(
    minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C while the second block of parameter sets plays without chaos."""
    whole = wb.campaign(Reversal, minutes, {"run": [1, 2, 3]}, **SOME)
    monkeypatch.setattr(campaigns, "PATH_BYTES", 1)  # a block for each of them
    together, calls = cells.together, []

    def interrupt(*given: Any) -> bool:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return together(*given)

    monkeypatch.setattr(cells, "together", interrupt)
    capsys.readouterr()
    found = wb.campaign(Reversal, minutes, {"run": [1, 2, 3]}, **SOME)
    assert found.interrupted
    assert capsys.readouterr().err == "interrupted: 4 of 12 cells are finished and kept\n"
    kept = whole.table[whole.table["run"] == 1].reset_index(drop=True).rename_axis("cell")
    pd.testing.assert_frame_equal(found.table, kept)
    alone = wb.campaign(Reversal, minutes, {"run": [1]}, **SOME)
    assert found.normal_pnl().tolist() == alone.normal_pnl().tolist()  # what was never run is no loss of all


def test_an_interrupt_in_the_middle_of_an_event_keeps_the_columns_before_it(
    minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[Any] = []

    def interrupt(*given: Any) -> None:
        judge(*given)
        judged.append(given)
        if len(judged) == 2:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)

    monkeypatch.setattr(cells, "judge", interrupt)
    found = wb.campaign(Reversal, minutes, {"run": [1, 2, 3]}, workers=1, **SOME)
    assert found.interrupted
    assert found.table["run"].tolist() == [1, 2]


def test_an_interrupt_before_the_first_cell_is_an_empty_table(
    minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(cells, "together", interrupt)
    found = wb.campaign(Reversal, minutes, {"run": [1]}, **SOME)
    assert found.interrupted
    assert len(found) == 0
    assert found.survival().empty
    assert found.normal_pnl().isna().all()
    assert "0 cells" in found._repr_html_()


def test_what_was_interrupted_is_not_compared(minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch) -> None:
    found = wb.campaign(Reversal, minutes, {"run": [1]}, **SOME)
    monkeypatch.setattr(cells, "together", lambda *_: True)
    with pytest.raises(KeyboardInterrupt, match="interrupted, and what it found cannot be compared"):
        found.compare(TIGHT, TIGHT)
    monkeypatch.setattr(cells, "together", lambda *_: pytest.fail("the first campaign has begun"))
    with pytest.raises(LimitsError, match="nonsense"):
        found.compare(TIGHT, {"nonsense": 1})


def test_a_comparison_takes_what_can_be_read_once(minutes: wb.Prices) -> None:
    given = {**SOME, "kinds": iter(["bad_tick"]), "starts": iter(["2024-01-01 01:00"])}
    found = wb.campaign(Reversal, minutes, {"run": iter([1, 2])}, **given)
    assert found.compare(TIGHT, TIGHT).chaos["saved"].tolist() == [0.0]


def test_survival_over_one_column_twice_is_one_error(minutes: wb.Prices) -> None:
    found = wb.campaign(Reversal, minutes, {"run": [1]}, **SOME)
    with pytest.raises(
        ConfigError, match="expected two columns, one down and one across, found 'kind' for both"
    ):
        found.survival("kind", "kind")


def test_a_cell_that_is_not_there(minutes: wb.Prices) -> None:
    found = wb.campaign(Reversal, minutes, {"run": [1]}, kinds="bad_tick", intensities=[0.5], starts=1)
    with pytest.raises(ConfigError, match="no cell 7; cells are numbered 0 to 0"):
        found.replay(7)
