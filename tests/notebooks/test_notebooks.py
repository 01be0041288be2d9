"""Each notebook runs top to bottom in a kernel of its own, and reads well where nothing runs."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "notebooks"
NOTEBOOKS: Final = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
WANTED: Final = [
    "00_tour",
    "01_data",
    "02_write_a_strategy",
    "03_sweep",
    "04_chaos_lab",
    "05_risk",
    "06_certify_and_promote",
    "07_live_desk",
    "08_replay_an_incident",
]
LARGEST: Final = 500_000
SECONDS: Final = 240
# What a notebook's kernel need not hold to: nbval's own pytest run is not the suite's.
OPTIONS: Final = (
    *("--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "120", "-q"),
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:schemathesis", "-p", "no:hypothesispytest"),
    *("-o", "addopts=", "-W", "default"),
)


def read(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]


def code_cells(name: str) -> list[Any]:
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def outputs(name: str) -> list[Any]:
    return [output for cell in code_cells(name) for output in cell.outputs]


def test_all_of_them_are_there() -> None:
    assert NOTEBOOKS == WANTED


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs_top_to_bottom(name: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "WORKBENCH_KEYS": str(tmp_path / "keys"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, f"{FOLDER}/{name}.ipynb"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]
    assert re.search(rf"{len(code_cells(name))} passed", ran.stdout), ran.stdout[-400:]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_its_file_is_light_and_has_been_run(name: str) -> None:
    assert (FOLDER / f"{name}.ipynb").stat().st_size < LARGEST
    cells = code_cells(name)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell.outputs) for cell in cells) > len(cells) // 3
    assert "widgets" not in read(name).metadata


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_it_shows_needs_nothing_that_runs(name: str) -> None:
    for output in outputs(name):
        assert output.output_type != "error"
        kinds = set(output.get("data", {}))
        assert kinds <= {"text/plain", "text/html"}, kinds
        shown = "".join(output.get("data", {}).get("text/html", ""))
        assert "<script" not in shown
        fetched = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'>)]*)""", shown)
        assert all(target.startswith("data:") for target in fetched)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_has_no_logic_that_belongs_in_the_package(name: str) -> None:
    for cell in code_cells(name):
        if cell.source.startswith("%%strategy"):
            continue
        plain = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        kinds = (ast.FunctionDef, ast.ClassDef, ast.While, ast.Try, ast.Lambda)
        found = [node for node in ast.walk(ast.parse(plain)) if isinstance(node, kinds)]
        # A lambda says what `wait_until` waits for.
        assert all(isinstance(node, ast.Lambda) and "wait_until" in plain for node in found), cell.source
        assert len(plain.splitlines()) <= 14, cell.source


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_its_links_lead_somewhere(name: str) -> None:
    text = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (FOLDER / target).exists(), target
