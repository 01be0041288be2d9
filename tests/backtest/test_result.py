"""Figures and curves of a result, worked by hand on the six days of `conftest.six`."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.backtest.api import backtest
from workbench.backtest.performance import StrategyPerformance
from workbench.backtest.result import BacktestResult
from workbench.core.costs import Costs
from workbench.core.limits import RiskLimits
from workbench.data.prices import Prices
from workbench.errors import ConfigError, StrategyError
from workbench.strategy import TradingStrategy

Run = Callable[..., BacktestResult]
Table = Callable[..., Prices]

RETURNS = (0.0, 0.004, -10 / 10_040, 0.0, -30 / 10_030)


def test_equity_of_the_six_days(six: BacktestResult) -> None:
    assert six.equity.tolist() == [10_000.0, 10_000.0, 10_040.0, 10_030.0, 10_030.0, 10_000.0]
    assert six.equity.index[0] == pd.Timestamp("2024-01-02", tz="UTC")  # a bar is known at its close
    assert six.final_equity == 10_000.0


def test_drawdown_counts_from_the_highest_equity_so_far(six: BacktestResult) -> None:
    below = [0.0, 0.0, 0.0, -10 / 10_040, -10 / 10_040, -40 / 10_040]
    assert six.drawdown.tolist() == pytest.approx(below, abs=1e-15)


def test_round_trips_of_the_six_days(six: BacktestResult) -> None:
    long, short = six.trades.to_dict("records")
    assert (long["side"], long["quantity"], long["entry_price"], long["exit_price"]) == (
        "long",
        10.0,
        102.0,
        105.0,
    )
    assert (long["pnl"], long["return"], long["duration"]) == (30.0, 30 / 1_020, pd.Timedelta(days=2))
    assert (short["side"], short["entry_price"], short["exit_price"]) == ("short", 104.0, 107.0)
    assert (short["pnl"], short["return"], short["duration"]) == (-30.0, -30 / 1_040, pd.Timedelta(days=1))
    assert six.trades["status"].tolist() == ["closed", "closed"]


def test_stats_of_the_six_days(six: BacktestResult) -> None:
    stats = six.stats()
    assert stats["start"] == pd.Timestamp("2024-01-01", tz="UTC")
    assert stats["end"] == pd.Timestamp("2024-01-07", tz="UTC")
    assert stats["duration"] == pd.Timedelta(days=6)
    assert (stats["initial_cash"], stats["final_equity"], stats["total_pnl"]) == (10_000.0, 10_000.0, 0.0)
    assert (stats["total_return"], stats["cagr"]) == (0.0, 0.0)
    assert stats["buy_and_hold_return"] == pytest.approx(0.07)
    assert stats["max_drawdown"] == pytest.approx(-40 / 10_040)
    assert stats["longest_drawdown"] == pd.Timedelta(days=3)  # from the high on the 4th to the end
    assert (stats["trades"], stats["win_rate"], stats["avg_trade_pnl"], stats["profit_factor"]) == (
        2,
        0.5,
        0.0,
        1.0,
    )
    assert stats["exposure_time"] == pytest.approx(3 / 6)
    assert stats["turnover"] == 10 * (102 + 105 + 104 + 107)
    assert (stats["fills"], stats["orders_sent"], stats["orders_refused"], stats["fees"]) == (4, 4, 0, 0.0)


def test_ratios_are_of_returns_between_update_times(six: BacktestResult) -> None:
    stats = six.stats()
    mean, deviation = statistics.mean(RETURNS), statistics.stdev(RETURNS)
    downside = math.sqrt(sum(min(r, 0.0) ** 2 for r in RETURNS) / len(RETURNS))
    assert stats["periods_per_year"] == 365.0  # one of the days is a Saturday
    assert stats["volatility"] == pytest.approx(deviation * math.sqrt(365))
    assert stats["sharpe_ratio"] == pytest.approx(mean / deviation * math.sqrt(365))
    assert stats["sortino_ratio"] == pytest.approx(mean / downside * math.sqrt(365))
    assert stats["calmar_ratio"] == pytest.approx(0.0)


def test_periods_per_year_may_be_given(six: BacktestResult) -> None:
    mean, deviation = statistics.mean(RETURNS), statistics.stdev(RETURNS)
    stats = six.stats(periods_per_year=100.0)
    assert stats["periods_per_year"] == 100.0
    assert stats["sharpe_ratio"] == pytest.approx(mean / deviation * 10.0)
    assert six.stats()["periods_per_year"] == 365.0


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_periods_per_year_must_be_a_number_above_0(six: BacktestResult, wrong: float) -> None:
    with pytest.raises(ConfigError, match="periods_per_year must be a finite number above 0"):
        six.stats(periods_per_year=wrong)


def test_cagr_of_one_percent_in_six_days(run: Run) -> None:
    result = run((100.0, 100.0, 101.0, 102.0, 104.0, 110.0), {0: [1.0]})
    stats = result.stats()
    assert stats["total_return"] == pytest.approx(0.01)  # 10 x (110 - 100) on 10,000
    assert stats["cagr"] == pytest.approx(1.01 ** (365.25 / 6) - 1.0)
    assert math.isnan(stats["calmar_ratio"])  # it never fell
    assert (stats["max_drawdown"], stats["longest_drawdown"]) == (0.0, pd.Timedelta(0))


def test_fees_come_off_pnl_and_are_split_when_a_fill_flips(run: Run) -> None:
    costs = Costs(0.0, 0.0, taker_bps=100.0, slippage_bps=0.0, impact_bps=0.0, participation=math.inf)
    orders = {0: [1.0], 2: [(-1.0, {"quantity": 25.0})]}
    result = run((100.0, 100.0, 110.0, 110.0, 108.0), orders, costs=costs)
    # Bought 10 at 100: fee 10. Sold 25 at 110: fee 27.50, of which 10/25 close and 15/25 open the short.
    closed, open_trade = result.trades.to_dict("records")
    assert (closed["side"], closed["fees"], closed["pnl"]) == (
        "long",
        10.0 + 11.0,
        pytest.approx(100.0 - 21.0),
    )
    assert (open_trade["side"], open_trade["quantity"], open_trade["status"]) == ("short", 15.0, "open")
    assert open_trade["fees"] == pytest.approx(16.5)
    assert open_trade["pnl"] == pytest.approx(15 * (110 - 108) - 16.5)
    assert pd.isna(open_trade["exit_time"])
    assert pd.isna(open_trade["duration"])
    assert result.stats()["fees"] == pytest.approx(37.5)
    assert result.stats()["trades"] == 1  # the open one does not count
    assert result.trades["pnl"].sum() == pytest.approx(result.final_equity - 10_000.0)


def test_average_entry_and_exit_of_a_trip_in_steps(run: Run) -> None:
    result = run((100.0, 100.0, 104.0, 110.0, 120.0, 120.0), {0: [1.0], 1: [1.0], 2: [-1.0], 3: [-1.0]})
    # In: 10 at 100, 10 at 104. Out: 10 at 110, 10 at 120.
    (trade,) = result.trades.to_dict("records")
    assert (trade["quantity"], trade["entry_price"], trade["exit_price"]) == (20.0, 102.0, 115.0)
    assert (trade["pnl"], trade["fills"]) == (260.0, 4)
    assert result.position_history["quantity"].tolist() == [10.0, 20.0, 10.0, 0.0]
    assert result.position_history["average_price"].tolist()[:3] == [100.0, 102.0, 102.0]
    assert result.position_history["realised_pnl"].tolist() == [0.0, 0.0, 80.0, 260.0]


def test_a_run_without_orders_has_no_figures_to_divide_by(run: Run) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stats = run((100.0, 101.0, 102.0)).stats()
    assert (stats["total_return"], stats["cagr"], stats["volatility"], stats["max_drawdown"]) == (
        0.0,
        0.0,
        0.0,
        0.0,
    )
    assert (stats["trades"], stats["fills"], stats["exposure_time"], stats["turnover"]) == (0, 0, 0.0, 0.0)
    for name in ("sharpe_ratio", "sortino_ratio", "calmar_ratio", "win_rate", "profit_factor"):
        assert math.isnan(stats[name]), name


def test_a_run_of_one_bar(run: Run) -> None:
    result = run((100.0,), {0: [1.0]}, step="1min")
    stats = result.stats()
    assert (stats["updates"], stats["final_equity"], stats["orders_sent"], stats["fills"]) == (
        1,
        10_000.0,
        1,
        0,
    )
    assert stats["duration"] == pd.Timedelta(minutes=1)
    assert math.isnan(stats["sharpe_ratio"])
    assert result.orders["state"].tolist() == ["working"]


def test_no_figure_is_nan_where_there_were_trades_and_losses(six: BacktestResult) -> None:
    numbers = [value for value in six.stats() if isinstance(value, float)]
    assert len(numbers) > 15
    assert all(math.isfinite(value) for value in numbers)


def test_ratios_are_nan_once_equity_is_gone(run: Run) -> None:
    result = run((100.0, 100.0, 10.0, 10.0), {0: [1.0]}, unit=200.0, limits=RiskLimits.unlimited())
    assert result.equity.tolist() == [10_000.0, 10_000.0, -8_000.0, -8_000.0]
    stats = result.stats()
    assert stats["total_return"] == pytest.approx(-1.8)
    assert stats["cagr"] == -1.0
    assert math.isnan(stats["sharpe_ratio"])


def test_equity_at_one_time_is_that_after_its_last_update(
    table: Table, scripted: type[TradingStrategy]
) -> None:
    prices = table("1D", X=(100.0, 100.0, 110.0), Y=(50.0, 50.0, 45.0))
    config = {"script": {0: [1.0]}, "unit": 10.0}
    result = backtest(scripted, prices, config=config, costs=Costs.free(), initial_cash=10_000.0)
    assert len(result.record.curves) == 6
    # +100 by X comes first, -50 by Y at the same time; the 10,100 in between is not an equity of the curve.
    assert result.equity.tolist() == [10_000.0, 10_000.0, 10_050.0]
    assert result.equity.index.is_unique
    assert result.drawdown.min() == 0.0


def two_strategies(
    table: Table, scripted: type[TradingStrategy], closes: Sequence[float] = (100.0, 100.0, 110.0, 105.0)
) -> BacktestResult:
    config: dict[str, Any] = {
        "bull": {"script": {0: [1.0], 2: [-1.0]}, "unit": 10.0},
        "bear": {"script": {0: [-1.0]}, "unit": 5.0},
    }
    return backtest(
        {"bull": scripted, "bear": scripted},
        table("1D", X=closes),
        config=config,
        costs=Costs.free(),
        initial_cash=10_000.0,
    )


def test_each_strategy_has_its_own_pnl_curve(table: Table, scripted: type[TradingStrategy]) -> None:
    result = two_strategies(table, scripted)
    assert result.strategy_pnl["bull"].tolist() == [0.0, 0.0, 100.0, 50.0]
    assert result.strategy_pnl["bear"].tolist() == [0.0, 0.0, -50.0, -25.0]
    assert result.equity.tolist() == [10_000.0, 10_000.0, 10_050.0, 10_025.0]


def test_performance_of_one_strategy_is_on_its_own_capital(
    table: Table, scripted: type[TradingStrategy]
) -> None:
    result = two_strategies(table, scripted)
    bull, bear = result.performance("bull"), result.performance("bear")
    returns = (0.0, 100 / 5_000, -50 / 5_100)  # half of the cash each
    sharpe = statistics.mean(returns) / statistics.stdev(returns) * math.sqrt(result.periods_per_year)
    assert (bull.strategy_name, bull.total_pnl) == ("bull", 50.0)
    assert bull.sharpe_ratio == pytest.approx(sharpe)
    assert bull.max_drawdown == pytest.approx(-50 / 5_100)
    assert (bull.win_rate, bull.avg_trade_pnl) == (1.0, 50.0)
    assert bull.trades_per_day == pytest.approx(1 / 4)
    assert bull.risk_adjusted_return == pytest.approx(0.01 / (50 / 5_100))
    assert (bear.total_pnl, bear.trades_per_day) == (-25.0, 0.0)
    assert math.isnan(bear.win_rate)  # its only trade is open
    assert (bull.chaos_recovery_time, bull.risk_breach_count, bull.emergency_stops) == (None, 0, 0)


def test_performance_without_an_id_is_of_the_portfolio(table: Table, scripted: type[TradingStrategy]) -> None:
    whole = two_strategies(table, scripted).performance()
    assert (whole.strategy_name, whole.total_pnl) == ("portfolio", 25.0)
    assert whole.max_drawdown == pytest.approx(-25 / 10_050)


def test_performance_has_the_fields_of_the_contract() -> None:
    assert StrategyPerformance.__struct_fields__ == (
        "strategy_name",
        "total_pnl",
        "sharpe_ratio",
        "max_drawdown",
        "win_rate",
        "avg_trade_pnl",
        "trades_per_day",
        "risk_adjusted_return",
        "chaos_recovery_time",
        "risk_breach_count",
        "emergency_stops",
    )


def test_performance_of_a_strategy_that_did_not_run(six: BacktestResult) -> None:
    with pytest.raises(StrategyError, match="no strategy 'other' in this run; there is: Scripted"):
        six.performance("other")


def test_a_recovery_time_that_was_measured_is_passed_on(six: BacktestResult) -> None:
    assert six.performance(chaos_recovery_time=90.0).chaos_recovery_time == 90.0


def test_the_same_run_twice_has_one_fingerprint(run: Run, six: BacktestResult) -> None:
    again = run((100.0, 102.0, 106.0, 105.0, 104.0, 107.0), {0: [1.0], 2: [-1.0], 3: [-1.0], 4: [1.0]})
    other = run((100.0, 102.0, 106.0, 105.0, 104.0, 107.0), {0: [1.0]})
    assert again.fingerprint == six.fingerprint
    assert other.fingerprint != six.fingerprint


def test_the_text_fits_one_screen(six: BacktestResult) -> None:
    lines = repr(six).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    assert lines[0] == "BacktestResult: Scripted on X@SIM"
    assert "10,000.00 -> 10,000.00" in lines[2]
    assert any("win_rate" in line and "50.00%" in line for line in lines)


def test_attribution_sums_to_what_equity_gained() -> None:
    prices = wb.synthetic(symbols=["BTC-USD", "ETH-USD"], bars=600, seed=4)
    chaos = [wb.ChaosEvent("runaway", prices.start + pd.Timedelta("4h"), "20min", 0.5)]
    calm = wb.backtest("strategies/momentum.py", prices, progress=False)
    result = wb.backtest("strategies/momentum.py", prices, chaos=chaos, on_error="contain", progress=False)
    gained = result.final_equity - result.initial_cash
    for cut in ("strategy", "instrument", "side", "hour"):
        assert float(result.attribution(cut)["total"].sum()) == pytest.approx(gained, abs=1e-6)
    beside = result.attribution("strategy", without=calm)
    assert float(beside["chaos"].sum()) == pytest.approx(
        gained - (calm.final_equity - calm.initial_cash), abs=1e-6
    )


LONG_PRICES = [100.0 + (k % 7) for k in range(500)]


@pytest.mark.parametrize(
    ("days", "missing", "reason"),
    [
        (
            20,
            ["cagr", "volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio"],
            "too short for figures a year",
        ),
        (100, ["cagr", "calmar_ratio"], "shorter than a year, so no cagr and no calmar_ratio"),
        (400, [], ""),
    ],
)
def test_what_a_short_run_says_nothing_of_is_worked_out_but_not_shown(
    run: Run, tmp_path: Path, days: int, missing: list[str], reason: str
) -> None:
    result = run(LONG_PRICES[:days], {0: [1.0]})
    annualised = ("cagr", "volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio")
    stats = result.stats()
    assert all(math.isfinite(stats[name]) for name in annualised)
    lines = repr(result).splitlines()
    shown = {
        line.split()[0]: line.split()[1]
        for line in lines
        if line.split()[:1] and line.split()[0] in annualised
    }
    assert [name for name in annualised if shown[name] == "-"] == missing
    notes = [line for line in lines if line.startswith("not annualised")]
    assert len(notes) == bool(reason)
    assert all(reason in note for note in notes)
    for page in (result._repr_html_(), result.to_html(tmp_path / "page.html").read_text()):
        assert reason in page
        assert ("ot annualised" in page or "too short" in page or "shorter than" in page) == bool(reason)
