"""Research lab and chaos lab in a real browser: what a click, a key and a mistake do."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, OpenPage, axe_violations

WATCH_FOR_SKELETONS = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) {
  const root = attach.call(this, options);
  new MutationObserver(() => root.querySelectorAll(".coming").forEach((part) => seen(part.textContent)))
    .observe(root, { childList: true, subtree: true });
  return root;
};
"""


@pytest.fixture
def research(dashboards: str, open_page: OpenPage) -> Page:
    """The lab, which has swept once by itself."""
    page = open_page(f"{dashboards}/research")
    expect(tile(page, "Sharpe ratio")).to_be_visible()
    return page


@pytest.fixture
def chaos(dashboards: str, open_page: OpenPage) -> Page:
    """The lab, which has run a campaign by itself and compared limits."""
    page = open_page(f"{dashboards}/chaos")
    expect(page.get_by_text("In a normal market")).to_be_visible()
    return page


def tile(page: Page, name: str) -> Locator:
    """The figure under a name, in the newest row of tiles."""
    return page.locator(f"dl.tiles div:has(dt:text-is('{name}')) dd").first


def click_cell(page: Page, across: float, up: float) -> None:
    """Click into the plane, at shares of its width and height."""
    frame = page.locator("canvas").first
    box = frame.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + across * box["width"], box["y"] + up * box["height"])


@pytest.mark.parametrize("app", ["research", "chaos"])
def test_a_page_has_its_plots_from_the_beginning(dashboards: str, open_page: OpenPage, app: str) -> None:
    page = open_page("about:blank")
    seen: list[str] = []

    def note(text: str) -> None:
        seen.append(text)

    page.expose_function("seen", note)
    page.add_init_script(WATCH_FOR_SKELETONS)
    page.goto(f"{dashboards}/{app}")
    expect(page.locator("canvas").nth(3)).to_be_visible()
    assert seen == []  # nothing was awaited: other pages had it worked out


def test_a_click_on_a_cell_looks_into_it(research: Page) -> None:
    fast = research.get_by_label("fast", exact=True)
    expect(fast).to_have_value("25")
    click_cell(research, 0.12, 0.5)
    expect(fast).not_to_have_value("25")
    chosen = fast.input_value()
    expect(research.locator(".badge", has_text=f"fast {chosen}")).to_be_visible()


def test_a_cell_is_chosen_by_keyboard_as_well(research: Page) -> None:
    before = tile(research, "Fees").inner_text()
    research.get_by_label("fast", exact=True).select_option("10")
    expect(research.locator(".badge", has_text="fast 10")).to_be_visible()
    expect(tile(research, "Fees")).not_to_have_text(before)


def test_trades_stand_on_candles_and_in_a_table(research: Page) -> None:
    research.locator(".bk-tab", has_text="Trades").click()
    expect(research.get_by_label("Instrument")).to_have_value("SPX@US")
    expect(research.locator(".tabulator-row").first).to_contain_text("long")


def test_a_tab_is_opened_by_keyboard(research: Page) -> None:
    research.locator(".bk-tab", has_text="Statistics").focus()
    research.keyboard.press("Enter")
    expect(research.get_by_text("Buy and hold return")).to_be_visible()


def test_cells_are_pinned_compared_and_let_go(research: Page) -> None:
    research.get_by_role("button", name="Pin to compare").click()
    expect(research.get_by_text("fast=25")).to_be_visible()
    research.get_by_label("fast", exact=True).select_option("10")
    expect(research.locator(".badge", has_text="fast 10")).to_be_visible()
    research.get_by_role("button", name="Pin to compare").click()
    expect(research.get_by_role("columnheader")).to_have_text(["A", "B"])
    research.get_by_role("button", name="Unpin A").click()
    expect(research.get_by_role("columnheader")).to_have_text(["B"])


def test_what_cannot_be_swept_is_one_readable_box(research: Page) -> None:
    research.get_by_label("from", exact=True).first.fill("99")
    research.keyboard.press("Tab")
    research.get_by_role("button", name="Run the sweep").click()
    box = research.get_by_role("alert")
    expect(box).to_contain_text("expected the lowest first, found 99 to 60")
    assert "Traceback" not in box.inner_text()


def test_another_strategy_is_swept_on_other_prices(research: Page) -> None:
    research.get_by_label("Prices").select_option(label="Made-up BTC, hours with trends")
    research.get_by_label("Strategy", exact=True).select_option("momentum")
    research.get_by_role("button", name="Run the sweep").click()
    expect(research.get_by_role("heading", name="momentum on synthetic-hours")).to_be_visible()


def test_a_click_on_the_surface_replays_another_case(chaos: Page) -> None:
    heading = chaos.get_by_role("heading", level=2)
    expect(heading.nth(2)).to_have_text("Runaway")
    click_cell(chaos, 0.5, 0.14)
    expect(heading.nth(2)).to_have_text("Bad tick")


def test_a_fault_is_chosen_by_keyboard_as_well(chaos: Page) -> None:
    chaos.get_by_label("Fault", exact=True).select_option(label="Stale feed")
    expect(chaos.get_by_role("heading", name="Stale feed")).to_be_visible()


def test_other_limits_are_compared(chaos: Page) -> None:
    row = chaos.get_by_role("row", name=re.compile("^Runaway"))
    before = row.inner_text()
    chaos.get_by_label("Compared with").select_option("No limits at all")
    chaos.get_by_role("button", name="Compare").click()
    expect(chaos.get_by_text("Hollow bar and second figure: No limits at all")).to_be_visible()
    assert row.inner_text() != before


def test_what_the_controls_did_is_listed(chaos: Page) -> None:
    chaos.locator(".bk-tab", has_text="Controls").click()
    expect(chaos.locator(".tabulator-row").first).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("app", "ready"), [("research", "Pin to compare"), ("chaos", "In a normal market")])
def test_a_lab_is_accessible(dashboards: str, open_page: OpenPage, app: str, ready: str, theme: str) -> None:
    page = open_page(f"{dashboards}/{app}", theme=theme)
    expect(page.get_by_text(ready)).to_be_visible()
    assert axe_violations(page) == []


@pytest.mark.parametrize("app", ["research", "chaos"])
def test_a_lab_fits_a_phone(dashboards: str, open_page: OpenPage, app: str) -> None:
    page = open_page(f"{dashboards}/{app}", size=PHONE)
    expect(page.locator("dl.tiles").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
