"""Factor loadings against certified figures, and shocks worked by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]  # ships no types
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.errors import ConfigError, DataError, UnknownInstrumentError
from workbench.risk.factors import (
    FactorModel,
    conditional_shocks,
    factor_exposures,
    factor_loadings,
    factor_risk,
    factor_stress,
)


def days(count: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=count, freq="1D", tz="UTC")


def random_frame(rows: int, names: str, seed: int, scale: float = 0.01) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(0.0, scale, (rows, len(names)))
    return pd.DataFrame(values, index=days(rows), columns=list(names))


@pytest.fixture
def model() -> FactorModel:
    """A = 2 x stocks, B = 0.5 x stocks - 1 x rates, exactly."""
    factors = random_frame(40, "SR", 1).set_axis(["stocks", "rates"], axis=1)
    returns = pd.DataFrame({"A": 2.0 * factors["stocks"], "B": 0.5 * factors["stocks"] - factors["rates"]})
    return factor_loadings(returns, factors)


def test_longley_comes_out_as_certified() -> None:
    """NIST Statistical Reference Datasets, Longley (1967): certified values of a badly conditioned regression."""
    data = sm.datasets.longley.load_pandas().data.set_index("YEAR", drop=False)
    factors = data[["GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR"]]
    fit = factor_loadings(data["TOTEMP"], factors)
    certified = {
        "GNPDEFL": (15.0618722713733, 84.9149257747669),
        "GNP": (-0.0358191792925910, 0.0334910077722432),
        "UNEMP": (-2.02022980381683, 0.488399681651699),
        "ARMED": (-1.03322686717359, 0.214274163161675),
        "POP": (-0.0511041056535807, 0.226073200069370),
        "YEAR": (1829.15146461355, 455.478499142212),
    }
    assert fit.alpha["TOTEMP"] == pytest.approx(-3482258.63459582, rel=1e-8)
    assert fit.alpha_t["TOTEMP"] == pytest.approx(-3482258.63459582 / 890420.383607373, rel=1e-8)
    for name, (value, error) in certified.items():
        assert fit.loadings[name].iloc[0] == pytest.approx(value, rel=1e-7)
        assert fit.standard_errors[name].iloc[0] == pytest.approx(error, rel=1e-8)
        assert fit.t_stats[name].iloc[0] == pytest.approx(value / error, rel=1e-7)
    assert fit.r_squared.iloc[0] == pytest.approx(0.995479004577296, rel=1e-12)
    assert fit.residual_volatility.iloc[0] == pytest.approx(304.854073561965, rel=1e-9)
    assert fit.observations.iloc[0] == 16


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("lags", [None, 0, 5])
def test_errors_agree_with_statsmodels(intercept: bool, lags: int | None) -> None:
    factors = random_frame(300, "XY", 2)
    noise = np.random.default_rng(3).normal(0.0, 0.01, 300) * (1.0 + 50.0 * factors["X"].abs())
    own = (0.001 + 1.2 * factors["X"] - 0.4 * factors["Y"] + noise).rename("own")
    fit = factor_loadings(own, factors, intercept=intercept, newey_west_lags=lags)
    design = sm.add_constant(factors) if intercept else factors
    settings = {} if lags is None else {"cov_type": "HAC", "cov_kwds": {"maxlags": lags}}
    peer = sm.OLS(own, design).fit(**settings)
    np.testing.assert_allclose(fit.loadings.iloc[0], peer.params[["X", "Y"]], rtol=1e-9)
    np.testing.assert_allclose(fit.standard_errors.iloc[0], peer.bse[["X", "Y"]], rtol=1e-9)
    assert fit.r_squared.iloc[0] == pytest.approx(peer.rsquared, rel=1e-9)
    if intercept:
        assert fit.alpha.iloc[0] == pytest.approx(peer.params["const"], rel=1e-9)
        assert fit.alpha_t.iloc[0] == pytest.approx(peer.tvalues["const"], rel=1e-9)


def test_what_was_planted_is_found(model: FactorModel) -> None:
    np.testing.assert_allclose(model.loadings.to_numpy(), [[2.0, 0.0], [0.5, -1.0]], atol=1e-12)
    assert model.r_squared.tolist() == pytest.approx([1.0, 1.0])
    assert list(model.summary().columns)[:4] == ["alpha", "alpha_t", "stocks", "stocks_t"]


def test_rows_that_an_instrument_lacks_are_left_out_of_its_fit_alone() -> None:
    factors = random_frame(50, "X", 4)
    table = pd.DataFrame({"A": 2.0 * factors["X"], "B": -factors["X"]})
    table.iloc[:20, 1] = np.nan
    fit = factor_loadings(table, factors)
    assert fit.observations.to_dict() == {"A": 50, "B": 30}
    assert fit.loadings["X"].tolist() == pytest.approx([2.0, -1.0])


def test_a_shock_moves_each_position_by_its_loadings(model: FactorModel) -> None:
    table = factor_stress({"A": 1_000.0, "B": -400.0}, model, {"stocks": -0.2, "rates": 0.01})
    # A: 1000 x 2 x -0.2.  B: -400 x 0.5 x -0.2 and -400 x -1 x 0.01.
    assert table.index.tolist() == ["A", "B", "total"]
    np.testing.assert_allclose(table.loc["A"], [-400.0, 0.0, -400.0], atol=1e-9)
    np.testing.assert_allclose(table.loc["B"], [40.0, 4.0, 44.0], atol=1e-9)
    np.testing.assert_allclose(table.loc["total"], [-360.0, 4.0, -356.0], atol=1e-9)
    exposure = factor_exposures({"A": 1_000.0, "B": -400.0}, model)
    np.testing.assert_allclose(exposure.loc["total"], [1_800.0, 400.0], atol=1e-9)


def test_several_scenarios_come_as_mappings_or_as_a_frame(model: FactorModel) -> None:
    book = {"A": 1_000.0}
    shocks = {"crash": {"stocks": -0.3}, "hike": {"rates": 0.02}}
    table = factor_stress(book, model, shocks)
    assert table.index.names == ["scenario", "instrument"]
    assert table["total"].to_dict() == pytest.approx(
        {("crash", "A"): -600.0, ("crash", "total"): -600.0, ("hike", "A"): 0.0, ("hike", "total"): 0.0},
        abs=1e-9,
    )
    frame = pd.DataFrame({"stocks": [-0.3, np.nan], "rates": [np.nan, 0.02]}, index=["crash", "hike"])
    pd.testing.assert_frame_equal(factor_stress(book, model, frame), table)


def test_the_other_factors_move_as_they_usually_do() -> None:
    # Correlation 0.5, deviations 2 % and 1 %: a move of -10 % in x goes with 0.5 x 1/2 x -10 % = -2.5 % in y.
    covariance = pd.DataFrame([[4e-4, 1e-4], [1e-4, 1e-4]], index=["x", "y"], columns=["x", "y"])
    empty: pd.Series[float] = pd.Series(dtype=float)
    model = FactorModel(
        pd.DataFrame([[1.0, 1.0]], ["A"], ["x", "y"]),
        pd.DataFrame(),
        empty,
        empty,
        empty,
        empty,
        pd.Series(),
        covariance,
    )
    assert conditional_shocks({"x": -0.1}, model).to_dict() == pytest.approx({"x": -0.1, "y": -0.025})
    assert conditional_shocks({"y": -0.1}, model).to_dict() == pytest.approx({"x": -0.1, "y": -0.1})
    assert conditional_shocks({"x": 1.0, "y": 2.0}, model).to_dict() == {"x": 1.0, "y": 2.0}


def test_contributions_to_volatility_add_up_to_that_of_the_book() -> None:
    factors = random_frame(400, "XY", 5)
    noise = random_frame(400, "AB", 6, 0.003)
    returns = pd.DataFrame(
        {"A": factors["X"] + noise["A"], "B": 0.5 * factors["X"] - factors["Y"] + noise["B"]}
    )
    model = factor_loadings(returns, factors)
    book = {"A": 1_000.0, "B": 800.0}
    table = factor_risk(book, model)
    assert table.index.tolist() == ["X", "Y", "specific", "total"]
    assert table["contribution"].iloc[:3].sum() == pytest.approx(table["contribution"].iloc[3])
    assert table["share"].iloc[:3].sum() == pytest.approx(1.0)
    realised = float((returns * pd.Series(book)).sum(axis=1).std())
    assert table["contribution"].iloc[3] == pytest.approx(realised, rel=0.02)


def test_the_nasdaq_moves_more_than_the_index_and_oil_less() -> None:
    closes = wb.merge(wb.load("sp500"), wb.load("nasdaq"), wb.load("wti")).closes()
    returns = closes["2004":"2018"].pct_change(fill_method=None)
    market = returns[["SPX@US"]]
    fit = factor_loadings(returns[["IXIC@US", "WTI@CUSHING"]], market, newey_west_lags=5)
    loadings = fit.loadings["SPX@US"]
    assert 1.0 < loadings["IXIC@US"] < 1.2
    assert 0.2 < loadings["WTI@CUSHING"] < 0.8
    assert fit.r_squared["IXIC@US"] > 0.8 > 0.2 > fit.r_squared["WTI@CUSHING"]
    assert fit.t_stats["SPX@US"]["IXIC@US"] > 50
    loss = factor_stress({"IXIC@US": 1e6}, fit, {"SPX@US": -0.2})["total"]["total"]
    assert loss == pytest.approx(-0.2 * 1e6 * loadings["IXIC@US"])


@settings(max_examples=30)
@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_stress_is_linear_in_positions_and_shocks(a: float, b: float, s: float, r: float) -> None:
    factors = random_frame(30, "SR", 7)
    returns = pd.DataFrame({"A": a * factors["S"] + 0.001, "B": b * factors["S"] - factors["R"]})
    model = factor_loadings(returns, factors)
    once = factor_stress({"A": 10.0, "B": -5.0}, model, {"S": s, "R": r})
    twice = factor_stress({"A": 20.0, "B": -10.0}, model, {"S": s, "R": r})
    np.testing.assert_allclose(twice, 2.0 * once, atol=1e-9)
    assert once["total"]["total"] == pytest.approx(10.0 * a * s - 5.0 * (b * s - r), abs=1e-8)
    np.testing.assert_allclose(once["S"] + once["R"], once["total"], atol=1e-12)


def test_models_and_shocks_that_make_no_sense_are_one_clear_error(model: FactorModel) -> None:
    factors = random_frame(30, "XY", 8)
    own = random_frame(30, "A", 9)
    with pytest.raises(DataError, match="A: expected 5 rows or more in common with the factors, found 4"):
        factor_loadings(own.iloc[:4], factors)
    with pytest.raises(DataError, match="they cannot be told apart over the rows of A"):
        factor_loadings(own, factors.assign(Z=2.0 * factors["X"] + factors["Y"]))
    with pytest.raises(DataError, match="they cannot be told apart"):
        factor_loadings(own, factors.assign(Z=0.01))  # the intercept says the same
    with pytest.raises(DataError, match="Z does not move over the rows of A"):
        factor_loadings(own, factors.assign(Z=0.0))
    with pytest.raises(ConfigError, match="newey_west_lags must be a whole number of 0 or more"):
        factor_loadings(own, factors, newey_west_lags=-1)
    with pytest.raises(UnknownInstrumentError, match="has no loadings of C; it has A, B"):
        factor_stress({"C": 1.0}, model, {"stocks": 0.1})
    with pytest.raises(ConfigError, match="no factor 'gold'; there are stocks, rates"):
        factor_stress({"A": 1.0}, model, {"gold": 0.1})
    with pytest.raises(ConfigError, match="the move of stocks must be finite, found nan"):
        factor_stress({"A": 1.0}, model, {"stocks": math.nan})
    with pytest.raises(ConfigError, match="expected the move of at least one factor"):
        factor_stress({"A": 1.0}, model, {})
    mixed: Any = {"stocks": 0.1, "crash": {"rates": 0.1}}
    with pytest.raises(ConfigError, match="either factor -> return, or scenario -> such a mapping"):
        factor_stress({"A": 1.0}, model, mixed)
