"""wb.sweep: what the table says is what each column says in full, whatever axes there are."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.parity.columns import Completing, Reversal
from workbench.errors import ConfigError, ParameterError
from workbench.strategy import CompiledStrategy
from workbench.sweeps.metrics import METRICS
from workbench.sweeps.setting import Room

CROSS = "strategies/sma_cross.py"
ALL = tuple(METRICS)


def close(left: Any, right: Any) -> bool:
    if isinstance(left, pd.Timedelta) or isinstance(right, pd.Timedelta):
        return pd.Timedelta(left) == pd.Timedelta(right)
    a, b = float(left), float(right)
    return (math.isnan(a) and math.isnan(b)) or a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize(
    "limits", [None, wb.RiskLimits.unlimited(), {"drawdown_limits": {"daily_loss": -30.0}}]
)
def test_every_figure_of_every_column_is_that_of_its_backtest(minutes: wb.Prices, limits: Any) -> None:
    found = wb.sweep(
        Reversal, minutes, {"run": [1, 2, 3, 200]}, metrics=ALL, limits=limits, initial_cash=50_000.0
    )
    assert found.table["fills"].max() > 1
    for run in (1, 2, 3, 200):
        row, column = found.table.loc[run], found.column(run=run)
        stats = column.stats(found.periods_per_year)
        wrong = [name for name in ALL if name in stats.index and not close(row[name], stats[name])]
        assert wrong == []
        replayed = wb.backtest(
            Reversal,
            minutes,
            config={"run": run},
            limits=limits,
            initial_cash=50_000.0,
            progress=False,
        )
        assert column.fingerprint == replayed.fingerprint


def test_constraints_and_where_leave_combinations_out(minutes: wb.Prices) -> None:
    found = wb.sweep(CROSS, minutes, {"fast": range(2, 6), "slow": range(2, 6)})
    assert found.table.index.tolist() == [(2, 3), (2, 4), (2, 5), (3, 4), (3, 5), (4, 5)]
    assert (found.trials, found.dropped) == (6, 10)
    found = wb.sweep(
        CROSS, minutes, {"fast": [2, 3], "slow": [5, 9]}, where=lambda p: p["slow"] > 2 * p["fast"] + 1
    )
    assert found.table.index.tolist() == [(2, 9), (3, 9)]


def test_the_unit_is_an_axis_and_figures_grow_with_it(minutes: wb.Prices) -> None:
    costs = {"impact_bps": 0.0, "participation": math.inf}
    table: Any = wb.sweep(
        Reversal,
        minutes,
        {"unit": [1.0, 3.0]},
        config={"run": 2},
        costs=costs,
        limits=wb.RiskLimits.unlimited(),
    ).table
    assert table.loc[3.0, "fees"] == pytest.approx(3.0 * table.loc[1.0, "fees"], rel=1e-9)


class Sized(Reversal):
    """The unit is a parameter of its own."""

    PARAMETERS: ClassVar = {"run": 1, "unit": 2.0}


class SizedAtMost(Reversal):
    """As of the shipped arbitrage."""

    PARAMETERS: ClassVar = {"run": 1, "max_position_size": 2.0}


@pytest.mark.parametrize("kind", [Sized, SizedAtMost])
def test_a_parameter_that_sizes_orders_sizes_those_of_its_own_column(
    minutes: wb.Prices, kind: type[Reversal]
) -> None:
    """All columns had the size of the first one."""
    [name] = set(kind.PARAMETERS) - {"run"}
    limits = wb.RiskLimits.unlimited()
    metrics = ["final_equity", "turnover"]
    found = wb.sweep(kind, minutes, {name: [0.5, 2.0]}, limits=limits, metrics=metrics, progress=False)
    rows: dict[float, Any] = {size: found.table.loc[size] for size in (0.5, 2.0)}
    for size, row in rows.items():
        replayed = wb.backtest(kind, minutes, config={name: size}, limits=limits, progress=False)
        assert row["final_equity"] == replayed.final_equity
        assert found.column(**{name: size}).fingerprint == replayed.fingerprint
    assert rows[2.0]["turnover"] > rows[0.5]["turnover"]


def test_instruments_and_chaos_are_axes(pair: wb.Prices) -> None:
    gap = wb.ChaosEvent("price_gap", pair.start + pd.Timedelta("1h"), "20min", -0.05)
    found = wb.sweep(
        Reversal,
        pair,
        {"run": [1, 2]},
        each_instrument=True,
        chaos={"calm": (), "gap": [gap]},
        metrics=["fills", "total_pnl"],
    )
    assert found.axes == ["instrument", "chaos", "run"]
    assert len(found.table) == 4 * 2 * 2
    one = found.column(instrument="ETH-USD@exchange-2", chaos="gap", run=2)
    assert one.instruments == ("ETH-USD@exchange-2",)
    assert (
        float(one.final_equity) - one.initial_cash
        == found.table.loc[("ETH-USD@exchange-2", "gap", 2), "total_pnl"]
    )
    alone = wb.backtest(
        Reversal,
        pair.only("ETH-USD", "exchange-2"),
        config={"run": 2},
        chaos=[gap],
        on_error="contain",
        progress=False,
    )
    assert one.fingerprint == alone.fingerprint


def test_any_label_of_chaos_is_a_place_on_its_axis(minutes: wb.Prices) -> None:
    gap = wb.ChaosEvent("price_gap", minutes.start + pd.Timedelta("1h"), "10min", 0.2)
    found = wb.sweep(Reversal, minutes, {"run": [1]}, chaos={"": (), "gap": [gap]}, metrics="total_pnl")
    assert found.table.index.tolist() == [("", 1), ("gap", 1)]
    assert found.column(chaos="").fingerprint != found.column(chaos="gap").fingerprint


def test_a_value_that_is_given_twice_is_one_column(minutes: wb.Prices) -> None:
    found = wb.sweep(CROSS, minutes, {"fast": [3, 3, np.int64(3), 5], "slow": [9, 9.0]})
    assert found.table.index.tolist() == [(3, 9), (5, 9)]
    assert found.trials == 2


def test_each_instrument_is_annualised_by_its_own_periods() -> None:
    """One trades at the weekend, the other does not: 365 days against 252."""
    days = pd.date_range("2024-01-01", periods=120, freq="D", tz="UTC")
    closes = pd.Series(100.0 + np.arange(120) % 7, days, name="close")
    week = closes[days.day_of_week < 5]
    prices = wb.Prices({"BTC@always": closes.to_frame(), "SPX@week": week.to_frame()})
    both = wb.sweep(Reversal, prices, {"run": [1, 2]}, each_instrument=True, metrics="sharpe_ratio")
    assert math.isnan(both.periods_per_year)
    for symbol, per_year in (("BTC", 365.0), ("SPX", 252.0)):
        alone = wb.sweep(Reversal, prices.only(symbol), {"run": [1, 2]}, metrics="sharpe_ratio")
        assert alone.periods_per_year == per_year
        found = both.table.xs(prices.only(symbol).instruments[0].name, level="instrument")
        assert found["sharpe_ratio"].tolist() == alone.table["sharpe_ratio"].tolist()
    given = wb.sweep(Reversal, prices, {"run": [1]}, each_instrument=True, periods_per_year=100.0)
    assert given.periods_per_year == 100.0


def test_a_strategy_of_several_instruments(pair: wb.Prices) -> None:
    found = wb.sweep(Completing, pair, {"gap": [1e-4, 1e-3]}, metrics=["fills", "final_equity"])
    table: Any = found.table
    replayed = wb.backtest(Completing, pair, config={"gap": 1e-4}, progress=False)
    assert table.loc[1e-4, "fills"] == len(replayed.fills) > 10
    assert table.loc[1e-4, "final_equity"] == replayed.final_equity


def test_best_and_pivot(minutes: wb.Prices) -> None:
    found = wb.sweep(CROSS, minutes, {"fast": [2, 3, 4], "slow": [6, 8]})
    assert found.best("total_return", 1)["total_return"].iloc[0] == found.table["total_return"].max()
    assert found.best("fees", 1)["fees"].iloc[0] == found.table["fees"].min()  # lower is better
    plane: Any = found.pivot("total_return")
    table: Any = found.table
    assert (plane.index.name, plane.columns.name, plane.shape) == ("slow", "fast", (2, 3))
    assert plane.loc[8, 3] == table.loc[(3, 8), "total_return"]
    assert "6 columns" in repr(found)
    assert "<table" in found._repr_html_()


def test_planes_are_drawn(minutes: wb.Prices) -> None:
    import holoviews as hv

    found = wb.sweep(CROSS, minutes, {"fast": [2, 3, 4], "slow": [6, 8]})
    assert isinstance(found.heatmap("total_return"), hv.Overlay)
    assert found.surface("total_return").data[0].z.shape == (2, 3)
    campaign = wb.campaign(
        CROSS, minutes, {"fast": [2], "slow": [6, 8]}, kinds=["bad_tick", "runaway"], starts=2
    )
    assert isinstance(campaign.surface(), hv.Overlay)
    assert isinstance(campaign.surface("breaches", "runaway"), hv.Overlay)


def test_more_columns_than_one_piece_give_the_same_in_any_order(minutes: wb.Prices) -> None:
    params = {"fast": range(1, 20), "slow": range(20, 40)}
    one = wb.sweep(CROSS, minutes, params, workers=1, metrics=ALL).table
    many = wb.sweep(CROSS, minutes, params, workers=4, metrics=ALL).table
    pd.testing.assert_frame_equal(one, many, check_exact=True)


def test_a_column_that_needs_more_room_is_run_again_with_it(minutes: wb.Prices) -> None:
    """A runaway fault at its strongest: more orders at once than a column usually has room for."""
    event = wb.ChaosEvent("runaway", minutes.start + pd.Timedelta("1h"), "3min", 10.0)
    limits = wb.RiskLimits.unlimited()
    market: dict[str, Any] = {"limits": limits, "chaos": [event], "costs": {"latency_seconds": 600.0}}
    found = wb.sweep(
        Reversal, minutes, {"run": [1, 2]}, metrics=["fills", "orders_sent", "final_equity"], **market
    )
    replayed = wb.backtest(Reversal, minutes, config={"run": 1}, progress=False, **market)
    row = found.table.loc[1]
    assert row["orders_sent"] == len(replayed.record.recorder.accepted) > 2_000
    assert (row["fills"], row["final_equity"]) == (len(replayed.fills), replayed.final_equity)


class Repeating(CompiledStrategy):
    """Says at every price that it wants one; after the first time that changes nothing, and no fact comes of it."""

    SIZING = "target"
    PARAMETERS: ClassVar = {"strength": 1.0}

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:  # noqa: ARG004 - the signature of every strategy
        return params.strength


def test_no_signal_of_a_long_column_is_lost(minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.sweeps.columns.FULL", Room(10_000, 100, recorded=True))
    found = wb.sweep(Repeating, minutes, {"strength": [0.5, 1.0]}).column(strength=1.0)
    replayed = wb.backtest(Repeating, minutes, config={"strength": 1.0}, progress=False)
    assert len(found.signals) == len(replayed.signals) == 400
    pd.testing.assert_frame_equal(found.signals, replayed.signals)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"params": {}}, ParameterError, "the grid is empty: params must name at least one parameter"),
        ({"params": {"fast": []}}, ParameterError, "the grid is empty: fast has no values"),
        ({"params": {"fest": [1]}}, ParameterError, "no parameter 'fest'; did you mean 'fast'?"),
        ({"params": {"fast": [1.5]}}, ParameterError, "fast must be whole numbers like 10, found 1.5"),
        ({"params": {"fast": [math.nan]}}, ParameterError, "fast must be finite numbers"),
        ({"params": {"fast": [50], "slow": [20]}}, ParameterError, "none of the 1 combinations is allowed"),
        ({"metrics": ["sharp_ratio"]}, ConfigError, "no metric 'sharp_ratio'; did you mean 'sharpe_ratio'?"),
        ({"metrics": []}, ConfigError, "metrics must name at least one"),
        ({"where": lambda _: [True]}, ConfigError, "where must answer a frame of 2 combinations"),
    ],
)
def test_bad_input_is_one_line_before_any_work(
    minutes: wb.Prices, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    arguments: dict[str, Any] = {"params": {"fast": [2, 3]}, **change}
    with pytest.raises(error) as caught:
        wb.sweep(CROSS, minutes, **arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_column_that_is_not_there_or_not_the_only_one(minutes: wb.Prices) -> None:
    found = wb.sweep(CROSS, minutes, {"fast": [2, 3], "slow": [6]})
    for params, words in (
        ({"fast": 9}, "no column with fast=9"),
        ({"slow": 6}, "2 columns with slow=6"),
        ({"speed": 1}, "the sweep has no axis 'speed'; it has: fast, slow"),
    ):
        with pytest.raises(ParameterError, match=words):
            found.column(**params)


def test_nothing_of_the_size_of_time_by_columns_is_made(minutes: wb.Prices) -> None:
    """What a sweep holds for each column is its figures: some hundred bytes, however long the prices are."""
    found = wb.sweep(CROSS, minutes, {"fast": range(1, 60), "slow": range(60, 120)})
    held = sum(
        values.nbytes
        for part in found._parts
        for values in part.figures.values()
        if isinstance(values, np.ndarray)
    )
    assert held / found.trials < 8 * 20
