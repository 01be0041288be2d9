"""Binder's own steps: what postBuild makes, what start starts, the tour in it, and a dashboard through its proxy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from playwright.sync_api import Page, sync_playwright

from tests.binder.conftest import ROOT, TOKEN, chromium_path, started

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
PATIENCE_MS: Final = 240_000  # a dashboard that is opened first may have to compile the core
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """postBuild in the environment that is there, then start."""
    home = tmp_path_factory.mktemp("binder")
    environment = {**os.environ, "PYTHON": sys.executable, "BINDER_PACKAGES": "skip"}
    subprocess.run([ROOT / "binder" / "postBuild"], env=environment, check=True, timeout=250)
    with started(ROOT, home) as url:
        yield url


@pytest.fixture
def page() -> Iterator[Page]:
    """A page that fails its test where it asks for anything beyond this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        found = browser.new_page(viewport={"width": 1366, "height": 900})
        outside: list[str] = []
        found.on("request", lambda request: outside.append(request.url) if _leaves(request.url) else None)
        yield found
        browser.close()
        assert outside == []


def _leaves(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))


def look_at_tour(page: Page, url: str) -> None:
    """The tour is there with its kernel, its pictures are seen, and a cell runs."""
    page.goto(f"{url}/lab/tree/notebooks/00_tour.ipynb?token={TOKEN}")
    page.wait_for_selector(".jp-NotebookPanel-toolbar", timeout=PATIENCE_MS)
    page.wait_for_function(
        "() => document.querySelector('.jp-KernelName, .jp-Toolbar-kernelName')"
        "?.textContent.includes('Trading workbench')",
        timeout=PATIENCE_MS,
    )
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-OutputArea-output img')]"
        ".some(image => image.src.startsWith('data:image/svg') && image.naturalWidth > 100)",
        timeout=PATIENCE_MS,
    )
    idle = "document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"
    page.wait_for_function(
        f"() => {idle}", timeout=PATIENCE_MS
    )  # what is sent before the kernel is there may be lost
    prompts = page.locator(".jp-CodeCell .jp-InputArea-prompt")
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        f"() => document.querySelector('.jp-CodeCell .jp-InputArea-prompt')?.textContent.trim() === '[1]:' && {idle}",
        timeout=PATIENCE_MS,
    )
    assert prompts.first.text_content() == "[1]:"


def look_at_dashboard(page: Page, url: str) -> None:
    """The list of dashboards through the proxy, and one that talks to its server."""
    page.goto(f"{url}/dashboard/?token={TOKEN}", timeout=PATIENCE_MS)
    page.get_by_role("link", name="Research lab").first.click()
    page.wait_for_url("**/dashboard/research*", timeout=PATIENCE_MS)
    page.get_by_text("Run the sweep").first.wait_for(timeout=PATIENCE_MS)


def test_the_tour_opens_and_runs(server: str, page: Page) -> None:
    look_at_tour(page, server)


def test_a_dashboard_opens_through_the_proxy(server: str, page: Page) -> None:
    look_at_dashboard(page, server)


def test_a_stranger_without_the_token_sees_neither(server: str, page: Page) -> None:
    for path in ("lab/tree/notebooks/00_tour.ipynb", "dashboard/research"):
        page.goto(f"{server}/{path}")
        assert "/login" in page.url


def test_binder_takes_python_from_conda_and_everything_else_from_the_lock() -> None:
    environment: Any = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text())
    assert environment["dependencies"] == ["python=3.13", "pip"]
    steps = (ROOT / "binder" / "postBuild").read_text()
    assert "--require-hashes -r requirements.lock" in steps
    for name in ("postBuild", "start"):
        assert os.access(ROOT / "binder" / name, os.X_OK)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_same_steps_in_an_empty_folder(tmp_path: Path, page: Page) -> None:
    """A fresh copy of what is committed, an environment of its own, postBuild, start, tour and dashboard."""
    if shutil.which("uv") is None and not (ROOT / ".tools" / "uv" / "bin" / "uv").exists():
        pytest.skip("no uv on this machine: make setup")
    checkout = tmp_path / "checkout"
    listed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    checkout.mkdir()
    subprocess.run(["tar", "x"], cwd=checkout, input=listed, check=True)
    tools = f"{ROOT / '.tools' / 'uv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": tools, "PYTHON": str(checkout / "env" / "bin" / "python")}
    subprocess.run(
        ["uv", "venv", "--quiet", "--python", sys.executable, "env"],
        cwd=checkout,
        env=environment,
        check=True,
    )
    subprocess.run([checkout / "binder" / "postBuild"], env=environment, check=True)
    home = tmp_path / "home"
    home.mkdir()
    with started(checkout, home, environment["PYTHON"]) as url:
        look_at_tour(page, url)
        look_at_dashboard(page, url)
