"""Shares, the Herfindahl-Hirschman index and effective numbers, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from workbench.errors import ConfigError, DataError
from workbench.risk.concentration import (
    concentration,
    concentration_table,
    diversification_ratio,
    effective_bets,
    effective_number,
    hhi,
)
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy

BOOK = pd.DataFrame(
    {
        "strategy_id": ["trend", "trend", "pairs", "pairs"],
        "symbol": ["BTC", "ETH", "BTC", "ETH"],
        "venue": ["kraken", "kraken", "coinbase", "kraken"],
        "notional": [50.0, 20.0, -20.0, 10.0],
    }
)
"""By instrument 50 BTC@kraken, 30 ETH@kraken, -20 BTC@coinbase; gross 100."""


def test_the_index_is_the_sum_of_squared_shares() -> None:
    assert hhi({"A": 50.0, "B": -30.0, "C": 20.0}) == pytest.approx(0.25 + 0.09 + 0.04)
    assert hhi(BOOK) == pytest.approx(0.38)
    assert effective_number(BOOK) == pytest.approx(1.0 / 0.38)


def test_the_department_of_justice_example() -> None:
    """Four firms with shares of 30, 30, 20 and 20 %: an HHI of 2,600 (US Department of Justice, on the index)."""
    assert 10_000 * hhi({"A": 30.0, "B": 30.0, "C": 20.0, "D": 20.0}) == pytest.approx(2_600)


def test_each_cut_groups_the_positions_its_own_way() -> None:
    assert hhi(BOOK, "symbol") == pytest.approx(0.7**2 + 0.3**2)
    assert hhi(BOOK, "venue") == pytest.approx(0.8**2 + 0.2**2)
    assert hhi(BOOK, "strategy") == pytest.approx(0.7**2 + 0.3**2)


def test_netting_lets_a_long_and_a_short_in_one_symbol_cancel() -> None:
    # BTC 50 - 20 = 30, ETH 30: two equal halves.
    assert hhi(BOOK, "symbol", net=True) == pytest.approx(0.5)
    table = concentration_table(BOOK, "symbol", net=True)
    assert table.iloc[0][["net", "gross", "share"]].tolist() == pytest.approx([30.0, 70.0, 0.5])


def test_the_table_has_the_largest_first_and_adds_up() -> None:
    table = concentration_table(BOOK)
    assert table.index.tolist() == ["BTC@kraken", "ETH@kraken", "BTC@coinbase"]
    assert table["net"].tolist() == [50.0, 30.0, -20.0]
    assert table["share"].tolist() == pytest.approx([0.5, 0.3, 0.2])
    assert table["cumulative_share"].tolist() == pytest.approx([0.5, 0.8, 1.0])


def test_the_summary_has_a_row_for_each_cut() -> None:
    table = concentration(BOOK)
    assert table.index.tolist() == ["instrument", "symbol", "venue", "strategy"]
    row = table.loc["instrument"]
    assert (row["count"], row["largest"], row["largest_share"]) == (3, "BTC@kraken", 0.5)
    assert row["normalised_hhi"] == pytest.approx((0.38 - 1 / 3) / (2 / 3))
    assert row["top_5_share"] == pytest.approx(1.0)
    assert concentration({"A@x": 1.0}).index.tolist() == ["instrument", "symbol", "venue"]


def test_a_frame_of_strategies_by_instruments_is_the_same_book() -> None:
    wide = pd.DataFrame(
        [[50.0, 20.0, 0.0], [0.0, 10.0, -20.0]],
        index=["trend", "pairs"],
        columns=["BTC@kraken", "ETH@kraken", "BTC@coinbase"],
    )
    pd.testing.assert_frame_equal(concentration(wide), concentration(BOOK))


class Holder(TradingStrategy):
    """Wants one unit of whatever it is shown."""

    SIZING = "target"

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        return [
            MarketSignal(price_update.symbol, signal_strength=1.0, metadata={"venue": price_update.venue})
        ]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Holds on."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Holds on."""


def test_the_positions_of_a_backtest_go_straight_in() -> None:
    result = wb.backtest(Holder, wb.synthetic(bars=30))
    table = concentration_table(result.positions, "symbol")
    gross = result.positions["notional"].abs()
    assert table.index.tolist() == ["BTC-USD", "ETH-USD"]  # 30,000 and 2,000 dollars a unit
    assert table["share"].tolist() == pytest.approx([15 / 16, 1 / 16], abs=0.01)
    assert table["gross"].sum() == pytest.approx(gross.sum())


def test_a_flat_book_has_no_concentration() -> None:
    assert math.isnan(hhi({"A": 0.0}))
    assert math.isnan(effective_number({"A": 0.0, "B": 0.0}))
    row = concentration({"A": 0.0}).loc["instrument"]
    assert (row["count"], row["largest"]) == (0, "")


def test_diversification_of_two_uncorrelated_equals_is_the_root_of_two() -> None:
    covariance = pd.DataFrame(np.diag([0.04, 0.04]), index=["A", "B"], columns=["A", "B"])
    assert diversification_ratio({"A": 1.0, "B": -1.0}, covariance) == pytest.approx(math.sqrt(2.0))
    assert effective_bets({"A": 1.0, "B": -1.0}, covariance) == pytest.approx(2.0)
    together = pd.DataFrame(0.04, index=["A", "B"], columns=["A", "B"])
    assert diversification_ratio({"A": 1.0, "B": 1.0}, together) == pytest.approx(1.0)
    assert effective_bets({"A": 1.0, "B": 1.0}, together) == pytest.approx(1.0)
    assert diversification_ratio({"A": 1.0, "B": -1.0}, together) == math.inf


shares = st.lists(st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-3), min_size=1, max_size=20)


@given(shares, st.floats(0.1, 100.0))
def test_the_index_lies_between_equal_shares_and_one_and_does_not_care_about_scale(
    notionals: list[float], factor: float
) -> None:
    book = {f"I{n}": value for n, value in enumerate(notionals)}
    index = hhi(book)
    assert 1.0 / len(book) - 1e-12 <= index <= 1.0 + 1e-12
    assert 1.0 - 1e-12 <= effective_number(book) <= len(book) + 1e-9
    assert hhi({name: factor * value for name, value in book.items()}) == pytest.approx(index)


@given(st.integers(2, 6), st.integers(0, 1_000))
def test_bets_are_no_fewer_than_one_and_no_more_than_instruments(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    draws = rng.normal(size=(50, count))
    names = [f"I{n}" for n in range(count)]
    covariance = pd.DataFrame(np.cov(draws, rowvar=False), names, names)
    book = dict(zip(names, rng.normal(size=count), strict=True))
    assert 1.0 - 1e-9 <= effective_bets(book, covariance) <= count + 1e-9
    assert diversification_ratio(book, covariance) >= 1.0 - 1e-9


def test_books_that_make_no_sense_are_one_clear_error() -> None:
    with pytest.raises(DataError, match="expected at least one position, found none"):
        hhi({})
    with pytest.raises(DataError, match="expected finite amounts, found nan for B"):
        hhi({"A": 1.0, "B": math.nan})
    with pytest.raises(DataError, match="expected each instrument once, found A twice"):
        hhi(pd.Series([1.0, 2.0], index=["A", "A"]))
    with pytest.raises(
        ConfigError, match="by: expected one of instrument, symbol, venue, strategy, found 'sector'"
    ):
        hhi({"A": 1.0}, "sector")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="expected positions with a column strategy_id"):
        hhi({"A": 1.0}, "strategy")
    with pytest.raises(
        DataError, match="expected the columns symbol, venue, notional, found none called notional"
    ):
        hhi(BOOK.drop(columns="notional"))
    with pytest.raises(DataError, match="expected a row and a column for B, found none"):
        effective_bets({"A": 1.0, "B": 1.0}, pd.DataFrame([[1.0]], index=["A"], columns=["A"]))
