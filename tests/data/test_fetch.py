"""Fetching page by page from an exchange that lives in this file."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from workbench.data.catalog import load
from workbench.data.fetch import fetch
from workbench.errors import DataError

MS = 1_704_067_200_000  # 2024-01-01 00:00 UTC
NEXT_YEAR = 1_735_689_600.0  # by the clock, in seconds: every bar of the tests has closed


class FakeExchange:
    """Bars of each minute in `minutes`, at most `page` a call; call number `breaks_at` and later ones fail."""

    id = "fake"

    def __init__(
        self, minutes: list[int], page: int = 4, breaks_at: int | None = None, widest: int = 1_000
    ) -> None:
        self.widest = widest
        self.rows = [
            [MS + 60_000 * minute, 10.0 + minute, 12.0 + minute, 9.0, 11.0 + minute, 1.5]
            for minute in minutes
        ]
        self.page = page
        self.breaks_at = breaks_at
        self.asked: list[int] = []

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[float]]:
        assert (symbol, timeframe) == ("BTC/USD", "1m")
        self.asked.append((since - MS) // 60_000)
        if self.breaks_at is not None and len(self.asked) >= self.breaks_at:
            raise ConnectionError("no route to host")
        # As some exchanges do: only bars of the window asked for, so that a long halt gives an empty page.
        width = min(limit, self.widest) * 60_000
        return [row for row in self.rows if since <= row[0] < since + width][: self.page]


def get(
    exchange: FakeExchange, out: Path, start: str = "2024-01-01", end: str = "2024-01-01 00:09"
) -> list[float]:
    prices = fetch(exchange, "BTC/USD", start, end, out=out, clock=lambda: NEXT_YEAR, pause=lambda _: None)
    assert load(out).fingerprint == prices.fingerprint
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    return prices.frame("BTC-USD@fake")["close"].tolist()


def test_all_pages_are_fetched_and_kept(tmp_path: Path) -> None:
    exchange = FakeExchange(list(range(20)))
    assert get(exchange, tmp_path / "a.parquet") == [11.0 + minute for minute in range(10)]
    assert exchange.asked == [0, 4, 8]


def test_a_halt_longer_than_a_page_is_stepped_over_and_stays_a_gap(tmp_path: Path) -> None:
    exchange = FakeExchange([0, 1, 2, 3500, 3501])
    assert get(exchange, tmp_path / "a.parquet", end="2024-01-03 10:21") == [11.0, 12.0, 13.0, 3511.0, 3512.0]
    assert load(tmp_path / "a.parquet").gaps()["missing_bars"].tolist() == [3497]


def test_an_exchange_of_narrow_windows_loses_no_bar_behind_a_halt(tmp_path: Path) -> None:
    exchange = FakeExchange([0, 1, 150, 151, 320], widest=100)
    assert get(exchange, tmp_path / "a.parquet", end="2024-01-01 05:20") == [11.0, 12.0, 161.0, 162.0, 331.0]
    assert exchange.asked == [0, 2, 102, 152, 252]


def test_a_finished_file_is_extended_from_its_last_bar(tmp_path: Path) -> None:
    get(FakeExchange(list(range(20))), tmp_path / "a.parquet")
    exchange = FakeExchange(list(range(20)))
    closes = get(exchange, tmp_path / "a.parquet", end="2024-01-01 00:11")
    assert closes == [11.0 + minute for minute in range(12)]
    assert exchange.asked == [10]


def test_a_run_that_broke_off_goes_on_where_it_was(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    broken = FakeExchange(list(range(20)), breaks_at=3)
    with pytest.raises(DataError) as caught:
        get(broken, out)
    assert str(caught.value) == (
        "fake cannot be reached (no route to host); check the network and run the same again, "
        "it goes on where it stopped"
    )
    assert broken.asked == [0, 4, 8, 8, 8]
    assert not out.exists()
    again = FakeExchange(list(range(20)))
    assert get(again, out) == [11.0 + minute for minute in range(10)]
    assert again.asked == [8]


def test_without_any_network_nothing_is_left_behind(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fake cannot be reached"):
        get(FakeExchange([0], breaks_at=1), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_bar_that_has_not_closed_is_left_out(tmp_path: Path) -> None:
    half_past = MS / 1000.0 + 150.0  # 00:02:30: the bars of 00:00 and 00:01 have closed
    exchange = FakeExchange(list(range(20)))
    prices = fetch(
        exchange, "BTC/USD", "2024-01-01", "2024-01-02", out=tmp_path / "a.parquet", clock=lambda: half_past
    )
    assert prices.frame("BTC-USD")["close"].tolist() == [11.0, 12.0]


def test_progress_tells_how_far_it_is(tmp_path: Path) -> None:
    reached: list[pd.Timestamp] = []
    fetch(
        FakeExchange(list(range(20))),
        "BTC/USD",
        "2024-01-01",
        "2024-01-01 00:09",
        out=tmp_path / "a.parquet",
        clock=lambda: NEXT_YEAR,
        progress=reached.append,
    )
    assert [f"{moment:%H:%M}" for moment in reached] == ["00:04", "00:08", "00:09"]


def test_no_bars_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fake has no bars of BTC/USD from 2024-01-01 to 2024-01-01 00:09"):
        get(FakeExchange([]), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_bad_bar_is_refused_with_its_row(tmp_path: Path) -> None:
    exchange = FakeExchange(list(range(10)))
    exchange.rows[6][4] = -1.0
    with pytest.raises(DataError, match=r"BTC-USD@fake: row 7 of 10 \(2024-01-01T00:06:00Z\): close is -1"):
        get(exchange, tmp_path / "a.parquet")


def test_a_file_of_other_prices_is_not_touched(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    get(FakeExchange(list(range(20))), out)
    before = out.read_bytes()
    other = FakeExchange(list(range(20)))
    other.id = "other"
    with pytest.raises(
        DataError, match=r"expected earlier bars of BTC-USD@other, found other prices; choose another file"
    ):
        get(other, out)
    with pytest.raises(
        DataError, match="begins at 2024-01-01, after the start asked for; choose another file"
    ):
        get(FakeExchange(list(range(20))), out, start="2023-12-31")
    assert out.read_bytes() == before


def test_arguments_that_make_no_sense(tmp_path: Path) -> None:
    exchange = FakeExchange([0])
    with pytest.raises(DataError, match=r"expected a file named \.parquet to keep the bars in"):
        get(exchange, tmp_path / "a.csv")
    with pytest.raises(DataError, match="start 2024-01-02 is after end 2024-01-01"):
        get(exchange, tmp_path / "a.parquet", "2024-01-02", "2024-01-01")
    assert exchange.asked == []


def test_without_ccxt_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(
        DataError, match=r"needs ccxt \(the extra 'data'\), which is not installed; pip install ccxt"
    ):
        fetch("kraken", "BTC/USD", "2024-01-01", "2024-01-02", out=tmp_path / "a.parquet")
