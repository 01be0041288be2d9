"""The strategy desk in a real browser, with a real engine: what is pressed happens, and only for who may press it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from live.api.roles import Role
from tests.browser.conftest import PHONE, OpenPage, axe_violations, served
from tests.browser.engines import EngineProcess
from workbench.client import EngineClient
from workbench.errors import RequestError

QUIET = '''
from workbench.strategy import TradingStrategy


class QuietStrategy(TradingStrategy):
    """Says one thing."""

    VERSION = "2.1.0"

    def on_market_data(self, price_update):
        if not getattr(self, "told", False):
            self.told = True
            self.logger.warning("awake <b>and well</b>")
        return []

    def on_order_fill(self, fill):
        pass

    def on_risk_breach(self, breach):
        pass
'''


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    found = EngineProcess(tmp_path_factory.mktemp("engine"))
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def desk(engine: EngineProcess) -> Iterator[str]:
    with served("strategies", environment=engine.environment) as url:
        yield f"{url}/strategies"


def opened(page: Page) -> Page:
    expect(page.get_by_role("heading", name="Start or swap")).to_be_visible()
    return page


def reason(page: Page) -> Locator:
    """The field of the question that is open."""
    return page.get_by_label("Reason").locator("visible=true")


def said(page: Page, words: str) -> Locator:
    """How a command ended."""
    return page.get_by_role("status").filter(has_text=words)


def test_a_strategy_is_started_paused_swapped_and_stopped(
    engine: EngineProcess, desk: str, open_page: OpenPage
) -> None:
    page = opened(open_page(desk))
    expect(page.get_by_text("Start one with the form")).to_be_visible()  # an engine without strategies
    page.get_by_label("Script", exact=True).select_option(label_containing(page, "MomentumStrategy"))
    page.get_by_label("Id", exact=True).fill("m-1")
    page.get_by_label("Id", exact=True).press("Tab")
    page.get_by_label("Parameters").fill("lookback=5\nunit=0.1")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(said(page, "m-1 (MomentumStrategy")).to_be_visible()
    expect(page.get_by_role("heading", name="m-1")).to_be_visible()
    with engine.client() as client:
        assert client.strategy("m-1").config == {"lookback": 5, "unit": 0.1}
        expect(page.get_by_text("not certified")).to_be_visible()
        page.get_by_role("button", name="Pause").click()
        expect(said(page, "m-1 is paused")).to_be_visible()
        assert client.strategy("m-1").state == "paused"
        page.get_by_role("button", name="Resume").click()
        expect(said(page, "m-1 is running")).to_be_visible()
        assert client.strategy("m-1").state == "running"
        page.get_by_role("button", name="Swap…").click()
        expect(page.get_by_text("Swaps m-1.")).to_be_visible()
        page.get_by_label("Parameters").fill('{"lookback": 9, "unit": 0.1}')
        page.get_by_role("button", name="Swap", exact=True).click()
        expect(page.get_by_text("was swapped")).to_be_visible()
        assert client.strategy("m-1").config["lookback"] == 9
        page.get_by_role("button", name="Stop…").click()
        assert client.strategy("m-1").state == "running"  # one press asks
        reason(page).fill("enough for today")
        page.get_by_role("button", name="Stop now").click()
        expect(page.get_by_text("m-1 is stopped")).to_be_visible()
        assert client.strategy("m-1").state == "stopped"
        assert client.strategy("m-1").reason == "enough for today"


def label_containing(page: Page, words: str) -> str:
    """The value of the option whose text has these words."""
    option = page.get_by_label("Script", exact=True).locator("option", has_text=words).first
    return str(option.get_attribute("value"))


def test_a_script_is_uploaded_and_what_it_prints_is_shown_as_text(
    engine: EngineProcess, desk: str, open_page: OpenPage
) -> None:
    page = opened(open_page(desk))
    upload = page.get_by_role("button", name="Upload")
    expect(upload).to_be_disabled()
    file = {"name": "quiet.py", "mimeType": "text/x-python", "buffer": QUIET.encode()}
    page.locator("input[type=file]").first.set_input_files(file)  # type: ignore[arg-type]
    expect(upload).to_be_enabled()
    upload.click()
    expect(page.get_by_text("kept quiet.py: QuietStrategy 2.1.0")).to_be_visible()
    page.get_by_label("Id", exact=True).fill("q-1")
    page.get_by_label("Id", exact=True).press("Tab")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="q-1", exact=True).click()
    expect(page.get_by_text("awake <b>and well</b>")).to_be_visible()
    with engine.client() as client:
        assert client.strategy("q-1").strategy_name == "QuietStrategy"


def test_what_the_engine_refuses_is_said_in_its_own_words(desk: str, open_page: OpenPage) -> None:
    page = opened(open_page(desk))
    page.get_by_label("Script", exact=True).select_option(label_containing(page, "MomentumStrategy"))
    page.get_by_label("Parameters").fill("lookback 20")
    expect(page.get_by_text("expected key=value such as fast=10")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    page.get_by_label("Parameters").fill("lookback=-3")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="lookback")).to_be_visible()


def test_a_viewer_cannot_trade(engine: EngineProcess, open_page: OpenPage) -> None:
    token = engine.token(Role.VIEWER)
    environment = {**engine.environment, "WORKBENCH_ENGINE_TOKEN": token}
    with engine.client() as client:
        client.start("sma_cross", "watched", config={"fast": 3, "slow": 9, "unit": 0.01})
    with served("strategies", environment=environment) as url:
        page = opened(open_page(f"{url}/strategies"))
        expect(page.get_by_text("may look, and press nothing")).to_be_visible()
        page.get_by_role("button", name="watched", exact=True).click()
        expect(page.get_by_role("heading", name="watched")).to_be_visible()
        for name in ("Start", "Upload", "Kill…", "Pause", "Swap…", "Stop…"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
        expect(page.get_by_text("A strategy's log needs the role trader.")).to_be_visible()
        press_all_the_same(page)
        page.get_by_label("Token of the engine").fill(engine.token(Role.TRADER))
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("may start, stop and upload strategies")).to_be_visible()
        expect(page.get_by_role("button", name="Kill…")).to_be_enabled()
        page.close()  # before its server ends
    with EngineClient(data=engine.data, token=token) as viewer, engine.client() as client:
        with pytest.raises(RequestError, match="needs the role trader"):
            viewer.stop("watched")
        assert client.strategy("watched").state == "running"
        assert client.risk().kills == ()


def press_all_the_same(page: Page) -> None:
    """Take the lock off every button in the browser, and press those that do something at once."""
    page.evaluate(
        """() => {
            const roots = [document];
            while (roots.length) {
                for (const part of roots.pop().querySelectorAll("*")) {
                    if (part.shadowRoot) roots.push(part.shadowRoot);
                    if (part.tagName === "BUTTON" && part.disabled) { part.disabled = false; part.click(); }
                }
            }
        }"""
    )
    page.wait_for_timeout(500)


def test_a_killed_strategy_is_seen_as_stopped_and_reset_by_who_may(
    engine: EngineProcess, desk: str, open_page: OpenPage
) -> None:
    with engine.client() as client:
        client.start("sma_cross", "victim", config={"fast": 3, "slow": 9, "unit": 0.01})
    page = opened(open_page(desk))
    page.get_by_role("button", name="victim", exact=True).click()
    page.get_by_role("button", name="Kill…").click()
    page.get_by_role("button", name="Strategy", exact=True).click()
    page.get_by_label("Which one").select_option("victim")
    reason(page).fill("too many orders")
    page.get_by_role("button", name="Kill now").click()
    expect(page.get_by_text("killed victim")).to_be_visible()
    expect(page.get_by_text("Kill switch: victim", exact=True)).to_be_visible()
    with engine.client() as client:
        assert [kill.target for kill in client.risk().kills] == ["victim"]
        client.reset_kill("done", scope="strategy", target="victim")
    expect(page.get_by_text("Kill switch: victim", exact=True)).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible(engine: EngineProcess, desk: str, open_page: OpenPage, theme: str) -> None:
    with engine.client() as client:
        if "a-1" not in client.strategies().index:
            client.start("sma_cross", "a-1", config={"fast": 3, "slow": 9, "unit": 0.01})
    page = opened(open_page(desk, theme=theme))
    page.get_by_role("button", name="a-1", exact=True).click()
    expect(page.get_by_role("heading", name="a-1")).to_be_visible()
    expect(page.get_by_text("not certified")).to_be_visible()
    page.get_by_role("button", name="Stop…").click()
    page.get_by_role("button", name="Kill…").click()
    assert axe_violations(page) == []


def test_it_fits_a_phone(desk: str, open_page: OpenPage) -> None:
    page = opened(open_page(desk, size=PHONE))
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
