"""Longer bars out of shorter ones."""

from __future__ import annotations

from typing import Final

import pandas as pd

from workbench.data.times import length_text
from workbench.data.validation import COLUMNS
from workbench.errors import DataError

__all__ = ["longer_bars"]

# A Monday, so that weeks begin on Monday and everything shorter on midnight UTC.
_ORIGIN: Final = pd.Timestamp("1970-01-05", tz="UTC")
_HOW: Final = {
    "open": "first",
    "high": "max",
    "low": "min",
    "close": "last",
    "bid": "last",
    "ask": "last",
    "bid_size": "last",
    "ask_size": "last",
}


def longer_bars(frame: pd.DataFrame, interval_ns: int, length_ns: int, where: str) -> pd.DataFrame:
    """Bars of `length_ns` out of the clean bars of `interval_ns` in `frame` (0: event times), aligned to midnight UTC.

    A bar without any of its parts is left out; its volume is unknown (NaN) if that of a part is.
    Raises DataError where `length_ns` is no multiple of `interval_ns`.
    """
    if interval_ns and (length_ns < interval_ns or length_ns % interval_ns):
        raise DataError(
            f"{where}: expected to resample to a multiple of its bars of {length_text(interval_ns)}, "
            f"found {length_text(length_ns)}"
        )
    grouped = frame.resample(pd.Timedelta(length_ns), origin=_ORIGIN)
    longer = grouped.agg({column: _HOW[column] for column in frame.columns if column != "volume"})
    volume = grouped["volume"]
    longer["volume"] = volume.sum().where(volume.count() == volume.size())
    return longer[[column for column in COLUMNS if column in longer]].dropna(subset=["close"])
