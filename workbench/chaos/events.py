"""Chaos events: which fault, from when, for how long, how strong, on what.

One event is one fault with a window `[start, start + duration)` in event time. What `intensity` means depends
on the kind and is written down once, in `KINDS`; the chaos guide prints the same table.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from numbers import Integral, Real
from typing import Final

import msgspec

from workbench.chaos.kinds import KINDS, ChaosKind, Family
from workbench.core.messages import Instrument, to_datetime, to_nanoseconds
from workbench.errors import ChaosError

__all__ = [
    "ChaosEvent",
    "check_inside",
    "events_from_json",
    "events_to_json",
    "match_target",
    "parse_events",
]


_INT64_MOST: Final = 2**63 - 1
_UNIT_SECONDS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("us", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3_600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604_800.0),
}
_PIECE: Final = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]+)\s*", re.IGNORECASE)


@dataclass(frozen=True, init=False)
class ChaosEvent:
    """One fault with its window.

    kind: a ChaosKind or its name.
    start: datetime or ISO string; without a zone it is UTC.  Kept to the microsecond.
    duration: timedelta, number of seconds, or text such as "30min", "1h 30min", "250ms"; more than zero.
    intensity: see `KINDS`.
    target: strategy id (signal faults), symbol, venue or symbol@venue (market and venue faults); "" for all.
    seed: >= 0; the same event does the same every time.

    Raises ChaosError where a value makes no sense.
    """

    kind: ChaosKind
    start: datetime
    duration: timedelta
    intensity: float = 1.0
    target: str = ""
    seed: int = 0

    def __init__(
        self,
        kind: ChaosKind | str,
        start: datetime | date | str,
        duration: timedelta | str | float,
        intensity: float = 1.0,
        target: str = "",
        seed: int = 0,
    ) -> None:
        self._set("kind", _read_kind(kind))
        self._set("start", _read_start(start))
        self._set("duration", _read_duration(duration))
        self._set("intensity", intensity)
        self._set("target", target)
        self._set("seed", seed)
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check the values; also called when msgspec builds the event from stored bytes."""
        self._set("start", _read_start(self.start))
        self._set("intensity", _read_intensity(self.kind, self.intensity))
        target, seed = _untrusted(self.target), _untrusted(self.seed)
        if not isinstance(target, str):
            raise ChaosError(f"{self.kind}: target must be a name or '' for all, found {target!r}")
        if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= int(seed) <= _INT64_MOST:
            raise ChaosError(f"{self.kind}: seed must be a whole number from 0, found {seed!r}")
        self._set("seed", int(seed))
        if self.duration <= timedelta(0):
            raise ChaosError(
                f"{self.kind}: duration must be more than zero, found {self.duration.total_seconds():g} s"
            )
        if not -_INT64_MOST <= self.start_ns <= self.end_ns <= _INT64_MOST:
            raise ChaosError(
                f"{self.kind}: window must lie between the years 1678 and 2262, found {self.start}"
            )

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def family(self) -> Family:
        return self.kind.family

    @property
    def start_ns(self) -> int:
        """First nanosecond (UTC) of the window."""
        return to_nanoseconds(self.start)

    @property
    def end_ns(self) -> int:
        """First nanosecond (UTC) after the window."""
        return self.start_ns + self.duration // timedelta(microseconds=1) * 1000

    def active(self, timestamp_ns: int) -> bool:
        """Whether the window holds this moment."""
        return self.start_ns <= timestamp_ns < self.end_ns


def _nearest(word: str, known: Iterable[str]) -> str:
    """A hint that ends an error: the nearest known word, or all of them."""
    names = sorted(map(str, known))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"


def _untrusted(value: object) -> object:
    """`value` as what it is, whatever its annotation promised: events are also built from files."""
    return value


def _read_kind(kind: ChaosKind | str) -> ChaosKind:
    word = str(kind).strip().lower()
    if word not in ChaosKind:
        raise ChaosError(f"unknown chaos kind {kind!r}; {_nearest(word, ChaosKind)}")
    return ChaosKind(word)


def _read_start(start: datetime | date | str) -> datetime:
    """UTC datetime of what a person or a YAML file gave; plain even where a subclass came in."""
    try:
        moment = datetime.fromisoformat(start) if isinstance(start, str) else start
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        day = (moment.year, moment.month, moment.day)
        return datetime(*day, moment.hour, moment.minute, moment.second, moment.microsecond, tzinfo=UTC)
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise ChaosError(f"start must be a date and time like '2023-03-10T14:30', found {start!r}") from error


def _read_duration(duration: timedelta | str | float) -> timedelta:
    hint = "a time span like '30min', a timedelta, or seconds"
    try:
        if isinstance(duration, timedelta):
            return timedelta(days=duration.days, seconds=duration.seconds, microseconds=duration.microseconds)
        if isinstance(duration, str):
            return timedelta(seconds=_text_seconds(duration))
        if isinstance(duration, bool):
            raise ChaosError(f"duration must be {hint}, found {duration!r}")
        return timedelta(seconds=duration)
    except (TypeError, ValueError, OverflowError) as error:
        raise ChaosError(f"duration must be {hint}, found {duration!r}") from error


def _text_seconds(text: str) -> float:
    """Seconds of "1h 30min" or of an ISO 8601 span ("PT1800S"); raises ValueError on anything else."""
    if text[:1] in "Pp" or text[:2].lower() == "-p":
        return msgspec.convert(text, timedelta).total_seconds()
    sign, rest = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    total, end = 0.0, 0
    while end < len(rest):
        piece = _PIECE.match(rest, end)
        if piece is None or piece[2].lower() not in _UNIT_SECONDS:
            raise ValueError(text)
        total += float(piece[1]) * _UNIT_SECONDS[piece[2].lower()]
        end = piece.end()
    if not rest.strip():
        raise ValueError(text)
    return sign * total


def _read_intensity(kind: ChaosKind, intensity: object) -> float:
    info = KINDS[kind]
    number = float(intensity) if isinstance(intensity, Real) and not isinstance(intensity, bool) else math.nan
    if not info.least <= number <= info.most:  # also refuses NaN
        raise ChaosError(
            f"{kind}: intensity ({info.unit}) must be from {info.least:g} to {info.most:g}, found {intensity!r}"
        )
    return number


_KEYS: Final = ("kind", "start", "duration", "duration_minutes", "intensity", "target", "seed")


def parse_events(rows: object) -> list[ChaosEvent]:
    """Events of a list of mappings, as YAML or JSON gives it; `duration_minutes` may stand for `duration`.

    Raises ChaosError that names the entry (counted from 1) and the key.
    """
    if isinstance(rows, str | bytes) or not isinstance(rows, Sequence):
        raise ChaosError(f"chaos events must be a list of entries, found {type(rows).__name__}")
    return [_parse_event(f"chaos event {number}", row) for number, row in enumerate(rows, start=1)]


def _parse_event(where: str, row: object) -> ChaosEvent:
    if not isinstance(row, Mapping):
        raise ChaosError(f"{where} must be a mapping with kind, start and duration, found {row!r}")
    for key in row:
        if key not in _KEYS:
            raise ChaosError(f"{where} has no setting {key!r}; {_nearest(str(key), _KEYS)}")
    for key in ("kind", "start"):
        if key not in row:
            raise ChaosError(f"{where} must have {key}")
    if ("duration" in row) == ("duration_minutes" in row):
        raise ChaosError(f"{where} must have either duration or duration_minutes")
    values = dict(row)
    minutes = values.pop("duration_minutes", None)
    try:
        if minutes is not None:
            values["duration"] = timedelta(minutes=minutes)
        return ChaosEvent(**values)
    except ChaosError as error:
        raise ChaosError(f"{where}: {error}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise ChaosError(f"{where}: duration_minutes must be a number, found {minutes!r}") from error


def events_to_json(events: Sequence[ChaosEvent]) -> bytes:
    """The events as JSON, readable by `events_from_json`."""
    return msgspec.json.encode(list(events))


def events_from_json(text: bytes | str) -> list[ChaosEvent]:
    """The events of a JSON list; raises ChaosError on anything else."""
    try:
        rows = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ChaosError(f"chaos events must be a JSON list: {error}") from error
    return parse_events(rows)


def check_inside(events: Iterable[ChaosEvent], first_ns: int, last_ns: int) -> None:
    """Raise ChaosError unless every event starts between the first and the last update (UTC nanoseconds)."""
    for event in events:
        if not first_ns // 1000 * 1000 <= event.start_ns <= last_ns:
            raise ChaosError(
                f"{event.kind} starts at {event.start:%Y-%m-%d %H:%M:%S}, outside the prices, which run from "
                f"{to_datetime(first_ns):%Y-%m-%d %H:%M:%S} to {to_datetime(last_ns):%Y-%m-%d %H:%M:%S}"
            )


def match_target(target: str, instruments: Sequence[Instrument]) -> list[int]:
    """Indices of the instruments that a market or venue fault strikes.

    target: symbol, venue, symbol@venue, or "" for all.  Raises ChaosError when nothing matches.
    """
    hits = [
        index
        for index, instrument in enumerate(instruments)
        if target in ("", instrument.symbol, instrument.venue, instrument.name)
    ]
    if not hits:
        known = {name for item in instruments for name in (item.symbol, item.venue, item.name)}
        raise ChaosError(f"no symbol or venue {target!r} in the prices; {_nearest(target, known)}")
    return hits
