"""Signal functions: how they are looked at, called, wrapped as a strategy, and held to what was known at the time."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.backtest.api import backtest
from workbench.core.messages import MarketSignal, PriceUpdate
from workbench.data.prices import Prices
from workbench.errors import ParameterError, StrategyError, StrategyFailure
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.vector import from_signals, price_frame, signal_strategy, to_say

NAN = math.nan
MINUTE_NS = 60_000_000_000

Frame = pd.DataFrame
Params = dict[str, Any]
Closes = Sequence[float] | npt.NDArray[np.float64]


def frame(closes: Closes) -> Frame:
    """Minutes from 1970 on, bid and ask one below and above the close, volume ten times the number of the row."""
    close = np.array(closes, dtype=np.float64)
    volume = 10.0 * np.arange(len(close))
    times = MINUTE_NS * np.arange(len(close), dtype=np.int64)
    return price_frame(times, np.column_stack([close, volume, close - 1.0, close + 1.0]))


def update(number: int, close: float, symbol: str = "X", venue: str = "SIM") -> PriceUpdate:
    return PriceUpdate(
        symbol,
        venue,
        number * MINUTE_NS,
        close - 1.0,
        close + 1.0,
        close,
        10.0 * number,
        NAN,
        NAN,
        0.0,
        number,
    )


def above(prices: Frame, window: int = 3, level: float = 0.0) -> pd.Series[float]:
    """Long where the close is above its mean by more than `level`, NaN before there is a mean."""
    mean = prices["close"].rolling(window).mean()
    return (prices["close"] > mean + level).astype(float).where(mean.notna())


def drive(strategy: TradingStrategy, closes: Sequence[float]) -> list[tuple[int, float]]:
    """Number of the update and strength of each signal."""
    found = []
    for number, close in enumerate(closes):
        found += [
            (number, signal.signal_strength) for signal in strategy.on_market_data(update(number, close))
        ]
    return found


# -- the strategy that is made ---------------------------------------------------------------------------------------


def test_parameters_are_the_keywords_of_the_function_with_their_defaults() -> None:
    kind = from_signals(above, lookback=40, level=0.5)
    assert (kind.__name__, kind.PARAMETERS, kind.SIZING) == ("above", {"window": 3, "level": 0.5}, "target")
    assert kind.__doc__ == above.__doc__
    assert kind({"window": 5}).config == {"window": 5, "level": 0.5}


def test_a_partial_and_an_object_that_can_be_called_are_functions_too() -> None:
    class Rule:
        def __call__(self, prices: Frame, side: float = 1.0) -> Any:
            return np.full(len(prices), side)

    assert from_signals(Rule()).PARAMETERS == {"side": 1.0}
    assert from_signals(functools.partial(above, window=8)).PARAMETERS == {"window": 8, "level": 0.0}
    assert from_signals(lambda prices: prices["close"] * 0.0).__name__ == "signals"


def test_any_keyword_is_a_parameter_of_a_function_that_takes_any() -> None:
    def anything(prices: Frame, **params: Any) -> Any:
        return np.full(len(prices), params["side"])

    kind = from_signals(anything, side=-1.0)
    assert kind.PARAMETERS == {"side": -1.0}
    assert drive(kind({}), [5.0, 6.0]) == [(0, -1.0)]


def test_a_default_that_is_missing_may_be_given_or_stand_by() -> None:
    def bare(prices: Frame, window: int) -> Any:
        return np.zeros(len(prices)) * window

    assert from_signals(bare, window=7).PARAMETERS == {"window": 7}
    assert signal_strategy(bare, 10, {}, {"window": 4, "unit": 2.0}).PARAMETERS == {"window": 4}
    assert signal_strategy(above, 10, {}, {"window": 4}).PARAMETERS == {"window": 3, "level": 0.0}
    with pytest.raises(
        ParameterError, match="bare: parameter 'window' has no default; give it one, as in window=20"
    ):
        from_signals(bare)


def no_prices(*, window: int = 3) -> None: ...


def clash(prices: Frame, unit: float = 1.0) -> None: ...


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: from_signals(above, windw=3),
            ParameterError,
            "above has no parameter 'windw'; did you mean 'window'",
        ),
        (
            lambda: from_signals(above, x=3),
            ParameterError,
            "above has no parameter 'x'; it has: window, level",
        ),
        (
            lambda: from_signals(above, lookback=0),
            ParameterError,
            "lookback must be a whole number of updates from 1",
        ),
        (lambda: from_signals(above, lookback=True), ParameterError, "or None for all, found True"),
        (lambda: from_signals(clash), ParameterError, "unit is a setting of the runner"),
        (lambda: from_signals(no_prices), StrategyError, "found one that takes no prices"),
        (
            lambda: from_signals(StrategyError),
            StrategyError,
            r"expected a function signals\(prices, \*\*params\)",
        ),
        (lambda: from_signals("above"), StrategyError, "found 'above'"),  # type: ignore[arg-type]
        (lambda: from_signals(min), StrategyError, "its parameters cannot be told"),
        (
            lambda: from_signals(above)({"window": 2.5}),
            ParameterError,
            "window must be a whole number like 3",
        ),
        (lambda: from_signals(above)({"width": 2}), ParameterError, "above has no parameter 'width'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_the_class_is_found_by_itself_where_it_is_sent_to_another_process() -> None:
    import cloudpickle  # what distributed sends with

    kind = from_signals(above, lookback=7)
    sent = cloudpickle.loads(cloudpickle.dumps(kind))
    assert (sent.__name__, sent.PARAMETERS, sent.WINDOW) == ("above", kind.PARAMETERS, 7)
    assert drive(sent({}), [1.0, 1.0, 4.0]) == [(2, 1.0)]


# -- what is sent ----------------------------------------------------------------------------------------------------


def test_a_signal_is_sent_where_the_target_is_a_new_one() -> None:
    """Means of three: -, -, 2, 3, 3, 3.33, 2.67; the close is above them on rows 2, 3, 5."""
    assert drive(from_signals(above)({}), [1.0, 2.0, 3.0, 4.0, 2.0, 4.0, 2.0]) == [
        (2, 1.0),
        (4, 0.0),
        (5, 1.0),
        (6, 0.0),
    ]


def test_the_signal_names_its_instrument_and_instruments_are_kept_apart() -> None:
    strategy = from_signals(above, window=2)({})
    strategy.on_market_data(update(0, 10.0, venue="A"))
    strategy.on_market_data(update(0, 30.0, venue="B"))
    first = strategy.on_market_data(update(1, 11.0, venue="A"))
    second = strategy.on_market_data(update(1, 31.0, venue="B"))
    assert first == [MarketSignal("X", None, 1.0, 1.0, {"venue": "A"})]
    assert second == [MarketSignal("X", None, 1.0, 1.0, {"venue": "B"})]


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([], []),
        ([0.0, 0.0, 1.0, 1.0, 0.0], [NAN, NAN, 1.0, NAN, 0.0]),
        ([NAN, 1.0, NAN, 1.0, NAN, -1.0], [NAN, 1.0, NAN, NAN, NAN, -1.0]),
        ([-0.0, 0.5, 0.5, 0.25], [NAN, 0.5, NAN, 0.25]),
        ([NAN, NAN], [NAN, NAN]),
    ],
)
def test_targets_become_signals(targets: list[float], said: list[float]) -> None:
    np.testing.assert_array_equal(to_say(np.array(targets)), said)


@given(st.lists(st.sampled_from([NAN, 0.0, 0.5, -1.0, 1.0])))
def test_a_column_of_targets_says_what_the_strategy_sends_one_by_one(targets: list[float]) -> None:
    def given_targets(prices: Frame) -> Any:
        return targets[: len(prices)]

    said = to_say(np.array(targets, dtype=np.float64))
    rows = np.flatnonzero(~np.isnan(said))
    expected = list(zip(rows.tolist(), said[rows].tolist(), strict=True))
    assert drive(from_signals(given_targets, lookback=None)({}), [1.0] * len(targets)) == expected


# -- what the function is shown --------------------------------------------------------------------------------------


@given(st.sampled_from([1, 2, 3, 7, None]), st.integers(1, 40))
def test_the_function_is_shown_the_look_back_and_the_present_update_last(
    lookback: int | None, count: int
) -> None:
    shown: list[Frame] = []

    def keep(prices: Frame) -> Any:
        shown.append(prices)
        return np.zeros(len(prices))

    closes = [100.0 + k for k in range(count)]
    drive(from_signals(keep, lookback=lookback)({}), closes)
    whole = frame(closes)
    for number, part in enumerate(shown):
        first = 0 if lookback is None else max(0, number + 1 - lookback)
        pd.testing.assert_frame_equal(part, whole.iloc[first : number + 1])


def test_prices_are_floats_by_time_in_utc() -> None:
    prices = frame([5.0, 6.0])
    assert list(prices.columns) == ["close", "volume", "bid", "ask"]
    assert str(prices.index.dtype) == "datetime64[ns, UTC]"
    assert prices.iloc[1].tolist() == [6.0, 10.0, 5.0, 7.0]


def test_what_the_function_writes_into_its_prices_stays_there() -> None:
    def careless(prices: Frame) -> Any:
        prices["mean"] = prices["close"].mean()
        prices.loc[prices.index[0], "close"] = 0.0
        return prices["close"] * 0.0

    prices = frame([5.0, 6.0])
    signals = signal_strategy(careless, None, {}).SIGNALS
    signals.call(prices, {})
    pd.testing.assert_frame_equal(prices, frame([5.0, 6.0]))


def test_numbers_come_as_the_kind_that_their_defaults_are() -> None:
    seen: list[Params] = []

    def kinds(prices: Frame, window: int = 3, level: float = 1.0, both: bool = True, name: str = "x") -> Any:
        seen.append({"window": window, "level": level, "both": both, "name": name})
        return np.zeros(len(prices))

    from_signals(kinds)({"window": 5.0, "level": 2, "name": "y"}).on_market_data(update(0, 1.0))
    assert [(type(value), value) for value in seen[0].values()] == [
        (int, 5),
        (float, 2.0),
        (bool, True),
        (str, "y"),
    ]


# -- as a strategy ---------------------------------------------------------------------------------------------------


def test_it_trades_like_any_strategy_at_the_next_update() -> None:
    index = pd.date_range("2024-01-01", periods=5, freq="1D", tz="UTC", name="timestamp")
    prices = Prices({"X@SIM": pd.DataFrame({"close": [10.0, 11.0, 12.0, 11.0, 10.5]}, index)})
    kind = from_signals(above, lookback=2, window=2)
    result = backtest(
        kind, prices, config={"unit": 3.0}, costs={"spread_bps": 0, "slippage_bps": 0, "impact_bps": 0}
    )
    assert result.fills[["quantity", "price"]].to_numpy().tolist() == [[3.0, 12.0], [-3.0, 10.5]]
    assert result.strategies == ("above",)


def broken(prices: Frame) -> Any:
    raise ValueError(f"nothing in {len(prices)}")


def test_what_it_raises_in_a_run_names_its_line() -> None:
    prices = Prices(
        {"X@SIM": pd.DataFrame({"close": [1.0, 2.0]}, pd.date_range("2024", periods=2, tz="UTC"))}
    )
    with pytest.raises(
        StrategyFailure, match=r"broken.on_market_data raised ValueError.*test_vector.py:\d+\)"
    ):
        backtest(from_signals(broken), prices)
