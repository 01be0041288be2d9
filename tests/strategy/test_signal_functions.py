"""Signal functions by themselves: what they may answer, what they raise, and that they are held to what was known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import StrategyError, StrategyFailure
from workbench.strategy.vector import price_frame, signal_strategy

NAN = math.nan
MINUTE_NS = 60_000_000_000

Frame = pd.DataFrame
Closes = Sequence[float] | npt.NDArray[np.float64]


def frame(closes: Closes) -> Frame:
    """Minutes from 1970 on, bid and ask one below and above the close, volume ten times the number of the row."""
    close = np.array(closes, dtype=np.float64)
    volume = 10.0 * np.arange(len(close))
    times = MINUTE_NS * np.arange(len(close), dtype=np.int64)
    return price_frame(times, np.column_stack([close, volume, close - 1.0, close + 1.0]))


def above(prices: Frame, window: int = 3, level: float = 0.0) -> pd.Series[float]:
    """Long where the close is above its mean by more than `level`, NaN before there is a mean."""
    mean = prices["close"].rolling(window).mean()
    return (prices["close"] > mean + level).astype(float).where(mean.notna())


# -- what it answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        (lambda _: [0, 1, -1], [0.0, 1.0, -1.0]),
        (lambda _: np.array([False, True, True]), [0.0, 1.0, 1.0]),
        (lambda _: np.array([[0.5], [NAN], [1.0]]), [0.5, NAN, 1.0]),
        (lambda p: pd.Series([0, 1, 1], index=p.index), [0.0, 1.0, 1.0]),
        (lambda _: pd.Series([1, None, 0], dtype="Int64"), [1.0, NAN, 0.0]),
        (lambda _: pd.Series([True, None, False], dtype="boolean"), [1.0, NAN, 0.0]),
        (lambda p: p[["close"]] / 8.0, [0.5, 0.625, 0.75]),
    ],
)
def test_answers_may_be_lists_arrays_series_and_frames_of_one_column(
    answer: Callable[[Frame], Any], values: list[float]
) -> None:
    found = signal_strategy(answer, None, {}).SIGNALS.call(frame([4.0, 5.0, 6.0]), {})
    np.testing.assert_array_equal(found, values)
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda _: None, "must answer numbers, found nothing"),
        (lambda _: 1.0, r"one target for each of the 3 rows, found shape \(\)"),
        (lambda p: p["close"].iloc[1:] * 0.0, r"one target for each of the 3 rows, found shape \(2,\)"),
        (lambda p: p * 0.0, r"found shape \(3, 4\)"),
        (lambda _: ["long", "short", "flat"], "must answer numbers, found <U5 of type list"),
        (lambda _: pd.Series(["1", "2", "3"]), "must answer numbers, found "),
        (lambda p: p["close"] + 1j, "must answer numbers, found complex128"),
        (lambda p: p.index, "must answer numbers, found object of type DatetimeIndex"),
        (lambda p: p["close"].iloc[::-1], "must answer in the order of its prices"),
    ],
)
def test_other_answers_are_refused_in_one_line(answer: Callable[[Frame], Any], message: str) -> None:
    with pytest.raises(StrategyError, match=message) as caught:
        signal_strategy(answer, None, {}).SIGNALS.targets(frame([4.0, 5.0, 6.0]), {})
    assert "\n" not in str(caught.value)


def broken(prices: Frame, window: int = 3) -> Any:
    raise ValueError(f"no such\nwindow in {len(prices)}: {window}")


def test_what_the_function_raises_is_one_line_with_the_call_and_the_place() -> None:
    with pytest.raises(
        StrategyFailure,
        match=r"^broken\(window=3\) raised ValueError: no such window in 1: 3 \(.*test_signal_functions.py:\d+\)$",
    ) as caught:
        signal_strategy(broken, None, {}).SIGNALS.targets(frame([1.0]), {"window": 3})
    assert isinstance(caught.value.__cause__, ValueError)


# -- the prefix test -------------------------------------------------------------------------------------------------


def check(function: Callable[..., Any], closes: Closes, lookback: int | None = None, **params: Any) -> None:
    signals = signal_strategy(function, None, {}, params).SIGNALS
    signals.check(frame(closes), signals.parameters(params), lookback)


WALK = np.cumsum(np.random.default_rng(3).integers(-4, 5, 200)).astype(float) + 200.0


def test_a_function_of_what_was_known_passes() -> None:
    check(above, WALK, window=20)
    check(above, WALK, lookback=20, window=20)
    check(above, [5.0])


def tomorrow(prices: Frame, rows: int = 1) -> Any:
    return np.sign(prices["close"].shift(-rows) - prices["close"])


def test_a_function_that_looks_ahead_is_told_with_the_first_time_at_which_it_shows() -> None:
    """With the first row alone there is no tomorrow, so it is row 0 that differs."""
    with pytest.raises(
        StrategyError,
        match=r"^tomorrow\(rows=1\) looks ahead: for 1970-01-01 00:00 UTC it answers nan while the prices end at "
        r"1970-01-01 00:00 UTC, and -?1 once it has seen later ones; ",
    ) as caught:
        check(tomorrow, WALK)
    assert "\n" not in str(caught.value)


def scaled(prices: Frame) -> Any:
    return prices["close"] / prices["close"].max()


def filled(prices: Frame) -> Any:
    return prices["close"].where(prices["volume"] % 70.0 == 0.0).bfill() / 1e3


def smoothed(prices: Frame) -> Any:
    return prices["close"].rolling(5, center=True, min_periods=1).mean() / 1e3


@pytest.mark.parametrize("function", [scaled, filled, smoothed])
def test_leaks_of_every_kind_are_found(function: Callable[..., Any]) -> None:
    with pytest.raises(StrategyError, match="looks ahead"):
        check(function, WALK)


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(61, 300), st.integers(0, 2**31))
def test_the_time_that_is_named_is_the_first_that_a_cut_can_show(rows: int, count: int, seed: int) -> None:
    """The answer for a row is the row's number that many rows later; the first cut is after one row."""

    def ahead(prices: Frame) -> Any:
        return pd.Series(np.arange(float(len(prices))), prices.index).shift(-rows) / 1e3

    walk = 100.0 + np.random.default_rng(seed).random(count)
    with pytest.raises(StrategyError, match="for 1970-01-01 00:00 UTC it answers nan"):
        check(ahead, walk)


def test_infinite_answers_are_compared_as_they_are() -> None:
    check(lambda prices: np.where(prices["close"] > 200.0, np.inf, -np.inf), WALK)
    with pytest.raises(StrategyError, match=r"it answers -inf while .*, and inf once"):
        check(lambda prices: np.where(prices["close"].shift(-1) > 0.0, np.inf, -np.inf), WALK)


def test_rounding_that_depends_on_the_number_of_rows_is_no_look_ahead() -> None:
    def noisy(prices: Frame) -> Any:
        return 0.5 + 1e-13 * len(prices) + 0.0 * prices["close"]

    check(noisy, WALK)


def test_a_function_that_answers_at_random_is_told_apart() -> None:
    def dice(prices: Frame) -> Any:
        return np.random.default_rng().random(len(prices))

    with pytest.raises(
        StrategyError, match="does not answer the same when it is asked twice; seed what is random"
    ):
        check(dice, WALK)


def test_a_function_that_cannot_do_with_few_rows_is_told_how_many() -> None:
    def windows(prices: Frame) -> Any:
        means = np.lib.stride_tricks.sliding_window_view(prices["close"].to_numpy(), 5).mean(axis=1)
        return np.concatenate([np.full(4, NAN), means]) / 1e3

    with pytest.raises(
        StrategyFailure,
        match=r"raised ValueError: .*, with the first 1 rows alone; answer NaN where they are too few$",
    ):
        check(windows, WALK)


def test_a_look_back_that_is_too_short_is_told() -> None:
    with pytest.raises(
        StrategyError,
        match=r"above\(window=20, level=0.0\) needs more than a look-back of 19 updates: for 1970-01-01",
    ):
        check(above, WALK, lookback=19, window=20)
