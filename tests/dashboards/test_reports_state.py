"""The reports browser without a browser."""

from __future__ import annotations

from pathlib import Path

from tests.dashboards.kept import keep
from workbench.dashboards.state.reports import ALL, ReportsState
from workbench.reporting.runner import OUTPUT


def test_an_empty_folder_has_nothing_and_is_no_error(tmp_path: Path) -> None:
    state = ReportsState(tmp_path)
    assert (state.listed, state.shown, state.error) == ([], None, "")


def test_the_newest_run_is_shown_until_another_is_chosen(tmp_path: Path) -> None:
    old, new = keep(tmp_path, "daily_risk", 6), keep(tmp_path, "daily_risk", 7)
    state = ReportsState(tmp_path)
    assert state.shown == new
    state.chosen = old.id
    assert state.shown == old
    assert state.label(old) == "2024-01-02 06:00  daily risk"


def test_a_run_that_failed_is_told_in_words(tmp_path: Path) -> None:
    run = keep(tmp_path, "daily_risk", 6, error="cell 3: no prices")
    assert ReportsState(tmp_path).label(run).endswith("(failed)")


def test_one_report_is_listed_alone_and_new_runs_appear(tmp_path: Path) -> None:
    keep(tmp_path, "daily_risk", 6)
    state = ReportsState(tmp_path)
    state.report = "daily_risk"
    other = keep(tmp_path, "weekly_summary", 8)
    state.refresh()
    assert state.param.report.objects == [ALL, "daily_risk", "weekly_summary"]
    assert [run.name for run in state.listed] == ["daily_risk"]
    state.report = ALL
    assert state.shown == other


def test_a_record_that_makes_no_sense_is_a_failed_run_that_says_so(tmp_path: Path) -> None:
    run = keep(tmp_path, "daily_risk", 6)
    state = ReportsState(tmp_path)
    (tmp_path / OUTPUT / run.place / "run.json").write_text("nonsense")
    state.refresh()
    (shown,) = state.runs
    assert (shown.name, shown.outcome) == (run.name, "failed")
    assert "makes no sense" in shown.error
