"""Cron lines as crontab(5) has them: worked out by hand with a calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workbench.reporting.cron import check_cron, cron_trigger, last_due

THURSDAY = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("30 6 * * *", "2026-11-27 06:30"),
        ("0 * * * *", "2026-11-26 12:00"),
        ("*/20 * * * *", "2026-11-26 12:00"),
        ("0 6 * * 0", "2026-11-29 06:00"),  # Sunday; APScheduler by itself would say Monday
        ("0 6 * * 7", "2026-11-29 06:00"),
        ("0 6 * * 1", "2026-11-30 06:00"),
        ("0 6 * * mon-fri", "2026-11-27 06:00"),
        ("0 6 * * 6-7", "2026-11-28 06:00"),
        ("0 6 * * sat-sun", "2026-11-28 06:00"),
        ("0 6 * * fri-mon", "2026-11-27 06:00"),
        ("0 6 * * */2", "2026-11-28 06:00"),  # Sunday, Tuesday, Thursday, Saturday
        ("0 6 1 * *", "2026-12-01 06:00"),
        ("0 6 29 2 *", "2028-02-29 06:00"),
        ("0 6 13 * 5", "2026-11-27 06:00"),  # the 13th, or a Friday
        ("0 6 28 * mon", "2026-11-28 06:00"),  # the 28th, or a Monday
        ("0 6 * DEC *", "2026-12-01 06:00"),
    ],
)
def test_the_next_time_it_is_due(line: str, expected: str) -> None:
    due = cron_trigger(line, "UTC").get_next_fire_time(None, THURSDAY)
    assert due is not None
    assert f"{due:%Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize(
    "line", ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 31 2 *", "* * * * 8",
             "* * * * noday", "* * * * 1-", "* * * * */0", "@daily", "a b c d e"],
)  # fmt: skip
def test_what_is_no_cron_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_cron(line)


def test_the_clock_is_that_of_the_time_zone() -> None:
    due = cron_trigger("30 6 * * *", "Europe/London").get_next_fire_time(
        None, datetime(2026, 6, 1, tzinfo=UTC)
    )
    assert due is not None
    assert due.astimezone(UTC).hour == 5  # British Summer Time


def test_a_fixed_hour_comes_once_when_clocks_go_back_and_each_hour_comes_twice() -> None:
    def fired(line: str) -> list[str]:
        trigger = cron_trigger(line, "Europe/Berlin")
        now, found = datetime(2026, 10, 24, 23, 0, tzinfo=UTC), []
        over = datetime(2026, 10, 25, 3, tzinfo=UTC)
        while (due := trigger.get_next_fire_time(now, now)) is not None and due < over:
            found.append(f"{due:%H:%M %z}")
            now = due
        return found

    assert fired("30 2 * * *") == ["02:30 +0200"]
    assert fired("30 * * * *") == ["01:30 +0200", "02:30 +0200", "02:30 +0100", "03:30 +0100"]


def test_the_newest_moment_that_was_missed() -> None:
    def missed(line: str, since: datetime) -> str:
        due = last_due(line, "UTC", since, THURSDAY)
        return f"{due:%d %H:%M}" if due else ""

    assert missed("0 6 * * *", datetime(2026, 11, 20, 7, tzinfo=UTC)) == "26 06:00"
    assert missed("0 6 * * *", datetime(2026, 11, 26, 6, tzinfo=UTC)) == ""
    assert missed("0 12 * * *", datetime(2026, 11, 26, 11, tzinfo=UTC)) == "26 12:00"
    assert missed("0 6 * * mon", datetime(2026, 11, 24, tzinfo=UTC)) == ""
