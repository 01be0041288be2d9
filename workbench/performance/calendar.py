"""How many periods make a year: what the times of prices or returns show."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError

__all__ = ["infer_periods_per_year", "periods_per_year", "times_of"]

type Times = npt.NDArray[np.int64]

DAY_NS: Final = 86_400_000_000_000
YEAR_DAYS: Final = 365.25  # elapsed time
CALENDAR_DAYS: Final = 365.0  # a market that never closes
TRADING_DAYS: Final = 252.0  # a market that closes at the weekend
NIGHT_NS: Final = 6 * 3_600_000_000_000
THURSDAY: Final = 3  # weekday of 1970-01-01, Monday being 0
SATURDAY: Final = 5

# Days between rows that stand for a month, a quarter and a year of the calendar; their lengths differ from row to row.
_MONTHS: Final = ((28.0, 31.0, 12.0), (89.0, 92.0, 4.0), (365.0, 366.0, 1.0))
_REGULAR: Final = 0.5  # share of the steps that must have one length for the rows to be bars


def periods_per_year(times_ns: Times, interval_ns: int) -> float:
    """Updates per year, from bars' closing times (int64[n], distinct, rising) and their length (0 for quotes).

    A year has 365 days where the market trades on a Saturday, or never pauses for a night as far as the prices show;
    else 252.  A day has as many periods as bars of that length fit into it, where the market never closes; else as many
    as the median day has.
    """
    if interval_ns > DAY_NS:
        return YEAR_DAYS * DAY_NS / interval_ns
    opens = times_ns - max(interval_ns, 1)  # a bar of Friday closes on Saturday, at midnight
    days, counts = np.unique(opens // DAY_NS, return_counts=True)
    if not len(days):
        return CALENDAR_DAYS * DAY_NS / max(interval_ns, DAY_NS)
    weekdays = (days + THURSDAY) % 7
    always = bool((weekdays == SATURDAY).any()) or (
        interval_ns < DAY_NS and _no_saturday_passed(days) and not (np.diff(times_ns) > NIGHT_NS).any()
    )
    if always and interval_ns:
        return CALENDAR_DAYS * DAY_NS / interval_ns
    whole = counts[1:-1] if len(counts) > 2 else counts  # the first and the last day may be cut
    per_day = 1.0 if interval_ns == DAY_NS else float(np.median(whole))
    return (CALENDAR_DAYS if always else TRADING_DAYS) * per_day


def _no_saturday_passed(days: Times) -> bool:
    first, last = int(days[0]), int(days[-1])
    return first + (SATURDAY - (first + THURSDAY)) % 7 > last


def infer_periods_per_year(index: pd.Index) -> float:
    """Periods per year of rows that are labelled with their times.

    The most frequent step is the length of a period; rows without one count as quotes.  Steps of 28 to 31 days, of 89
    to 92 and of 365 or 366 that are not all alike are months, quarters and years.  Then as `periods_per_year`, the
    times being those of opens or of closes, whichever gives fewer: a daily bar of a Friday may be called Saturday.
    So daily rows give 252, and 365 where no day of the week is left out.  Times without a zone are read as UTC.

    Raises ConfigError where the index has no times or fewer than two, DataError where they do not rise.
    """
    times = times_of(index)
    if len(times) < 2:
        raise ConfigError(
            f"periods_per_year cannot be told from {len(times)} row(s); pass it, as in periods_per_year=252"
        )
    steps, counts = np.unique(np.diff(times), return_counts=True)
    typical = float(np.median(np.diff(times))) / DAY_NS
    if len(steps) > 1:
        for least, most, per_year in _MONTHS:
            if least <= typical <= most:
                return per_year
    common = int(counts.argmax())
    interval = int(steps[common]) if counts[common] >= _REGULAR * counts.sum() else 0
    return min(periods_per_year(times + interval, interval), periods_per_year(times, interval))


def times_of(index: pd.Index, *, repeated: bool = False) -> Times:
    """The index as UTC nanoseconds, int64[n].  repeated: a time may come more than once.

    Raises ConfigError where it has no times, DataError where they do not rise.
    """
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex):
        raise ConfigError(
            f"periods_per_year cannot be told from an index without times ({type(index).__name__}); "
            "pass it, as in periods_per_year=252"
        )
    times = np.asarray(index.as_unit("ns").asi8)
    steps = np.diff(times)
    falling = np.flatnonzero(steps < 0 if repeated else steps <= 0)
    if len(falling):
        at = int(falling[0])
        raise DataError(f"expected times that rise, found {index[at + 1]} after {index[at]}; sort them")
    return times
