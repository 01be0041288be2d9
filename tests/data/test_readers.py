"""Files as people keep them, read without a loss and refused with one line."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.catalog import load
from workbench.data.prices import Prices
from workbench.errors import DataError

MakeBars = Callable[..., pd.DataFrame]

MS = 1_704_067_200_000  # 2024-01-01 00:00 UTC


def klines(unit: int, rows: int = 3) -> str:
    """Lines of a Binance kline file; unit: 1 for milliseconds, 1000 for microseconds."""
    return "".join(
        f"{(MS + 60_000 * row) * unit},{10.0 + row},{12.0 + row},{9.0 + row},{11.0 + row},{5.5 + row},"
        f"{(MS + 60_000 * row + 59_999) * unit},99.0,7,1.0,2.0,0\n"
        for row in range(rows)
    )


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_binance_klines_in_milliseconds_and_microseconds_are_the_same_bars(tmp_path: Path) -> None:
    found = []
    for unit, month in ((1, "2024-12"), (1000, "2025-01")):
        path = tmp_path / f"BTCUSDT-1m-{month}.csv"
        path.write_text(klines(unit))
        found.append(load(path))
    assert found[0].names == ["BTCUSDT@binance"]
    assert found[0].start == pd.Timestamp("2024-01-01", tz="UTC")
    assert found[0].interval == pd.Timedelta("1min")
    assert found[0].frame("BTCUSDT").iloc[2].tolist() == [12.0, 14.0, 11.0, 13.0, 7.5]
    assert found[0].fingerprint == found[1].fingerprint


def test_binance_klines_behind_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m-2024-12.csv"
    path.write_text("\ufeff" + klines(1), encoding="utf-8")
    assert load(path).frame("BTCUSDT")["close"].tolist() == [11.0, 12.0, 13.0]


def test_binance_klines_in_a_zip_and_under_a_name_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "ETHUSDT-1m-2024-01-01.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ETHUSDT-1m-2024-01-01.csv", klines(1))
    assert load(path).names == ["ETHUSDT@binance"]
    assert load(path, symbol="ETH-USD", venue="exchange-2").names == ["ETH-USD@exchange-2"]


def test_binance_klines_with_the_header_that_some_files_have(tmp_path: Path) -> None:
    header = (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
        "taker_buy_volume,taker_buy_quote_volume,ignore\n"
    )
    path = tmp_path / "BTCUSDT-1m-2024-01.csv"
    path.write_text(header + klines(1))
    assert load(path).names == ["BTCUSDT@binance"]
    assert load(path).frame("BTCUSDT")["close"].tolist() == [11.0, 12.0, 13.0]


def test_a_kline_file_that_changes_its_unit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m-2025-01.csv"
    path.write_text(klines(1, 2) + klines(1000, 1))
    assert refusal(path).startswith("row 3 of 3: another unit than row 1, which counts ms")


@pytest.mark.parametrize(
    ("unit", "times"),
    [
        ("s", [1_704_067_200, 1_704_067_260]),
        ("ms", [1_704_067_200_000, 1_704_067_260_000]),
        ("us", [1_704_067_200_000_000, 1_704_067_260_000_000]),
        ("ns", [1_704_067_200_000_000_000, 1_704_067_260_000_000_000]),
        ("text", ["2024-01-01", "2024-01-01 00:01:00"]),
        ("zone", ["2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"]),
    ],
)
def test_times_of_every_unit_are_understood(tmp_path: Path, unit: str, times: list[object]) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"time,close\n{times[0]},10\n{times[1]},11\n")
    expected = [pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-01 00:01", tz="UTC")]
    assert load(path).frame("a").index.tolist() == expected, unit


def test_column_names_in_any_case_and_columns_of_other_names(tmp_path: Path) -> None:
    path = tmp_path / "spx.csv"
    path.write_text(
        "Date,Open,High,Low,Close,Adj Close,Volume\n1999-01-04,10,12,9,11,11,100\n1999-01-05,11,13,10,12,12,200\n"
    )
    prices = load(path)
    assert prices.names == ["spx@exchange-1"]
    assert list(prices.frame("spx").columns) == ["open", "high", "low", "close", "volume"]
    assert prices.frame("spx").iloc[1].tolist() == [11.0, 13.0, 10.0, 12.0, 200.0]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_and_a_byte_order_mark(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "a.csv"
    lines = ["timestamp,close", "2024-01-01,10", "2024-01-02,11"]
    path.write_text("\ufeff" + "\n".join(lines).replace(",", separator), encoding="utf-8")
    assert load(path).frame("a")["close"].tolist() == [10.0, 11.0]


def test_a_gzipped_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"timestamp,close\n2024-01-01,10\n2024-01-02,11\n"))
    assert load(path).names == ["a@exchange-1"]


def test_a_close_alone_stands_for_all_four_with_volume_unknown(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("timestamp,close\n2024-01-01,10\n2024-01-02,11\n")
    frame = load(path).frame("a")
    assert frame[["open", "high", "low", "close"]].iloc[1].tolist() == [11.0] * 4
    assert frame["volume"].isna().all()


def test_a_wide_table_of_closes_is_one_instrument_a_column(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("date,AAPL,BTC-USD@kraken\n2024-01-01,10,20\n2024-01-02,11,21\n")
    prices = load(path, venue="US")
    assert prices.only(venues="US").names == ["AAPL@US"]
    assert load(path).names == ["AAPL@exchange-1", "BTC-USD@kraken"]
    assert load(path, symbol="BTC-USD").frame("BTC-USD")["close"].tolist() == [20.0, 21.0]


def test_a_long_table_of_venues_is_one_instrument_a_pair(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(
        "Timestamp,Venue,Symbol,Open,High,Low,Close,Volume\n"
        "2024-01-01T00:00Z,kraken,BTC,10,12,9,11,1\n"
        "2024-01-01T00:00Z,coinbase,BTC,20,22,19,21,2\n"
        "2024-01-01T00:01Z,coinbase,BTC,21,23,20,22,3\n"
        "2024-01-01T00:01Z,kraken,BTC,11,13,10,12,4\n"
    )
    prices = load(path)
    assert prices.names == ["BTC@kraken", "BTC@coinbase"]
    assert prices.frame("BTC@coinbase")["close"].tolist() == [21.0, 22.0]
    assert prices.frame("BTC@kraken")["volume"].tolist() == [1.0, 4.0]
    assert load(path, venue="kraken").names == ["BTC@kraken"]


def test_a_venue_without_quotes_beside_one_that_has_them(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(
        "timestamp,symbol,close,bid,ask\n"
        "2024-01-01T00:00Z,A,10,9,11\n2024-01-01T00:01Z,A,11,10,12\n"
        "2024-01-01T00:00Z,B,20,,\n2024-01-01T00:01Z,B,21,,\n"
    )
    prices = load(path)
    assert "bid" in prices.frame("A")
    assert "bid" not in prices.frame("B")


def test_one_side_of_the_quotes_empty_is_refused_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,close,bid,ask\n2024-01-01,10,9,\n2024-01-02,10,9,\n")
    assert refusal(tmp_path / "a.csv").startswith("row 1 of 2 (2024-01-01T00:00:00Z): ask is nan")


def test_times_that_no_calendar_of_nanoseconds_holds(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,close\n9999-12-31,10\n9999-12-31T00:01,10\n")
    assert refusal(tmp_path / "a.csv").startswith("expected times between 1678 and 2262")


def test_a_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing.csv") == "no such file; check the path"


def test_a_name_that_is_neither_file_nor_sample() -> None:
    with pytest.raises(
        DataError, match="sp5000: no such file, and no such sample; samples are sp500, nasdaq, wti"
    ):
        load("sp5000")


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "expected a file of prices, found a folder; name one file"


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_an_empty_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert refusal(tmp_path / name) == "expected prices, found an empty file"


@pytest.mark.parametrize("text", ["\n\n", "timestamp,close\n"])
def test_a_file_without_rows(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert refusal(tmp_path / "a.csv").startswith("expected prices")


def test_a_kind_of_file_that_is_not_understood(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    message = refusal(tmp_path / "a.xlsx")
    assert message == "expected a file named .csv, .txt, .csv.gz, .zip, .parquet, .pq, found .xlsx"


@pytest.mark.parametrize("name", ["a.parquet", "a.zip", "a.csv.gz"])
def test_a_broken_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this is not what the name says")
    assert "that cannot be read" in refusal(tmp_path / name)


def test_a_binary_file_named_csv(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(bytes(range(128, 256)))
    assert "expected a CSV file in UTF-8" in refusal(tmp_path / "a.csv")


def test_a_zip_of_two_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "x")
        archive.writestr("b.csv", "x")
    assert refusal(tmp_path / "a.zip") == "expected one CSV file in it, found 2"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("timestamp,open,high,close", "timestamp, open, high, close"),  # low is missing
        ("timestamp,bid,volume", "timestamp, bid, volume"),  # ask is missing
        ("timestamp,price,qty", "timestamp, price, qty"),  # trades, not bars
        ("when,open,high,low,close", "when, open, high, low, close"),  # no time
    ],
)
def test_wrong_columns_say_what_was_expected_and_found(tmp_path: Path, header: str, found: str) -> None:
    cells = header.count(",")
    (tmp_path / "a.csv").write_text(f"{header}\n2024-01-01{',1' * cells}\n")
    message = refusal(tmp_path / "a.csv")
    assert message.startswith(
        "expected a time and open, high, low, close, volume (or close, or bid and ask, or one"
    )
    assert f"found {found}" in message


def test_numbers_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1704067200,10,11,9,10\n")
    assert refusal(tmp_path / "a.csv").startswith(
        "expected a header line, or the 12 columns of a Binance kline file, found 5 columns of numbers"
    )


def test_a_column_twice_and_two_time_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,close,CLOSE\n2024-01-01,1,1\n")
    assert refusal(tmp_path / "a.csv") == "expected each column once, found 'close' and 'CLOSE'; drop one"
    (tmp_path / "a.csv").write_text("date,time,close\n2024-01-01,00:00,1\n")
    assert refusal(tmp_path / "a.csv") == "expected one time column, found date, time; drop or join them"


def test_a_row_with_too_many_cells(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,close\n2024-01-01,1\n2024-01-02,2,3\n")
    assert "line 3" in refusal(tmp_path / "a.csv")


def test_an_unnamed_instrument_in_a_long_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,symbol,close\n2024-01-01,A,1\n2024-01-02,,2\n")
    assert refusal(tmp_path / "a.csv") == "row 2 of 2: no symbol; fill it in"


@st.composite
def made_bars(draw: st.DrawFn) -> pd.DataFrame:
    """Sound bars of awkward floats at awkward times."""
    steps = draw(st.lists(st.integers(1, 10**9), min_size=2, max_size=8))
    index = pd.to_datetime(np.cumsum(steps) * 1_000 + 1_704_067_200_000_000_000, utc=True)
    price = st.floats(1e-9, 1e9, allow_nan=False)
    size = st.one_of(st.floats(0.0, 1e12), st.just(float("nan")))
    rows = [sorted(draw(st.tuples(price, price, price, price))) for _ in steps]
    low, one, other, high = (list(column) for column in zip(*rows, strict=True))
    volume = [draw(size) for _ in steps]
    return pd.DataFrame(
        {"open": one, "high": high, "low": low, "close": other, "volume": volume}, index=index
    )


@settings(deadline=None, max_examples=30)  # files, on a machine that others use too
@given(made_bars())
def test_csv_and_parquet_give_back_every_bit(bars: pd.DataFrame) -> None:
    bars = bars.rename_axis("timestamp")
    prices = Prices({"A@x": bars})
    with TemporaryDirectory() as folder:
        bars.to_csv(Path(folder) / "a.csv")
        bars.to_parquet(Path(folder) / "a.parquet")
        bars.reset_index().to_parquet(Path(folder) / "b.parquet", index=False)
        for name in ("a.csv", "a.parquet", "b.parquet"):
            assert load(Path(folder) / name, symbol="A", venue="x").fingerprint == prices.fingerprint, name
