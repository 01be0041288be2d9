"""What importing the room costs, and what it offers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import workbench.data

ROOT = Path(__file__).parents[2]


def loaded_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_the_room_loads_nothing_heavy() -> None:
    assert not loaded_after("import workbench.data") & {
        "pandas",
        "pyarrow",
        "duckdb",
        "arch",
        "ccxt",
        "numba",
    }


def test_loading_a_sample_imports_neither_arch_nor_duckdb_nor_ccxt() -> None:
    loaded = loaded_after("from workbench.data import load; load('sp500')")
    assert "pandas" in loaded
    assert not loaded & {"arch", "duckdb", "ccxt", "statsmodels"}


def test_every_name_offered_is_there_and_another_is_not() -> None:
    assert workbench.data.__all__ == ["Catalog", "Prices", "Regimes", "as_prices", "load", "merge"]
    assert all(getattr(workbench.data, name).__name__ == name for name in workbench.data.__all__)
    assert dir(workbench.data) == workbench.data.__all__
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        getattr(workbench.data, "lode")  # noqa: B009 - the checker must not see it
