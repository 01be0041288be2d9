"""Loading, merging and taking prices in any form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from workbench.data.catalog import as_prices, load, merge
from workbench.data.prices import Prices
from workbench.errors import DataError, UnknownInstrumentError

MakeBars = Callable[..., pd.DataFrame]


@pytest.fixture
def file(tmp_path: Path, make_bars: MakeBars) -> Path:
    path = tmp_path / "BTC-USD.csv"
    make_bars([10.0, 11.0, 12.0, 13.0]).to_csv(path)
    return path


def test_what_the_file_does_not_name_is_named_by_the_caller(file: Path) -> None:
    assert load(file).names == ["BTC-USD@exchange-1"]
    assert load(str(file), symbol="BTC", venue="kraken").names == ["BTC@kraken"]


def test_start_end_and_interval_are_kept(file: Path) -> None:
    prices = load(file, start="2024-01-01 00:01", end="2024-01-01 00:02", interval="1min")
    assert prices.frame("BTC-USD")["close"].tolist() == [11.0, 12.0]
    with pytest.raises(DataError, match="end 2025-01-01 is out of range: prices run from 2024-01-01 to"):
        load(file, end="2025-01-01")
    with pytest.raises(DataError, match="expected bars 1h apart, found 1min"):
        load(file, interval="1h")


def test_a_sample_knows_its_own_names_and_length() -> None:
    assert load("sp500", symbol="SPX", venue="US").names == ["SPX@US"]
    with pytest.raises(UnknownInstrumentError, match="no symbol 'SPY' in these prices; there are SPX"):
        load("sp500", symbol="SPY")
    with pytest.raises(UnknownInstrumentError, match="no venue 'moon' in these prices; there are US"):
        load("sp500", venue="moon")
    with pytest.raises(DataError, match=r"sp500: expected bars of 1h, found 1D; use \.resample\(\)"):
        load("sp500", interval="1h")


def test_a_file_named_like_a_sample_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sp500").write_text("")
    with pytest.raises(DataError, match="sp500: expected prices, found an empty file"):
        load("sp500")


def test_merging_keeps_the_order_and_each_ones_length(make_bars: MakeBars) -> None:
    minutes = Prices({"A@x": make_bars([10.0, 11.0])})
    days = Prices({"B@x": make_bars([10.0, 11.0], ["2024-01-01", "2024-01-02"])}).with_instrument(
        "B", tick=0.25
    )
    both = merge(minutes, days)
    assert both.names == ["A@x", "B@x"]
    assert both.interval_of("B") == pd.Timedelta("1D")
    assert both.interval == pd.Timedelta("1min")
    assert both.instruments[1].tick == 0.25
    assert minutes.names == ["A@x"]


def test_merging_an_instrument_twice_is_refused(make_bars: MakeBars) -> None:
    one = Prices({"A@x": make_bars([10.0, 11.0])})
    with pytest.raises(
        DataError, match="merge: expected each instrument once, found A@x twice; rename or drop one"
    ):
        merge(one, one)
    with pytest.raises(DataError, match="merge: expected at least one Prices, found none"):
        merge()


def test_prices_in_any_form(make_bars: MakeBars, file: Path) -> None:
    bars = make_bars([10.0, 11.0, 12.0, 13.0])
    prices = as_prices(bars, symbol="BTC-USD")
    assert as_prices(prices) is prices
    assert prices.names == ["BTC-USD@exchange-1"]
    assert as_prices(file).fingerprint == prices.fingerprint
    assert as_prices({"BTC-USD": bars}).fingerprint == prices.fingerprint
    assert as_prices("sp500").names == ["SPX@US"]
    assert as_prices(bars["close"].rename("BTC-USD@x")).names == ["BTC-USD@x"]
    assert as_prices(bars["close"].rename(None)).names == ["ASSET@exchange-1"]
    assert as_prices(bars["close"], symbol="A", venue="v").names == ["A@v"]


def test_closes_side_by_side_are_taken_back(make_bars: MakeBars) -> None:
    prices = Prices({"A@x": make_bars([10.0, 11.0]), "B@y": make_bars([20.0, 21.0])})
    again = as_prices(prices.closes())
    assert again.names == ["A@x", "B@y"]
    assert again.frame("B")["close"].tolist() == [20.0, 21.0]


def test_an_index_of_time_and_symbol_is_understood(make_bars: MakeBars) -> None:
    parts = [make_bars([10.0, 11.0]).assign(symbol=name) for name in ("A", "B")]
    table = pd.concat(parts).set_index("symbol", append=True)
    assert as_prices(table).names == ["A@exchange-1", "B@exchange-1"]


def test_a_hole_in_wide_closes_is_refused_with_its_row(make_bars: MakeBars) -> None:
    closes = Prices({"A@x": make_bars([10.0, 11.0, 12.0]), "B@x": make_bars([20.0, 21.0])}).closes()
    with pytest.raises(DataError, match=r"prices: B@x: row 3 of 3 \(2024-01-01T00:02:00Z\): close is nan"):
        as_prices(closes)


def test_what_cannot_be_prices_is_refused() -> None:
    with pytest.raises(DataError, match=r"expected Prices, a DataFrame .*, found int"):
        as_prices(7)  # type: ignore[arg-type]  # what a notebook may hand over
    with pytest.raises(DataError, match="prices: expected a time and open, high, low, close"):
        as_prices(pd.DataFrame({"close": [1.0, 2.0]}))
