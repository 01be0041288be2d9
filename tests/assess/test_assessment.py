"""The self-assessment tells the truth: what it names is there, and what is not proven shows as a gap."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from live.settings import load_settings, variables
from workbench.assess.assessment import Assessment, assess, written_in
from workbench.assess.controls import ALWAYS_ON, Control, NotApplicable
from workbench.assess.outcomes import OUTCOMES, Outcome, digest_of, read_outcomes, write_outcomes
from workbench.assess.pages import as_dict, as_page, as_table, summary
from workbench.assess.rts6 import CONTROLS, assess_rts6, rts6_tests, setting_values
from workbench.assess.rts6_preparing import ELSEWHERE
from workbench.cli.app import run
from workbench.configuration.certification import Thresholds, load_thresholds
from workbench.configuration.limits import load_limits
from workbench.core.limits import RiskLimits
from workbench.errors import ConfigError

ROOT = Path(__file__).parents[2]
TEST = "tests/test_brakes.py::test_brakes"
BRAKES = Control("15(1)", "Brakes are there.", "brakes", ("limits brakes.force",), (TEST,))
NOBODY = (NotApplicable("99", "ships", "there are none"),)


def project(folder: Path, outcome: str = "passed", source: str = "def test_brakes(): ...\n") -> Path:
    """A project with one test, and what became of it ("" for never run)."""
    path = folder / "tests" / "test_brakes.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    if outcome:
        at = int(datetime(2026, 3, 10, 9, 30, tzinfo=UTC).timestamp() * 1e9)
        write_outcomes(folder, {TEST: Outcome(outcome, at, 3, digest_of(path), 3)})
    return folder


def assessed(folder: Path, values: dict[str, Any] | None = None, control: Control = BRAKES) -> Assessment:
    return assess("Rule", [control], NOBODY, values or {"limits brakes.force": 2.5}, folder)


def gaps(found: Assessment) -> list[str]:
    return [gap for line in found.lines for gap in line.gaps]


def test_every_test_that_is_named_exists() -> None:
    for test in rts6_tests():
        path, _, name = test.partition("::")
        assert name in written_in(ROOT / path), test
    assert all(len(set(control.tests)) == len(control.tests) > 0 for control in CONTROLS)


def test_every_setting_that_is_named_exists() -> None:
    values = setting_values(RiskLimits(), Thresholds(), dict.fromkeys(variables(), "x"))
    named = {name for control in CONTROLS for name in control.settings} - {ALWAYS_ON}
    assert named <= set(values)


def test_the_articles_are_told_once_each_and_none_is_left_out() -> None:
    numbers = {int(control.article.partition("(")[0]) for control in CONTROLS}
    for other in ELSEWHERE:
        first, _, last = other.articles.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    assert numbers == set(range(1, 29))
    assert len({control.article for control in CONTROLS}) == len(CONTROLS)


def test_a_control_whose_tests_passed_is_proven(tmp_path: Path) -> None:
    (line,) = assessed(project(tmp_path)).lines
    assert not line.gaps
    assert line.settings == {"limits brakes.force": "2.5"}
    (proof,) = line.proofs
    assert (proof.outcome, proof.cases, proof.at) == ("passed", 3, datetime(2026, 3, 10, 9, 30, tzinfo=UTC))


@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_a_test_that_failed_shows_as_a_gap(tmp_path: Path, outcome: str) -> None:
    found = assessed(project(tmp_path, outcome))
    assert gaps(found) == [f"test_brakes: {outcome}"]
    assert summary(found) == "Rule: 1 controls, 1 gap"


def test_a_test_that_never_ran_or_is_gone_or_was_changed_shows_as_a_gap(tmp_path: Path) -> None:
    assert gaps(assessed(project(tmp_path / "new", ""))) == ["test_brakes: has never run here"]
    gone = project(tmp_path / "gone")
    (gone / "tests" / "test_brakes.py").write_text("def test_something_else(): ...\n")
    assert gaps(assessed(gone)) == ["test_brakes: there is no such test"]
    changed = project(tmp_path / "changed")
    (changed / "tests" / "test_brakes.py").write_text("def test_brakes(): assert True\n")
    assert gaps(assessed(changed)) == ["test_brakes: its file has changed since it passed"]
    unproven = Control("1", "Wheels.", "wheels", (ALWAYS_ON,), ())
    assert gaps(assessed(gone, control=unproven)) == ["no test proves it"]


@pytest.mark.parametrize("value", [math.inf, False, None, "off"])
def test_a_control_that_is_switched_off_shows_as_a_gap(tmp_path: Path, value: Any) -> None:
    found = assessed(project(tmp_path), {"limits brakes.force": value})
    assert gaps(found) == ["switched off: limits brakes.force"]


def test_a_switch_of_the_engine_counts_by_itself(tmp_path: Path) -> None:
    both = Control("1", "Brakes.", "brakes", ("engine ENABLE_BRAKES", "limits brakes.force"), (TEST,))
    values = {"engine ENABLE_BRAKES": False, "limits brakes.force": 1.0}
    assert gaps(assessed(project(tmp_path), values, both)) == ["switched off by the engine's environment"]
    assert gaps(assessed(project(tmp_path), {"limits brakes.force": 1.0}, both)) == [
        "engine ENABLE_BRAKES: no such setting"
    ]


def test_gaps_are_red_in_the_table_and_on_the_page(tmp_path: Path) -> None:
    good, bad = assessed(project(tmp_path / "good")), assessed(project(tmp_path / "bad", "failed"))
    assert as_table(bad).rows[0].style == "red"
    assert as_table(good).rows[0].style is None
    assert "<tr class='gap'>" in as_page(bad)
    assert "<tr class='gap'>" not in as_page(good)
    assert "http" not in as_page(bad)
    assert "ships" in as_page(bad)
    assert as_dict(bad)["gaps"] == ["15(1)"]
    assert as_dict(good)["ok"] is True
    hostile = Control("1", "<script>", "a", (ALWAYS_ON,), (TEST,))
    assert "<script>" not in as_page(assessed(tmp_path / "bad", control=hostile))


def test_with_all_tests_passed_the_shipped_limits_leave_no_gap() -> None:
    now = 10**18
    fresh = {
        test: Outcome("passed", now, 1, digest_of(ROOT / test.partition("::")[0]), 1) for test in rts6_tests()
    }
    settings = load_settings({})
    environment = {name: getattr(settings, field) for name, field in variables().items()}
    limits = load_limits(ROOT / "config" / "risk_limits.yaml")
    values = setting_values(limits, load_thresholds(ROOT / "config" / "certification.yaml"), environment)
    found = assess("RTS 6", CONTROLS, ELSEWHERE, values, ROOT)
    left = [
        (line.article, gap)
        for line in found.lines
        for gap in line.gaps
        if gap.partition(":")[0] not in {test.partition("::")[2] for test in fresh}
    ]
    assert left == []
    assert assess_rts6(values, ROOT).rule.startswith("RTS 6")


def test_the_command_tells_of_gaps_by_its_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert run(["assess", "--rts6", "--project", str(tmp_path), "--json", "--html", str(page)]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert len(said["gaps"]) == len(said["lines"]) == len(CONTROLS)
    assert page.read_text().startswith("<!doctype html>")
    assert run(["assess", "--rts6", "--project", str(tmp_path)]) == 1
    assert "GAP" in capsys.readouterr().out
    assert run(["assess"]) == 2
    assert run(["assess", "--rts6", "--run", "--project", str(tmp_path)]) == 2
    assert "found none of those that are named" in capsys.readouterr().err


def test_a_file_of_outcomes_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / OUTCOMES).parent.mkdir(parents=True)
    (tmp_path / OUTCOMES).write_text("{")
    with pytest.raises(ConfigError, match="remove the file"):
        read_outcomes(tmp_path)
    write_outcomes(tmp_path, {TEST: Outcome("passed", 1, 1, "", 1)})  # in its place
    assert set(read_outcomes(tmp_path)) == {TEST}
