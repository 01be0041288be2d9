"""The examples of README and guides run as they stand, and links between documents lead somewhere."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import workbench as wb
from tests.live.test_service import Service
from workbench.cli.demo.live_processes import wait_until
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


def test_the_dashboards_of_the_guide_can_be_shown() -> None:
    [code] = examples("docs/dashboards.md")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_examples_of_the_live_engine_run(tmp_path: Path) -> None:
    document = (ROOT / "docs/live_engine.md").read_text()
    service = Service(tmp_path, TRADING_ENGINE_VENUES="config/venues.yaml")
    try:
        service.ready()
        told = json.loads((service.data / "service.json").read_text())
        with service.client() as engine:
            wait_until(lambda: engine.health().status == "ok", "the exchanges")
        mine = os.environ | {"TRADING_ENGINE_DATA": str(service.data)}
        blocks = re.findall(r"^```(python|bash)\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
        assert [kind for kind, _ in blocks] == ["python", "bash", "python", "python"]
        for kind, written in sorted(blocks):
            code = written
            for there, here in (
                ("http://127.0.0.1:8083", told["url"]),
                ("127.0.0.1:50054", told["grpc"]),
                ("var/engine", str(service.data)),
                ("curl -s", "curl --fail-with-body -sS"),
            ):
                code = code.replace(there, here)
            run = [sys.executable, "-W", "error", "-c", code] if kind == "python" else ["bash", "-ec", code]
            subprocess.run(run, cwd=ROOT, check=True, env=mine, stdout=subprocess.DEVNULL)
        with service.client() as engine:
            done = engine.audit()
        assert list(done["action"]) == [
            "strategy.start",
            "risk.limits",
            "risk.override",
            "risk.kill",
            "risk.kill_reset",
            "strategy.start",
            "risk.limits",
            "strategy.stop",
        ]
        assert set(done["outcome"]) == {"done"}
    finally:
        service.signal(signal.SIGTERM)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    broken = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert not broken
