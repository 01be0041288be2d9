"""Labels of the cuts of an attribution: names, sides and times, as numbers while sums are made, as words in the table.

The time of a cut is that of the update, less a nanosecond: an update at 10:00:00 closes the bar of the hour 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["AMOUNTS", "CUTS", "OF_A_FILL", "OF_TIME", "Label", "PnlCut", "codes_of", "label_of", "table_of"]

type PnlCut = Literal[
    "strategy",
    "instrument",
    "symbol",
    "venue",
    "side",
    "trade_side",
    "liquidity",
    "hour",
    "weekday",
    "day",
    "month",
    "time",
]
"""side: of the position, long or short.  trade_side: of the fill, buy or sell, each carried to the end at its own
price.  liquidity: maker or taker, likewise.  hour: 0 to 23, UTC.  weekday: 0 is Monday.  time: of the update."""

type Floats = npt.NDArray[np.float64]
type Places = npt.NDArray[np.int64]
type Label = tuple[Any, ...]

CUTS: Final[tuple[str, ...]] = get_args(PnlCut.__value__)
OF_TIME: Final = ("hour", "weekday", "day", "month", "time")
OF_A_FILL: Final = ("trade_side", "liquidity")
AMOUNTS: Final = ("price", "slippage", "fee", "chaos", "realised", "fees", "fills", "turnover")
"""What is summed: the four parts, price difference realised, all fees, fills, notional."""

_SIDES: Final = ("long", "short")
_HOUR_NS: Final = 3_600_000_000_000
_DAY_NS: Final = 24 * _HOUR_NS


def codes_of(ns: Places, short: npt.NDArray[np.int8], cuts: tuple[str, ...]) -> tuple[Places, list[Places]]:
    """One number for the labels of time and side of each amount, and the values behind the numbers, cut by cut.

    ns: int64[n], times.  short: int8[n], 1 where a position was short.
    """
    codes = np.zeros(len(ns), dtype=np.int64)
    levels: list[Places] = []
    for cut in cuts:
        if cut in OF_TIME or cut == "side":
            values = short.astype(np.int64) if cut == "side" else _times(ns, cut)
            level, own = np.unique(values, return_inverse=True)
            codes = codes * max(len(level), 1) + own
            levels.append(level)
    return codes, levels


def _times(ns: Places, cut: str) -> Places:
    """A whole number for the time of each part."""
    if cut == "time":
        return ns
    before = ns - 1
    if cut == "hour":
        return before // _HOUR_NS % 24
    days = before // _DAY_NS
    if cut == "weekday":
        return (days + 3) % 7  # 1970-01-01 was a Thursday
    if cut == "day":
        return days
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def label_of(place: int, cuts: tuple[str, ...], own: Mapping[str, str], levels: list[Places]) -> Label:
    """The label of one number of `codes_of`.  own: names and sides that all its amounts share."""
    values: list[int] = []
    for level in reversed(levels):
        place, code = divmod(place, max(len(level), 1))
        values.append(int(level[code]))
    return tuple(own[cut] if cut in own else values.pop() for cut in cuts)


def table_of(sums: Mapping[Label, Floats], cuts: tuple[str, ...]) -> pd.DataFrame:
    """One row per label with the columns AMOUNTS, in order of appearance of names, and of time and side."""
    seen: list[dict[Any, int]] = [{} for _ in cuts]
    for label in sums:
        for ranks, value in zip(seen, label, strict=True):
            ranks.setdefault(value, value if isinstance(value, int) else len(ranks))
    order = sorted(sums, key=lambda label: [ranks[value] for ranks, value in zip(seen, label, strict=True)])
    shown = [tuple(_shown(cut, value) for cut, value in zip(cuts, label, strict=True)) for label in order]
    index = _index(shown, cuts)
    values = np.array([sums[label] for label in order]).reshape(len(order), len(AMOUNTS))
    return pd.DataFrame(values, index=index, columns=list(AMOUNTS))


def _index(labels: list[Label], cuts: tuple[str, ...]) -> pd.Index:
    if len(cuts) == 1:
        single: pd.Index = pd.Index([label[0] for label in labels], name=cuts[0])
        return single
    columns = list(zip(*labels, strict=True)) if labels else [()] * len(cuts)
    levels = [pd.Index(list(column)) for column in columns]
    index: pd.MultiIndex = pd.MultiIndex.from_arrays(levels, names=list(cuts))
    return index


def _shown(cut: str, value: Any) -> Any:
    match cut:
        case "side":
            return _SIDES[value]
        case "time":
            return pd.Timestamp(value, unit="ns", tz="UTC")
        case "day":
            return pd.Timestamp(value * _DAY_NS, unit="ns", tz="UTC")
        case "month":
            return pd.Timestamp(np.datetime64(value, "M").astype("datetime64[ns]"), tz="UTC")
    return value
