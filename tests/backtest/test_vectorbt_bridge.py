"""A result as a vectorbt portfolio: the same fills, and so the same value, fees, return and trades, to 1e-9."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import vectorbt as vbt
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.backtest.api import backtest
from workbench.backtest.result import BacktestResult
from workbench.backtest.vectorbt_bridge import marks, to_vectorbt
from workbench.chaos.events import ChaosEvent
from workbench.core.costs import Costs
from workbench.core.limits import RiskLimits
from workbench.data.prices import Prices
from workbench.errors import ConfigError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy

Table = Callable[..., Prices]
Run = Callable[..., BacktestResult]

TIGHT = 1e-9
FREE = Costs.free()
UNLIMITED = RiskLimits.unlimited()
THEIR_WARNINGS = pytest.mark.filterwarnings(
    "ignore"
)  # vectorbt's own calls of pandas and numba are out of date


class Drawn(TradingStrategy):
    """Sends an order of `sizes[n]` units at update n of every instrument (0 for none), counted by instrument."""

    PARAMETERS: ClassVar = {"sizes": []}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.seen: dict[tuple[str, str], int] = {}

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        key = (price_update.symbol, price_update.venue)
        number = self.seen[key] = self.seen.get(key, -1) + 1
        size = self.config["sizes"][number % len(self.config["sizes"])]
        if not size:
            return []
        return [MarketSignal(key[0], signal_strength=size, metadata={"venue": key[1], "quantity": abs(size)})]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Hears nothing."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Hears nothing."""


class Other(Drawn):
    """A second one, under another name."""


def assert_same(result: BacktestResult, pf: Any) -> None:
    """Value, cash flow, fees, return, drawdown and trades."""
    scale = result.initial_cash
    np.testing.assert_allclose(
        pf.value().to_numpy(), result.equity.to_numpy(), rtol=TIGHT, atol=TIGHT * scale
    )
    assert pf.value().index.equals(result.equity.index)
    assert pf.total_return() == pytest.approx(result.stats()["total_return"], rel=TIGHT, abs=TIGHT)
    if result.equity.min() > 0.0:  # vectorbt compounds returns, which mean nothing after that
        assert pf.max_drawdown() == pytest.approx(result.stats()["max_drawdown"], rel=TIGHT, abs=TIGHT)
    assert pf.orders.fees.sum(group_by=pf.wrapper.grouper.group_by).sum() == pytest.approx(
        result.fills["fee"].sum(), rel=TIGHT, abs=TIGHT
    )
    assert len(pf.orders.values) == len(result.fills)
    assert_same_trades(result, pf)


def assert_same_trades(result: BacktestResult, pf: Any) -> None:
    """Round trips by instrument and entry; a fill that flips enters at the time at which it leaves."""
    theirs = pf.trades.values
    times = result.equity.index
    labels = pf.wrapper.columns
    found = pd.DataFrame(
        {
            "column": [labels[c] for c in theirs["col"]],
            "entry_time": times[theirs["entry_idx"]],
            "exit_time": [
                t if s else pd.NaT for t, s in zip(times[theirs["exit_idx"]], theirs["status"], strict=True)
            ],
            "quantity": theirs["size"],
            "entry_price": theirs["entry_price"],
            "fees": theirs["entry_fees"] + theirs["exit_fees"],
            "pnl": theirs["pnl"],
            "side": np.where(theirs["direction"] == 0, "long", "short"),
        }
    )
    ours = result.trades.copy()
    name = ours["symbol"] + "@" + ours["venue"]
    several = len(result.strategies) > 1
    ours["column"] = list(zip(ours["strategy_id"], name, strict=True)) if several else name
    multipliers = {i.name: i.multiplier for i in result.record.feed.instruments}
    ours["quantity"] *= [multipliers[instrument] for instrument in name]
    ours.loc[ours["status"] == "open", "exit_time"] = pd.NaT
    order = ["column", "entry_time", "exit_time"]
    found, ours = (
        frame.sort_values(order, kind="stable").reset_index(drop=True)[list(found)] for frame in (found, ours)
    )
    for column in ("column", "side"):
        assert found[column].tolist() == ours[column].tolist()
    pd.testing.assert_series_equal(found["entry_time"], ours["entry_time"], check_dtype=False)
    pd.testing.assert_series_equal(found["exit_time"], ours["exit_time"], check_dtype=False)
    for column in ("quantity", "entry_price", "fees", "pnl"):
        scale = float(ours[column].abs().max()) if len(ours) else 0.0
        np.testing.assert_allclose(found[column], ours[column], rtol=TIGHT, atol=TIGHT * max(scale, 1.0))


# -- by hand ---------------------------------------------------------------------------------------------------------


def test_fills_are_order_records_as_they_are(six: BacktestResult) -> None:
    """The table of the fixture: long 10 from 102 to 105, short 10 from 104 to 107, each filled one row later."""
    pf = six.to_vectorbt()
    assert isinstance(pf, vbt.Portfolio)
    assert pf.orders.values[["idx", "size", "price", "fees", "side"]].tolist() == [
        (1, 10.0, 102.0, 0.0, 0),
        (3, 10.0, 105.0, 0.0, 1),
        (4, 10.0, 104.0, 0.0, 1),
        (5, 10.0, 107.0, 0.0, 0),
    ]
    assert pf.value().tolist() == [10_000.0, 10_000.0, 10_040.0, 10_030.0, 10_030.0, 10_000.0]
    assert pf.assets().tolist() == [0.0, 10.0, 10.0, 0.0, -10.0, 0.0]
    assert pf.trades.pnl.values.tolist() == [30.0, -30.0]
    assert (pf.total_return(), pf.wrapper.ndim, pf.wrapper.columns.tolist()) == (0.0, 1, ["X@SIM"])


def test_several_fills_in_one_row_stay_several(run: Run) -> None:
    """Long 10 at 100; then sell 10, sell 10, buy 5 at once at 110: +100 on the long, and half of the short is back."""
    result = run([100.0, 100.0, 105.0, 110.0, 108.0], {0: [1.0], 2: [-1.0, -1.0, 0.5]}, limits=UNLIMITED)
    pf = to_vectorbt(result)
    assert pf.orders.values[["idx", "size", "side"]].tolist() == [
        (1, 10.0, 0),
        (3, 10.0, 1),
        (3, 10.0, 1),
        (3, 5.0, 0),
    ]
    assert pf.assets().tolist() == [0.0, 10.0, 10.0, -5.0, -5.0]
    assert pf.trades.pnl.values.tolist() == [100.0, 10.0]
    assert pf.value().tolist() == result.equity.tolist() == [10_000.0, 10_000.0, 10_050.0, 10_100.0, 10_110.0]
    assert_same(result, pf)


def test_a_multiplier_becomes_part_of_the_size(table: Table, run: Run) -> None:
    """One contract of 50: from 100 to 103 it gains 150."""
    prices = table(X=[100.0, 100.0, 103.0]).with_instrument("X", multiplier=50.0)
    result = run(prices, {0: [1.0]}, unit=1.0)
    pf = to_vectorbt(result)
    assert pf.orders.values["size"].tolist() == [50.0]
    assert pf.value().tolist() == [10_000.0, 10_000.0, 10_150.0]
    assert_same(result, pf)


def test_fees_and_rebates_are_those_of_the_fills(run: Run) -> None:
    """10 units at 100 and at 104, 4 bps: 0.40 and 0.416; as a rebate the same with the other sign."""
    for bps in (4.0, -4.0):
        costs = Costs(0.0, bps, bps, 0.0, 0.0, math.inf)
        pf = to_vectorbt(run([100.0, 100.0, 104.0], {0: [1.0], 1: [-1.0]}, costs=costs))
        np.testing.assert_allclose(
            pf.orders.values["fees"], np.array([0.4, 0.416]) * np.sign(bps), rtol=TIGHT
        )
        assert pf.total_profit() == pytest.approx(40.0 - math.copysign(0.816, bps), rel=TIGHT)


def test_a_position_beyond_the_cash_and_a_debt_are_carried(run: Run) -> None:
    """300 units at 100 on 10,000 of cash: vectorbt's own simulator would refuse two thirds of it."""
    result = run([100.0, 100.0, 60.0, 58.0], {0: [1.0]}, unit=300.0, limits=UNLIMITED)
    pf = to_vectorbt(result)
    assert pf.value().tolist() == result.equity.tolist() == [10_000.0, 10_000.0, -2_000.0, -2_600.0]
    assert pf.cash().tolist() == [10_000.0, -20_000.0, -20_000.0, -20_000.0]


def test_without_fills_the_value_is_the_cash(run: Run) -> None:
    pf = to_vectorbt(run([100.0, 101.0, 99.0]))
    assert pf.value().tolist() == [10_000.0] * 3
    assert (pf.total_return(), len(pf.trades.values), len(pf.orders.values)) == (0.0, 0, 0)


def test_a_bad_tick_is_no_close(run: Run) -> None:
    """99,999 is a jump that nothing confirms: the mark, and so the close, stays at 101."""
    result = run([100.0, 101.0, 99_999.0, 102.0], {0: [1.0]})
    pf = to_vectorbt(result)
    assert pf.close.tolist() == [100.0, 101.0, 101.0, 102.0]
    assert pf.value().tolist() == result.equity.tolist() == [10_000.0, 10_000.0, 10_000.0, 10_010.0]


# -- several columns -------------------------------------------------------------------------------------------------


def test_instruments_share_the_cash_of_one_group() -> None:
    """Y has no bar on two days, and starts later; its mark stays, and it is nothing before."""
    prices = Prices(
        {
            "X@SIM": pd.DataFrame({"close": [10.0, 11.0, 12.0, 13.0, 12.5]}, _days(0, 1, 2, 3, 4)),
            "Y@SIM": pd.DataFrame({"close": [20.0, 21.0, 22.5]}, _days(1, 2, 4)),
        },
        interval="1D",
    )
    result = backtest(
        Drawn, prices, config={"sizes": [4.0, -1.0]}, costs=Costs(), limits=UNLIMITED, initial_cash=1_000.0
    )
    pf = to_vectorbt(result)
    assert pf.wrapper.columns.tolist() == ["X@SIM", "Y@SIM"]
    assert (pf.wrapper.columns.name, pf.cash_sharing, pf.wrapper.grouper.get_group_count()) == (
        "instrument",
        True,
        1,
    )
    np.testing.assert_array_equal(pf.close["Y@SIM"], [math.nan, 20.0, 21.0, 21.0, 22.5])
    assert pf.init_cash == 1_000.0
    assert_same(result, pf)
    by_column = pf.total_profit(group_by=False)
    assert by_column.sum() == pytest.approx(result.stats()["total_pnl"], rel=TIGHT)
    assert by_column["Y@SIM"] == pytest.approx(result.trades.query("symbol == 'Y'")["pnl"].sum(), rel=TIGHT)


def _days(*numbers: int) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=n) for n in numbers])


def test_strategies_have_columns_of_their_own_so_that_their_trades_are_not_netted(table: Table) -> None:
    """One buys what the other sells: a single column would have no trade at all."""
    prices = table(X=[100.0, 101.0, 103.0, 99.0, 98.0], Y=[50.0, 50.0, 49.0, 51.0, 52.0])
    config = {"Drawn": {"sizes": [2.0, 0.0, -1.0]}, "Other": {"sizes": [-2.0, 0.0, 1.0]}}
    result = backtest([Drawn, Other], prices, config=config, costs=Costs(), limits=UNLIMITED)
    pf = to_vectorbt(result)
    assert pf.wrapper.columns.names == ["strategy_id", "instrument"]
    assert pf.wrapper.columns.tolist() == [(s, i) for s in ("Drawn", "Other") for i in ("X@SIM", "Y@SIM")]
    assert len(pf.trades.values) == 4
    assert_same(result, pf)


# -- whatever happened -----------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.data())
def test_any_run_is_the_same_portfolio(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 9_999), label="seed"))
    count = data.draw(st.integers(1, 3), label="instruments")
    frames: dict[str, pd.DataFrame] = {}
    for k in range(count):
        minutes = np.flatnonzero(rng.random(60) < 0.8)
        close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, len(minutes))))
        index = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(minutes, unit="min")
        frames[f"S{k}@SIM"] = pd.DataFrame(
            {"close": close, "volume": rng.integers(1, 50, len(minutes))}, index
        )
    prices = Prices(frames, interval="1min")
    if data.draw(st.booleans(), label="multiplier"):
        prices = prices.with_instrument("S0", multiplier=25.0, lot=0.5)
    kinds = st.sampled_from(
        ["bad_tick", "price_gap", "partial_fills", "out_of_order_fills", "duplicate_fills"]
    )
    chaos = [
        ChaosEvent(
            kind,
            "2024-01-01 00:20",
            "20min",
            1.0 if kind in ("out_of_order_fills", "duplicate_fills") else 0.8,
            seed=3,
        )
        for kind in data.draw(st.lists(kinds, max_size=2, unique=True), label="chaos")
    ]
    sizes = st.lists(st.sampled_from([0.0, 3.0, -2.0, 7.5, -9.0, 0.3]), min_size=2, max_size=6)
    result = backtest(
        [Drawn, Other],
        prices,
        config={"Drawn": {"sizes": data.draw(sizes)}, "Other": {"sizes": data.draw(sizes)}},
        costs=data.draw(
            st.sampled_from([FREE, Costs(), Costs(4.0, -1.0, 6.0, 3.0, 20.0, 0.3, 90.0)]), label="costs"
        ),
        limits=data.draw(st.sampled_from([UNLIMITED, RiskLimits()]), label="limits"),
        chaos=chaos,
        initial_cash=50_000.0,
    )
    pf = to_vectorbt(result)
    assert_same(result, pf)
    rows = result.record.desk.view.instruments
    known = [float(rows[k].mark) for k in range(len(result.instruments))]
    np.testing.assert_array_equal(marks(result)[-1], [mark if mark > 0.0 else math.nan for mark in known])


# -- how it is used --------------------------------------------------------------------------------------------------


def trending(table: Table, run: Run) -> BacktestResult:
    rng = np.random.default_rng(4)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0005, 0.01, 400)))
    script: dict[int, Sequence[object]] = {n: [1.0 if n % 14 == 0 else -1.0] for n in range(0, 392, 7)}
    return run(table(X=closes.tolist()), script, unit=50.0, limits=UNLIMITED, costs=Costs())


def test_ratios_are_annualised_alike_but_for_the_first_row(table: Table, run: Run) -> None:
    """These days leave no Saturday out: 365 periods a year. Their deviation is over one return more, which is 0."""
    result = trending(table, run)
    pf, rows = to_vectorbt(result), len(result.equity)
    assert pf.wrapper.freq == pd.Timedelta("1D")
    stats = result.stats()
    assert pf.sharpe_ratio() == pytest.approx(stats["sharpe_ratio"], rel=2.0 / rows)
    assert pf.sharpe_ratio() != pytest.approx(stats["sharpe_ratio"], rel=TIGHT)
    returns = result.equity.pct_change().fillna(0.0)
    assert pf.sharpe_ratio() == pytest.approx(returns.mean() / returns.std() * math.sqrt(365.0), rel=TIGHT)


def test_a_row_lasts_what_makes_the_periods_of_a_year(run: Run) -> None:
    """Weekdays only: 252 rows are a year, so one is 365/252 days, and 252 of them a calendar year."""
    days = pd.bdate_range("2024-01-01", periods=30, tz="UTC", name="timestamp")
    prices = Prices({"X@SIM": pd.DataFrame({"close": np.linspace(100.0, 110.0, 30)}, days)}, interval="1D")
    pf = to_vectorbt(run(prices, {0: [1.0]}))
    assert pf.wrapper.freq == pd.Timedelta(days=365) / 252
    assert to_vectorbt(run(prices, {0: [1.0]}), freq="1D").wrapper.freq == pd.Timedelta("1D")


@THEIR_WARNINGS
def test_statistics_plots_and_accessors_work(table: Table, run: Run) -> None:
    result = trending(table, run)
    pf, ours = to_vectorbt(result), result.stats()
    names = [
        "start_value",
        "end_value",
        "total_return",
        "total_fees_paid",
        "max_dd",
        "total_closed_trades",
        "win_rate",
    ]
    theirs = pf.stats(names)
    assert theirs["End Value"] == pytest.approx(ours["final_equity"], rel=TIGHT)
    assert theirs["Total Return [%]"] == pytest.approx(100.0 * ours["total_return"], rel=TIGHT)
    assert theirs["Total Fees Paid"] == pytest.approx(ours["fees"], rel=TIGHT)
    assert theirs["Max Drawdown [%]"] == pytest.approx(-100.0 * ours["max_drawdown"], rel=TIGHT)
    assert theirs["Total Closed Trades"] == ours["trades"] > 10
    assert theirs["Win Rate [%]"] == pytest.approx(100.0 * ours["win_rate"], rel=TIGHT)
    assert pf.trades.profit_factor() == pytest.approx(ours["profit_factor"], rel=TIGHT)
    figure = pf.plot(subplots=["orders", "cum_returns"])
    assert {trace.name for trace in figure.data} >= {"Close", "Buy", "Sell"}
    assert pf.orders.records_readable["Fees"].sum() == pytest.approx(ours["fees"], rel=TIGHT)
    assert pf.drawdowns.max_drawdown() == pytest.approx(ours["max_drawdown"], rel=TIGHT)


def test_settings_of_vectorbt_stay_as_they_are(six: BacktestResult) -> None:
    before = repr(vbt.settings)
    to_vectorbt(six).value()
    assert repr(vbt.settings) == before


def test_vectorbt_is_imported_by_the_first_call_and_not_before() -> None:
    code = (
        "import sys, workbench.backtest.vectorbt_bridge, workbench.sweeps.api, workbench.backtest.api;"
        "sys.exit('vectorbt' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_vectorbt_one_line_says_what_to_install(
    six: BacktestResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vectorbt", None)
    with pytest.raises(
        ConfigError, match=r"to_vectorbt needs the package vectorbt; install it with pip install"
    ) as caught:
        to_vectorbt(six)
    assert "\n" not in str(caught.value)
