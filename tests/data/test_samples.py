"""The sample prices that come with an installed package."""

from __future__ import annotations

import sys
from importlib.metadata import distribution

import pandas as pd
import pytest

from workbench.core.messages import Instrument
from workbench.data.catalog import load
from workbench.data.samples import load_sample, samples
from workbench.errors import DataError


def packaged(name: str) -> pd.DataFrame:
    """The file as it is shipped, read another way."""
    path = distribution("arch").locate_file(f"arch/data/{name}/{name}.csv.gz")
    return pd.read_csv(str(path), dtype=str)


@pytest.mark.parametrize(
    ("name", "instrument"),
    [("sp500", Instrument("SPX", "US", tick=0.01)), ("nasdaq", Instrument("IXIC", "US", tick=0.01))],
)
def test_an_index_sample_is_the_shipped_file_bar_for_bar(name: str, instrument: Instrument) -> None:
    prices = load(name)
    shipped = packaged(name)
    frame = prices.frame(instrument.name)
    assert prices.instruments == [instrument]
    assert prices.interval == pd.Timedelta("1D")
    assert (frame.index[0], frame.index[-1]) == (
        pd.Timestamp("1999-01-04", tz="UTC"),
        pd.Timestamp("2018-12-31", tz="UTC"),
    )
    for column in ("Open", "High", "Low", "Close", "Volume"):
        assert frame[column.lower()].tolist() == [float(cell) for cell in shipped[column]]


def test_the_bad_years_are_inside() -> None:
    close = load("sp500").frame("SPX")["close"]
    assert close["2002-10-09"] == 776.76001  # the low after the dot-com years
    assert close["2009-03-09"] == 676.530029  # the low of the financial crisis
    assert close["2011-08-08"] / close["2011-08-05"] - 1 == pytest.approx(-0.0666, abs=1e-4)


def test_oil_leaves_out_exactly_the_days_without_a_price_and_reports_each() -> None:
    prices = load("wti")
    shipped = packaged("wti")
    empty = shipped["DCOILWTICO"] == "."
    frame = prices.frame("WTI@CUSHING")
    assert (len(shipped), int(empty.sum()), len(frame)) == (8611, 290, 8321)
    assert frame["close"].tolist() == [float(cell) for cell in shipped.loc[~empty, "DCOILWTICO"]]
    assert frame["volume"].isna().all()
    assert (frame["open"] == frame["close"]).all()
    gaps = prices.gaps()
    assert int(gaps["missing_bars"].sum()) == 290
    first = pd.Timestamp(shipped.loc[empty, "Date"].iloc[0], tz="UTC")
    assert (gaps["start"].iloc[0] < first) & (first < gaps["end"].iloc[0])


def test_samples_are_listed_and_another_name_is_refused() -> None:
    assert list(samples()) == ["sp500", "nasdaq", "wti"]
    with pytest.raises(DataError, match="no sample 'dax'; there are sp500, nasdaq, wti"):
        load_sample("dax")


def test_without_the_package_that_ships_them_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "arch", raising=False)
    with pytest.raises(
        DataError, match="sample prices come with the package arch, which is not installed; pip install arch"
    ):
        load("sp500")
