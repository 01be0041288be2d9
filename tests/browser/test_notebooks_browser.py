"""Notebooks as a browser shows them: what our objects say of themselves is read by everybody, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Page

from tests.browser.conftest import ROOT, OpenPage, axe_violations
from workbench.cells import AMBER, GREEN, RED, ink

NOTEBOOKS: Final = sorted((ROOT / "notebooks").glob("*.ipynb"))
OUTPUT: Final = ".jp-OutputArea-output"
TEXT: Final = 4.5
"""Contrast that WCAG 2.1 asks of text (success criterion 1.4.3)."""
CONTRAST: Final = """part => {
  const drawn = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const light = (...colours) => {
    for (const colour of colours) { drawn.fillStyle = colour; drawn.fillRect(0, 0, 1, 1); }
    const [r, g, b] = [...drawn.getImageData(0, 0, 1, 1).data].map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = getComputedStyle(part.parentElement).backgroundColor;
  const [one, other] = [light(paper), light(paper, getComputedStyle(part).color)];
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}"""


def shown(page: Page, notebook: Path, theme: str) -> Page:
    """A notebook with its kept outputs, in JupyterLab's look."""
    nothing = dict.fromkeys(("require_js_url", "mathjax_url", "jquery_url", "mermaid_js_url"), "")
    exporter = HTMLExporter(template_name="lab", theme=theme, **nothing)  # type: ignore[no-untyped-call]
    read = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    page.set_content(exporter.from_notebook_node(read)[0])
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_notebooks_show_is_accessible(open_page: OpenPage, theme: str) -> None:
    page = open_page("about:blank", theme=theme)
    found = {}
    for notebook in NOTEBOOKS:
        shown(page, notebook, theme)
        assert page.locator(OUTPUT).count() > 3
        found[notebook.name] = axe_violations(page, OUTPUT)
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("paper", ["#ffffff", "#f5f5f5", "#fdf1f1", "#111111", "#212121"])
@pytest.mark.parametrize("colour", [RED, GREEN, AMBER])
def test_coloured_text_is_read_on_any_page(open_page: OpenPage, colour: str, paper: str) -> None:
    around = "rgba(0, 0, 0, 0.87)" if paper > "#8" else "rgba(255, 255, 255, 0.87)"
    page = open_page("about:blank")
    page.set_content(f'<body style="background:{paper};color:{around}"><b style="{ink(colour)}">1</b></body>')
    assert page.locator("b").evaluate(CONTRAST) >= TEXT


def test_the_check_of_contrast_sees_a_colour_that_is_too_light(open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.set_content(f'<body style="background:#fff"><b style="color:{RED}">1</b></body>')
    assert page.locator("b").evaluate(CONTRAST) == pytest.approx(3.81, abs=0.01)
