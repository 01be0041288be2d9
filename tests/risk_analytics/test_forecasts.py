"""Forecasts day by day: each from the days before it, and as `tail_risk` would have it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from workbench.errors import ConfigError, DataError
from workbench.risk import CornishFisherWarning, forecasts, rolling_var, tail_risk, var_backtest
from workbench.risk.model import Method, Settings

WINDOW = 120
SEEDED = Settings(paths=1_000, seed=4)
CASES: list[tuple[Method, Settings]] = [
    ("historical", Settings()),
    ("parametric", Settings(degrees_of_freedom=5.0)),
    ("cornish_fisher", Settings()),
    ("ewma", Settings(decay=0.9)),
    ("filtered_historical", Settings()),
    ("monte_carlo", SEEDED),
]


@pytest.fixture
def returns(sp500: pd.Series[float]) -> pd.Series[float]:
    return sp500.loc["2005-01-01":].iloc[:160]  # a calm stretch, in the domain of Cornish-Fisher


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize(("method", "options"), CASES)
def test_each_forecast_is_what_the_window_before_it_says(
    returns: pd.Series[float], method: Method, options: Settings, horizon: int
) -> None:
    if method == "filtered_historical" and horizon > 1:
        options = SEEDED
    refit = 1 if method == "filtered_historical" else None
    table = rolling_var(returns, WINDOW, 0.95, method, horizon, value=1e6, refit=refit, **options)
    assert table.index.equals(returns.index[WINDOW:])
    for row in (0, 17, 39):
        before = returns.iloc[row : row + WINDOW]
        one = tail_risk(before, 0.95, method, horizon, value=1e6, **options)
        assert table.iloc[row].tolist() == pytest.approx([one.var, one.cvar], rel=1e-12)


@pytest.mark.parametrize(("method", "options"), CASES)
def test_what_comes_later_changes_no_forecast(
    returns: pd.Series[float], method: Method, options: Settings
) -> None:
    at = 140
    other = returns.copy()
    other.iloc[at:] = (0.02 * np.cos(np.arange(len(returns) - at))).tolist()
    ours, theirs = (rolling_var(series, WINDOW, 0.95, method, **options) for series in (returns, other))
    until = at - WINDOW + 1  # the forecast for the first day that differs is from the days before it
    pd.testing.assert_frame_equal(ours.iloc[:until], theirs.iloc[:until])
    assert (ours.iloc[until:] != theirs.iloc[until:]).any(axis=None)


def test_many_windows_in_blocks_are_as_one(sp500: pd.Series[float], monkeypatch: pytest.MonkeyPatch) -> None:
    returns = sp500.iloc[:700]
    whole = rolling_var(returns, 250, 0.99)
    monkeypatch.setattr("workbench.risk.forecasts._CELLS", 1_000)  # four windows at a time
    pd.testing.assert_frame_equal(rolling_var(returns, 250, 0.99), whole)


def test_between_fits_the_parameters_stay_and_the_volatility_moves(returns: pd.Series[float]) -> None:
    seldom = rolling_var(returns, WINDOW, 0.95, "filtered_historical", refit=40)["var"]
    often = rolling_var(returns, WINDOW, 0.95, "filtered_historical", refit=1)["var"]
    assert seldom.iloc[0] == often.iloc[0]
    assert (seldom.iloc[1:] != often.iloc[1:]).any()
    assert seldom.nunique() == len(seldom)
    assert (seldom / often).between(0.5, 2.0).all()


def test_in_the_crisis_plain_history_is_late_and_filtered_history_is_not(sp500: pd.Series[float]) -> None:
    """S&P 500, 2008 and 2009, 99 %, windows of 500 days: 5 exceedances are expected of 507.  Measured: 21 and 6."""
    returns = sp500.loc["2006":"2009"]
    late = var_backtest(returns, rolling_var(returns, 500, 0.99))
    quick = var_backtest(returns, rolling_var(returns, 500, 0.99, "filtered_historical"))
    assert (late.observations, late.exceptions) == (507, 21)
    assert 3 <= quick.exceptions <= 9  # a fit may differ in the last digits from one machine to another
    assert late.kupiec.rejects(0.001)
    assert not quick.conditional_coverage.rejects(0.05)


def test_over_eighteen_years_the_exceedances_of_plain_history_come_in_bunches(
    sp500: pd.Series[float],
) -> None:
    found = var_backtest(sp500, rolling_var(sp500, 500, 0.99))
    assert (found.observations, found.exceptions) == (4_530, 73)
    assert found.independence.rejects(0.01)


def test_windows_outside_the_domain_warn_once(dem_gbp: pd.Series[float]) -> None:
    with pytest.warns(CornishFisherWarning, match=r"not valid in \d+ of 1474 windows, first for") as caught:
        rolling_var(dem_gbp, 500, 0.99, "cornish_fisher")
    assert [warning.filename for warning in caught] == [__file__]


def test_windows_are_not_all_copied_at_once() -> None:
    """20,000 windows of 250 rows are 40 MB each time that they are copied, and their moments take several copies."""
    returns = pd.Series(np.random.default_rng(1).logistic(0.0, 0.01, 20_250))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forecasts, "_CELLS", 100_000)
        tracemalloc.start()
        found = rolling_var(returns, 250, 0.9, "cornish_fisher")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < 20e6
    pd.testing.assert_frame_equal(found, rolling_var(returns, 250, 0.9, "cornish_fisher"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 7}, "window must be a whole number of 8 or more, found 7"),
        (
            {"window": 50, "method": "filtered_historical"},
            "window must be a whole number of 100 or more, found 50",
        ),
        ({"window": 10, "horizon": 5}, "window must be a whole number of 12 or more, found 10"),
        ({"refit": 5}, "refit has no effect on the method historical"),
        ({"refit": 0, "method": "filtered_historical"}, "refit must be a whole number of 1 or more, found 0"),
    ],
)
def test_settings_that_make_no_sense(
    returns: pd.Series[float], arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        rolling_var(returns, **arguments)  # type: ignore[arg-type]


def test_no_row_to_forecast(returns: pd.Series[float]) -> None:
    with pytest.raises(
        DataError, match="more than the window of 160 rows, found 160; there is no row to forecast"
    ):
        rolling_var(returns, 160)


def test_a_frame_is_refused(returns: pd.Series[float]) -> None:
    with pytest.raises(DataError, match="make the book's P&L with hypothetical_pnl"):
        rolling_var(returns.to_frame())
