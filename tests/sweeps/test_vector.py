"""Sweeps of signal functions: the same fills as the wrapped strategy in a replay; one clear error before long work."""

from __future__ import annotations

import math
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.backtest.api import backtest
from workbench.chaos.events import ChaosEvent
from workbench.core.costs import Costs
from workbench.core.limits import PositionLimit, RiskLimits
from workbench.data.prices import Prices
from workbench.data.synthetic import synthetic
from workbench.errors import (
    ParameterError,
    StrategyError,
    StrategyFailure,
    UnknownInstrumentError,
    WorkbenchError,
)
from workbench.strategy.vector import from_signals
from workbench.sweeps.api import sweep
from workbench.sweeps.optimize import optimize

NAN = math.nan
Frame = pd.DataFrame


def walk(bars: int, seed: int, symbols: tuple[str, ...] = ("X",), step: int = 8) -> Prices:
    """Random walks in 64ths, whose sums are exact: a mean over a window has the same bits however it is come by."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=bars, freq="1min", tz="UTC", name="timestamp")
    frames = {}
    for symbol in symbols:
        close = (6_400 + np.cumsum(rng.integers(-step, step + 1, bars))) / 64.0
        frames[f"{symbol}@SIM"] = pd.DataFrame(
            {"close": close, "volume": rng.integers(50, 5_000, bars)}, index
        )
    return Prices(frames)


def cross(prices: Frame, fast: int = 3, slow: int = 9) -> Any:
    """Long above, short below, in pandas."""
    close = prices["close"]
    gap = close.rolling(fast).mean() - close.rolling(slow).mean()
    return np.sign(gap)


def breakout(prices: Frame, window: int = 8) -> Any:
    """Long from a new high, short from a new low, nothing to say in between."""
    high = prices["close"].rolling(window).max()
    low = prices["close"].rolling(window).min()
    return np.where(prices["close"] >= high, 1.0, np.where(prices["close"] <= low, -1.0, NAN))


def heavy(prices: Frame, window: int = 5, share: float = 0.5) -> Any:
    """A part of a position while the volume is above its mean, in numpy."""
    volume = prices["volume"].to_numpy()
    sums = np.cumsum(volume)
    sums[window:] -= sums[:-window].copy()
    quiet = volume * window <= sums
    return np.where(
        quiet, 0.0, share * np.sign(prices["ask"].to_numpy() - prices["close"].shift(2).to_numpy())
    )


FUNCTIONS: dict[Callable[..., Any], list[str]] = {
    cross: ["fast", "slow"],
    breakout: ["window"],
    heavy: ["window"],
}
FREE = Costs.free()


# -- equal to a replay -----------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(st.data())
def test_a_column_has_the_fingerprint_of_the_wrapped_strategy_in_a_replay(data: st.DataObject) -> None:
    function = data.draw(st.sampled_from(list(FUNCTIONS)))
    prices = walk(90, data.draw(st.integers(0, 99)), data.draw(st.sampled_from([("X",), ("X", "Y")])))
    windows = {name: data.draw(st.integers(1, 20)) for name in FUNCTIONS[function]}
    unit = data.draw(st.sampled_from([1.0, 40.0, 900.0]))
    chaos = []
    for kind in data.draw(
        st.lists(st.sampled_from(["bad_tick", "price_gap", "runaway", "partial_fills"]), max_size=2)
    ):
        minute = data.draw(st.integers(5, 59))
        chaos.append(ChaosEvent(kind, f"2024-01-01 00:{minute:02d}", "15min", 0.5, seed=minute))
    setting: dict[str, Any] = {
        "costs": data.draw(st.sampled_from([FREE, Costs()])),
        "limits": data.draw(
            st.sampled_from([None, RiskLimits(position_limits={"X": PositionLimit(30.0, -30.0)})])
        ),
        "chaos": chaos,
        "initial_cash": 100_000.0,
    }
    found = sweep(
        function, prices, {name: [value] for name, value in windows.items()}, config={"unit": unit}, **setting
    )
    column = found.column(**windows)
    wrapped = from_signals(function, lookback=25)
    replayed = backtest(wrapped, prices, config={**windows, "unit": unit}, **setting)
    assert column.fingerprint == replayed.fingerprint
    pd.testing.assert_frame_equal(
        column.signals.drop(columns="metadata"), replayed.signals.drop(columns="metadata")
    )
    pd.testing.assert_series_equal(column.stats(), replayed.stats())
    assert found.table["total_return"].iloc[0] == pytest.approx(replayed.stats()["total_return"], rel=1e-12)
    assert found.table["trades"].iloc[0] == replayed.stats()["trades"]


def test_every_row_of_the_table_is_the_column_of_its_parameters() -> None:
    prices = walk(400, 1)
    found = sweep(
        cross,
        prices,
        {"fast": range(2, 5), "slow": [10, 20], "unit": [5.0, 50.0]},
        metrics=["total_return", "fees", "fills", "max_drawdown"],
    )
    assert len(found) == 12
    assert found.table["fills"].min() > 10
    for params, row in zip(found.table.index.tolist(), found.table.itertuples(index=False), strict=True):
        stats = found.column(**dict(zip(found.axes, params, strict=True))).stats()
        assert [stats[name] for name in found.metrics] == pytest.approx(list(row), rel=1e-12)


def test_a_column_that_needs_more_room_than_most_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another target at every row: more events than the small rooms of most columns hold."""
    counts: list[int] = []
    monkeypatch.setattr("workbench.sweeps.job.progress_bar", lambda *_: nullcontext(counts.append))

    def busy(prices: Frame, size: float = 1.0) -> Any:
        return np.where(np.arange(len(prices)) % 2, size, -size)

    prices = walk(2_500, 2)
    found = sweep(
        busy, prices, {"size": [0.5, 1.0]}, metrics="fills", limits=RiskLimits.unlimited(), costs=FREE
    )
    assert found.table["fills"].tolist() == [2_499, 2_499]
    assert sum(counts) == 2  # the bar does not count them again


@pytest.mark.filterwarnings(
    "ignore::numba.core.errors.NumbaPendingDeprecationWarning"
)  # of vectorbt's own kernels
def test_a_vectorbt_indicator_can_be_swept() -> None:
    import vectorbt as vbt

    def crosses(prices: Frame, fast: int, slow: int) -> Any:
        averages = vbt.MA.run(prices["close"], [fast, slow], short_name="mean")
        mean = averages.ma.to_numpy()
        return np.where(np.isnan(mean[:, 1]), NAN, np.sign(mean[:, 0] - mean[:, 1]))

    prices = walk(200, 4)
    grid = {"fast": [3, 4], "slow": [9]}
    theirs, ours = sweep(crosses, prices, grid), sweep(cross, prices, grid)
    pd.testing.assert_frame_equal(theirs.table, ours.table)
    replayed = backtest(from_signals(crosses, lookback=20, fast=3, slow=9), prices)
    assert theirs.column(fast=3).fingerprint == replayed.fingerprint
    assert len(replayed.fills) > 10


def test_a_column_is_a_vectorbt_portfolio_too() -> None:
    found = sweep(
        cross, walk(200, 16, ("X", "Y")), {"fast": [3, 4], "slow": [11]}, metrics=["total_return", "fills"]
    )
    pf, equity = found.to_vectorbt(fast=4), found.column(fast=4).equity
    np.testing.assert_allclose(pf.value(), equity, rtol=1e-9)
    total_return, fills = found.table.to_numpy()[1]
    assert len(pf.orders.values) == fills > 10
    assert pf.total_return() == pytest.approx(total_return, rel=1e-9)


def test_instruments_and_chaos_may_be_axes() -> None:
    prices = walk(300, 5, ("X", "Y"))
    crash = ChaosEvent("price_gap", "2024-01-01 01:00", "10min", 0.5)
    found = sweep(
        cross,
        prices,
        {"fast": [3, 4]},
        each_instrument=True,
        chaos={"calm": (), "crash": [crash]},
        config={"slow": 11},
    )
    assert found.table.index.names == ["instrument", "chaos", "fast"]
    assert len(found) == 8
    column = found.column(instrument="Y@SIM", chaos="crash", fast=4)
    replayed = backtest(
        from_signals(cross, lookback=12), prices.only("Y"), config={"fast": 4, "slow": 11}, chaos=[crash]
    )
    assert column.fingerprint == replayed.fingerprint
    assert column.fingerprint != found.column(instrument="Y@SIM", chaos="calm", fast=4).fingerprint


def test_the_class_that_from_signals_made_is_swept_the_same_way() -> None:
    prices = walk(200, 6)
    grid = {"fast": [2, 3], "slow": [8, 12]}
    pd.testing.assert_frame_equal(
        sweep(from_signals(cross), prices, grid).table, sweep(cross, prices, grid).table
    )


def test_words_and_switches_can_be_swept_as_well_as_numbers() -> None:
    def follow(prices: Frame, how: str = "mean", both: bool = False) -> Any:
        level = getattr(prices["close"].rolling(5), how)()
        side = np.sign(prices["close"] - level)
        return side if both else side.clip(lower=0.0)

    found = sweep(follow, walk(200, 7), {"how": ["mean", "median"], "both": [False, True]}, metrics="fills")
    assert found.table["fills"].nunique() > 1
    assert len(found.column(how="median", both=True).fills) == found.table.loc[("median", True), "fills"]


def test_a_cluster_gives_the_same_answer() -> None:
    import distributed

    start: Callable[..., Any] = distributed.Client
    level = 100.0  # goes along with the function

    def above(prices: Frame, window: int, share: float = 0.5) -> Any:
        return np.where(prices["close"].rolling(window).mean() > level, share, 0.0)

    prices = walk(200, 15, ("X", "Y"))
    grid: dict[str, Any] = {"window": range(2, 12), "share": [0.5, 1.0], "unit": [3.0, 9.0]}
    with start(processes=False, n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as client:
        spread = sweep(above, prices, grid, client=client)
        with pytest.raises(StrategyFailure, match=r"broken\(window=4\) raised KeyError: 'atr'"):
            sweep(broken, prices, {"window": [2, 4, 6]}, client=client)
    here = sweep(above, prices, grid)
    pd.testing.assert_frame_equal(spread.table, here.table, check_exact=True)
    chosen = {"window": 3, "share": 1.0, "unit": 9.0}
    assert spread.column(**chosen).fingerprint == here.column(**chosen).fingerprint


def broken(prices: Frame, window: int) -> Any:
    return prices["atr" if window == 4 else "close"] * 0.0 + 1.0


# -- how the function is called --------------------------------------------------------------------------------------


def test_the_function_is_called_once_a_column_in_the_thread_of_the_caller() -> None:
    calls: list[tuple[int, int]] = []

    def counted(prices: Frame, window: int = 3) -> Any:
        assert threading.current_thread() is threading.main_thread()
        calls.append((window, len(prices)))
        return np.sign(prices["close"] - prices["close"].rolling(window).mean())

    found = sweep(counted, walk(120, 8, ("X", "Y")), {"window": range(2, 22)}, workers=2)
    assert len(found) == 20
    whole = [window for window, rows in calls if rows == 120]
    # Two instruments; the first and the last parameter set were looked at beforehand.
    assert {window: whole.count(window) for window in set(whole)} == {
        window: 4 if window in (2, 21) else 2 for window in range(2, 22)
    }


def test_a_search_checks_the_function_once() -> None:
    calls: list[int] = []

    def counted(prices: Frame, window: int = 5) -> Any:
        calls.append(len(prices))
        return np.sign(prices["close"] - prices["close"].rolling(window).mean())

    prices = walk(60, 17)
    found = optimize(
        counted, prices, {"window": range(2, 30)}, trials=12, batch=4, metric="total_return", progress=False
    )
    cut_off = [rows for rows in calls if rows < 60]
    assert len(cut_off) < 20 < len(calls)
    tried = found.table.drop_duplicates("window").set_index("window")["total_return"]
    again = sweep(counted, prices, {"window": tried.index.tolist()}, metrics="total_return")
    assert tried.tolist() == again.table["total_return"].tolist()


def test_memory_does_not_grow_with_the_number_of_columns() -> None:
    prices = walk(20_000, 9)
    peaks = []
    for count in (10, 80):
        tracemalloc.start()
        sweep(cross, prices, {"fast": [3], "slow": range(10, 10 + count)}, metrics="fills", workers=2)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2**22  # 70 columns more of what each is shown would be 11 MB


def test_an_interrupt_keeps_what_is_finished(capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(prices: Frame, window: int = 3) -> Any:
        if window == 12 and threading.active_count() > 1:
            raise KeyboardInterrupt
        return np.sign(prices["close"] - prices["close"].rolling(window).mean())

    prices = walk(300, 10)
    found = sweep(stopped, prices, {"window": range(2, 40)}, workers=1)
    assert found.interrupted
    # Those that had not begun by then, one for each thread and one that waits, are given up.
    count = len(found.table)
    assert count in (8, 9, 10)
    assert f"interrupted: {count} of 38 columns are finished and kept" in capsys.readouterr().err
    whole = sweep(stopped, prices, {"window": range(2, 2 + count)})
    pd.testing.assert_frame_equal(found.table, whole.table)


# -- bad input -------------------------------------------------------------------------------------------------------


def ahead(prices: Frame, lag: int = 1) -> Any:
    return np.sign(prices["close"].shift(-lag) - prices["close"])


def lone(prices: Frame, window: int = 3) -> Any:
    return prices["close"].rolling(window).mean().dropna()


def words(prices: Frame, window: int = 3) -> Any:
    return ["long", "flat"][window > 9 :][:1] * len(prices)


def failing(prices: Frame, window: int = 3) -> Any:
    return prices["atr"].rolling(window).mean()


BAD: list[tuple[Callable[..., Any], dict[str, Any], type[WorkbenchError], str]] = [
    (
        ahead,
        {"lag": [1, 2]},
        StrategyError,
        r"ahead\(lag=1\) looks ahead: for 2024-01-01 00:01 UTC it answers nan",
    ),
    (ahead, {"lag": [0, 2]}, StrategyError, r"ahead\(lag=2\) looks ahead"),
    (
        lone,
        {"window": [3]},
        StrategyError,
        r"lone\(window=3\) must answer one target for each of the 50 rows",
    ),
    (words, {"window": [3]}, StrategyError, "must answer numbers, found <U4 of type list"),
    (
        failing,
        {"window": [3]},
        StrategyFailure,
        r"failing\(window=3\) raised KeyError: 'atr' \(.*test_vector.py:\d+\)",
    ),
    (cross, {"fst": [3]}, ParameterError, "cross has no parameter 'fst'; did you mean 'fast'"),
    (cross, {"fast": [2.5]}, ParameterError, "fast must be whole numbers like 3"),
    (cross, {}, ParameterError, "the grid is empty"),
    (cross, {"fast": []}, ParameterError, "the grid is empty: fast has no values"),
    (
        cross,
        {"fast": [3], "slow": [51, 80]},
        ParameterError,
        r"^cross\(fast=3, slow=51\) and cross\(fast=3, slow=80\): NaN for all of 50 updates; expected more updates",
    ),
    (
        from_signals(cross, lookback=9),
        {"slow": [5, 20]},
        StrategyError,
        "needs more than a look-back of 9 updates",
    ),
]


@pytest.mark.parametrize(("function", "params", "error", "message"), BAD)
def test_bad_input_is_one_line_before_any_column_is_run(
    function: Callable[..., Any],
    params: dict[str, Any],
    error: type[WorkbenchError],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workbench.sweeps.vector.run_batch", lambda *_: pytest.fail("a column was run"))
    with pytest.raises(error, match=message) as caught:
        sweep(function, walk(50, 11), params)
    assert "\n" not in str(caught.value)


def test_a_parameter_set_that_fails_later_is_named_with_its_instrument() -> None:
    def fragile(prices: Frame, window: int = 3) -> Any:
        if window == 7:
            raise ZeroDivisionError("no width")
        return np.sign(prices["close"] - prices["close"].rolling(window).mean())

    with pytest.raises(
        StrategyFailure, match=r"fragile\(window=7\) raised ZeroDivisionError: no width .* on X@SIM$"
    ):
        sweep(fragile, walk(60, 12, ("X", "Y")), {"window": range(2, 12)})


def test_settings_of_the_runner_are_no_parameters_but_work() -> None:
    prices = walk(80, 13, ("X", "Y"))
    found = sweep(cross, prices, {"fast": [3]}, config={"unit": 7.0, "symbols": ["Y"]})
    fills = found.column(fast=3).fills
    assert set(fills["symbol"]) == {"Y"}
    assert set(fills["quantity"].abs()) <= {7.0, 14.0}
    with pytest.raises(UnknownInstrumentError, match="the prices have no Z"):
        sweep(cross, prices, {"fast": [3]}, config={"symbols": ["Z"]})


def test_a_function_without_defaults_takes_them_from_the_grid() -> None:
    def bare(prices: Frame, window: int, level: float) -> Any:
        return (prices["close"].rolling(window).mean() > level).astype(float)

    found = sweep(
        bare, walk(80, 14), {"window": (w for w in np.arange(2, 5)), "level": [100, 100.5]}, metrics="fills"
    )
    assert found.table.index.names == ["window", "level"]
    assert len(found) == 6
    with pytest.raises(ParameterError, match="parameter 'level' has no default"):
        sweep(bare, walk(80, 14), {"window": [2]})


def test_real_minutes_have_the_fingerprint_of_a_replay() -> None:
    """Closes that tie on cents; the means are of sums of cents, compared with a margin that no rounding bridges."""

    def margin(prices: Frame, fast: int = 5, slow: int = 20) -> Any:
        close = prices["close"]
        gap = close.rolling(fast).mean() - close.rolling(slow).mean()
        return (gap > 1.234567).astype(float).where(gap.notna())

    prices = synthetic(symbols=("BTC-USD",), venues=("one", "two"), bars=400, seed=3)
    column = sweep(margin, prices, {"fast": [5, 6]}).column(fast=5)
    replayed = backtest(from_signals(margin, lookback=50), prices)
    assert column.fingerprint == replayed.fingerprint
    assert len(column.fills) > 10
