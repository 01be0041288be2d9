"""`make screenshots`: a picture of each dashboard and of each notebook, for README and guides, always of the same size.

The desks show a real engine with three strategies on simulated exchanges; the reports are those that are there.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, PATIENCE_MS, ROOT, chromium_path, screenshot, served
from tests.browser.engines import EngineProcess
from tests.live.engine.desk import paper_market
from tests.waiting import until

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
_EVERY_MS: Final = 1_000.0  # between two prices: strategies that ask at each are not stopped for it
_NOTEBOOKS: Final = {
    "00_tour": "Ten minutes round the workbench",
    "01_data": "Several instruments",
    "02_write_a_strategy": "The idea",
    "03_sweep": "Every combination",
    "04_chaos_lab": "A campaign",
    "05_risk": "Was it right?",
    "06_certify_and_promote": "The examination",
    "07_live_desk": "Start strategies",
    "08_replay_an_incident": "The incident",
}
"""The heading from which on each is shown."""
_TOUR: Final = "00_tour"
_COLOURS: Final = 256
_MOST_BYTES: Final = 195_000
_LAB_MS: Final = 8_000  # until its kernel is idle
_SETTLE_MS: Final = 3_000
_TRADE_MS: Final = 60_000  # for the desks: until there are orders and fills to see


def main(names: Sequence[str]) -> None:
    """Make the pictures of these apps and notebooks (`lab`: of all notebooks); of all where none is named."""
    asked = list(names) or [*READY, "lab"]
    wanted = [name for name in asked if name in READY]
    notebooks = [name for name in _NOTEBOOKS if name in asked or "lab" in asked]
    live = {"risk", "strategies"} & set(wanted)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        engine = EngineProcess(Path(folder), market=paper_market(_EVERY_MS)) if live else None
        try:
            if engine is not None:
                engine.start()
                with engine.client() as client:
                    for name, config in _STARTED:
                        client.start(name, name, config=config)
            if notebooks:
                _take_lab(browser, notebooks)
            if not wanted:
                return
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
        _keep(page, f"dashboard_{app}{'' if theme == 'light' else '_dark'}.png")
        page.close()


def _keep(page: Page, name: str) -> None:
    """What the window shows; in fewer colours where the file would be large."""
    path = screenshot(page, IMAGES / name, whole=False)
    with Image.open(path) as taken:
        whole = taken.convert("RGB")
    whole.save(path, optimize=True)
    if path.stat().st_size > _MOST_BYTES:
        whole.quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(ROOT)} {path.stat().st_size // 1024} kB\n")
    sys.stdout.flush()


def _take_lab(browser: Browser, notebooks: Sequence[str]) -> None:
    """Notebooks with their kept outputs in JupyterLab, as `workbench lab` opens it; the tour in the dark, too."""
    port, token = _free_port(), secrets.token_hex(16)
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "lab", "--no-browser"]
    own = ["--port", str(port), "--", f"--IdentityProvider.token={token}", "--allow-root"]
    with tempfile.TemporaryFile() as log:
        lab = subprocess.Popen([*command, *own], cwd=ROOT, stdout=log, stderr=log)
        try:
            until(lambda: _answers(port) or lab.poll() is not None)
            for name in notebooks:
                for theme in ("light", "dark") if name == _TOUR else ("light",):
                    page = browser.new_page(viewport={**SIZE}, color_scheme=theme)  # type: ignore[arg-type]
                    page.set_default_timeout(PATIENCE_MS)
                    url = f"http://127.0.0.1:{port}/lab/tree/notebooks/{name}.ipynb?reset&token={token}"
                    page.goto(url)
                    heading = page.locator(".jp-Notebook").get_by_role("heading", name=_NOTEBOOKS[name]).first
                    expect(heading).to_be_visible()
                    page.wait_for_timeout(_LAB_MS)
                    heading.evaluate("part => part.scrollIntoView({block: 'start'})")
                    page.wait_for_timeout(_SETTLE_MS)
                    _keep(page, f"lab_{name.partition('_')[2]}{'' if theme == 'light' else '_dark'}.png")
                    page.close()
        finally:
            lab.terminate()
            lab.wait(20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    main(sys.argv[1:])
