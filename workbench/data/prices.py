"""Prices: what is loaded, merged or made up, and what every runner takes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Self

import msgspec
import numpy as np
import pandas as pd

from workbench.cells import cell, figure, frame_table, sparkline
from workbench.core.feed import Feed
from workbench.core.messages import Instrument
from workbench.data.feeds import build_feed
from workbench.data.frames import Part, parse_name, split_table
from workbench.data.gaps import bar_length, find_gaps, summarise
from workbench.data.resampling import longer_bars
from workbench.data.selection import cut, known
from workbench.data.times import Moment, length_text, nanoseconds, parse_interval, stamp
from workbench.errors import DataError, UnknownInstrumentError

__all__ = ["Prices"]


class Prices:
    """Checked bars of one or more instruments (`symbol@venue`), in a fixed order; never changed in place.

    Each frame: UTC DatetimeIndex "timestamp" (bar OPEN time, ns), float64 columns open, high, low, close, volume
    (units, NaN where unknown), and where known bid, ask, bid_size, ask_size at the close.
    """

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame] | Mapping[Instrument, pd.DataFrame],
        interval: str | timedelta | None = None,
    ) -> None:
        """Check `frames` and keep them.

        frames: by "symbol@venue" (or "symbol": venue "exchange-1") or by Instrument, columns as above or close alone
        or bid and ask alone, times as index or column.  interval: bar length of all; left out, the most common step
        of each; the times of quotes without bars are event times, of length 0.
        Raises DataError naming the first offending row, or an interval longer than the step between bars.
        """
        parts: dict[Instrument, Part] = {}
        for key, table in frames.items():
            instrument = key if isinstance(key, Instrument) else parse_name(key)
            found = split_table(table, instrument.name, instrument.symbol, instrument.venue)
            names = [part.name for part in found]
            if names != [instrument.name]:
                raise DataError(f"{instrument.name}: expected the bars of it alone, found {', '.join(names)}")
            if instrument.name in {part.name for part in parts}:
                raise DataError(f"{instrument.name}: expected each instrument once, found it twice")
            parts[instrument] = next(iter(found.values()))
        self._keep({key: part.frame for key, part in parts.items()}, _lengths(parts, interval))

    @classmethod
    def from_table(
        cls,
        table: pd.DataFrame,
        where: str = "prices",
        symbol: str | None = None,
        venue: str | None = None,
        interval: str | timedelta | None = None,
    ) -> Self:
        """Prices of one table: bars of one instrument, a long table (columns symbol, venue), or a wide one of closes.

        symbol, venue: names for what the table does not name itself.  where: opens each message.
        Raises DataError as the constructor does.
        """
        parts = split_table(table, where, symbol, venue)
        return cls.of_checked({key: part.frame for key, part in parts.items()}, _lengths(parts, interval))

    @classmethod
    def of_checked(cls, frames: Mapping[Instrument, pd.DataFrame], intervals_ns: Mapping[str, int]) -> Self:
        """Prices of frames that are clean already (see the class); intervals_ns: by instrument name, 0 for events."""
        prices = object.__new__(cls)
        prices._keep(frames, intervals_ns)
        return prices

    def _keep(self, frames: Mapping[Instrument, pd.DataFrame], intervals_ns: Mapping[str, int]) -> None:
        if not frames:
            raise DataError("expected the prices of at least one instrument, found none")
        self._instruments = {instrument.name: instrument for instrument in frames}
        self._frames = {instrument.name: frame for instrument, frame in frames.items()}
        self._intervals = {name: intervals_ns[name] for name in self._frames}
        self._fingerprint: str | None = None

    # -- what is inside -----------------------------------------------------------------------------------------

    @property
    def instruments(self) -> list[Instrument]:
        return list(self._instruments.values())

    @property
    def names(self) -> list[str]:
        """Instrument names, `symbol@venue`, in order."""
        return list(self._frames)

    @property
    def symbols(self) -> list[str]:
        return list(dict.fromkeys(instrument.symbol for instrument in self._instruments.values()))

    @property
    def venues(self) -> list[str]:
        return list(dict.fromkeys(instrument.venue for instrument in self._instruments.values()))

    @property
    def interval(self) -> pd.Timedelta:
        """Bar length; the shortest where instruments differ; 0 for event times."""
        return pd.Timedelta(min(self._intervals.values()), unit="ns")

    @property
    def start(self) -> pd.Timestamp:
        """Open of the first bar of all."""
        return pd.Timestamp(min(frame.index[0] for frame in self._frames.values()))

    @property
    def end(self) -> pd.Timestamp:
        """Close of the last bar of all."""
        return pd.Timestamp(
            max(frame.index[-1] + self.interval_of(name) for name, frame in self._frames.items())
        )

    def interval_of(self, name: str) -> pd.Timedelta:
        """Bar length of one instrument; 0 for event times."""
        return pd.Timedelta(self._intervals[self._resolve(name)], unit="ns")

    def frame(self, name: str) -> pd.DataFrame:
        """A copy of the bars of `name`: `symbol@venue`, or a symbol that one venue alone has.

        Raises UnknownInstrumentError naming what there is.
        """
        return self._frames[self._resolve(name)].copy()

    def closes(self) -> pd.DataFrame:
        """Closes, one column per instrument; NaN where an instrument has no bar. Index: bar OPEN time."""
        return pd.DataFrame({name: frame["close"] for name, frame in self._frames.items()}).rename_axis(
            "timestamp"
        )

    def gaps(self) -> pd.DataFrame:
        """Missing bars: instrument, start and end (opens of the bars before and after), missing_bars, minutes."""
        return find_gaps(self._frames, self._intervals)

    @property
    def fingerprint(self) -> str:
        """sha256 (hex) over names, grids, bar lengths, times and values; equal for equal prices on any machine."""
        if self._fingerprint is None:
            digest = hashlib.sha256()
            for name, frame in self._frames.items():
                digest.update(
                    repr((self._instruments[name], self._intervals[name], list(frame.columns))).encode()
                )
                digest.update(nanoseconds(frame).astype("<i8"))
                for column in frame.columns:
                    values = frame[column].to_numpy()
                    # One NaN: the bits of an unknown volume must not depend on where it came from.
                    digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8"))
            self._fingerprint = digest.hexdigest()
        return self._fingerprint

    # -- other prices out of these ------------------------------------------------------------------------------

    def only(
        self, symbols: str | Iterable[str] | None = None, venues: str | Iterable[str] | None = None
    ) -> Self:
        """The instruments of these symbols and venues (None: all), in the order they have here.

        Raises UnknownInstrumentError for a symbol or venue, or a pair of them, that these prices do not have.
        """
        wanted_symbols = known(symbols, self.symbols, "symbol")
        wanted_venues = known(venues, self.venues, "venue")
        names = [
            name
            for name, instrument in self._instruments.items()
            if instrument.symbol in wanted_symbols and instrument.venue in wanted_venues
        ]
        if not names:
            asked = f"{', '.join(wanted_symbols)} at {', '.join(wanted_venues)}"
            raise UnknownInstrumentError(f"no prices of {asked}; there are {', '.join(self.names)}")
        return self._with({name: self._frames[name] for name in names})

    def merged_with(self, other: Prices) -> Self:
        """These instruments, then those of `other`.  Raises DataError where one stands in both."""
        twice = [name for name in other._frames if name in self._frames]
        if twice:
            raise DataError(
                f"merge: expected each instrument once, found {', '.join(twice)} twice; rename or drop one"
            )
        frames = {self._instruments[name]: frame for name, frame in self._frames.items()}
        frames |= {other._instruments[name]: frame for name, frame in other._frames.items()}
        return self.of_checked(frames, self._intervals | other._intervals)

    def between(self, start: Moment | None = None, end: Moment | None = None) -> Self:
        """Bars that open from `start` to `end`, both inside; "2020-03-16" covers its whole day, "2020-03" its month.

        None: no bound.  Raises DataError naming the range available where a bound lies outside it, where `start` is
        after `end`, or where an instrument has no bar in between.
        """
        return self._with(cut(self._frames, start, end, self.start, self.end))

    def resample(self, rule: str | timedelta) -> Self:
        """Longer bars of a fixed length ("5min", "1h", "1D"; weeks begin on Monday), aligned to midnight UTC.

        A bar without any of its parts is left out, not filled; its volume is unknown (NaN) if a part's is.
        Raises DataError for a rule that is no fixed length, or shorter than a bar or no multiple of one.
        """
        length = parse_interval(rule, "resample")
        frames = {
            name: longer_bars(frame, self._intervals[name], length, name)
            for name, frame in self._frames.items()
        }
        return self._with(frames, dict.fromkeys(frames, length))

    def with_instrument(
        self,
        name: str,
        tick: float | None = None,
        lot: float | None = None,
        min_notional: float | None = None,
        multiplier: float | None = None,
    ) -> Self:
        """The same prices with another grid for `name`; what is left out stays. DataError for a negative figure."""
        full = self._resolve(name)
        given = {"tick": tick, "lot": lot, "min_notional": min_notional, "multiplier": multiplier}
        changes = {key: float(value) for key, value in given.items() if value is not None}
        for key, value in changes.items():
            if not math.isfinite(value) or value < 0.0 or (key == "multiplier" and value == 0.0):
                least = "above 0" if key == "multiplier" else "0 or more"
                raise DataError(f"{full}: expected {key} {least}, found {value!r}")
        instruments = self._instruments | {full: msgspec.structs.replace(self._instruments[full], **changes)}
        return self.of_checked(
            {instruments[key]: frame for key, frame in self._frames.items()}, self._intervals
        )

    def to_feed(self, spread_bps: float | Mapping[str, float] = 1.0, max_rows: int | None = None) -> Feed:
        """One update per bar at its CLOSE (open time + interval), by time, then in the order of the instruments.

        last = close; bid, ask = close -/+ half of `spread_bps` (1e-4 of the close; one, or one per venue), or the
        frame's own bid and ask; volume of the bar; sizes NaN where unknown; sequence counts each instrument's bars.
        max_rows: keep the first so many updates.
        """
        return build_feed(
            self.instruments,
            list(self._frames.values()),
            list(self._intervals.values()),
            spread_bps,
            max_rows,
        )

    # -- how it shows -------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Bars of all instruments together."""
        return sum(len(frame) for frame in self._frames.values())

    def __repr__(self) -> str:
        shown = ", ".join(self.names[:6]) + (
            f" and {len(self.names) - 6} more" if len(self.names) > 6 else ""
        )
        length = length_text(min(self._intervals.values()))
        return f"Prices({shown}: {len(self):,} bars of {length}, {stamp(self.start)} to {stamp(self.end)})"

    def summary(self) -> pd.DataFrame:
        """One row per instrument: bars, bar length, first and last open, missing bars, tick and lot."""
        return summarise(self._frames, self._instruments, self._intervals)

    def _repr_html_(self) -> str:
        shown = self.summary()
        shown.insert(0, "close", shown.index)

        def text(column: str, value: Any) -> str:
            return sparkline(self._frames[value]["close"]) if column == "close" else figure(value)

        return cell(repr(self), "", frame_table(shown, text=text, most=50))

    # -- inner --------------------------------------------------------------------------------------------------

    def _with(
        self, frames: Mapping[str, pd.DataFrame], intervals_ns: Mapping[str, int] | None = None
    ) -> Self:
        """Prices of other clean frames of instruments that are here."""
        named = {self._instruments[name]: frame for name, frame in frames.items()}
        return self.of_checked(named, intervals_ns or self._intervals)

    def _resolve(self, name: str) -> str:
        if name in self._frames:
            return name
        found = [full for full, instrument in self._instruments.items() if instrument.symbol == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownInstrumentError(f"{name} is at several venues: ask for {' or '.join(found)}")
        raise UnknownInstrumentError(f"no prices of {name}; there are {', '.join(self.names)}")


def _lengths(parts: Mapping[Instrument, Part], interval: str | timedelta | None) -> dict[str, int]:
    return {
        key.name: 0 if part.event_times and interval is None else bar_length(part.frame, key.name, interval)
        for key, part in parts.items()
    }
