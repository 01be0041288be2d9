"""Our figures beside those of empyrical-reloaded and of vectorbt's returns accessor.

Where definitions agree the numbers must; where they differ, the table in `workbench.performance.returns` says how, and
a test below holds each of its lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import empyrical
import numpy as np
import pandas as pd
import pytest
import vectorbt as vbt
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.data.catalog import load
from workbench.performance import benchmark, distribution, drawdown, outcomes, returns, trials

type Series = pd.Series[float]
type Ours = Callable[[Series, Series], float]
type Vectorbt = Callable[[Any], float]
type Empyrical = Callable[[Series, Series], float]

YEAR = 252
RATE = 0.0002  # per period
TARGET = (1.0 + RATE) ** YEAR - 1.0  # what the peers' omega takes: per year


def theirs(fund: Series, market: Series | None = None) -> Any:
    """vectorbt's accessor, with 252 periods a year."""
    held: Any = fund
    return held.vbt.returns(freq="1D", year_freq=f"{YEAR}D", benchmark_rets=market)


AGREED: dict[str, tuple[Ours, Vectorbt | None, Empyrical | None]] = {
    "total_return": (
        lambda r, _: returns.total_return(r),
        lambda a: a.total(),
        lambda r, _: empyrical.cum_returns_final(r),
    ),
    "cagr": (
        lambda r, _: returns.cagr(r, periods_per_year=YEAR),
        lambda a: a.annualized(),
        lambda r, _: empyrical.annual_return(r, annualization=YEAR),
    ),
    "volatility": (
        lambda r, _: returns.volatility(r, periods_per_year=YEAR),
        lambda a: a.annualized_volatility(),
        lambda r, _: empyrical.annual_volatility(r, annualization=YEAR),
    ),
    "downside_deviation": (
        lambda r, _: returns.downside_deviation(r, periods_per_year=YEAR, required_return=RATE),
        lambda a: a.downside_risk(required_return=RATE),
        lambda r, _: empyrical.downside_risk(r, RATE, annualization=YEAR),
    ),
    "sharpe_ratio": (
        lambda r, _: returns.sharpe_ratio(r, periods_per_year=YEAR, risk_free=RATE),
        lambda a: a.sharpe_ratio(risk_free=RATE),
        lambda r, _: empyrical.sharpe_ratio(r, RATE, annualization=YEAR),
    ),
    "sortino_ratio": (
        lambda r, _: returns.sortino_ratio(r, periods_per_year=YEAR, required_return=RATE),
        lambda a: a.sortino_ratio(required_return=RATE),
        lambda r, _: empyrical.sortino_ratio(r, RATE, annualization=YEAR),
    ),
    "calmar_ratio": (
        lambda r, _: drawdown.calmar_ratio(r, periods_per_year=YEAR),
        lambda a: a.calmar_ratio(),
        lambda r, _: empyrical.calmar_ratio(r, annualization=YEAR),
    ),
    "max_drawdown": (
        lambda r, _: drawdown.max_drawdown(r),
        lambda a: a.max_drawdown(),  # where the first return is no loss; see below
        lambda r, _: empyrical.max_drawdown(r),
    ),
    "omega_ratio": (
        lambda r, _: outcomes.omega_ratio(r, required_return=RATE),
        lambda a: a.omega_ratio(required_return=TARGET),
        lambda r, _: empyrical.omega_ratio(r, required_return=TARGET, annualization=YEAR),
    ),
    "tail_ratio": (
        lambda r, _: distribution.tail_ratio(r),
        lambda a: a.tail_ratio(),
        lambda r, _: empyrical.tail_ratio(r),
    ),
    "stability": (
        lambda r, _: distribution.stability(r),
        None,
        lambda r, _: empyrical.stability_of_timeseries(r),
    ),
    "beta": (
        benchmark.beta,
        lambda a: a.beta(),
        empyrical.beta,
    ),
    "alpha": (
        lambda r, m: benchmark.alpha(r, m, periods_per_year=YEAR, risk_free=RATE),
        lambda a: a.alpha(risk_free=RATE),
        lambda r, m: empyrical.alpha(r, m, RATE, annualization=YEAR),
    ),
    "information_ratio": (
        lambda r, m: benchmark.information_ratio(r, m, periods_per_year=1),
        lambda a: a.information_ratio(),
        empyrical.excess_sharpe,
    ),
    "up_capture": (
        lambda r, m: benchmark.up_capture(r, m, periods_per_year=YEAR),
        lambda a: a.up_capture(),
        empyrical.up_capture,
    ),
    "down_capture": (
        lambda r, m: benchmark.down_capture(r, m, periods_per_year=YEAR),
        lambda a: a.down_capture(),
        empyrical.down_capture,
    ),
    "capture_ratio": (
        lambda r, m: benchmark.capture_ratio(r, m, periods_per_year=YEAR),
        None,
        empyrical.up_down_capture,
    ),
}


def agree(fund: Series, market: Series) -> None:
    accessor = theirs(fund, market)
    for name, (ours, by_vectorbt, by_empyrical) in AGREED.items():
        found = ours(fund, market)
        for peer, expected in (
            ("vectorbt", by_vectorbt(accessor) if by_vectorbt else found),
            ("empyrical", by_empyrical(fund, market) if by_empyrical else found),
        ):
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), f"{name} beside {peer}"


@pytest.mark.parametrize("seed", range(5))
def test_figures_agree_on_random_returns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2020-01-01", periods=750)
    market = pd.Series(rng.standard_t(4, 750) * 0.01, index)
    fund = 0.7 * market + rng.normal(0.0003, 0.005, 750)
    fund.iloc[0] = abs(fund.iloc[0])  # vectorbt's drawdowns begin after the first return
    agree(fund, market)


def test_figures_agree_on_real_returns() -> None:
    prices = load("sp500")
    closes = prices.frame(prices.names[0])["close"]
    fund: Series = closes.pct_change().iloc[1:]
    fund = fund.iloc[int((fund > 0.0).to_numpy().argmax()) :]
    rng = np.random.default_rng(1)
    agree(fund, 0.5 * fund + rng.normal(0.0, 0.005, len(fund)))


odd = hnp.arrays(np.float64, (40, 2), elements=st.floats(-0.3, 0.3).map(lambda x: round(x, 4)))


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.filter_too_much], deadline=None
)  # numba may compile
@given(odd)
def test_figures_agree_on_odd_returns(table: np.ndarray[Any, Any]) -> None:
    index = pd.bdate_range("2020-01-01", periods=40)
    fund, market = pd.Series(table[:, 0], index), pd.Series(table[:, 1], index)
    assume(fund.iloc[0] >= 0.0)
    assume(min(fund.std(), market.std(), (fund - market).std()) > 1e-3)
    assume(fund.min() < RATE and abs(float(np.percentile(fund, 5))) > 1e-3)
    up, down = market > 0.0, market < 0.0
    assume(up.any() and down.any() and abs(float(empyrical.down_capture(fund, market))) > 1e-6)
    agree(fund, market)


def test_drawdown_ratios_agree_with_vectorbt() -> None:
    rng = np.random.default_rng(7)
    fund = pd.Series(rng.normal(0.0005, 0.01, 500), pd.bdate_range("2020-01-01", periods=500))
    fund.iloc[0] = 0.0  # vectorbt's drawdowns begin after the first return
    accessor = theirs(fund)
    assert drawdown.ulcer_index(fund) == pytest.approx(accessor.ulcer_index(), rel=1e-9)
    martin = drawdown.martin_ratio(fund, periods_per_year=YEAR, risk_free=RATE)
    assert martin == pytest.approx(accessor.martin_ratio(risk_free=RATE), rel=1e-9)
    assert drawdown.drawdown(fund).tolist() == pytest.approx(accessor.drawdown().tolist(), abs=1e-12)


def test_the_deflated_sharpe_ratio_agrees_with_vectorbt() -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(0.0005, 0.01, (500, 6)), pd.bdate_range("2020-01-01", periods=500))
    held: Any = frame
    expected = held.vbt.returns(freq="1D", year_freq=f"{YEAR}D").deflated_sharpe_ratio()
    assert trials.deflated_sharpe_ratio(frame).tolist() == pytest.approx(expected.tolist(), rel=1e-9)


# -- where they differ ----------------------------------------------------------------------------------------------

DAYS = pd.bdate_range("2020-01-01", periods=4)
FLAT = pd.Series([0.001] * 4, DAYS)
GAINS = pd.Series([0.01, 0.02, 0.01, 0.03], DAYS)
MIXED = pd.Series([0.02, -0.01, 0.03, -0.02], DAYS)


def test_ratios_without_deviation_or_losses() -> None:
    assert math.isnan(returns.sharpe_ratio(FLAT, periods_per_year=YEAR))
    assert empyrical.sharpe_ratio(FLAT) == math.inf
    zero = pd.Series(0.5, DAYS)  # of which the deviation is exactly 0
    assert theirs(zero).sharpe_ratio() == math.inf
    assert math.isnan(returns.sortino_ratio(GAINS, periods_per_year=YEAR))
    assert empyrical.sortino_ratio(GAINS) == theirs(GAINS).sortino_ratio() == math.inf


def test_omega_without_losses() -> None:
    assert outcomes.omega_ratio(GAINS) == theirs(GAINS).omega_ratio() == math.inf
    assert math.isnan(empyrical.omega_ratio(GAINS))


def test_omega_s_required_return_is_theirs_per_year() -> None:
    ours = outcomes.omega_ratio(MIXED, required_return=0.01)
    assert ours == pytest.approx((0.01 + 0.02) / (0.02 + 0.03))
    assert empyrical.omega_ratio(MIXED, required_return=0.01) != pytest.approx(ours, rel=0.1)
    assert theirs(MIXED).omega_ratio(required_return=0.01) != pytest.approx(ours, rel=0.1)


def test_missing_returns_count_as_periods_with_them() -> None:
    gappy = pd.Series([0.01, math.nan, 0.02, math.nan], DAYS)
    total = 1.01 * 1.02
    assert returns.cagr(gappy, periods_per_year=4) == pytest.approx(total ** (4 / 2) - 1)
    assert empyrical.annual_return(gappy, annualization=4) == pytest.approx(total ** (4 / 4) - 1)
    held: Any = gappy
    assert held.vbt.returns(freq="1D", year_freq="4D").annualized() == pytest.approx(total ** (4 / 4) - 1)


def test_more_than_all_may_be_lost_with_them() -> None:
    lost = pd.Series([0.1, -1.5, -1.5, 0.1], DAYS)
    assert math.isnan(returns.total_return(lost))
    compounded = 1.1 * -0.5 * -0.5 * 1.1 - 1
    assert empyrical.cum_returns_final(lost) == pytest.approx(compounded)
    assert theirs(lost).total() == pytest.approx(compounded)


def test_the_information_ratio_is_annualised_with_us() -> None:
    ours = benchmark.information_ratio(MIXED, GAINS, periods_per_year=YEAR)
    assert ours == pytest.approx(empyrical.excess_sharpe(MIXED, GAINS) * math.sqrt(YEAR))
    assert ours == pytest.approx(theirs(MIXED, GAINS).information_ratio() * math.sqrt(YEAR))


def test_they_assume_a_number_of_periods() -> None:
    with pytest.raises(TypeError, match="periods_per_year"):
        returns.sharpe_ratio(MIXED)  # type: ignore[call-overload]
    assert empyrical.sharpe_ratio(MIXED) == empyrical.sharpe_ratio(MIXED, annualization=252)
    assert vbt.settings.returns["year_freq"] == "365 days"
    held: Any = MIXED
    by_index = held.vbt.returns(freq="1D").sharpe_ratio()
    assert by_index == pytest.approx(returns.sharpe_ratio(MIXED, periods_per_year=365))


def test_tail_ratio_without_a_lower_tail() -> None:
    tail = pd.Series([0.0] * 20 + [0.1])
    assert math.isnan(distribution.tail_ratio(tail))
    assert theirs(tail.set_axis(pd.bdate_range("2020-01-01", periods=21))).tail_ratio() == math.inf


def test_the_first_high_is_the_wealth_before_the_first_return_and_not_so_with_vectorbt() -> None:
    down = pd.Series([-0.10, 0.05, -0.05, 0.01], DAYS)
    assert drawdown.max_drawdown(down) == pytest.approx(0.9 * 1.05 * 0.95 - 1)
    assert empyrical.max_drawdown(down) == pytest.approx(drawdown.max_drawdown(down))
    assert theirs(down).max_drawdown() == pytest.approx(-0.05)
