"""Every fault that the live engine must contain, and each control of its own, has tests; the guide names them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from live.metrics import FAMILIES
from live.settings import variables
from tests.faults.catalogue import CONTROLS, FAULTS, control_table, fault_table
from workbench.core.limit_rules import RULES

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "risk_framework.md"
LIVE_CONTROLS = (
    "kill switch",
    "cancel_on_disconnect",
    "drop copy and reconciliation",
    "risk_check_timeout",
    "alerts within 5 s",
    "deployment limits",
    "override",
    "no strategy access",
)


@cache
def written_in(path: str) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse((ROOT / path).read_text())
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name: node for node in tree.body if isinstance(node, kinds)}


def test_no_fault_and_no_control_is_missing() -> None:
    assert list(FAULTS) == list(range(1, 41))
    assert tuple(CONTROLS) == LIVE_CONTROLS


@pytest.mark.parametrize("entry", [*FAULTS, *CONTROLS], ids=str)
def test_every_test_that_is_named_exists_and_is_in_the_suite(entry: int | str) -> None:
    tests = FAULTS[entry].tests if isinstance(entry, int) else CONTROLS[entry].tests
    assert tests
    assert len(set(tests)) == len(tests)
    for test in tests:
        path, _, name = test.partition("::")
        assert name in written_in(path), test
        marks = [ast.unparse(mark) for mark in written_in(path)[name].decorator_list]
        assert not any("mark.slow" in mark or "mark.skip" in mark for mark in marks), test


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_has_a_metric_and_a_setting_that_exist(name: str) -> None:
    control = CONTROLS[name]
    family, _, label = control.metric.partition("{")
    (found,) = [each for each in FAMILIES if each.name == family]
    assert not label or label.rstrip("}") in found.labels
    if control.setting == "always on" or control.setting.startswith("a command"):
        return
    for setting in control.setting.split(", "):
        table = setting.partition(".")[0]
        known = {*variables(), *(key.partition(".")[0] for key in RULES), "permitted_instruments", "venues"}
        assert table in known, setting


def test_the_guide_has_the_tables() -> None:
    guide = GUIDE.read_text()
    assert fault_table() in guide, "docs/risk_framework.md: put in what tests/faults/catalogue.py gives"
    assert control_table() in guide, "docs/risk_framework.md: put in what tests/faults/catalogue.py gives"
