"""One clear error each, before any work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
import workbench.risk
from workbench.errors import ConfigError, DataError
from workbench.risk import (
    average_daily_volume,
    factor_loadings,
    hhi,
    hypothetical_pnl,
    liquidation_profile,
    liquidity_buckets,
    replay_scenario,
    rolling_beta,
    shock_stress,
    tail_risk,
    worst_windows,
)

GOOD = pd.Series(np.linspace(-0.02, 0.02, 40), pd.date_range("2024-01-01", periods=40, tz="UTC"), name="a")
FRAME = pd.DataFrame({"a": GOOD, "b": -GOOD})


def holed() -> pd.Series[float]:
    series = GOOD.copy()
    series.iloc[[3, 9]] = np.nan
    return series


@pytest.mark.parametrize(
    ("returns", "arguments", "message"),
    [
        (GOOD.iloc[:7], {}, "returns: expected at least 8 rows, found 7"),
        ([], {}, "returns: expected at least 8 rows, found 0"),
        (GOOD.iloc[:20], {"horizon": 15}, "expected at least 22 rows for a horizon of 15, found 20"),
        (GOOD, {"method": "filtered_historical"}, "returns of a: expected at least 100 rows .*, found 40"),
        (
            holed(),
            {},
            r"expected finite figures, found nan at 2024-01-04 00:00:00\+00:00.* and 1 more; drop or fill",
        ),
        (["x"] * 10, {}, "returns: expected numbers, found something else"),
        (GOOD.iloc[::-1], {}, "expected rows in the order of time, each once"),
        (FRAME, {}, "exposures: a frame of returns needs the amount held in each column"),
        (GOOD, {"exposures": {"a": 1.0}}, "for one holding give its amount as value"),
        (FRAME, {"exposures": {"c": 1.0, "d": 1.0}}, "found c, d; the columns are a, b"),
        (FRAME, {"exposures": {"a": np.nan}}, "expected finite amounts, found nan for a; write 0"),
        (FRAME, {"exposures": {}}, "exposures: expected at least one position, found none"),
        (FRAME, {"exposures": pd.Series([1.0, 2.0], ["a", "a"])}, "each instrument once, found a twice"),
        (
            FRAME,
            {"exposures": pd.DataFrame({"a": [1.0, 2.0]}, index=["s", "s"])},
            "each strategy once, found s twice",
        ),
        (
            FRAME,
            {"exposures": pd.DataFrame({"symbol": ["a"], "venue": [""], "notional": [np.inf]})},
            "expected finite amounts, found inf for a",
        ),
        (FRAME.set_axis(["a", "a"], axis=1), {"exposures": {"a": 1.0}}, "each column once, found a twice"),
        (FRAME.assign(b=holed()), {"exposures": {"b": 1.0}}, "found nan at .* of b and 1 more"),
    ],
)
def test_data_that_cannot_be_used(returns: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        tail_risk(returns, **arguments)
    assert "\n" not in str(caught.value)


def test_a_hole_in_what_is_not_held_does_no_harm() -> None:
    found = tail_risk(FRAME.assign(b=holed()), 0.95, exposures={"a": 1.0})
    assert found.var == tail_risk(GOOD, 0.95).var


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"confidence": 0.5}, "confidence must lie between 0.5 and 1, both left out, found 0.5"),
        ({"confidence": 1.0}, "confidence must lie between 0.5 and 1, both left out, found 1.0"),
        ({"confidence": 0.01}, "found 0.01; 0.99 is usual"),
        ({"confidence": 99}, "found 99; 99 % is 0.99"),
        ({"confidence": float("nan")}, "confidence must be a finite number, found nan"),
        ({"confidence": "0.99"}, "confidence must be a finite number, found '0.99'"),
        ({"method": "garch"}, "method must be one of historical, parametric, .*, found 'garch'"),
        ({"horizon": 0}, "horizon must be a whole number of 1 or more, found 0"),
        ({"horizon": 1.5}, "horizon must be a whole number of 1 or more, found 1.5"),
        ({"value": float("inf")}, "value must be a finite number, found inf"),
        ({"lambda_": 0.9}, "there is no setting 'lambda_'; there are mean, decay, "),
        ({"decay": 0.97}, "decay has no effect on the method historical; it is for ewma"),
        ({"method": "ewma", "decay": 1.0}, "decay must lie between 0 and 1"),
        (
            {"method": "ewma", "seed": 1},
            "seed has no effect on the method ewma; it is for filtered_historical, monte",
        ),
        ({"method": "parametric", "mean": "median"}, "mean must be one of sample, zero, found 'median'"),
        ({"method": "parametric", "degrees_of_freedom": 2}, "degrees_of_freedom must be above 2"),
        (
            {"method": "parametric", "degrees_of_freedom": 1},
            "degrees_of_freedom must be a finite number of 2 or more",
        ),
        ({"compound": 1}, "compound must be True or False, found 1"),
        (
            {"method": "monte_carlo", "paths": 10},
            "paths must be a whole number from 1,000 to 10,000,000, found 10",
        ),
        ({"method": "monte_carlo", "seed": -1}, "seed must be a whole number of 0 or more, found -1"),
        ({"method": "monte_carlo", "seed": "x"}, "seed must be a whole number of 0 or more, found 'x'"),
        ({"method": "monte_carlo", "correlation": 0.5}, "correlation must be a frame of .*, found float"),
    ],
)
def test_settings_that_make_no_sense(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        tail_risk(GOOD, **arguments)
    assert "\n" not in str(caught.value)


def test_an_amount_beside_exposures_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"value must be left out beside exposures, .*, found 1000000\.0"):
        tail_risk(FRAME, value=1e6, exposures={"a": 1.0})


def test_profit_and_loss_of_one_series_is_refused() -> None:
    with pytest.raises(DataError, match="expected a frame with a column for each instrument, found Series"):
        hypothetical_pnl(GOOD, {"a": 1.0})  # type: ignore[arg-type]


DAYS = pd.date_range("2020-01-01", periods=40, tz="UTC")
CLOSES = pd.DataFrame({"A": np.linspace(100.0, 120.0, 40), "B": 50.0}, DAYS)
HELD = {"A": 1_000.0}
WORDS = pd.DataFrame({"A": ["x"] * 40}, DAYS)
VOLUMES = wb.synthetic(symbols=["A"], venues=["v"], bars=50, seed=1)
HALF: Any = 1.5
WORD: Any = "x"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hhi({"A": WORD}), "exposures: expected numbers, found something else"),
        (lambda: hhi(WORDS), "exposures: expected numbers, found something else"),
        (
            lambda: hhi(pd.DataFrame({"symbol": ["A"], "venue": [""], "notional": ["x"]})),
            "exposures: expected numbers, found something else",
        ),
        (lambda: hhi(5), "exposures: expected amounts by instrument, such as .*, found 5"),  # type: ignore[arg-type]
        (lambda: rolling_beta(WORDS, GOOD, 5), "returns: expected numbers, found something else"),
        (lambda: worst_windows(HELD, WORDS), "closes: expected numbers, found something else"),
    ],
    ids=["a mapping", "a frame", "positions", "no positions", "returns", "closes"],
)
def test_words_for_numbers(call: Callable[[], object], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: replay_scenario(HELD, CLOSES, ("2020-01-05",)),  # type: ignore[arg-type]
            r"scenario: expected a name, a Crisis or \(start, end\), found \('2020-01-05',\)",
        ),
        (lambda: replay_scenario(HELD, CLOSES, 5), "scenario: expected a name"),  # type: ignore[arg-type]
        (
            lambda: replay_scenario(
                HELD,
                CLOSES,
                ("2020-01-05", "2020-01-20"),
                proxies={"A": ("B",)},  # type: ignore[dict-item]
            ),
            r"proxies: expected for A another name, or \(another, beta\), found \('B',\)",
        ),
        (
            lambda: shock_stress(HELD, {"s": 5}),  # type: ignore[dict-item]
            "scenario s: expected returns by instrument, such as .*, found 5",
        ),
        (lambda: shock_stress(HELD, 5), "shocks: expected at least one scenario, found 5"),  # type: ignore[arg-type]
        (lambda: worst_windows(HELD, CLOSES, WORD), "length must be a whole number of 1 or more, found 'x'"),
        (lambda: worst_windows(HELD, CLOSES, HALF), "length must be a whole number of 1 or more, found 1.5"),
        (lambda: worst_windows(HELD, CLOSES, 5, HALF), "top must be a whole number of 1 or more, found 1.5"),
        (
            lambda: liquidation_profile(HELD, {"A": 500.0}, days=HALF),
            "days must be a whole number from 1 to 10,000, found 1.5",
        ),
        (
            lambda: average_daily_volume(VOLUMES, WORD),
            "days must be a whole number of 1 or more, found 'x'",
        ),
        (
            lambda: liquidity_buckets(HELD, {"A": 500.0}, buckets=5),  # type: ignore[arg-type]
            "buckets: expected days from 1 that rise, such as .*, found 5",
        ),
        (
            lambda: liquidity_buckets(HELD, {"A": 500.0}, buckets=(1, WORD)),
            "each of buckets must be a whole number of 1 or more, found 'x'",
        ),
        (
            lambda: factor_loadings(GOOD, GOOD, newey_west_lags=WORD),
            "newey_west_lags must be a whole number of 0 or more, found 'x'",
        ),
    ],
)
def test_what_is_no_setting(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_everything_that_is_offered_is_there() -> None:
    for name in workbench.risk.__all__:
        assert getattr(workbench.risk, name).__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'value_at_rest'"):
        workbench.risk.value_at_rest  # noqa: B018
