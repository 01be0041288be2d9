"""How many cases a test has, whichever of them are run: for pytest's own processes alone, since it needs pytest."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from workbench.assess.outcomes import CASES

__all__ = ["CaseCounter"]


class CaseCounter:
    """A plugin of pytest's that tells with each report how many cases the test has, whichever of them are run.

    It is registered in each process that collects, workers too; those reports are what an `OutcomeRecorder` hears.
    """

    def __init__(self) -> None:
        self._cases: dict[str, int] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self) -> Generator[None, Any, Any]:
        """Count what a function of a test's file becomes, before any of it is left out."""
        made = yield
        for item in made if isinstance(made, list) else [made]:
            if isinstance(item, pytest.Function):
                name = item.nodeid.partition("[")[0]
                self._cases[name] = self._cases.get(name, 0) + 1
        return made

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Write the count down where reports take it from."""
        cases = self._cases.get(item.nodeid.partition("[")[0], 0)
        item.user_properties.append((CASES, cases))
