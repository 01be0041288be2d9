"""All figures in one Series."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pandas as pd
import pytest

from tests.performance.bacon import BENCHMARK, MONTHS, PORTFOLIO
from workbench import performance
from workbench.errors import ConfigError, DataError
from workbench.performance.summary import summary

FUND = pd.Series(PORTFOLIO, MONTHS, name="fund")
MARKET = pd.Series(BENCHMARK, MONTHS)


def test_every_figure_stands_under_the_name_of_its_function() -> None:
    found = summary(FUND, periods_per_year=12, benchmark=MARKET, risk_free=0.002)
    assert (found.name, found["periods"], found["periods_per_year"]) == ("fund", 24.0, 12.0)
    assert (found["best"], found["worst"]) == (0.081, -0.065)
    settings = {"periods_per_year": 12, "risk_free": 0.002, "required_return": 0.002}
    for name in set(found.index) - {"periods", "periods_per_year", "best", "worst"}:
        function = getattr(performance, str(name))
        takes = inspect.signature(function).parameters
        beside = [MARKET] if "benchmark" in takes else []
        given = {what: value for what, value in settings.items() if what in takes}
        assert found[name] == pytest.approx(function(FUND, *beside, **given), nan_ok=True), name


def test_a_frame_gives_a_column_each() -> None:
    frame = pd.DataFrame({"fund": FUND, "market": MARKET})
    found = summary(frame, periods_per_year=12)
    assert list(found.columns) == ["fund", "market"]
    assert found["fund"].equals(summary(FUND, periods_per_year=12))
    beside = summary(frame, periods_per_year=12, benchmark=MARKET)
    assert beside.loc["beta", "market"] == pytest.approx(1.0)
    arrays = summary(frame.to_numpy(), periods_per_year=12)
    assert arrays[1].tolist() == pytest.approx(found["market"].tolist(), nan_ok=True)


def test_periods_that_only_one_of_both_has_are_left_out_everywhere() -> None:
    found = summary(FUND, periods_per_year=12, benchmark=MARKET.iloc[6:])
    assert found["periods"] == 18.0
    assert found["total_return"] == pytest.approx(performance.total_return(FUND.iloc[6:]))


def test_nothing_has_no_figures() -> None:
    found = summary([], periods_per_year=252)
    assert found["periods"] == 0.0
    assert found.drop(["periods", "periods_per_year"]).isna().all()


def test_periods_must_be_given() -> None:
    with pytest.raises(ConfigError, match=r"periods_per_year must be a finite number"):
        summary(FUND, periods_per_year=math.nan)
    with pytest.raises(DataError, match=r"benchmark: expected as many rows"):
        summary(np.zeros(3), periods_per_year=252, benchmark=np.zeros(4))
