"""Figures of an equity curve, and of trades."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from workbench.performance.arithmetic import drawdowns
from workbench.performance.equity import curve_figures
from workbench.performance.trades import trade_figures

MINUTE = 60_000_000_000
DAY = 1440 * MINUTE


def test_longest_drawdown_runs_from_the_peak_until_it_is_reached_again() -> None:
    times = np.arange(1, 9, dtype=np.int64) * DAY
    equity = np.array([100.0, 110.0, 105.0, 110.0, 108.0, 107.0, 109.0, 111.0])
    figures = curve_figures(times, equity, 100.0, 0, 365.0)
    assert figures.longest_drawdown_ns == 4 * DAY  # from the fourth day to the eighth
    assert figures.max_drawdown == pytest.approx(105 / 110 - 1)


def test_a_loss_from_the_first_update_counts_from_the_initial_cash() -> None:
    assert drawdowns(np.array([90.0, 95.0]), 100.0).tolist() == pytest.approx([-0.10, -0.05])


def test_returns_that_are_all_the_same_have_no_sharpe_ratio() -> None:
    equity = np.array([100.0 * 1.001**day for day in range(50)])
    figures = curve_figures(np.arange(1, 51, dtype=np.int64) * DAY, equity, 100.0, 0, 365.0)
    assert math.isnan(figures.sharpe_ratio)


def test_growth_beyond_what_a_float_holds_is_infinite() -> None:
    figures = curve_figures(np.array([MINUTE]), np.array([1e9]), 1.0, 0, 525_600.0)
    assert figures.cagr == math.inf


def test_figures_of_a_curve_by_hand() -> None:
    # Returns after the first update: +10 %, -10 %; begun at 100 a year of 365.25 days before the end.
    times = np.array([1.0, 183.0, 365.25]) * DAY
    figures = curve_figures(times.astype(np.int64), np.array([100.0, 110.0, 99.0]), 100.0, 0, 252.0)
    assert figures.total_return == pytest.approx(-0.01)
    assert figures.cagr == pytest.approx(-0.01)
    assert figures.volatility == pytest.approx(math.sqrt(0.02 * 252))  # 0.1² + 0.1² over n - 1 = 1
    assert figures.sharpe_ratio == pytest.approx(0.0, abs=1e-12)
    assert figures.max_drawdown == pytest.approx(-0.1)
    assert figures.calmar_ratio == pytest.approx(-0.1)


def test_equity_that_touches_zero_has_no_ratios_and_lost_all() -> None:
    figures = curve_figures(np.arange(1, 5) * DAY, np.array([50.0, 0.0, 10.0, 0.0]), 100.0, 0, 252.0)
    assert math.isnan(figures.sharpe_ratio)
    assert (figures.total_return, figures.cagr, figures.max_drawdown) == (-1.0, -1.0, -1.0)


def test_only_closed_trades_count() -> None:
    trades = pd.DataFrame({"status": ["closed"] * 3 + ["open"], "pnl": [30.0, -10.0, -5.0, 1_000.0]})
    figures = trade_figures(trades)
    assert (figures.trades, figures.win_rate, figures.avg_trade_pnl) == (3, 1 / 3, 5.0)
    assert figures.profit_factor == 2.0


def test_no_trades_have_no_figures() -> None:
    figures = trade_figures(pd.DataFrame({"status": ["open"], "pnl": [1.0]}))
    assert figures.trades == 0
    assert math.isnan(figures.win_rate)
    assert math.isnan(figures.profit_factor)


def test_trades_without_a_loss_have_an_infinite_profit_factor() -> None:
    assert trade_figures(pd.DataFrame({"status": ["closed"], "pnl": [1.0]})).profit_factor == math.inf
