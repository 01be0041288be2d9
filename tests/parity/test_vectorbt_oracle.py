"""An independent judge: on the same signals, vectorbt's own simulator finds the same fills, fees, equity and return.

Signals come from outside (random ones, crosses of pandas' moving averages) and go to both: to `Portfolio.from_orders`
or `from_signals`, and to a backtest and a sweep of ours. Everything agrees to 1e-9 with these settings, and
`test_each_line_of_the_table_is_needed` takes one after the other away:

| here | in vectorbt |
|---|---|
| a signal is filled by the next update of its instrument | `.shift(1)` on the instrument's own rows |
| `Costs.slippage_bps` | `slippage` = bps / 1e4 |
| `Costs.taker_bps` | `fees` = bps / 1e4, `fixed_fees` = 0 |
| `Costs.spread_bps` | `price` = close x (1 + half) where it buys, close x (1 - half) where it sells |
| `SIZING = "target"`, strength x unit | `size_type="targetamount"` |
| the same, strengths -1, 0 and 1 | `from_signals(upon_opposite_entry="reverse", size=unit)` |
| lot | `size` rounded toward zero beforehand (`size_granularity` rounds the change, another thing) |
| multiplier | `size` times it |
| several instruments in one portfolio | `cash_sharing=True, group_by=True` |
| `initial_cash` | `init_cash`, which must pay for every order: vectorbt cuts those that it does not |
| `participation` = inf, `impact_bps` = 0, `latency_seconds` = 0 | vectorbt knows none of them |
| `RiskLimits.unlimited()` | vectorbt knows no rule but cash |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import vectorbt as vbt
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.backtest.api import backtest
from workbench.backtest.result import BacktestResult
from workbench.core.costs import Costs
from workbench.core.limits import RiskLimits
from workbench.data.catalog import load
from workbench.data.prices import Prices
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy
from workbench.sweeps.api import sweep

type Floats = npt.NDArray[np.float64]

TIGHT = 1e-9
NAN = math.nan
CASH = 1_000_000.0
UNLIMITED = RiskLimits.unlimited()
SCRIPTS = Path(__file__).parents[2] / "strategies"
REAL = Path(__file__).parents[3] / "shared" / "data"


def free(spread_bps: float = 0.0, taker_bps: float = 0.0, slippage_bps: float = 0.0) -> Costs:
    """Costs that vectorbt can have too."""
    return Costs(spread_bps, taker_bps, taker_bps, slippage_bps, 0.0, math.inf)


# -- ours ------------------------------------------------------------------------------------------------------------


class Played(TradingStrategy):
    """Sends `targets[instrument][n]` at its update number n, nothing for NaN."""

    SIZING = "target"
    PARAMETERS: ClassVar = {"targets": {}}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.seen: dict[str, int] = {}

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        name = f"{price_update.symbol}@{price_update.venue}"
        number = self.seen[name] = self.seen.get(name, -1) + 1
        target = float(self.config["targets"][name][number])
        if math.isnan(target):
            return []
        return [
            MarketSignal(price_update.symbol, signal_strength=target, metadata={"venue": price_update.venue})
        ]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Hears nothing."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pytest.fail(breach.message)


def ours(prices: Prices, targets: Mapping[str, Floats], unit: float, costs: Costs) -> BacktestResult:
    config = {"targets": dict(targets), "unit": unit}
    return backtest(
        Played, prices, config=config, costs=costs, limits=UNLIMITED, initial_cash=CASH, progress=False
    )


def given_targets(columns: Sequence[Floats]) -> Callable[..., Any]:
    """A signal function that answers column number `column`, so that a sweep plays all of them."""

    def signals(prices: pd.DataFrame, column: int = 0) -> Any:
        return columns[column][: len(prices)]

    return signals


# -- theirs ----------------------------------------------------------------------------------------------------------


def theirs(
    close: pd.DataFrame, targets: pd.DataFrame, unit: float, costs: Costs, *, delay: int = 1, **settings: Any
) -> Any:
    """`from_orders` of the targets (strengths by row and column, NaN for nothing), as the table above says."""
    wanted = (targets * unit).apply(lambda column: _later(column, close[column.name], delay))
    change = wanted.ffill().fillna(0.0).diff().fillna(0.0)
    half = 0.5 * costs.spread_bps / 1e4
    return vbt.Portfolio.from_orders(
        close,
        **{
            "size": wanted,
            "size_type": "targetamount",
            "price": close * (1.0 + half * np.sign(change)),
            "fees": costs.taker_bps / 1e4,
            "slippage": costs.slippage_bps / 1e4,
            "init_cash": CASH,
            "freq": "1min",
            **settings,
        },
    )


def _later(column: pd.Series[float], close: pd.Series[float], delay: int) -> pd.Series[float]:
    """Shifted by updates of the instrument, which has none where its close is NaN."""
    return column[close.notna()].shift(delay).reindex(column.index)


def assert_same(result: BacktestResult, pf: Any) -> None:
    """Fills one by one, fees, equity and total return."""
    fills = result.fills
    records = pf.orders.values
    records = records[np.lexsort((records["col"], records["idx"]))]
    names = np.asarray([str(name) for name in pf.wrapper.columns])
    where = result.equity.index.searchsorted(fills["timestamp"])
    place = {name: number for number, name in enumerate(names)}
    columns = np.array(
        [place[f"{s}@{v}"] for s, v in zip(fills["symbol"], fills["venue"], strict=True)], dtype=int
    )
    order = np.lexsort((columns, where))
    assert records["idx"].tolist() == where[order].tolist()
    assert records["col"].tolist() == columns[order].tolist()
    signed = records["size"] * np.where(records["side"] == 0, 1.0, -1.0)
    for found, column in ((signed, "quantity"), (records["price"], "price"), (records["fees"], "fee")):
        np.testing.assert_allclose(found, fills[column].to_numpy()[order], rtol=TIGHT, atol=1e-12)
    np.testing.assert_allclose(pf.value().to_numpy().ravel(), result.equity.to_numpy(), rtol=TIGHT)
    assert float(np.ravel(pf.total_return())[0]) == pytest.approx(
        result.stats()["total_return"], rel=TIGHT, abs=TIGHT
    )


def assert_same_table(table: pd.DataFrame, pf: Any) -> None:
    """Figures of a sweep beside those of as many columns of vectorbt."""
    records, count = pf.orders.values, len(table)
    fees = np.bincount(records["col"], records["fees"], minlength=count)
    turnover = np.bincount(records["col"], records["size"] * records["price"], minlength=count)
    np.testing.assert_allclose(table["total_return"], pf.total_return(), rtol=TIGHT, atol=TIGHT)
    np.testing.assert_allclose(table["max_drawdown"], pf.max_drawdown(), rtol=TIGHT, atol=TIGHT)
    np.testing.assert_allclose(table["fees"], fees, rtol=TIGHT, atol=1e-12)
    np.testing.assert_allclose(table["turnover"], turnover, rtol=TIGHT)
    assert table["fills"].tolist() == np.bincount(records["col"], minlength=count).tolist()


METRICS = ["total_return", "max_drawdown", "fees", "turnover", "fills"]


# -- markets and signals ---------------------------------------------------------------------------------------------


def market(
    rng: np.random.Generator, bars: int, names: Sequence[str] = ("X@SIM",), missing: float = 0.0
) -> Prices:
    """Random walks of floats, which never tie; a share of the bars may be missing, but the first."""
    index = pd.date_range("2024-01-01", periods=bars, freq="1min", tz="UTC", name="timestamp")
    frames = {}
    for name in names:
        close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, bars)))
        kept = rng.random(bars) >= missing
        kept[0] = True
        frames[name] = pd.DataFrame({"close": close}, index)[kept]
    return Prices(frames, interval="1min")


def closes_of(prices: Prices) -> pd.DataFrame:
    """Closes by the times at which they are known."""
    closes = prices.closes()
    closes.index = closes.index + prices.interval
    return closes


def draw_targets(rng: np.random.Generator, count: int, strengths: Sequence[float]) -> Floats:
    """Something to say at every other row or so, and at the first one to be flat."""
    targets = np.where(rng.random(count) < 0.5, rng.choice(np.array(strengths), count), NAN)
    targets[0] = 0.0
    return targets


# -- equal -----------------------------------------------------------------------------------------------------------


@settings(max_examples=12)
@given(st.data())
def test_targets_of_any_size_fill_as_from_orders_fills_them(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 99_999), label="seed"))
    bars = data.draw(st.integers(2, 120), label="bars")
    bps = st.sampled_from([0.0, 0.5, 3.0, 40.0])
    costs = free(
        data.draw(bps, label="spread"), data.draw(bps, label="fee"), data.draw(bps, label="slippage")
    )
    unit = data.draw(st.sampled_from([0.01, 3.0, 777.0]), label="unit")
    prices = market(rng, bars)
    columns = [draw_targets(rng, bars, [-1.0, -0.3, 0.0, 0.25, 0.7, 1.0]) for _ in range(4)]
    close = closes_of(prices)
    wide = pd.concat([close["X@SIM"]] * 4, axis=1, keys=range(4))
    pf = theirs(wide, pd.DataFrame(np.column_stack(columns), close.index), unit, costs)
    assert_same(
        ours(prices, {"X@SIM": columns[0]}, unit, costs),
        theirs(close, pd.DataFrame({"X@SIM": columns[0]}, close.index), unit, costs),
    )
    found = sweep(
        given_targets(columns),
        prices,
        {"column": range(4)},
        config={"unit": unit},
        costs=costs,
        limits=UNLIMITED,
        initial_cash=CASH,
        metrics=METRICS,
    )
    assert_same_table(found.table, pf)
    assert_same(
        found.column(column=0), theirs(close, pd.DataFrame({"X@SIM": columns[0]}, close.index), unit, costs)
    )


@settings(max_examples=8)
@given(st.integers(0, 99_999), st.sampled_from([free(), free(2.0, 5.0, 1.0)]))
def test_long_flat_and_short_fill_as_from_signals_fills_them(seed: int, costs: Costs) -> None:
    rng = np.random.default_rng(seed)
    prices = market(rng, 150)
    close = closes_of(prices)["X@SIM"]
    columns = [draw_targets(rng, 150, [-1.0, 0.0, 1.0]) for _ in range(3)]
    targets = pd.DataFrame(np.column_stack(columns), close.index)
    said = targets.shift(1)
    held = said.ffill().fillna(0.0)
    half = 0.5 * costs.spread_bps / 1e4
    pf = vbt.Portfolio.from_signals(
        close,
        entries=said == 1.0,
        exits=said == 0.0,
        short_entries=said == -1.0,
        short_exits=said == 0.0,
        size=50.0,
        upon_opposite_entry="reverse",
        price=np.multiply(1.0 + half * np.sign(held.diff().fillna(held)), close.to_numpy()[:, None]),
        fees=costs.taker_bps / 1e4,
        slippage=costs.slippage_bps / 1e4,
        init_cash=CASH,
        freq="1min",
    )
    found = sweep(
        given_targets(columns),
        prices,
        {"column": range(3)},
        config={"unit": 50.0},
        costs=costs,
        limits=UNLIMITED,
        initial_cash=CASH,
        metrics=METRICS,
    )
    assert_same_table(found.table, pf)
    assert found.table["fills"].min() > 20
    for number, column in enumerate(columns):
        pf_one = pf[number].replace(wrapper=pf[number].wrapper.replace(columns=["X@SIM"]))
        assert_same(ours(prices, {"X@SIM": column}, 50.0, costs), pf_one)


@settings(max_examples=6)
@given(st.integers(0, 99_999))
def test_instruments_with_missing_bars_share_one_account(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ("A@SIM", "B@SIM", "C@SIM")
    costs, unit = free(2.0, 5.0, 1.0), 400.0
    prices = market(rng, 90, names, missing=0.3)
    close = closes_of(prices)
    known = {name: close[name].dropna() for name in names}
    own = {name: draw_targets(rng, len(known[name]), [-1.0, 0.0, 0.5, 1.0]) for name in names}
    targets = pd.DataFrame({name: pd.Series(own[name], known[name].index) for name in names}, close.index)
    pf = theirs(close, targets, unit, costs, group_by=True, cash_sharing=True)
    assert_same(ours(prices, own, unit, costs), pf)


def test_lots_are_targets_rounded_toward_zero_and_a_multiplier_is_part_of_the_size() -> None:
    rng = np.random.default_rng(8)
    prices = market(rng, 200).with_instrument("X", lot=0.25, multiplier=4.0)
    close = closes_of(prices)
    targets = pd.DataFrame({"X@SIM": draw_targets(rng, 200, [-0.77, 0.0, 0.33, 0.66, 1.0])}, close.index)
    result = ours(prices, {"X@SIM": targets["X@SIM"].to_numpy()}, 10.0, free(0.0, 5.0, 1.0))
    rounded = (targets * 40.0).map(math.trunc, na_action="ignore") / 4.0
    pf = theirs(close, rounded, 4.0, free(0.0, 5.0, 1.0))
    np.testing.assert_allclose(pf.value()["X@SIM"], result.equity, rtol=TIGHT)
    np.testing.assert_allclose(pf.orders.values["size"], 4.0 * result.fills["quantity"].abs(), rtol=TIGHT)
    np.testing.assert_allclose(pf.orders.values["fees"], result.fills["fee"], rtol=TIGHT)
    assert set((result.fills["quantity"] % 0.25).tolist()) == {0.0}


def crosses(close: pd.Series[float], fast: int, slow: int) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Where the fast average crosses above the slow one, and back; none on the first row that has both."""
    means = close.rolling(fast).mean() - close.rolling(slow).mean()
    above, known = means > 0.0, means.notna() & means.shift(1).notna()
    return known & above & ~above.shift(1, fill_value=False), known & ~above & above.shift(
        1, fill_value=False
    )


def assert_crosses(
    prices: Prices, fasts: Sequence[int], slows: Sequence[int], costs: Costs, unit: float
) -> None:
    """Our script swept and backtested beside `from_signals` on crosses of pandas' averages."""
    close = closes_of(prices).iloc[:, 0]
    pairs = [(fast, slow) for fast in fasts for slow in slows]
    signals = [crosses(close, *pair) for pair in pairs]
    entries, exits = (
        pd.concat([pair[k] for pair in signals], axis=1, keys=pairs).shift(1, fill_value=False)
        for k in (0, 1)
    )
    pf = vbt.Portfolio.from_signals(
        close,
        entries,
        exits,
        size=unit,
        fees=costs.taker_bps / 1e4,
        slippage=costs.slippage_bps / 1e4,
        init_cash=CASH,
        freq="1D",
    )
    script = SCRIPTS / "sma_cross.py"
    setting: dict[str, Any] = {"costs": costs, "limits": UNLIMITED, "initial_cash": CASH}
    found = sweep(
        script, prices, {"fast": fasts, "slow": slows}, config={"unit": unit}, metrics=METRICS, **setting
    )
    assert_same_table(found.table, pf)
    assert found.table["fills"].min() > 10
    result = backtest(script, prices, config={"fast": fasts[0], "slow": slows[0], "unit": unit}, **setting)
    first = pf.iloc[0]
    assert_same(result, first.replace(wrapper=first.wrapper.replace(columns=[close.name])))


def test_crosses_of_moving_averages_are_the_same_trades() -> None:
    assert_crosses(market(np.random.default_rng(11), 1_500), [3, 5, 8], [20, 35], free(0.0, 10.0, 2.0), 100.0)


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is absent")
def test_crosses_on_real_prices_are_the_same_trades() -> None:
    """Thirty years of a stock; its adjusted closes have digits enough not to tie at these windows."""
    prices = load(REAL / "us_equities_1d" / "skfolio_sp500_20_close.parquet", venue="US").only("MSFT")
    assert_crosses(prices, [7, 13], [50, 110], free(0.0, 5.0, 1.0), 100.0)


# -- and not by chance -----------------------------------------------------------------------------------------------


AWAY: dict[str, dict[str, Any]] = {
    "the next update": {"delay": 0},
    "slippage": {"slippage": 0.0},
    "fees": {"fees": 0.0},
    "the touch": {"price": np.inf},
    "enough cash": {"init_cash": 5_000.0},
    "targets": {"size_type": "amount"},
}


@pytest.mark.parametrize("away", AWAY)
def test_each_line_of_the_table_is_needed(away: str) -> None:
    rng = np.random.default_rng(5)
    prices, costs = market(rng, 60), free(4.0, 6.0, 3.0)
    close = closes_of(prices)
    targets = draw_targets(rng, 60, [-1.0, 0.0, 0.5, 1.0])
    result, frame = (
        ours(prices, {"X@SIM": targets}, 100.0, costs),
        pd.DataFrame({"X@SIM": targets}, close.index),
    )
    assert_same(result, theirs(close, frame, 100.0, costs))
    with pytest.raises(AssertionError):
        assert_same(result, theirs(close, frame, 100.0, costs, **AWAY[away]))
