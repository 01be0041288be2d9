"""Chaos events: what may be written, what it means, and what is refused with a clear line."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.chaos import (
    KINDS,
    ChaosEvent,
    ChaosKind,
    Family,
    check_inside,
    events_from_json,
    events_to_json,
    match_target,
    parse_events,
)
from workbench.core.codes import SignalFault
from workbench.core.messages import Instrument
from workbench.core.venue_faults import VenueFault
from workbench.errors import ChaosError

NOON = datetime(2023, 3, 10, 12, 0, tzinfo=UTC)
NOON_NS = 1_678_449_600 * 10**9


@pytest.mark.parametrize(
    "start",
    [
        NOON,
        datetime(2023, 3, 10, 12, 0),  # noqa: DTZ001 - a time without zone is what is tested
        datetime(2023, 3, 10, 7, 0, tzinfo=timezone(timedelta(hours=-5))),
        "2023-03-10T12:00",
        "2023-03-10 12:00:00Z",
        "2023-03-10T13:00:00+01:00",
        pd.Timestamp("2023-03-10 12:00"),
        pd.Timestamp("2023-03-10 12:00", tz="UTC"),
    ],
)
def test_start_is_read_as_utc(start: datetime | str) -> None:
    event = ChaosEvent("bad_tick", start, "30min")
    assert type(event.start) is datetime
    assert (event.start, event.start_ns) == (NOON, NOON_NS)


def test_day_without_a_time_starts_at_midnight() -> None:
    assert ChaosEvent("bad_tick", date(2023, 3, 10), 1).start == datetime(2023, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("30min", 1800.0),
        ("30 minutes", 1800.0),
        ("1h 30min", 5400.0),
        ("1.5h", 5400.0),
        ("90", None),
        ("250ms", 0.25),
        ("2 days", 172_800.0),
        ("1w", 604_800.0),
        ("PT1H30M", 5400.0),
        (90, 90.0),
        (0.5, 0.5),
        (timedelta(minutes=5), 300.0),
        (pd.Timedelta("5min"), 300.0),
    ],
)
def test_duration_is_a_span_a_text_or_seconds(duration: Any, seconds: float | None) -> None:
    if seconds is None:
        with pytest.raises(ChaosError, match="a time span like '30min'"):
            ChaosEvent("bad_tick", NOON, duration)
        return
    event = ChaosEvent("bad_tick", NOON, duration)
    assert type(event.duration) is timedelta
    assert event.duration.total_seconds() == seconds
    assert event.end_ns - event.start_ns == int(seconds * 1e9)


def test_window_holds_its_start_and_not_its_end() -> None:
    event = ChaosEvent("price_gap", NOON, 60)
    moments = (NOON_NS - 1, NOON_NS, NOON_NS + 60 * 10**9 - 1, NOON_NS + 60 * 10**9)
    assert [event.active(moment) for moment in moments] == [False, True, True, False]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "bad_tik"}, "unknown chaos kind 'bad_tik'; did you mean 'bad_tick'?"),
        ({"kind": "earthquake"}, "unknown chaos kind 'earthquake'; known: bad_tick, correlation_break,"),
        ({"kind": 3}, "unknown chaos kind 3"),
        ({"start": "yesterday"}, "start must be a date and time like '2023-03-10T14:30', found 'yesterday'"),
        ({"start": pd.NaT}, "start must be a date and time"),
        ({"start": None}, "start must be a date and time"),
        ({"start": 0.5}, "start must be a date and time"),
        ({"start": "2300-01-01"}, "between the years 1678 and 2262"),
        ({"duration": "-5min"}, "bad_tick: duration must be more than zero, found -300 s"),
        ({"duration": -1}, "duration must be more than zero"),
        ({"duration": 0}, "duration must be more than zero"),
        ({"duration": "soon"}, "duration must be a time span like '30min'"),
        ({"duration": ""}, "duration must be a time span like '30min'"),
        ({"duration": "Pxx"}, "duration must be a time span like '30min'"),
        ({"duration": "5 parsecs"}, "duration must be a time span like '30min'"),
        ({"duration": math.nan}, "duration must be a time span like '30min'"),
        ({"duration": math.inf}, "duration must be a time span like '30min'"),
        ({"duration": True}, "duration must be a time span like '30min'"),
        ({"duration": None}, "duration must be a time span like '30min'"),
        ({"duration": 1e12}, "between the years 1678 and 2262"),
        ({"intensity": math.nan}, r"intensity \(share of updates hit\) must be from 0 to 1, found nan"),
        ({"intensity": math.inf}, "must be from 0 to 1, found inf"),
        ({"intensity": -0.1}, r"must be from 0 to 1, found -0\.1"),
        ({"intensity": 1.1}, r"must be from 0 to 1, found 1\.1"),
        ({"intensity": "much"}, "must be from 0 to 1, found 'much'"),
        ({"intensity": True}, "must be from 0 to 1, found True"),
        ({"target": 5}, "target must be a name or '' for all, found 5"),
        ({"seed": -1}, "seed must be a whole number from 0, found -1"),
        ({"seed": 1.5}, r"seed must be a whole number from 0, found 1\.5"),
        ({"seed": 2**63}, "seed must be a whole number from 0"),
    ],
)
def test_values_that_make_no_sense_are_refused(values: dict[str, Any], message: str) -> None:
    sound: dict[str, Any] = {"kind": "bad_tick", "start": NOON, "duration": "5min"}
    with pytest.raises(ChaosError, match=message.replace("?", r"\?")) as caught:
        ChaosEvent(**(sound | values))
    assert "\n" not in str(caught.value)


def test_only_a_price_gap_may_point_down() -> None:
    lowest = {kind: info.least for kind, info in KINDS.items() if info.least < 0.0}
    assert lowest == {ChaosKind.PRICE_GAP: -0.999}
    with pytest.raises(ChaosError, match="fraction of price"):
        ChaosEvent("price_gap", NOON, 60, intensity=-1.0)


def test_numbers_of_numpy_are_taken() -> None:
    event = ChaosEvent("bad_tick", NOON, 60, intensity=np.float32(0.5), seed=np.int64(7))  # type: ignore[arg-type]  # what a sweep over arrays hands in
    assert (event.intensity, event.seed) == (0.5, 7)
    assert (type(event.intensity), type(event.seed)) == (float, int)


def test_events_are_frozen_values() -> None:
    first, second = (ChaosEvent("runaway", NOON, "5min", 2.0, "s1", 3) for _ in range(2))
    assert first == second
    assert len({first, second}) == 1
    with pytest.raises(AttributeError):
        first.intensity = 5.0  # type: ignore[misc]  # the refusal is what is tested


def test_every_kind_has_its_row_and_takes_the_default_intensity() -> None:
    assert set(KINDS) == set(ChaosKind)
    assert len({info.code for info in KINDS.values()}) == 17
    for kind, info in KINDS.items():
        assert info.least <= info.typical[0] <= info.typical[1] <= info.most
        assert ChaosEvent(kind, NOON, 60).family is info.family


def test_codes_agree_with_the_core() -> None:
    for kind in ChaosKind:
        if kind.family is Family.SIGNAL:
            assert SignalFault(kind.code).name.lower() == kind
        if kind.family is Family.VENUE:
            assert VenueFault(kind.code - 20).name.lower() == kind.removeprefix("venue_")


EVENTS = st.builds(
    lambda kind, start, seconds, share, target, seed: ChaosEvent(
        kind,
        start,
        timedelta(microseconds=seconds),
        KINDS[kind].least + share * (KINDS[kind].most - KINDS[kind].least),
        target,
        seed,
    ),
    st.sampled_from(ChaosKind),
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds have no zone
    st.integers(1, 10**15),
    st.floats(0.0, 1.0),
    st.text(max_size=8),
    st.integers(0, 2**63 - 1),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENTS, max_size=4))
def test_events_survive_json_and_message_pack(events: list[ChaosEvent]) -> None:
    assert events_from_json(events_to_json(events)) == events
    packed = msgspec.msgpack.encode(events)
    assert msgspec.msgpack.decode(packed, type=list[ChaosEvent]) == events
    assert parse_events(msgspec.to_builtins(events)) == events


def test_stored_bytes_are_checked_too() -> None:
    text = b'{"kind":"bad_tick","start":"2023-03-10T12:00:00Z","duration":"PT60S","intensity":-1}'
    with pytest.raises((ChaosError, msgspec.ValidationError), match="must be from 0 to 1"):
        msgspec.json.decode(text, type=ChaosEvent)


def test_entries_as_a_yaml_file_gives_them() -> None:
    events = parse_events(
        [
            {"kind": "Price_Gap", "start": "2023-03-10 12:00", "duration_minutes": 90, "intensity": -0.2},
            {"kind": "runaway", "start": NOON, "duration": "5min", "target": "momentum", "seed": 4},
        ]
    )
    assert events == [
        ChaosEvent(ChaosKind.PRICE_GAP, NOON, timedelta(minutes=90), -0.2),
        ChaosEvent(ChaosKind.RUNAWAY, NOON, timedelta(minutes=5), 1.0, "momentum", 4),
    ]
    assert parse_events([]) == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"kind": "runaway"}, "chaos events must be a list of entries, found dict"),
        ("runaway", "chaos events must be a list of entries, found str"),
        (None, "chaos events must be a list of entries, found NoneType"),
        (["runaway"], "chaos event 1 must be a mapping with kind, start and duration, found 'runaway'"),
        ([{"kind": "runaway", "begin": 1}], r"chaos event 1 has no setting 'begin'; known: duration,"),
        ([{"kind": "runaway", "seeed": 1}], r"chaos event 1 has no setting 'seeed'; did you mean 'seed'\?"),
        ([{5: "runaway"}], "chaos event 1 has no setting 5"),
        ([{"start": "2023-03-10", "duration": 1}], "chaos event 1 must have kind"),
        ([{"kind": "runaway", "duration": 1}], "chaos event 1 must have start"),
        ([{"kind": "runaway", "start": "2023-03-10"}], "either duration or duration_minutes"),
        (
            [{"kind": "runaway", "start": "2023-03-10", "duration": 1, "duration_minutes": 1}],
            "either duration or duration_minutes",
        ),
        (
            [{"kind": "runaway", "start": "2023-03-10", "duration_minutes": "five"}],
            "chaos event 1: duration_minutes must be a number, found 'five'",
        ),
        (
            [{"kind": "runaway", "start": "2023-03-10", "duration_minutes": None}],
            "chaos event 1: duration_minutes must be a number, found None",
        ),
        (
            [
                {"kind": "runaway", "start": "2023-03-10", "duration": 1},
                {"kind": "x", "start": 1, "duration": 1},
            ],
            "chaos event 2: unknown chaos kind 'x'",
        ),
    ],
)
def test_entries_that_make_no_sense_are_named(rows: object, message: str) -> None:
    with pytest.raises(ChaosError, match=message):
        parse_events(rows)


@pytest.mark.parametrize("text", ["", "{", "3", '{"kind": "runaway"}', b"\xff"])
def test_json_that_is_no_list_of_events_is_refused(text: str | bytes) -> None:
    with pytest.raises(ChaosError):
        events_from_json(text)


def test_start_outside_the_prices_is_refused() -> None:
    hour = 3600 * 10**9
    event = ChaosEvent("reject_storm", NOON, "5min")
    check_inside([event], NOON_NS, NOON_NS)
    check_inside([event], NOON_NS + 999, NOON_NS + hour)  # prices that begin within the same microsecond
    for first, last in ((NOON_NS + hour, NOON_NS + 2 * hour), (NOON_NS - 2 * hour, NOON_NS - hour)):
        with pytest.raises(
            ChaosError, match="reject_storm starts at 2023-03-10 12:00:00, outside the prices"
        ):
            check_inside([event], first, last)


def test_target_is_symbol_venue_both_or_all() -> None:
    instruments = [Instrument("BTC-USD", "a"), Instrument("ETH-USD", "a"), Instrument("ETH-USD", "b")]
    assert match_target("", instruments) == [0, 1, 2]
    assert match_target("ETH-USD", instruments) == [1, 2]
    assert match_target("a", instruments) == [0, 1]
    assert match_target("ETH-USD@b", instruments) == [2]
    with pytest.raises(
        ChaosError, match="no symbol or venue 'ETH-USDT' in the prices; did you mean 'ETH-USD'"
    ):
        match_target("ETH-USDT", instruments)
