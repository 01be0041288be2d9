"""`make screenshots`: a picture of each dashboard for README and guides, always of the same size.

The desks show a real engine with three strategies on simulated exchanges; the reports are those that are there.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.conftest import FLAGS, PATIENCE_MS, ROOT, chromium_path, screenshot, served
from tests.browser.engines import EngineProcess
from tests.live.engine.desk import paper_market

IMAGES: Final = ROOT / "docs" / "images"
SIZE: Final = {"width": 1366, "height": 1100}
READY: Final = {
    "research": "Pin to compare",
    "chaos": "In a normal market",
    "risk": "Equity and drawdown",
    "strategies": "who did what",
    "reports": "Runs",
}
"""A text that is there once a page has something to show."""
_STARTED: Final[tuple[tuple[str, dict[str, float]], ...]] = (
    ("momentum", {"lookback": 20}),
    ("sma_cross", {}),
    ("mean_reversion", {}),
)
_UPDATES_S: Final = 4.0  # of each instrument: strategies that ask at each are not stopped for it
_SETTLE_MS: Final = 3_000
_TRADE_MS: Final = 45_000  # for the desks: until there are orders and fills to see


def main(apps: Sequence[str]) -> None:
    """Make the pictures of these apps; of all where none is named."""
    wanted = list(apps) or list(READY)
    live = {"risk", "strategies"} & set(wanted)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        engine = EngineProcess(Path(folder), market=paper_market(_UPDATES_S)) if live else None
        try:
            if engine is not None:
                engine.start()
                with engine.client() as client:
                    for name, config in _STARTED:
                        client.start(name, name, config=config)
            with served(environment=engine.environment if engine else {}) as url:
                for app in wanted:
                    _take(browser, url, app)
        finally:
            if engine is not None:
                engine.stop()
            browser.close()


def _take(browser: Browser, url: str, app: str) -> None:
    for theme in ("light", "dark"):
        page = browser.new_page(viewport={**SIZE}, color_scheme=theme)  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{url}/{app}")
        expect(page.get_by_text(READY[app]).first).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_timeout(_TRADE_MS if app in ("risk", "strategies") and theme == "light" else _SETTLE_MS)
        name = f"dashboard_{app}{'' if theme == 'light' else '_dark'}.png"
        sys.stdout.write(f"{screenshot(page, IMAGES / name, whole=False).relative_to(ROOT)}\n")
        page.close()


if __name__ == "__main__":
    main(sys.argv[1:])
