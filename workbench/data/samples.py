"""Sample prices that come with the installed package `arch`: daily, real, no network.

| name | instrument | what | from, to |
|---|---|---|---|
| sp500 | SPX@US | S&P 500 index, open, high, low, close, volume | 1999-01-04 to 2018-12-31 |
| nasdaq | IXIC@US | NASDAQ Composite index, the same | 1999-01-04 to 2018-12-31 |
| wti | WTI@CUSHING | West Texas crude at Cushing (FRED DCOILWTICO), closes alone | 1986-01-02 to 2019-01-03 |

The venue is where the price is made: the US stock market, the oil hub of Cushing, Oklahoma.  All have a tick of 0.01.
An index cannot be traded itself; here it stands for a fund or future on it.  The WTI file has a row without a price
for each of 290 holidays: exactly those rows are left out, and the gap report names them.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd

from workbench.core.messages import Instrument
from workbench.data.prices import Prices
from workbench.errors import DataError

__all__ = ["load_sample", "samples"]


class _Sample(NamedTuple):
    instrument: Instrument
    file: str
    what: str


_SAMPLES: Final = {
    "sp500": _Sample(
        Instrument("SPX", "US", tick=0.01), "sp500/sp500.csv.gz", "S&P 500 index, daily bars, 1999 to 2018"
    ),
    "nasdaq": _Sample(
        Instrument("IXIC", "US", tick=0.01),
        "nasdaq/nasdaq.csv.gz",
        "NASDAQ Composite index, daily bars, 1999 to 2018",
    ),
    "wti": _Sample(
        Instrument("WTI", "CUSHING", tick=0.01), "wti/wti.csv.gz", "WTI crude oil, daily closes, 1986 to 2018"
    ),
}


def samples() -> dict[str, str]:
    """Sample name -> what it holds; each is loaded by `load(name)`."""
    return {name: sample.what for name, sample in _SAMPLES.items()}


def load_sample(name: str) -> Prices:
    """One of `samples()`.  Raises DataError for another name, or where the package that ships it is missing."""
    sample = _SAMPLES.get(name)
    if sample is None:
        raise DataError(f"no sample {name!r}; there are {', '.join(_SAMPLES)}")
    table = pd.read_csv(_folder() / sample.file, na_values=["."])  # FRED writes "." for a day without a price
    table["Date"] = pd.to_datetime(table["Date"], format="%m/%d/%Y")
    if name == "wti":
        table = table.rename(columns={"DCOILWTICO": "close"})
        table = table[table["close"].notna()]
    return Prices({sample.instrument: table}, interval="1D")


def _folder() -> Path:
    # The files are read where they lie: importing arch itself takes seconds, as it compiles its models.
    spec = find_spec("arch")
    if spec is None or spec.origin is None:
        raise DataError("sample prices come with the package arch, which is not installed; pip install arch")
    return Path(spec.origin).parent / "data"
