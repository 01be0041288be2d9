"""Bars as candles, joined where there are more than a person can tell apart."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.plotting.curves import naive, price_form
from workbench.plotting.style import RED, TEAL, load, styled

__all__ = ["MOST_CANDLES", "candles", "joined"]

MOST_CANDLES: Final = 240
_SIDES: Final = ("open", "high", "low", "close")
_BODY: Final = 0.7  # of the room between two candles


def joined(bars: pd.DataFrame, most: int = MOST_CANDLES) -> tuple[pd.DataFrame, int]:
    """At most `most` candles, each of as many bars one after the other; and of how many each is.

    bars: open, high, low, close by time; rows without a close are left out.  The last candle may be of fewer bars; each
    stands at the time of its last one.  Raises DataError for bars that are none, ConfigError for `most` below 1.
    """
    given: object = bars
    if not isinstance(given, pd.DataFrame) or any(side not in given for side in _SIDES):
        raise DataError(f"bars: expected a frame with {', '.join(_SIDES)}, found {type(given).__name__}")
    if most < 1:
        raise ConfigError(f"most must be 1 or more, found {most!r}")
    known = given[list(_SIDES)].dropna(subset=["close"])
    if not len(known):
        raise DataError("bars: expected at least one with a close, found none")
    # A source that gives closes alone has no more to say than that.
    whole = known.apply(lambda side: side.fillna(known["close"]))
    each = -(-len(whole) // most)
    group = np.arange(len(whole)) // each
    times = pd.Series(whole.index, index=whole.index).groupby(group).last()
    table = whole.groupby(group).agg({"open": "first", "high": "max", "low": "min", "close": "last"})
    return table.set_axis(pd.DatetimeIndex(times, name="time")), each


def candles(bars: pd.DataFrame, most: int = MOST_CANDLES) -> list[Any]:
    """Wicks, then bodies: hollow where the price rose, filled where it fell.  bars, most: as in `joined`."""
    table, _ = joined(bars, most)
    table = table.set_axis(naive(pd.DatetimeIndex(table.index)).rename("time"))
    half = _room(pd.DatetimeIndex(table.index)) * (_BODY / 2.0)
    rising = (table["close"] >= table["open"]).to_numpy()
    found = []
    for mine, label, colour, filled in ((rising, "rose", TEAL, False), (~rising, "fell", RED, True)):
        part = table[mine]
        if len(part):
            found += _drawn(part, half, label, colour, filled)
    return found


def _room(times: pd.DatetimeIndex) -> pd.Timedelta:
    """The usual time between two candles."""
    steps = np.diff(times.to_numpy())
    return pd.Timedelta(np.median(steps)) if len(steps) else pd.Timedelta(days=1)


def _drawn(part: pd.DataFrame, half: pd.Timedelta, label: str, colour: str, filled: bool) -> list[Any]:
    hv = load()
    times = pd.DatetimeIndex(part.index)
    low, high = part[["open", "close"]].min(axis=1), part[["open", "close"]].max(axis=1)
    wicks = hv.Segments(
        pd.concat(
            [
                _lines(times, part["low"], low),
                _lines(times, high, part["high"]),
            ]
        ),
        ["time", "price", "time_to", "price_to"],
    )
    body = pd.DataFrame(
        {"time": times - half, "price": low, "time_to": times + half, "price_to": high, "at": times}
    ).assign(**{side: part[side] for side in _SIDES})
    boxes = hv.Rectangles(body, ["time", "price", "time_to", "price_to"], ["at", *_SIDES], label=label)
    form = price_form(part["close"])
    return [
        styled(wicks, color=colour, line_width=1.0),
        styled(
            boxes,
            fill_color=colour,
            fill_alpha=0.9 if filled else 0.0,
            line_color=colour,
            line_width=1.1,
            tools=["hover"],
            hover_tooltips=[
                ("time (UTC)", "@at{%Y-%m-%d %H:%M}"),
                *((side, f"@{side}{{{form}}}") for side in _SIDES),
            ],
            hover_formatters={"@at": "datetime"},
        ),
    ]


def _lines(times: pd.DatetimeIndex, first: pd.Series[float], last: pd.Series[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"time": times, "price": first.to_numpy(), "time_to": times, "price_to": last.to_numpy()}
    )
