"""Incremental indicators beside pandas, vectorbt, published figures and whole windows."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import ParameterError
from workbench.strategy import indicators as ta

type Floats = npt.NDArray[np.float64]

RANDOM = np.random.default_rng(3)
ROWS = 2_000
CLOSE: Floats = 100.0 * np.exp(np.cumsum(RANDOM.normal(0.0, 0.01, ROWS)))
HIGH: Floats = CLOSE * (1.0 + RANDOM.uniform(0.0, 0.01, ROWS))
LOW: Floats = CLOSE * (1.0 - RANDOM.uniform(0.0, 0.01, ROWS))
OTHER: Floats = 3.0 + 0.7 * CLOSE + RANDOM.normal(0.0, 0.5, ROWS)
SERIES = pd.Series(CLOSE)
WINDOWS = [1, 2, 3, 7, 20, 250]

some_prices = st.lists(st.floats(0.01, 1e5), min_size=1, max_size=60).map(np.array)
some_windows = st.integers(1, 12)


def pushed(state: Any, push: Callable[..., Any], *columns: Floats) -> Floats:
    """What `push` returns for each row."""
    return np.array([push(state, *row) for row in zip(*(column.tolist() for column in columns), strict=True)])


def whole(window: int, values: Floats) -> Iterator[Floats | None]:
    """Each full window, and None before the first."""
    for i in range(len(values)):
        yield values[i + 1 - window : i + 1] if i + 1 >= window else None


def same(found: Any, expected: Any, rtol: float = 1e-9) -> None:
    """Equal to `rtol`, and not a number in the same places."""
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=rtol, atol=0.0)


MAKERS = ("atr", "ema", "highest", "lag", "lowest", "moments", "ols", "rsi", "sma", "std", "total", "zscore")


@pytest.mark.parametrize("maker", MAKERS)
def test_a_window_has_a_length(maker: str) -> None:
    assert getattr(ta, maker)(1)
    for length in (0, -1, -50):
        with pytest.raises(ParameterError, match="needs a length of at least 1"):
            getattr(ta, maker)(length)


# -- beside pandas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", WINDOWS)
def test_what_pandas_calls_rolling_and_shift(window: int) -> None:
    rolling = SERIES.rolling(window)
    same(pushed(ta.sma(window), ta.push_sma, CLOSE), rolling.mean())
    same(pushed(ta.total(window), ta.push_total, CLOSE), rolling.sum())
    same(pushed(ta.highest(window), ta.push_highest, CLOSE), rolling.max(), rtol=0.0)
    same(pushed(ta.lowest(window), ta.push_lowest, CLOSE), rolling.min(), rtol=0.0)
    same(pushed(ta.lag(window), ta.push_lag, CLOSE), SERIES.shift(window), rtol=0.0)


@pytest.mark.parametrize("window", WINDOWS)
def test_exponential_average(window: int) -> None:
    expected = SERIES.ewm(span=window, adjust=False, min_periods=window).mean()
    same(pushed(ta.ema(window), ta.push_ema, CLOSE), expected)


@pytest.mark.parametrize("window", [2, 3, 7, 20, 250])
def test_deviation_and_z_score(window: int) -> None:
    # numpy over whole windows: pandas' own rolling deviation is some 1e-9 away from it in short windows
    windows = np.lib.stride_tricks.sliding_window_view(CLOSE, window)
    early = np.full(window - 1, math.nan)
    mean, population = windows.mean(axis=1), windows.std(axis=1)
    same(pushed(ta.std(window), ta.push_std, CLOSE), [*early, *population])
    same(
        pushed(ta.std(window), lambda s, x: ta.push_std(s, x, 1), CLOSE),
        [*early, *windows.std(axis=1, ddof=1)],
    )
    z = (CLOSE[window - 1 :] - mean) / population
    found = pushed(ta.zscore(window), ta.push_zscore, CLOSE)
    np.testing.assert_allclose(found, [*early, *z], rtol=1e-9, atol=1e-9)
    moments = pushed(ta.moments(window), ta.push_moments, CLOSE)
    same(moments, np.column_stack([[*early, *mean], [*early, *population]]))


@pytest.mark.parametrize("window", [20, 250])
def test_deviation_and_z_score_of_pandas(window: int) -> None:
    rolling = SERIES.rolling(window)
    same(pushed(ta.std(window), lambda s, x: ta.push_std(s, x, 1), CLOSE), rolling.std())
    z = (SERIES - rolling.mean()) / rolling.std(ddof=0)
    np.testing.assert_allclose(pushed(ta.zscore(window), ta.push_zscore, CLOSE), z, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("window", [3, 7, 20, 250])
def test_least_squares(window: int) -> None:
    found = [
        ta.push_ols(state, x, y) for state in [ta.ols(window)] for x, y in zip(CLOSE, OTHER, strict=True)
    ]
    for x, y, fit in zip(whole(window, CLOSE), whole(window, OTHER), found, strict=True):
        if x is None or y is None:
            assert all(math.isnan(figure) for figure in fit)
            continue
        dx, dy = x - x.mean(), y - y.mean()
        slope = (dx @ dy) / (dx @ dx)
        residuals = dy - slope * dx
        assert fit.slope == pytest.approx(slope, rel=1e-9, abs=1e-9)
        assert fit.intercept == pytest.approx(y.mean() - slope * x.mean(), rel=1e-9, abs=1e-7)
        assert fit.residual == pytest.approx(residuals[-1], rel=1e-9, abs=1e-9)
        assert fit.deviation == pytest.approx(residuals.std(), rel=1e-9, abs=1e-9)


def test_hedge_ratio_of_pandas() -> None:
    other, rolling = pd.Series(OTHER), SERIES.rolling(60)
    expected = other.rolling(60).cov(SERIES) / rolling.var()
    same(pushed(ta.ols(60), lambda s, x, y: ta.push_ols(s, x, y).slope, CLOSE, OTHER), expected)


# -- Wilder ------------------------------------------------------------------------------------------------------------

# Closes of QQQQ and their RSI of 14, from StockCharts ChartSchool, "Relative Strength Index (RSI)".
# fmt: off
QQQQ = [
    44.3389,
    44.0902,
    44.1497,
    43.6124,
    44.3278,
    44.8264,
    45.0955,
    45.4245,
    45.8433,
    46.0826,
    45.8931,
    46.0328,
    45.6140,
    46.2820,
    46.2820,
    46.0028,
    46.0328,
    46.4116,
    46.2222,
    45.6439,
    46.2122,
    46.2521,
    45.7137,
    46.4515,
    45.7835,
    45.3548,
    44.0288,
    44.1783,
    44.2181,
    44.5672,
    43.4205,
    42.6628,
    43.1314,
]
PUBLISHED = [70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38, 54.71, 50.42, 39.99, 41.46]
PUBLISHED += [41.87, 45.46, 37.30, 33.08, 37.77]


def test_relative_strength_as_published() -> None:
    found = pushed(ta.rsi(14), ta.push_rsi, np.array(QQQQ))
    assert np.isnan(found[:14]).all()
    assert found[14:].round(2).tolist() == PUBLISHED


@pytest.mark.filterwarnings(
    "ignore::numba.core.errors.NumbaPendingDeprecationWarning"
)  # vectorbt's own lists
def test_relative_strength_true_range_and_bands_of_vectorbt() -> None:
    import vectorbt as vbt

    window, faded = 5, 150  # (4 / 5) ** 150 of the beginning is left: less than 1e-14
    index = vbt.RSI.run(SERIES, window=2 * window - 1, ewm=True, adjust=False).rsi
    same(pushed(ta.rsi(window), ta.push_rsi, CLOSE)[faded:], index[faded:])
    ranges = vbt.ATR.run(
        pd.Series(HIGH), pd.Series(LOW), SERIES, window=2 * window - 1, ewm=True, adjust=False
    )
    same(pushed(ta.atr(window), ta.push_atr, HIGH, LOW, CLOSE)[faded:], ranges.atr[faded:])
    bands = vbt.BBANDS.run(SERIES, window=20, alpha=2.0)
    found = pushed(ta.moments(20), ta.push_moments, CLOSE)
    same(found[:, 0] + 2.0 * found[:, 1], bands.upper)
    same(found[:, 0] - 2.0 * found[:, 1], bands.lower)


def test_relative_strength_begins_with_plain_means() -> None:
    # changes +1 -2 +3, then -1: gains 4/3, losses 2/3: 66.7; then (2 x 4/3 + 0) / 3 = 8/9 and (2 x 2/3 + 1) / 3 = 7/9
    found = pushed(ta.rsi(3), ta.push_rsi, np.array([10.0, 11.0, 9.0, 12.0, 11.0]))
    same(found, [math.nan, math.nan, math.nan, 100 * 4 / 6, 100 * 8 / 15])


def test_true_range_takes_in_the_gap_from_the_last_close() -> None:
    # heights 2, 1, 1; from the last close 1.5 up (12.5 - 11) and 3 down (12 - 9): ranges 2, 1.5, 3
    high, low, close = np.array([12.0, 12.5, 10.0]), np.array([10.0, 11.5, 9.0]), np.array([11.0, 12.0, 9.5])
    found = pushed(ta.atr(2), ta.push_atr, high, low, close)
    same(found, [math.nan, 1.75, (1.75 + 3.0) / 2.0])


def test_nothing_moved_is_no_strength() -> None:
    assert np.isnan(pushed(ta.rsi(3), ta.push_rsi, np.full(10, 5.0))).all()


# -- whatever the prices -----------------------------------------------------------------------------------------------


@given(prices=some_prices, window=some_windows)
def test_extremes_and_lags_are_exact(prices: Floats, window: int) -> None:
    for i, (high, low) in enumerate(
        zip(
            pushed(ta.highest(window), ta.push_highest, prices),
            pushed(ta.lowest(window), ta.push_lowest, prices),
            strict=True,
        )
    ):
        view = prices[max(i + 1 - window, 0) : i + 1]
        full = len(view) == window
        assert (high == view.max() and low == view.min()) if full else (math.isnan(high) and math.isnan(low))
    expected = [math.nan] * window + prices.tolist()
    same(pushed(ta.lag(window), ta.push_lag, prices), expected[: len(prices)], rtol=0.0)


@given(prices=some_prices, window=some_windows)
def test_averages_err_by_less_than_a_billionth_of_the_highest_price(prices: Floats, window: int) -> None:
    found = pushed(ta.sma(window), ta.push_sma, prices)
    for mean, view in zip(found, whole(window, prices), strict=True):
        assert math.isnan(mean) if view is None else abs(mean - view.mean()) <= 1e-9 * prices.max()


@given(prices=some_prices, window=st.integers(2, 12))
def test_deviations_err_by_less_than_a_billionth_of_the_window(prices: Floats, window: int) -> None:
    found = pushed(ta.std(window), ta.push_std, prices)
    scores = pushed(ta.zscore(window), ta.push_zscore, prices)
    for deviation, score, view in zip(found, scores, whole(window, prices), strict=True):
        if view is None:
            assert math.isnan(deviation)
            assert math.isnan(score)
            continue
        true = view.std()
        assert deviation == pytest.approx(true, abs=1e-9 * view.max())
        if true > 1e-4 * view.max():
            assert score == pytest.approx((view[-1] - view.mean()) / true, abs=1e-7)


@given(prices=some_prices, window=some_windows)
def test_exponential_averages_lie_between_the_extremes(prices: Floats, window: int) -> None:
    found = pushed(ta.ema(window), ta.push_ema, prices)[window - 1 :]
    rounding = 1e-12 * prices.max()
    assert np.all((found <= prices.max() + rounding) & (found >= prices.min() - rounding))


@given(prices=some_prices, window=some_windows)
def test_strength_lies_between_0_and_100(prices: Floats, window: int) -> None:
    found = pushed(ta.rsi(window), ta.push_rsi, prices)
    assert np.isnan(found[:window]).all()
    known = found[~np.isnan(found)]
    assert np.all((known >= 0.0) & (known <= 100.0 + 1e-9))


@settings(max_examples=50)
@given(
    prices=st.lists(st.integers(1, 50), min_size=4, max_size=40).map(lambda n: np.array(n, dtype=float)),
    window=st.integers(3, 8),
    slope=st.integers(-3, 3),
)
def test_a_line_is_found_and_nothing_left_over(prices: Floats, window: int, slope: int) -> None:
    state = ta.ols(window)
    for x, view in zip(prices.tolist(), whole(window, prices), strict=True):
        fit = ta.push_ols(state, x, 200.0 + slope * x)
        if view is None or view.min() == view.max():
            assert math.isnan(fit.slope)
        else:
            assert fit.slope == pytest.approx(slope, abs=1e-9)
            assert fit.intercept == pytest.approx(200.0, rel=1e-9)
            assert (abs(fit.residual) < 1e-9, fit.deviation < 1e-5) == (True, True)


# -- long runs, bad ticks, still prices --------------------------------------------------------------------------------


@numba.njit
def _many(states: Any, values: Any) -> Any:  # pragma: no cover - compiled
    a = b = c = d = e = 0.0
    for value in values:
        a = ta.push_sma(states[0], value)
        b = ta.push_moments(states[1], value).deviation
        c = ta.push_highest(states[2], value)
        fit = ta.push_ols(states[3], value, 2.0 * value + 1.0 + 0.01 * (value % 1.0))
        d, e = fit.slope, fit.deviation
    return a, b, c, d, e


def test_nothing_drifts_in_a_million_values() -> None:
    values = 50_000.0 + np.cumsum(np.random.default_rng(1).normal(0.0, 1.0, 1_000_007))
    window = 97
    states = ta.sma(window), ta.moments(window), ta.highest(window), ta.ols(window)
    size = len(pickle.dumps(states))
    mean, deviation, high, slope, left = _many(states, values)
    last = values[-window:]
    other = 2.0 * last + 1.0 + 0.01 * (last % 1.0)
    dx, dy = last - last.mean(), other - other.mean()
    assert mean == pytest.approx(last.mean(), rel=1e-12)
    assert deviation == pytest.approx(last.std(), rel=1e-9)
    assert high == last.max()
    assert slope == pytest.approx((dx @ dy) / (dx @ dx), rel=1e-9)
    assert left == pytest.approx((dy - slope * dx).std(), rel=1e-6)
    assert len(pickle.dumps(states)) == size


def test_a_bad_tick_is_forgotten() -> None:
    clean = 100.0 + np.round(np.sin(np.arange(40.0)), 2)
    dirty = clean.copy()
    dirty[3] = 1e15
    window = 6
    gone = 3 + window
    for state, push in (
        (ta.std, ta.push_std),
        (ta.zscore, ta.push_zscore),
    ):  # as soon as it has left the window
        same(pushed(state(window), push, dirty)[gone:], pushed(state(window), push, clean)[gone:])
    # a sum is taken anew when its ring begins anew: within another window
    found, expected = (pushed(ta.sma(window), ta.push_sma, prices) for prices in (dirty, clean))
    same(found[gone + window :], expected[gone + window :], rtol=1e-15)
    fits = [pushed(ta.ols(window), ta.push_ols, prices, 2.0 * clean + clean**2) for prices in (dirty, clean)]
    np.testing.assert_allclose(fits[0][gone:], fits[1][gone:], rtol=1e-6, atol=1e-9)


def test_a_price_that_stands_still_is_at_its_mean() -> None:
    prices = np.array([7.3, 9.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    assert pushed(ta.zscore(4), ta.push_zscore, prices)[5:].tolist() == [0.0, 0.0]
    assert pushed(ta.std(4), ta.push_std, prices)[5:].tolist() == [0.0, 0.0]
    assert np.isnan(pushed(ta.ols(4), ta.push_ols, prices, prices)[5:]).all()


def test_a_deviation_needs_more_values_than_it_gives_up() -> None:
    assert math.isnan(ta.push_std(ta.std(1), 5.0, 1))


def test_not_a_number_is_gone_after_two_windows() -> None:
    prices = CLOSE[:30].copy()
    prices[4] = math.nan
    for state, push in ((ta.sma, ta.push_sma), (ta.std, ta.push_std), (ta.zscore, ta.push_zscore)):
        found = pushed(state(5), push, prices)
        same(found[14:], pushed(state(5), push, CLOSE[:30])[14:])


@pytest.mark.parametrize(
    ("value", "price"),
    [
        (1.0, True),
        (1e-300, True),
        (0.0, False),
        (-1.0, False),
        (math.inf, False),
        (math.nan, False),
        (1e100, False),
    ],
)
def test_what_can_be_a_price(value: float, price: bool) -> None:
    assert ta.is_price(value) is price


def test_memory_begins_with_a_value() -> None:
    assert ta.memory(3).tolist() == [0.0, 0.0, 0.0]
    assert ta.memory(2, 1.5).tolist() == [1.5, 1.5]
