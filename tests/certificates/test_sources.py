"""Which files count as a strategy's source."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from workbench.certificates import PROJECT, closure_of, project_file, source_closure
from workbench.errors import CertificateError
from workbench.strategy.loader import load_strategy, source_hash


def names(source: str, folder: Path | None = None) -> set[str]:
    return set(closure_of("mine.py", source, folder)) - {"mine.py"}


def test_the_script_comes_first_under_the_hash_that_the_engine_knows_it_by() -> None:
    path = PROJECT / "strategies" / "momentum.py"
    found = source_closure(path)
    assert next(iter(found)) == "momentum.py"
    assert found["momentum.py"] == source_hash(load_strategy(path))


def test_modules_of_the_project_count_with_the_packages_on_the_way() -> None:
    found = names("from workbench.strategy.indicators.windows import push_sma\n")
    assert {
        "workbench/__init__.py",
        "workbench/strategy/__init__.py",
        "workbench/strategy/indicators/__init__.py",
        "workbench/strategy/indicators/windows.py",
    } <= found
    path = PROJECT / "workbench/strategy/indicators/windows.py"
    assert (
        closure_of("mine.py", "import workbench.strategy.indicators.windows")[
            "workbench/strategy/indicators/windows.py"
        ]
        == hashlib.sha256(path.read_bytes()).hexdigest()
    )


@pytest.mark.parametrize(
    "source",
    [
        "from workbench.strategy.compiled import CompiledStrategy",
        "from workbench.strategy import CompiledStrategy",
        "from workbench import CompiledStrategy",
        "import workbench as wb\nclass A(wb.CompiledStrategy): ...",
        "import workbench\nclass A(workbench.CompiledStrategy): ...",
        "import workbench.strategy\nclass A(workbench.strategy.compiled.CompiledStrategy): ...",
        "def late():\n    from workbench.strategy.compiled import CompiledStrategy",
        "try:\n    import workbench.strategy.compiled\nexcept ImportError:\n    pass",
    ],
)
def test_however_it_is_imported_it_counts(source: str) -> None:
    assert "workbench/strategy/compiled.py" in names(source) or "import workbench.strategy\n" in source
    assert "workbench/strategy/__init__.py" in names(source)


def test_what_is_not_loaded_does_not_count() -> None:
    found = names("import workbench as wb\nclass A(wb.TradingStrategy): ...")
    assert "workbench/strategy/contract.py" in found
    assert not [name for name in found if name.startswith(("workbench/backtest", "workbench/client"))]
    assert names("import numpy, pandas.core, math") == set()
    assert (
        names("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import workbench.backtest") == set()
    )


def test_files_beside_the_script_count_and_what_they_import(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("from more import deep\nimport workbench.errors\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "__init__.py").write_text("from . import deep\n")
    (tmp_path / "more" / "deep.py").write_text("X = 1\n")
    found = names("import helpers\n", tmp_path)
    assert {"./helpers.py", "./more/__init__.py", "./more/deep.py", "workbench/errors.py"} <= found
    before = closure_of("mine.py", "import helpers\n", tmp_path)
    (tmp_path / "more" / "deep.py").write_text("X = 2\n")
    after = closure_of("mine.py", "import helpers\n", tmp_path)
    assert [name for name in before if before[name] != after[name]] == ["./more/deep.py"]


def test_a_circle_ends(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("import two\n")
    (tmp_path / "two.py").write_text("import one\n")
    assert names("import one", tmp_path) == {"./one.py", "./two.py"}


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\nimportlib.import_module('workbench.risk')",
        "from importlib import import_module",
        "__import__('os')",
        "import runpy",
        "exec('import os')",
        "eval('1')",
        "f = eval",
        "import builtins",
        "from builtins import exec as run",
        "__builtins__['exec']('import os')",
        "__loader__.load_module('helper')",
        "import sys\nsys.modules['builtins'].exec('import os')",
    ],
)
def test_what_cannot_be_followed_is_refused(source: str) -> None:
    with pytest.raises(CertificateError, match="write import statements"):
        closure_of("mine.py", f"x = 1\n{source}\n")


@pytest.mark.parametrize(
    "name", ["../x.py", "workbench/../../x.py", "/etc/x.py", "./x.py", "workbench//x.py", "tests/x.py", "workbench/x"]
)  # fmt: skip
def test_only_names_inside_the_project_are_files_of_it(name: str) -> None:
    assert project_file(name) is None
