"""`import workbench as wb`: quick, and every name there is."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import workbench as wb
from workbench.backtest.api import backtest

ROOT = Path(__file__).parents[1]
HEAVY = (
    "numba",
    "numpy",
    "pandas",
    "panel",
    "hvplot",
    "holoviews",
    "bokeh",
    "vectorbt",
    "arch",
    "duckdb",
    "msgspec",
)


def in_a_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_loads_nothing_heavy() -> None:
    code = (
        f"import sys, workbench as wb; dir(wb); wb.errors; print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert in_a_fresh_process(code) == "[]"


def test_loading_prices_needs_no_compiler_and_no_plots() -> None:
    code = (
        "import sys, workbench as wb; wb.load('sp500'); "
        "print([m for m in ('numba', 'panel', 'hvplot', 'vectorbt') if m in sys.modules])"
    )
    assert in_a_fresh_process(code) == "[]"


def test_a_backtest_needs_no_plotting_library() -> None:
    code = (
        "import sys, workbench as wb; from workbench.backtest.result import BacktestResult; "
        "print([m for m in ('panel', 'hvplot', 'holoviews', 'bokeh', 'vectorbt') if m in sys.modules])"
    )
    assert in_a_fresh_process(code) == "[]"


@pytest.mark.parametrize("name", wb.__all__)
def test_every_name_is_there(name: str) -> None:
    value = getattr(wb, name)
    assert name in dir(wb)
    assert inspect.ismodule(value) == (
        name in ("backtest", "certify", "dashboards", "errors", "performance", "promote", "reconcile", "risk")
    )


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'workbench' has no attribute 'optimise'"):
        getattr(wb, "optimise")  # noqa: B009 - the type checker knows that there is none


def test_backtest_is_both_the_function_and_the_package() -> None:
    package = importlib.import_module("workbench.backtest")
    assert callable(package)
    assert inspect.signature(package) == inspect.signature(backtest)
    code = (
        "import workbench as wb; import workbench.backtest.replay as replay; "
        "from workbench.backtest import BacktestResult, StrategyPerformance; "
        "print(callable(wb.backtest), replay.__name__, BacktestResult.__name__)"
    )
    assert in_a_fresh_process(code) == "True workbench.backtest.replay BacktestResult"
