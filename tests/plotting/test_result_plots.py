"""The plots of a backtest: that they show the numbers of the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.backtest.conftest import SIX_CLOSES, SIX_ORDERS, Scripted, bars
from tests.plotting.samples import layers
from workbench.backtest.api import backtest
from workbench.backtest.result import BacktestResult
from workbench.chaos.events import ChaosEvent
from workbench.core.costs import Costs
from workbench.core.limits import RiskLimits
from workbench.data.prices import Prices
from workbench.errors import ConfigError, DataError, StrategyError, UnknownInstrumentError
from workbench.risk import rolling_var


def run(
    closes: dict[str, Sequence[float]], script: dict[int, list[float]], step: str = "1D", **settings: Any
) -> BacktestResult:
    """Scripted orders of ten units at 10,000 cash, without any cost."""
    prices = Prices({name: bars(values, step) for name, values in closes.items()}, interval=step)
    config = {"script": script, "unit": 10.0}
    return backtest(
        Scripted, prices, **{"config": config, "costs": Costs.free(), "initial_cash": 10_000.0, **settings}
    )


@pytest.fixture(scope="module")
def six() -> BacktestResult:
    """See tests/backtest/conftest.py: long 10 from 102 to 105, short 10 from 104 to 107."""
    return run({"X@SIM": SIX_CLOSES}, SIX_ORDERS)


@pytest.fixture(scope="module")
def year() -> BacktestResult:
    """300 days of a holding of 20 units, bought on the second day."""
    rng = np.random.default_rng(5)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, 300)))
    crash = ChaosEvent("volatility_burst", "2024-03-01", "5 days", intensity=2.0, seed=1)
    return run({"X@SIM": closes.tolist()}, {0: [2.0]}, chaos=[crash])


def test_equity_is_as_it_was_and_may_be_responsive(six: BacktestResult, figure: Callable[[Any], Any]) -> None:
    plot = six.plot(width=500, height=200, responsive=True)
    upper, lower = plot
    assert layers(upper)["Curve"]["equity"].tolist() == [10_000, 10_000, 10_040, 10_030, 10_030, 10_000]
    assert layers(lower)["Area"]["drawdown"].tolist() == six.drawdown.tolist()
    assert [one.sizing_mode for one, *_ in figure(plot).children] == ["stretch_width"] * 2


def test_a_day_that_closes_at_midnight_belongs_to_its_month(page: Callable[[Any], str]) -> None:
    """31 days of January and one of February; the bar of 31 January closes on 1 February, 00:00."""
    closes = [100.0] * 30 + [110.0, 121.0]
    result = run({"X@SIM": closes}, {0: [1.0]})
    assert result.equity.index[30] == pd.Timestamp("2024-02-01", tz="UTC")
    plot = result.plot_monthly()
    months, _, years, _ = list(plot)
    table = months.dimension_values("return", flat=False)[0]
    assert table[:2].tolist() == pytest.approx([100.0 / 10_000.0, 110.0 / 10_100.0])  # ten units
    assert years.dimension_values("return", flat=False)[0, 0] == pytest.approx(0.021)
    page(plot)


def test_the_first_return_is_that_on_the_initial_cash() -> None:
    costly = run({"X@SIM": [100.0, 100.0, 100.0]}, {0: [1.0]}, costs=Costs(spread_bps=0.0, taker_bps=100.0))
    months = next(iter(costly.plot_monthly())).dimension_values("return", flat=False)
    assert months[0, 0] == pytest.approx(costly.final_equity / 10_000.0 - 1.0)
    assert months[0, 0] < 0.0


def test_rolling_risk_is_that_of_the_returns_of_equity(year: BacktestResult) -> None:
    volatility, sharpe = year.plot_rolling(20)
    returns = year.equity.pct_change()
    drawn = layers(volatility)["Curve rolling volatility"]["volatility"]
    expected = returns.iloc[-20:].std() * np.sqrt(year.periods_per_year)
    assert drawn[-1] == pytest.approx(expected)
    assert "VSpans chaos window" in layers(sharpe)
    volatility, _ = year.plot_rolling(20, periods_per_year=100.0)
    assert layers(volatility)["Curve rolling volatility"]["volatility"][-1] == pytest.approx(
        returns.iloc[-20:].std() * 10.0
    )


def test_rolling_risk_takes_a_benchmark_and_longer_returns(
    year: BacktestResult, page: Callable[[Any], str]
) -> None:
    weekly = year.equity.resample("7D", closed="right", label="right").last()
    plot = year.plot_rolling("90D", every="7D", benchmark=(weekly / weekly.shift(1) - 1.0).dropna() * 0.5)
    *_, beta = plot
    drawn = layers(beta)["Curve rolling beta"]["beta"]
    assert drawn[-1] == pytest.approx(2.0)
    assert len(drawn) == len(weekly)
    page(plot)


def test_trades_are_on_the_price_that_they_saw(six: BacktestResult, page: Callable[[Any], str]) -> None:
    plot = six.plot_trades()
    upper, lower = plot
    drawn = layers(upper)
    assert drawn["Curve"]["price"].tolist() == list(SIX_CLOSES)
    assert {name: one["price"].tolist() for name, one in drawn.items() if name.startswith("Scatter")} == {
        "Scatter buy, entry": [102.0],
        "Scatter buy, exit": [107.0],
        "Scatter sell, entry": [104.0],
        "Scatter sell, exit": [105.0],
    }
    assert layers(lower)["Area"]["position"].tolist() == [0, 0, 10, 10, 0, 0, -10, -10, 0, 0]
    page(plot)


def test_a_part_of_the_trades_knows_the_position_before_it(six: BacktestResult) -> None:
    upper, lower = six.plot_trades(start="2024-01-04", end="2024-01-05")
    assert layers(upper)["Curve"]["price"].tolist() == [106.0, 105.0]
    assert layers(lower)["Area"]["position"].tolist()[0] == 10.0
    with pytest.raises(ConfigError, match="start and end must hold some prices, found none from 2030"):
        six.plot_trades(start="2030-01-01")
    with pytest.raises(ConfigError, match="end must be a time such as '2008-09-15', found 'soon'"):
        six.plot_trades(end="soon")


def test_an_instrument_is_named_where_there_are_several() -> None:
    both = run({"X@SIM": [100.0, 101.0, 102.0], "Y@SIM": [10.0, 11.0, 12.0]}, {0: [1.0]})
    for name in ("Y", "Y@SIM"):
        upper, _ = both.plot_trades(name)
        assert layers(upper)["Curve"]["price"].tolist() == [10.0, 11.0, 12.0]
        assert layers(upper)["Scatter buy, entry"]["price"].tolist() == [11.0]
    with pytest.raises(UnknownInstrumentError, match="name one of: X@SIM, Y@SIM"):
        both.plot_trades()
    with pytest.raises(UnknownInstrumentError, match="no instrument 'Z' in this run; there is: X@SIM, Y@SIM"):
        both.plot_trades("Z")
    twice = run({"X@A": [100.0, 101.0], "X@B": [100.0, 101.0]}, {})
    with pytest.raises(UnknownInstrumentError, match="found 'X' for several; name one of: X@A, X@B"):
        twice.plot_trades("X")


def test_the_trades_of_one_strategy() -> None:
    prices = Prices({"X@SIM": bars([100.0, 101.0, 102.0])}, interval="1D")
    result = backtest(
        {"a": Scripted, "b": Scripted},
        prices,
        config={"a": {"script": {0: [1.0]}, "unit": 10.0}, "b": {"script": {1: [1.0]}, "unit": 10.0}},
        costs=Costs.free(),
        initial_cash=10_000.0,
    )
    upper, _ = result.plot_trades(strategy_id="b")
    assert layers(upper)["Scatter buy, entry"]["price"].tolist() == [102.0]
    upper, _ = result.plot_trades()
    assert layers(upper)["Scatter buy, entry"]["strategy_id"].tolist() == ["a", "b"]
    with pytest.raises(StrategyError, match="no strategy 'c' in this run; there is: a, b"):
        result.plot_trades(strategy_id="c")


def test_a_bad_tick_does_not_flatten_the_price() -> None:
    closes = [100.0] * 30 + [100_000.0] + [101.0] * 30
    upper, _ = run({"X@SIM": closes}, {}).plot_trades()
    assert layers(upper)["Curve"]["price"].tolist() == [100.0] * 30 + [101.0] * 30


def test_value_at_risk_is_forecast_from_the_window_before(year: BacktestResult) -> None:
    plot = year.plot_var(100, 0.95)
    returns = (year.equity / year.equity.shift(1, fill_value=year.initial_cash) - 1.0).rename("returns")
    forecasts = rolling_var(returns, 100, 0.95)
    drawn = layers(plot)
    assert drawn["Curve -VaR 0.95"]["return"].tolist() == (-forecasts["var"]).tolist()
    count = int((returns[100:] < -forecasts["var"]).sum())
    assert count > 1
    assert len(drawn[f"Scatter {count} exceedances"]) == count
    assert len(drawn["Scatter return"]) == 200
    assert "VSpans chaos window" in drawn


def test_value_at_risk_takes_a_method_its_settings_and_longer_returns(
    year: BacktestResult, page: Callable[[Any], str]
) -> None:
    plot = year.plot_var(30, 0.9, "ewma", every="2D", settings={"decay": 0.9}, title="mine", width=500)
    # 300 closes, the first one in a span of its own: 1 + 299 / 2 rounded up, less the window.
    assert len(layers(plot)["Scatter return"]) == 121
    page(plot)
    with pytest.raises(ConfigError, match="every must be a span of time such as '1D', found 'often'"):
        year.plot_var(every="often")


def test_equity_that_is_gone_has_no_returns() -> None:
    ruined = run({"X@SIM": [100.0, 100.0, 40.0, 40.0]}, {0: [20.0]}, limits=RiskLimits.unlimited())
    assert ruined.final_equity < 0.0
    for plot in (ruined.plot_monthly, ruined.plot_var, ruined.plot_rolling):
        with pytest.raises(
            DataError, match=r"returns: expected equity above 0, found -2,000\.00 at 2024-01-04"
        ):
            plot()
    ruined.plot()


def test_a_run_that_is_shorter_than_the_window_says_so(six: BacktestResult) -> None:
    with pytest.raises(DataError, match="take a shorter window"):
        six.plot_rolling()
    with pytest.raises(DataError, match="expected at least 8 rows, found 6"):
        six.plot_var()
