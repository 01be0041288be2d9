"""A folder of prices: what goes in comes out, and SQL over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from workbench.data.catalog import load, merge
from workbench.data.prices import Prices
from workbench.data.store import Catalog
from workbench.data.synthetic import synthetic
from workbench.errors import DataError

MakeBars = Callable[..., pd.DataFrame]


def test_what_goes_in_comes_out(tmp_path: Path, make_bars: MakeBars) -> None:
    slow = Prices({"SLOW@x": make_bars([10.0])}, interval="4h").with_instrument(
        "SLOW", tick=0.5, multiplier=50.0
    )
    prices = merge(synthetic(bars=50, spread_bps=2.0), slow)
    catalog = Catalog(tmp_path / "prices")
    path = catalog.add(prices, "mixed")
    for again in (catalog.load("mixed"), load(path)):
        assert again.fingerprint == prices.fingerprint
        assert again.interval_of("SLOW") == pd.Timedelta("4h")
        assert again.instruments == prices.instruments
    assert load(path, symbol="SLOW").names == ["SLOW@x"]


def test_instruments_that_know_more_than_others_come_out_as_they_were(
    tmp_path: Path, make_bars: MakeBars
) -> None:
    quotes = pd.DataFrame(
        {"bid": [9.0, 9.5], "ask": [10.0, 10.5]}, index=pd.date_range("2024-01-01", periods=2, freq="7s")
    )
    sized = make_bars([10.0, 11.0]).assign(bid=9.0, ask=12.0, bid_size=5.0)
    prices = Prices({"EVENTS@x": quotes, "SIZED@x": sized, "BARS@x": make_bars([10.0, 11.0])})
    again = Catalog(tmp_path)
    again.add(prices, "a")
    assert again.load("a").fingerprint == prices.fingerprint
    assert again.load("a").interval_of("EVENTS") == pd.Timedelta(0)


def test_names_and_replacing(tmp_path: Path, make_bars: MakeBars) -> None:
    catalog = Catalog(tmp_path)
    assert catalog.names() == []
    catalog.add(Prices({"A@x": make_bars([10.0, 11.0])}), "b")
    catalog.add(Prices({"A@x": make_bars([10.0, 11.0])}), "a-2024.01")
    catalog.add(Prices({"A@x": make_bars([20.0, 21.0])}), "b")
    assert catalog.names() == ["a-2024.01", "b"]
    assert catalog.load("b").frame("A")["close"].tolist() == [20.0, 21.0]
    assert repr(catalog) == f"Catalog({str(tmp_path)!r}: a-2024.01, b)"


@pytest.mark.parametrize("name", ["../b", "", "a b", 'a"b', ".hidden"])
def test_a_name_that_is_no_plain_one_is_refused(tmp_path: Path, make_bars: MakeBars, name: str) -> None:
    with pytest.raises(DataError, match=r"expected a name of letters, digits, '-', '_' and '\.', found"):
        Catalog(tmp_path).add(Prices({"A@x": make_bars([10.0, 11.0])}), name)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_names_what_there_is(tmp_path: Path, make_bars: MakeBars) -> None:
    catalog = Catalog(tmp_path)
    with pytest.raises(DataError, match=r"no prices 'b' in .*; there are none yet"):
        catalog.load("b")
    catalog.add(Prices({"A@x": make_bars([10.0, 11.0])}), "a")
    with pytest.raises(DataError, match=r"no prices 'b' in .*; there are a"):
        catalog.load("b")


def test_a_write_that_fails_leaves_the_former_file_and_nothing_else(
    tmp_path: Path, make_bars: MakeBars
) -> None:
    catalog = Catalog(tmp_path)
    catalog.add(Prices({"A@x": make_bars([10.0, 11.0])}), "a")
    (tmp_path / "b.parquet").mkdir()  # a folder stands where the file should go
    with pytest.raises(DataError, match=r"b\.parquet: cannot be written"):
        catalog.add(Prices({"A@x": make_bars([10.0, 11.0])}), "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]
    with pytest.raises(DataError, match="expected a folder for prices, found a file"):
        Catalog(tmp_path / "a.parquet")


def test_sql_over_all_names(tmp_path: Path, make_bars: MakeBars) -> None:
    catalog = Catalog(tmp_path)
    catalog.add(Prices({"A@x": make_bars([10.0, 20.0]), "B@x": make_bars([5.0, 6.0])}), "first-set")
    catalog.add(Prices({"A@x": make_bars([30.0, 50.0])}), "second")
    means = catalog.query(
        'SELECT symbol, avg(close) AS mean FROM "first-set" GROUP BY symbol ORDER BY symbol'
    )
    assert means.to_numpy().tolist() == [["A", 15.0], ["B", 5.5]]
    joined = catalog.query(
        "SELECT s.timestamp, s.close - f.close AS d "
        'FROM second s JOIN "first-set" f USING (timestamp, symbol) ORDER BY 1'
    )
    assert joined["d"].tolist() == [20.0, 30.0]
    assert joined["timestamp"].iloc[0] == pd.Timestamp("2024-01-01", tz="UTC")


def test_sql_reaches_nothing_outside_the_folder(tmp_path: Path, make_bars: MakeBars) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    catalog = Catalog(tmp_path / "prices")
    catalog.add(Prices({"A@x": make_bars([10.0, 11.0])}), "a")
    for sql in (
        f"SELECT * FROM read_csv('{secret}')",
        f"COPY a TO '{tmp_path / 'out.csv'}'",
        "SET enable_external_access = true",
    ):
        with pytest.raises(DataError, match=r"query: .*; tables are a$"):
            catalog.query(sql)
    assert not (tmp_path / "out.csv").exists()


def test_broken_sql_gives_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        Catalog(tmp_path).query("SELEKT 1")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("tables are none yet")
