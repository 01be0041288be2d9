"""What apps are made of: escaped, and readable without colour."""

from __future__ import annotations

import pandas as pd

from workbench.dashboards import parts
from workbench.errors import DataError


def test_texts_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    shown = [
        parts.badge(evil),
        parts.tiles({evil: evil}).object,
        parts.empty(evil, evil, evil).object,
        parts.failure(evil).object,
        parts.note(evil, evil).object,
        parts.progress(evil, 0.5).object,
    ]
    assert all("<script>" not in text for text in shown)


def test_our_errors_are_their_line_and_others_say_what_they_are() -> None:
    assert "expected prices, found none" in parts.failure(DataError("expected prices,\nfound none")).object
    assert "KeyError: " in parts.failure(KeyError("x")).object


def test_how_far_something_is_is_said_in_figures() -> None:
    assert "Sweep 25%" in parts.progress("Sweep", 0.25).object
    assert "value=" not in parts.progress("Sweep", -1.0).object


def test_names_of_figures_are_words() -> None:
    assert [parts.words(name) for name in ("sharpe_ratio", "cagr")] == ["Sharpe ratio", "CAGR"]


def test_times_of_a_table_are_text_that_sorts() -> None:
    days = pd.Series(pd.DatetimeIndex(["2024-01-02", "NaT"], tz="UTC"))
    assert parts.time_text(days).tolist() == ["2024-01-02", ""]
    moments = pd.Series(pd.to_datetime(["2024-01-02 03:04:05"], utc=True))
    assert parts.time_text(moments).tolist() == ["2024-01-02 03:04:05"]
