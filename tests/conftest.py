"""What holds for every test: how hypothesis searches, and that a skip cannot hide where CI is set."""

import os
from collections.abc import Generator

import hypothesis
import pytest

from tests.assess.counting import CaseCounter
from workbench.assess.outcomes import OutcomeRecorder
from workbench.assess.rts6 import rts6_tests

# The first example may compile a kernel, so no example has a deadline; pytest's own time limit holds for the test.
# Where CI is set the search is the same each time: a red build is then about the change and not about luck.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)

_PRICES_OUTSIDE_THE_PROJECT = ("shared/data", "real prices are not here")


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


hypothesis.settings.load_profile("ci" if _in_ci() else "default")


def _fail_if_hidden(report: pytest.TestReport | pytest.CollectReport, allowed: bool) -> None:
    """Turn a skip into a failure, unless it is allowed, or for want of prices that are not part of the project."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if allowed or any(words in reason for words in _PRICES_OUTSIDE_THE_PROJECT):
        return
    report.outcome = "failed"
    reason = reason.removeprefix("Skipped: ")
    report.longrepr = (
        f"skipped although CI is set ({reason}): install what it needs, or mark the test with "
        "@pytest.mark.may_skip('why it need not run here')"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Have it recorded what becomes of tests that prove a control: `workbench assess` shows it."""
    config.pluginmanager.register(CaseCounter(), "cases")
    if not hasattr(config, "workerinput"):  # the controller hears of what its workers run
        config.pluginmanager.register(OutcomeRecorder(config.rootpath, rts6_tests()), "outcomes")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if _in_ci():
        _fail_if_hidden(report, allowed=item.get_closest_marker("may_skip") is not None)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if _in_ci():
        _fail_if_hidden(
            report, allowed=False
        )  # a whole module that skips itself never gets as far as a marker
    return report
