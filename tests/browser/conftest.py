"""A real server, a real Chromium, and a page that fails its test where the browser complains or leaves this machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT: Final = Path(__file__).parents[2]
FLAGS: Final = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: Final = {"width": 390, "height": 844}
DESK: Final = {"width": 1366, "height": 900}
PATIENCE_MS: Final = 60_000  # the first sweep of a fresh checkout compiles

expect.set_options(timeout=PATIENCE_MS)

type OpenPage = Callable[..., Page]


def chromium_path() -> str:
    """The system's Chromium; the test skips where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on this machine: apt-get install chromium")


@contextmanager
def served(*arguments: str, folder: Path = ROOT, environment: dict[str, str] | None = None) -> Iterator[str]:
    """`workbench dashboard` as a process of its own; its address, without a slash at the end."""
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "dashboard", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--no-browser", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    heard: list[str] = []
    try:
        for line in process.stdout:
            heard.append(line)
            if found := re.search(r"http://[^\s/]+", line):
                break
        else:
            pytest.fail(f"the server ended with {process.wait()}:\n{''.join(heard)}")
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            rest, _ = process.communicate()
            heard.append("it had to be killed\n")
        sys.stdout.write("".join(heard) + rest)  # pytest shows it where a test failed


@pytest.fixture(scope="session")
def dashboards() -> Iterator[str]:
    """The address of a server with all apps, as `workbench dashboard` starts it in the project."""
    with served() as url:
        yield url


@pytest.fixture(
    scope="module"
)  # not longer: while it runs, nothing else in this process may run an event loop
def browser() -> Iterator[Browser]:
    """The system's Chromium, driven by Playwright."""
    path = chromium_path()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser) -> Generator[OpenPage]:
    """Opens pages: `open_page(url, theme="dark", size=PHONE)`.

    At its end the test fails if a page wrote an error to the console, raised one, or asked for anything from another
    host than this one: no page of ours needs a network.
    """
    complaints: list[str] = []
    contexts = []

    def opened(url: str, *, theme: str = "light", size: dict[str, int] | None = None) -> Page:
        context = browser.new_context(viewport=size or DESK, color_scheme=theme)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        watch(page, complaints)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


def watch(page: Page, complaints: list[str]) -> None:
    """Write down whatever the browser complains of, and each request that would leave this machine."""

    def heard(message: Any) -> None:
        if message.type == "error":
            complaints.append(f"console: {message.text} ({message.location.get('url')})")

    def asked(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname not in ("127.0.0.1", "localhost"):
            complaints.append(f"asked another host: {url}")

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))


def axe_violations(page: Page, within: str = "html") -> list[str]:
    """What axe-core finds that is serious or critical, a line each: rule, element, why.  within: a selector."""
    import axe_playwright_python

    script = Path(axe_playwright_python.__file__).parent / "axe.min.js"
    page.evaluate(script.read_text(encoding="utf-8"))
    found = page.evaluate(
        "async (within) => (await axe.run({include: [[within]]}, {resultTypes: ['violations']})).violations",
        within,
    )
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]} :: {node['failureSummary'][:240]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def screenshot(page: Page, path: Path, *, whole: bool = True) -> Path:
    """The whole page, or what its window shows, as a PNG; nothing moves in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, full_page=whole, animations="disabled", caret="hide")
    return path
