"""The risk desk in a real browser, with a real engine: what it shows, keeps up with, and survives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from live.api.roles import Role
from tests.browser.conftest import PHONE, OpenPage, axe_violations, served
from tests.browser.engines import EngineProcess
from tests.waiting import until


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    limits = tmp_path_factory.mktemp("limits") / "risk_limits.yaml"
    text = (Path(__file__).parents[2] / "config" / "risk_limits.yaml").read_text()
    limits.write_text(re.sub(r"interval_seconds: \S+", "interval_seconds: 0.2", text))
    found = EngineProcess(tmp_path_factory.mktemp("engine"), limits=limits)
    found.start()
    with found.client() as client:
        client.start("momentum", "fast", config={"lookback": 5, "unit": 0.05})
        until(lambda: len(client.fills()) >= 4)
        client.stop("fast")
        client.start("sma_cross", "slow", config={"fast": 3, "slow": 9, "unit": 0.02})
    yield found
    found.stop()


@pytest.fixture(scope="module")
def desk(engine: EngineProcess) -> Iterator[str]:
    with served("risk", environment=engine.environment) as url:
        yield f"{url}/risk"


def opened(page: Page) -> Page:
    """Once there is something to see."""
    expect(page.get_by_text("P&L today")).to_be_visible()
    return page


def reason(page: Page) -> Locator:
    """The field of the question that is open."""
    return page.get_by_label("Reason").locator("visible=true")


def test_it_shows_what_the_engine_knows(engine: EngineProcess, desk: str, open_page: OpenPage) -> None:
    page = opened(open_page(desk))
    meters = page.get_by_role("meter")
    expect(meters.first).to_be_visible()
    assert page.get_by_role("meter", name="buying power").get_attribute("aria-valuetext")
    expect(page.get_by_role("heading", name="P&L by strategy")).to_be_visible()
    expect(page.get_by_text("Returns of instruments").first).to_be_visible()  # there are samples enough
    expect(page.get_by_role("cell", name="1.00").first).to_be_visible()
    with engine.client() as client:
        last = client.fills().iloc[-1]
    page.get_by_role("button", name="Fills").click()
    row = page.locator(".tabulator-row").first
    expect(row).to_contain_text(re.compile("BTC-USD|ETH-USD"))
    assert last["symbol"] in ("BTC-USD", "ETH-USD")
    page.get_by_role("button", name="Orders").click()
    expect(page.locator(".tabulator-row").first).to_contain_text(
        re.compile("filled|working|accepted|cancelled")
    )


@pytest.mark.parametrize(("theme", "tab"), [("light", "Orders"), ("dark", "Positions")])
def test_it_is_accessible(desk: str, open_page: OpenPage, theme: str, tab: str) -> None:
    page = opened(open_page(desk, theme=theme))
    page.get_by_role("button", name=tab).click()
    expect(page.locator(".tabulator-tableholder")).to_be_visible()
    page.get_by_role("button", name="Kill…").click()
    assert axe_violations(page) == []


def test_it_fits_a_phone(desk: str, open_page: OpenPage) -> None:
    page = opened(open_page(desk, size=PHONE))
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_a_kill_is_asked_for_takes_a_reason_and_is_reset_with_one(
    engine: EngineProcess, desk: str, open_page: OpenPage
) -> None:
    page = opened(open_page(desk))
    page.get_by_role("button", name="Kill…").click()
    confirm = page.get_by_role("button", name="Kill now")
    expect(page.get_by_text("Every strategy stops trading at every venue")).to_be_visible()
    expect(confirm).to_be_disabled()
    with engine.client() as client:
        assert client.risk().kills == ()  # one press has done nothing
    reason(page).fill("odd fills")
    expect(confirm).to_be_enabled()
    confirm.click()
    expect(page.get_by_text("trading stopped")).to_be_visible()
    expect(page.get_by_text("admin: odd fills").first).to_be_visible()
    with engine.client() as client:
        (kill,) = client.risk().kills
        assert (kill.scope, kill.reason, kill.flatten) == ("all", "odd fills", False)
    page.get_by_role("button", name="Reset kill switch: everything…").click()
    reset = page.get_by_role("button", name="Reset now")
    expect(reset).to_be_disabled()
    reason(page).fill("looked into it")
    reset.click()
    expect(page.get_by_text("Nothing is stopped by a person or a breaker.")).to_be_visible()
    with engine.client() as client:
        assert client.risk().kills == ()


def test_a_kill_that_is_thought_better_of_does_nothing(
    engine: EngineProcess, desk: str, open_page: OpenPage
) -> None:
    page = opened(open_page(desk))
    page.get_by_role("button", name="Kill…").click()
    reason(page).fill("hasty")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Kill now")).to_be_hidden()
    page.get_by_role("button", name="Kill…").click()
    expect(reason(page)).to_have_value("")
    expect(page.get_by_role("button", name="Kill now")).to_be_disabled()
    with engine.client() as client:
        assert client.risk().kills == ()


def test_an_engine_that_dies_and_comes_back_is_followed(
    engine: EngineProcess, desk: str, open_page: OpenPage
) -> None:
    page = opened(open_page(desk))
    engine.kill()
    expect(page.get_by_text("What is greyed is as it was then.")).to_be_visible()
    expect(page.get_by_text(re.compile("No engine answers.*last heard"))).to_be_visible()
    expect(page.get_by_text("P&L today")).to_be_visible()  # what was known is still there to be read
    engine.start()
    expect(page.get_by_text("heard just now")).to_be_visible()
    expect(page.get_by_text("What is greyed is as it was then.")).to_be_hidden()


def test_without_an_engine_the_page_says_how_to_start_one_and_waits(
    tmp_path: Path, open_page: OpenPage
) -> None:
    engine = EngineProcess(tmp_path)
    environment = {**engine.environment, "TRADING_ENGINE_PORT": "9"}
    with served("risk", environment=environment) as url:
        page = open_page(f"{url}/risk")
        expect(page.get_by_text("No engine answers at")).to_be_visible()
        expect(page.get_by_text("workbench live")).to_be_visible()
        assert axe_violations(page) == []
        engine.start()
        try:
            opened(page)
            expect(page.get_by_text("No strategy has traded yet.")).to_be_visible()
            page.close()  # before its server ends
        finally:
            engine.stop()


def test_where_others_can_open_it_each_signs_in_before_they_see_anything(
    engine: EngineProcess, open_page: OpenPage
) -> None:
    with served("risk", "--address", "0.0.0.0", environment=engine.environment) as url:
        page = open_page(f"{url}/risk")
        expect(page.get_by_text("The engine does not know you")).to_be_visible()
        expect(page.get_by_text("P&L today")).to_have_count(0)
        assert axe_violations(page) == []
        page.get_by_label("Token of the engine").fill("wb_wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert").filter(has_text="bearer token")).to_be_visible()
        page.get_by_label("Token of the engine").fill(engine.token(Role.VIEWER))
        page.get_by_role("button", name="Sign in").click()
        opened(page)
        expect(page.get_by_role("button", name="Kill…")).to_be_disabled()
        page.close()  # before its server ends
