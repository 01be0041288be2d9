"""The core does no I/O, reads no clock, logs nothing, owns no random generator: more than the import rules can see."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted((ROOT / "workbench" / "core").rglob("*.py"))

ANYWHERE = {
    "__future__",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "difflib",
    "enum",
    "functools",
    "itertools",
    "math",
    "msgspec",
    "numpy",
    "operator",
    "types",
    "typing",
    "workbench.core",
    "workbench.errors",
}
# Kernels are cached in files, so jit.py must find a folder for them, and tell numba of it in one thread at a time;
# native.py tells numba how a desk is laid out.
ONLY_IN = {
    "jit.py": {
        "hashlib",
        "numba",
        "os",
        "pathlib",
        "shutil",
        "stat",
        "sys",
        "tempfile",
        "threading",
        "time",
        "warnings",
    },
    "native.py": {"llvmlite", "numba"},
}
IMPURE_CALLS = {"__import__", "breakpoint", "eval", "exec", "input", "open", "print"}
CLOCKS = {"now", "utcnow", "today", "fromtimestamp"}  # the last one reads the machine's time zone


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            # `from numpy import random` is an import of numpy.random
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def impurities(source: str, file_name: str) -> list[str]:
    """What is wrong with one file of the core, as `line: what`."""
    tree = ast.parse(source)
    allowed = ANYWHERE | ONLY_IN.get(file_name, set())
    found = [
        f"{line}: imports {name}"
        for line, name in imported(tree)
        if not any(f"{name}.".startswith(f"{part}.") for part in allowed)
        or f"{name}.".startswith("numpy.random.")
    ]
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                found.append(f"{node.lineno}: calls {name}")
            case ast.Attribute(value=ast.Name(id="datetime" | "date"), attr=name) if name in CLOCKS:
                found.append(f"{node.lineno}: reads the clock with {name}")
            case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="random"):
                found.append(f"{node.lineno}: uses a random generator")
            case ast.keyword(arg="fastmath", value=value) if ast.unparse(value) != "False":
                found.append(f"{node.lineno}: switches the checks for NaN off with fastmath")
    return found


def test_every_file_of_the_core_is_pure() -> None:
    found = [f"{path.name}:{fault}" for path in CORE for fault in impurities(path.read_text(), path.name)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import pandas",
        "import time",
        "import logging.handlers",
        "from os import environ",
        "import numba",
        "import numpy.random",
        "from numpy import random",
        "from workbench.data import load",
        "from . import orders",
        "from datetime import datetime\ndatetime.now()",
        "import numpy as np\nnp.random.default_rng(1)",
        "print('filled')",
        "with open('journal') as file: pass",
        "njit(fastmath=True)",
        "njit(fastmath={'reassoc'})",
    ],
)
def test_an_impurity_is_found(source: str) -> None:
    assert len(impurities(source, "orders.py")) == 1


def test_only_the_wrapper_may_use_numba_and_files() -> None:
    assert impurities("import numba, os", "jit.py") == []
    assert impurities("import numba, os", "native.py") == ["1: imports os"]


def test_what_a_core_needs_is_no_impurity() -> None:
    assert (
        impurities(
            "import math\nfrom datetime import datetime\nimport numpy as np\nnp.isfinite(1.0)", "orders.py"
        )
        == []
    )
