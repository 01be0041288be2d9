"""The page around every app."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE_MS, PHONE, OpenPage, axe_violations, served
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


def test_a_server_that_is_gone_is_told_with_what_to_do(browser: Browser) -> None:
    # Not by `open_page`: the browser complains of a socket that nobody answers, rightly.
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    lost = page.locator(".lost")
    with served("reports") as url:
        page.goto(f"{url}/reports")
        page.wait_for_function("window.Bokeh?.documents?.[0]?.event_manager !== undefined")
        expect(page.get_by_role("heading", name="Runs")).to_be_visible()
        expect(lost).to_be_hidden()
    expect(lost).to_be_visible()
    expect(lost).to_contain_text("The server does not answer; trying again.")
    expect(lost.get_by_role("link", name="Load the page anew")).to_be_visible()
    page.close()
