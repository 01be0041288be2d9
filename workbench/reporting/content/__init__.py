"""What report notebooks show: tear sheet, a day's risk, chaos, a week; each part is one call that a cell makes."""

from workbench.reporting.content.book import DayBook, WeekBook, day_book, day_of, week_book
from workbench.reporting.content.chaos import ChaosReport, chaos_report
from workbench.reporting.content.parts import frame_part
from workbench.reporting.content.tearsheet import TearSheet, tearsheet

__all__ = [
    "ChaosReport",
    "DayBook",
    "TearSheet",
    "WeekBook",
    "chaos_report",
    "day_book",
    "day_of",
    "frame_part",
    "tearsheet",
    "week_book",
]
