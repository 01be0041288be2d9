"""The reports browser in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, axe_violations, served
from tests.dashboards.kept import keep


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which no report has run yet."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """The reports browser alone, in that folder."""
    with served("reports", folder=folder) as url:
        yield url


def test_an_empty_folder_says_what_would_be_there_and_new_runs_appear(
    server: str, folder: Path, open_page: OpenPage
) -> None:
    page = open_page(f"{server}/reports")
    expect(page.get_by_text("No report has run yet")).to_be_visible()
    expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["Reports"])
    keep(folder, "daily_risk", 6)
    expect(page.get_by_role("heading", name="Daily risk")).to_be_visible()


def test_a_report_is_read_and_its_scripts_reach_nothing(
    server: str, folder: Path, open_page: OpenPage
) -> None:
    keep(folder, "daily_risk", 7)
    keep(folder, "weekly_summary", 8, error="cell 3: expected prices, found none")
    page = open_page(f"{server}/reports")
    expect(page.get_by_role("alert")).to_contain_text("expected prices, found none")
    expect(page.get_by_role("heading", name="Failed at cell 3")).to_be_visible()
    page.get_by_label("Newest first, UTC").select_option(label="2024-01-02 07:00  daily risk")
    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", name="daily_risk at 7")).to_be_visible()
    expect(report.get_by_text("scripts run")).to_be_visible()
    own = next(frame for frame in page.frames if "report-files" in frame.url)
    assert own.evaluate("window.origin") == "null"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_reports_are_accessible(server: str, folder: Path, open_page: OpenPage, theme: str) -> None:
    keep(folder, "daily_risk", 9 if theme == "light" else 10)
    page = open_page(f"{server}/reports", theme=theme)
    expect(page.get_by_role("heading", name="Daily risk")).to_be_visible()
    assert axe_violations(page) == []
