"""The examples of README and guides run as they stand, and links between documents lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import workbench as wb
from workbench.strategy.loader import load_source

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def examples(document: str) -> list[str]:
    return BLOCK.findall((ROOT / document).read_text())


def test_the_readme_example_runs() -> None:
    [code] = examples("README.md")
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


def test_the_question_of_the_risk_framework_runs() -> None:
    [code] = examples("docs/risk_framework.md")
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


def test_the_strategies_of_the_guide_trade() -> None:
    plain, compiled = examples("docs/strategy_guide.md")
    result = wb.backtest(load_source(plain), "sp500", config={"fall": 0.03})
    assert len(result.trades) > 3
    result = wb.backtest(load_source(compiled), "sp500")
    assert len(result.trades) > 3


def test_the_examples_of_the_research_guide_run() -> None:
    for code in examples("docs/research_guide.md"):
        subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    broken = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert not broken
