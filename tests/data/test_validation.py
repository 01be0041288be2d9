"""Each thing that is refused, with the row and the reason."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.data.catalog import load
from workbench.data.prices import Prices
from workbench.errors import DataError

MakeBars = Callable[..., pd.DataFrame]


def refusal(bars: pd.DataFrame) -> str:
    with pytest.raises(DataError) as caught:
        Prices({"A@x": bars})
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_two_rows_of_one_time(make_bars: MakeBars) -> None:
    times = ["2024-01-01 00:00", "2024-01-01 00:01", "2024-01-01 00:01"]
    assert refusal(make_bars([10.0, 11.0, 12.0], times)) == (
        "A@x: row 3 of 3 (2024-01-01T00:01:00Z): the same time as the row before; keep one of the two rows"
    )


def test_a_row_that_goes_back_in_time(make_bars: MakeBars) -> None:
    times = ["2024-01-01 00:00", "2024-01-01 00:05", "2024-01-01 00:01", "2024-01-01 00:02"]
    assert refusal(make_bars([10.0, 11.0, 12.0, 13.0], times)) == (
        "A@x: row 3 of 4 (2024-01-01T00:01:00Z): earlier than the row before; sort the rows by time"
    )


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("close", math.nan, "close is nan; leave the row out; a gap is allowed and reported"),
        ("open", math.inf, "open is inf; leave the row out; a gap is allowed and reported"),
        ("low", 0.0, "low is 0, expected above 0; leave the row out or mend it"),
        ("low", -37.63, "low is -37.63, expected above 0; leave the row out or mend it"),
        ("high", 9.5, "high 9.5 is below low 10; mend it or swap the columns"),
        ("open", 12.5, "open 12.5 is outside low 10 .. high 12; mend the bar or leave it out"),
        ("close", 9.5, "close 9.5 is outside low 10 .. high 12; mend the bar or leave it out"),
        (
            "volume",
            -1.0,
            "volume is -1, expected 0 or more, or empty where unknown; mend it or leave it empty",
        ),
        (
            "volume",
            math.inf,
            "volume is inf, expected 0 or more, or empty where unknown; mend it or leave it empty",
        ),
    ],
)
def test_a_figure_that_cannot_be(make_bars: MakeBars, column: str, value: float, reason: str) -> None:
    bars = make_bars([10.0, 11.0, 12.0])
    bars.loc[bars.index[1], column] = value
    assert refusal(bars) == f"A@x: row 2 of 3 (2024-01-01T00:01:00Z): {reason}"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("bid", 12.5, "bid 12.5 is above ask 12; mend it or swap the columns"),
        ("ask", math.nan, "ask is nan; leave the row out; a gap is allowed and reported"),
        ("bid", -1.0, "bid is -1, expected above 0; leave the row out or mend it"),
        (
            "ask_size",
            -2.0,
            "ask_size is -2, expected 0 or more, or empty where unknown; mend it or leave it empty",
        ),
    ],
)
def test_a_quote_that_cannot_be(make_bars: MakeBars, column: str, value: float, reason: str) -> None:
    bars = make_bars([10.0, 11.0, 12.0]).assign(bid=[9.0, 10.0, 11.0], ask=[11.0, 12.0, 13.0], ask_size=1.0)
    bars.loc[bars.index[1], column] = value
    assert refusal(bars) == f"A@x: row 2 of 3 (2024-01-01T00:01:00Z): {reason}"


def test_the_first_offending_row_is_the_one_named(make_bars: MakeBars) -> None:
    bars = make_bars([10.0, 11.0, 12.0, 13.0])
    bars.loc[bars.index[3], "open"] = math.nan
    bars.loc[bars.index[2], "volume"] = -1.0
    assert "row 3 of 4" in refusal(bars)


def test_a_word_among_the_numbers(make_bars: MakeBars) -> None:
    bars = make_bars([10.0, 11.0, 12.0]).astype(object)
    bars.iloc[1, 1] = "12,5"
    assert refusal(bars) == (
        "A@x: row 2 of 3: high is not a number, found '12,5'; write plain numbers with a decimal point"
    )


def test_an_unknown_volume_is_allowed(make_bars: MakeBars) -> None:
    bars = make_bars([10.0, 11.0, 12.0])
    bars.loc[bars.index[1], "volume"] = math.nan
    assert Prices({"A@x": bars}).frame("A")["volume"].isna().tolist() == [False, True, False]


def test_an_open_that_misses_its_high_by_a_rounding_is_allowed(make_bars: MakeBars) -> None:
    bars = make_bars([10.0, 11.0])
    bars.loc[bars.index[0], "open"] = np.nextafter(11.0, 12.0)
    assert len(Prices({"A@x": bars})) == 2


def test_nothing_is_repaired_silently(make_bars: MakeBars) -> None:
    bars = make_bars([10.0, 11.0, 12.0])
    assert Prices({"A@x": bars}).frame("A").to_numpy().tolist() == bars.to_numpy().tolist()


def with_times(make_bars: MakeBars, times: list[object]) -> pd.DataFrame:
    table = make_bars([10.0 + row for row in range(len(times))]).reset_index(drop=True)
    return table.assign(timestamp=pd.Series(times, dtype=object))


def test_two_time_zones_in_text(make_bars: MakeBars) -> None:
    table = with_times(
        make_bars, ["2024-01-01T00:00:00Z", "2024-01-01T00:01:00+00:00", "2024-01-01T02:02:00+02:00"]
    )
    assert refusal(table) == (
        "A@x: row 3 of 3: mixed time zones: offset +02:00 after +00:00 in row 1, "
        "found '2024-01-01T02:02:00+02:00'; write all times in UTC"
    )


def test_a_time_without_zone_among_times_with_one(make_bars: MakeBars) -> None:
    table = with_times(make_bars, ["2024-01-01T00:00:00+0100", "2024-01-01T00:01:00"])
    assert "row 2 of 2: mixed time zones: offset none after +01:00 in row 1" in refusal(table)


def test_two_time_zones_in_datetimes(make_bars: MakeBars) -> None:
    paris = timezone(timedelta(hours=1))
    moments: list[object] = [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 1, 1, tzinfo=paris)]
    assert "row 2 of 2: mixed time zones: offset +01:00 after +00:00 in row 1" in refusal(
        with_times(make_bars, moments)
    )


def test_one_zone_other_than_utc_is_carried_over(make_bars: MakeBars) -> None:
    table = with_times(make_bars, ["2024-01-01T01:00:00+01:00", "2024-01-01T01:01:00+01:00"])
    assert Prices({"A@x": table}).start == pd.Timestamp("2024-01-01", tz="UTC")
    new_york = make_bars([10.0, 11.0]).tz_localize("America/New_York")
    assert Prices({"A@x": new_york}).start == pd.Timestamp("2024-01-01 05:00", tz="UTC")


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        (
            ["2024-01-01", "tomorrow"],
            "row 2 of 2: no time in ISO 8601, found 'tomorrow'; write it as 2024-01-31T09:30:00Z",
        ),
        (["01/02/2024", "02/02/2024"], "row 1 of 2: no time in ISO 8601, found '01/02/2024'"),
        (["2024-01-01", None], "row 2 of 2: no time in ISO 8601, found None"),
        ([pd.Timestamp("2024-01-01"), pd.NaT], "row 2 of 2: no time"),
    ],
)
def test_what_is_no_time(make_bars: MakeBars, times: list[object], reason: str) -> None:
    assert f"A@x: {reason}" in refusal(with_times(make_bars, times))


def test_counts_since_1970_of_two_units(make_bars: MakeBars) -> None:
    table = (
        make_bars([10.0, 11.0]).reset_index(drop=True).assign(timestamp=[1_704_067_200_000, 1_704_067_260])
    )
    assert refusal(table) == (
        "A@x: row 2 of 2: another unit than row 1, which counts ms, found 1704067260; write all times in one unit"
    )


def test_row_numbers_and_yyyymmdd_are_no_times(make_bars: MakeBars) -> None:
    for numbers in ([0, 1], [20240101, 20240102]):
        table = make_bars([10.0, 11.0]).reset_index(drop=True).assign(timestamp=numbers)
        assert (
            f"row 1: expected a time (text, or a count since 1970 in s, ms, us or ns), found {numbers[0]}"
            in refusal(table)
        )


def test_the_row_is_that_of_the_file_also_among_several_instruments(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(
        "timestamp,symbol,venue,close\n"
        "2024-01-01T00:00:00Z,BTC,a,10\n"
        "2024-01-01T00:00:00Z,BTC,b,10\n"
        "2024-01-01T00:01:00Z,BTC,a,11\n"
        "2024-01-01T00:01:00Z,BTC,b,-1\n"
    )
    with pytest.raises(DataError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}: BTC@b: row 4 of 4 (2024-01-01T00:01:00Z): close is -1, expected above 0; leave the row out or mend it"
    )
