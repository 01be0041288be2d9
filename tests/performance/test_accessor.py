"""`.wb` on Series and DataFrames."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.performance.bacon import BENCHMARK, MONTHS, PORTFOLIO
from workbench import performance
from workbench.errors import ConfigError, DataError
from workbench.performance import accessor, tables
from workbench.performance.drawdown import drawdown
from workbench.performance.summary import summary

ROOT = Path(__file__).parents[2]

RETURNS = pd.Series(PORTFOLIO, MONTHS, name="fund")
PRICES = pd.Series(
    np.concatenate([[100.0], 100.0 * np.cumprod(1.0 + PORTFOLIO)]),
    pd.date_range("1999-12-31", periods=25, freq="ME"),
    name="fund",
)
FRAME = pd.DataFrame({"fund": RETURNS, "market": BENCHMARK}, MONTHS)
NO_METHODS = {
    "effective_number_of_trials",
    "estimate_sharpe",
    "probability_of_backtest_overfitting",  # a method of frames alone
    "summarise_trials",
}
FIGURES = sorted(
    name
    for name in set(performance.__all__) - NO_METHODS
    if next(iter(inspect.signature(getattr(performance, name)).parameters)) in ("returns", "outcomes")
)


def wb(held: pd.Series[Any] | pd.DataFrame) -> Any:
    """The type checker does not know registered accessors."""
    return held.wb


def test_every_figure_is_a_method_with_its_own_words() -> None:
    assert len(FIGURES) > 50
    for held in (RETURNS, FRAME):
        listed = dir(wb(held))
        for name in (
            *FIGURES,
            "summary",
            "drawdown",
            "returns",
            "log_returns",
            "normalise",
            "periods_per_year",
        ):
            if name == "monthly_returns" and held is FRAME:
                continue  # one Series, one table
            assert name in listed
            assert inspect.getdoc(getattr(type(wb(held)), name)), name
    assert "wb" in dir(RETURNS)
    assert "wb" in dir(FRAME)


@pytest.mark.parametrize("name", FIGURES)
def test_a_method_is_the_function_on_the_returns(name: str) -> None:
    function = getattr(performance, name)
    takes = inspect.signature(function).parameters
    settings: dict[str, Any] = {}
    if name == "deflated_sharpe_ratio":
        settings = {"trials": 10, "variance": 0.01}
    beside = [FRAME["market"]] if "benchmark" in takes else ([6] if "window" in takes else [])
    yearly = {"periods_per_year": 12.0} if "periods_per_year" in takes else {}
    expected = function(RETURNS, *beside, **settings, **yearly)
    found = getattr(wb(RETURNS), name)(*beside, **settings)
    if isinstance(expected, float):
        assert found == pytest.approx(expected, nan_ok=True)
    else:
        assert found.equals(expected)
    shown = inspect.signature(getattr(wb(RETURNS), name)).parameters
    assert "returns" not in shown
    if yearly:
        assert shown["periods_per_year"].default is None


def test_figures_of_prices_are_those_of_their_returns() -> None:
    prices = wb(PRICES)
    assert (prices.kind, wb(RETURNS).kind) == ("prices", "returns")
    assert prices.returns().tolist() == pytest.approx(PORTFOLIO.tolist())
    assert prices.returns().index.equals(MONTHS)
    assert prices.log_returns().tolist() == pytest.approx(np.log1p(PORTFOLIO).tolist())
    assert prices.sharpe_ratio() == pytest.approx(wb(RETURNS).sharpe_ratio())
    assert prices.drawdown().tolist() == pytest.approx([0.0, *drawdown(PORTFOLIO)])
    assert prices.drawdown().index.equals(PRICES.index)
    assert prices.drawdown_table(3)["depth"].tolist() == pytest.approx(
        tables.drawdown_table(RETURNS, 3)["depth"].tolist()
    )
    assert prices.rolling_sharpe(12).tolist()[1:] == pytest.approx(
        wb(RETURNS).rolling_sharpe(12).tolist(), nan_ok=True
    )
    assert prices.monthly_returns().loc[2001, "Dec"] == pytest.approx(-0.009)


def test_normalised_curves_begin_at_their_base() -> None:
    assert wb(PRICES).normalise().iloc[0] == 1.0
    assert wb(PRICES).normalise(100).tolist() == pytest.approx(PRICES.tolist())
    assert wb(RETURNS).normalise(100).tolist() == pytest.approx(PRICES.tolist()[1:])
    late = pd.DataFrame({"a": [math.nan, 50.0, 60.0], "b": [10.0, 20.0, 5.0]})
    found = wb(late).normalise()
    assert found["a"].tolist()[1:] == [1.0, 1.2]
    assert found["b"].tolist() == [1.0, 2.0, 0.5]


def test_nothing_is_lost_in_a_gap_of_prices() -> None:
    gappy = pd.Series([100.0, math.nan, 90.0], pd.date_range("2024-01-01", periods=3))
    assert wb(gappy).total_return() == pytest.approx(-0.10)
    assert wb(gappy).returns().tolist() == [pytest.approx(math.nan, nan_ok=True), pytest.approx(-0.10)]


def test_a_benchmark_may_be_prices() -> None:
    market = 50.0 * (1.0 + FRAME["market"]).cumprod()
    market = pd.concat([pd.Series([50.0], [pd.Timestamp("1999-12-31")]), market])
    assert wb(RETURNS).beta(market) == pytest.approx(wb(RETURNS).beta(FRAME["market"]))
    assert wb(RETURNS).summary(benchmark=market)["beta"] == pytest.approx(wb(RETURNS).beta(FRAME["market"]))


def test_the_summary_says_how_many_periods_it_took() -> None:
    found = wb(RETURNS).summary()
    assert found.equals(summary(RETURNS, periods_per_year=12))
    assert found["periods_per_year"] == 12.0
    assert wb(RETURNS).periods_per_year == 12.0


def test_periods_may_be_given_once_or_by_method() -> None:
    monthly, daily = wb(RETURNS).sharpe_ratio(), wb(RETURNS).sharpe_ratio(periods_per_year=252)
    assert daily == pytest.approx(monthly * math.sqrt(252 / 12))
    told = wb(RETURNS)(periods_per_year=252)
    assert told.sharpe_ratio() == daily
    assert told.periods_per_year == told.summary()["periods_per_year"] == 252.0
    assert told(kind="returns").periods_per_year == 252.0
    assert wb(RETURNS).periods_per_year == 12.0  # the accessor itself was told nothing


def test_an_index_without_times_must_be_told() -> None:
    plain = wb(RETURNS.reset_index(drop=True))
    assert plain.max_drawdown() == wb(RETURNS).max_drawdown()  # needs no calendar
    with pytest.raises(
        ConfigError, match=r"index without times \(RangeIndex\); pass it, as in periods_per_year=252"
    ):
        plain.sharpe_ratio()
    assert plain.sharpe_ratio(periods_per_year=12) == wb(RETURNS).sharpe_ratio()


def test_columns_each_for_themselves() -> None:
    found = wb(FRAME).sharpe_ratio()
    assert found["fund"] == wb(RETURNS).sharpe_ratio()
    assert list(wb(FRAME).summary().columns) == ["fund", "market"]
    table = wb(FRAME).drawdown_table(2)
    assert table.index.names == [None, "rank"]
    assert table.loc[("fund", 1), "depth"] == wb(RETURNS).max_drawdown()
    deflated = wb(FRAME).deflated_sharpe_ratio()
    assert deflated.equals(performance.deflated_sharpe_ratio(FRAME))
    assert wb(FRAME).probability_of_backtest_overfitting(blocks=2).names.tolist() == ["fund", "market"]


BARS = pd.DataFrame(
    {
        "open": [10.0, 11.0, 12.0, 11.0],
        "high": [11.5, 12.5, 12.2, 11.1],
        "low": [9.5, 10.9, 10.8, 9.9],
        "close": [11.0, 12.0, 11.0, 10.0],
        "volume": [1.0, 2.0, 3.0, 4.0],
        "note": list("abcd"),
    },
    pd.DatetimeIndex(
        ["2024-01-01 00:00", "2024-01-01 00:01", "2024-01-01 00:02", "2024-01-01 00:07"], tz="UTC"
    ),
)


def test_bars_stand_for_their_close() -> None:
    assert wb(BARS).total_return() == pytest.approx(10 / 11 - 1)
    assert wb(BARS).returns().tolist() == pytest.approx([1 / 11, -1 / 12, -1 / 11])
    assert wb(BARS).drawdown_table(1).loc[1, "depth"] == pytest.approx(10 / 12 - 1)


def test_longer_bars() -> None:
    longer = wb(BARS).resample_ohlc("2min")
    assert longer.index.strftime("%H:%M").tolist() == ["00:00", "00:02", "00:06"]  # none from 00:04
    assert longer.iloc[0].to_dict() == {"open": 10.0, "high": 12.5, "low": 9.5, "close": 12.0, "volume": 3.0}
    assert list(wb(BARS.drop(columns=["volume", "note"])).resample_ohlc("1D").columns) == [
        "open",
        "high",
        "low",
        "close",
    ]
    with pytest.raises(
        DataError, match=r"expected the columns open, high, low, close, found none called open, high"
    ):
        wb(FRAME).resample_ohlc("1D")
    with pytest.raises(ConfigError, match=r"longer bars need times as the index, found RangeIndex"):
        wb(BARS.reset_index(drop=True)).resample_ohlc("1D")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([100.0, 99.0], "prices"),
        ([0.99, 1.0], "prices"),
        ([0.01, -0.01], "returns"),
        ([0.0, 0.0], "returns"),
        ([-0.5, 9.0], "returns"),
        ([0.01, 0.02], None),  # returns, or prices of a coin
        ([100.0, -50.0], None),  # P&L, or equity that was lost
        ([math.nan, math.nan], None),
        ([], None),
    ],
)
def test_values_tell_what_they_are_or_ask(values: list[float], kind: str | None) -> None:
    held = pd.Series(values, dtype=np.float64)
    if kind is None:
        with pytest.raises(DataError, match=r"may be returns or prices .* say which|found no value"):
            wb(held).total_return()
    else:
        assert wb(held).kind == kind


def test_what_is_not_numbers_is_told() -> None:
    with pytest.raises(DataError, match=r"values: expected numbers, found Series of "):
        wb(pd.Series(["AAPL", "MSFT"])).sharpe_ratio()
    with pytest.raises(DataError, match=r"values: expected finite numbers, found inf at 1"):
        wb(pd.Series([100.0, math.inf])).returns()


def test_what_they_are_may_be_told() -> None:
    coin = pd.Series([0.02, 0.01, 0.03])
    assert wb(coin)(kind="prices").total_return() == pytest.approx(0.5)
    assert wb(coin)(kind="returns").total_return() == pytest.approx(1.02 * 1.01 * 1.03 - 1)
    with pytest.raises(ConfigError, match=r"kind must be 'returns' or 'prices', found 'pnl'"):
        wb(coin)(kind="pnl")
    with pytest.raises(DataError, match=r"expected prices above 0, found one that is not"):
        wb(pd.Series([1.0, -2.0]))(kind="prices").returns()


def test_it_shows_what_it_took_things_for() -> None:
    assert repr(wb(RETURNS)) == "<SeriesAccessor of 24 rows: returns, 12 periods a year>"
    assert "say which" in repr(wb(pd.Series([0.01, 0.02])))


def test_a_wrong_name_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'riskfree'"):
        wb(RETURNS).sharpe_ratio(riskfree=0.01)
    with pytest.raises(TypeError, match=r"missing a required argument: 'benchmark'"):
        wb(RETURNS).beta()


def test_importing_it_is_what_registers_it_and_it_is_light() -> None:
    code = (
        "import sys, pandas as pd; before = hasattr(pd.Series, 'wb'); "
        "import workbench.performance.accessor as accessor; accessor.load_ipython_extension(None); "
        "print(before, hasattr(pd.Series, 'wb'), hasattr(pd.DataFrame, 'wb'), "
        "[m for m in ('numba', 'scipy', 'holoviews', 'vectorbt') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False True True []"
    assert accessor.SeriesAccessor.__doc__
