"""The page around every app."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, OpenPage, axe_violations
from workbench.dashboards.apps import APPS


def test_the_first_page_lists_every_app(dashboards: str, open_page: OpenPage) -> None:
    page = open_page(f"{dashboards}/")
    expect(page.get_by_role("heading", level=2)).to_have_text([app.title for app in APPS.values()])
    page.get_by_role("link", name="Chaos lab").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Chaos lab")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_first_page_is_accessible(dashboards: str, open_page: OpenPage, theme: str) -> None:
    assert axe_violations(open_page(f"{dashboards}/", theme=theme)) == []


def test_the_theme_follows_the_system_until_it_is_switched_and_is_kept(
    dashboards: str, open_page: OpenPage
) -> None:
    page = open_page(f"{dashboards}/", theme="dark")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    button = page.get_by_role("button", name="Dark theme")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(root).to_have_attribute("data-theme", "light")
    page.goto(f"{dashboards}/reports")
    expect(root).to_have_attribute("data-theme", "light")


def test_no_page_is_wider_than_a_phone(dashboards: str, open_page: OpenPage) -> None:
    page = open_page(f"{dashboards}/", size=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
