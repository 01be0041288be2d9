"""Which package may import what, where import-linter's contracts in pyproject.toml do not reach."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {"live", "strategies", "tests", "workbench"}
LIVE_MAY_USE = (
    "workbench.certificates",
    "workbench.chaos",
    "workbench.configuration",
    "workbench.core",
    "workbench.data",
    "workbench.errors",
    "workbench.strategy",
)
# Where the two meet: a journal read in a notebook, the command line that starts the engine, and a backtest that the
# engine has run in a process of its own.
DOORS = ("workbench/backtest/incident.py", "workbench/cli/", "live/api/backtest_worker.py")
# A room that runs live sessions again, and is loaded when that is asked for.
BESIDE_THE_ENGINE = "workbench/reconcile/"
# Rooms that are of no use without an extra, and import it at the top.
EXTRA_ROOMS = ("live", "workbench/notebook", "workbench/reporting")
# What a declared package brings and speaks in: its own documentation says to import it.
BROUGHT_BY = {"IPython": "ipykernel", "nbformat": "nbclient", "param": "panel", "tornado": "bokeh"}
CODE = sorted(path for room in ("workbench", "live") for path in (ROOT / room).rglob("*.py"))


def imports(node: ast.AST, inside_function: bool = False) -> Iterator[tuple[str, bool]]:
    """Every module that is imported, and whether that happens only when a function is called (or never, for types)."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, inside_function) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from ((f"{child.module}.{alias.name}", inside_function) for alias in child.names)
        else:
            lazy = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            lazy = lazy or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            yield from imports(child, inside_function or lazy)


def imports_of(path: Path) -> list[tuple[str, bool]]:
    return list(imports(ast.parse(path.read_text())))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(requirements: list[str]) -> set[str]:
    return {normal(Requirement(line).name) for line in requirements}


def test_what_is_imported_is_declared() -> None:
    """At the top of a file: a dependency. In a function, or in a room of an extra: one of an extra will do."""
    always = distributions(PROJECT["dependencies"])
    extras = {name: distributions(lines) for name, lines in PROJECT["optional-dependencies"].items()}
    sometimes = always | extras["live"] | extras["lab"] | extras["data"]
    providers = importlib.metadata.packages_distributions()
    undeclared = set()
    for path in CODE:
        for module, lazy in imports_of(path):
            package = module.partition(".")[0]
            if package in OURS or package in sys.stdlib_module_names:
                continue
            room = str(path.relative_to(ROOT))
            declared = sometimes if lazy or room.startswith(EXTRA_ROOMS) else always
            if not declared & {
                normal(n) for n in (BROUGHT_BY.get(package), *providers.get(package, [package])) if n
            }:
                undeclared.add(f"{room} imports {package}")
    assert not undeclared, "\n".join(sorted(undeclared))


def test_the_service_and_the_research_package_keep_apart() -> None:
    forbidden = set()
    for path in CODE:
        for module, lazy in imports_of(path):
            if str(path.relative_to(ROOT)).startswith(DOORS) and (lazy or path.is_relative_to(ROOT / "live")):
                continue
            if str(path.relative_to(ROOT)).startswith(BESIDE_THE_ENGINE):
                continue
            if path.is_relative_to(ROOT / "live"):
                allowed = not module.startswith("workbench") or module.startswith(
                    (*LIVE_MAY_USE, "workbench.__version__")
                )
            else:
                allowed = module.partition(".")[0] not in {"live", "strategies", "tests"}
            if not allowed:
                forbidden.add(f"{path.relative_to(ROOT)} imports {module}")
    assert not forbidden, "\n".join(sorted(forbidden))


def test_the_contracts_name_every_room() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")
    assert layers["exhaustive"]
    order = [set(re.findall(r"\w+", layer)) for layer in layers["layers"]]
    assert order[-2:] == [{"core"}, {"cells", "errors", "lazy"}]
    assert {"strategy", "data", "chaos"} in order
