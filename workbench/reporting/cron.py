"""Cron lines: five fields (minute hour day month weekday) as a trigger.

As in crontab(5): weekdays 0 and 7 are Sunday, and where both day and weekday are given, either is enough.
APScheduler by itself counts weekdays from Monday, and wants both.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

__all__ = ["check_cron", "cron_trigger", "last_due"]

_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = ("minute", "hour", "day", "month", "weekday")
_WEEKDAYS: Final = re.compile(
    r"(?P<first>[0-7]|[a-z]{3}|\*)(?:-(?P<last>[0-7]|[a-z]{3}))?(?:/(?P<step>\d+))?"
)


def check_cron(line: str) -> None:
    """Raises ValueError where `line` is no cron line, or names no moment that will ever come."""
    trigger = cron_trigger(line, "UTC")
    if trigger.get_next_fire_time(None, datetime.now(ZoneInfo("UTC"))) is None:
        raise ValueError("it names no day that there is")


def cron_trigger(line: str, time_zone: str) -> BaseTrigger:
    """When `line` is due, by the clock of `time_zone`.  Raises ValueError."""
    fields = line.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"{len(fields)} fields")
    minute, hour, day, month, weekday = fields
    zone = ZoneInfo(time_zone)

    def trigger(day: str, weekday: str) -> CronTrigger:
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month.lower(), day_of_week=weekday, timezone=zone
        )

    days = _weekdays(weekday.lower())
    if day == "*" or weekday == "*":
        due: BaseTrigger = trigger(day, days)
    else:
        due = OrTrigger([trigger(day, "*"), trigger("*", days)])
    return due if "*" in hour else _OnceADay(due, zone)


class _OnceADay(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """Leaves out the second of two equal hours, when clocks go back: a fixed hour is meant once a day."""

    def __init__(self, due: BaseTrigger, zone: ZoneInfo) -> None:
        self._due, self._zone = due, zone

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The next moment; None where there is none."""
        found: datetime | None = self._due.get_next_fire_time(previous_fire_time, now)
        while found is not None and found.astimezone(self._zone).fold:
            found = self._due.get_next_fire_time(found, found)
        return found


def _weekdays(field: str) -> str:
    """A weekday field by names, one for each day."""
    if field == "*":
        return field
    found: set[int] = set()
    for part in field.split(","):
        form = _WEEKDAYS.fullmatch(part)
        if form is None:
            raise ValueError(f"weekday {part!r}")
        step = int(form["step"] or 1)
        if step == 0:
            raise ValueError(f"weekday {part!r}")
        if form["first"] == "*":
            first, last = 0, 6
        else:
            first = _day(form["first"])
            last = _day(form["last"]) if form["last"] else (6 if form["step"] else first)
            if last < first:  # fri-mon, or 5-7
                last += 7
        found.update(day % 7 for day in range(first, last + 1, step))
    return ",".join(_DAYS[day] for day in sorted(found))


def _day(text: str) -> int:
    if text.isdigit():
        return int(text) % 7
    if text not in _DAYS:
        raise ValueError(f"weekday {text!r}")
    return _DAYS.index(text)


def last_due(line: str, time_zone: str, after: datetime, until: datetime) -> datetime | None:
    """The newest moment after `after`, and not after `until`, at which `line` was due; None where it was not."""
    trigger = cron_trigger(line, time_zone)
    due, found = trigger.get_next_fire_time(after, after), None
    while due is not None and due <= until:
        if due > after:
            found = due
        due = trigger.get_next_fire_time(due, due)
    return found
