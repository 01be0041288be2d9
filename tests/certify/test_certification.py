"""The whole of it: one strategy that passes and one that does not, their scorecards, and the certificate."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rich.console

import workbench as wb
from tests.certify.subjects import Follower, silent, subject, trending
from workbench.certificates import key_pair, read_signed, trusted_keys, verify
from workbench.certify.certification import Certification
from workbench.certify.checks import FAMILIES, UNMEASURED, Check, Subject
from workbench.certify.families import Task, take, tasks_of
from workbench.certify.helper import Helper, HelperGone
from workbench.certify.issue import source_of
from workbench.certify.running import run_checks
from workbench.certify.scorecard import verdict
from workbench.certify.tester import StrategyTester, TestResult
from workbench.cli.app import run
from workbench.errors import CertificateError, ConfigError, StrategyError

ROOT = Path(__file__).parents[2]
MOMENTUM = ROOT / "strategies/momentum.py"
GUIDE = ROOT / "docs/certification.md"
UNITS = {"BTC-USD": 0.5, "ETH-USD": 7.0}


@pytest.fixture(scope="module", autouse=True)
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of keys of its own, also for processes that are started here."""
    folder = tmp_path_factory.mktemp("keys") / "mine"
    before = os.environ.get("WORKBENCH_KEYS")
    os.environ["WORKBENCH_KEYS"] = str(folder)
    yield folder
    os.environ.pop("WORKBENCH_KEYS")
    if before is not None:
        os.environ["WORKBENCH_KEYS"] = before


@pytest.fixture(scope="module")
def good() -> Certification:
    """The momentum strategy on a market that trends."""
    return wb.certify(MOMENTUM, wb.house_market(), config={"unit": UNITS}, progress=False)


@pytest.fixture(scope="module")
def bad() -> Certification:
    """The same on an index, where its default parameters lose; of three families, which is enough to fail."""
    asked = Subject.of(MOMENTUM, "sp500", config={"unit": 100})
    lines = run_checks(asked, ("normal", "stress", "chaos"), progress=False)
    return Certification.of(asked, lines, source_of(asked), "", None, 1.0)


def test_momentum_passes_where_prices_trend(good: Certification) -> None:
    assert [check.name for check in good.failed] == []
    assert good.passed
    assert {check.family for check in good.checks} == set(FAMILIES)
    assert repr(good).startswith("MomentumStrategy passed 48 of 48 checks, 1 not measured\n")


def test_its_certificate_is_believed_by_who_has_the_key(
    good: Certification, keys: Path, tmp_path: Path
) -> None:
    file = good.save(tmp_path / "momentum.json")
    found = verify(file.read_bytes(), trusted_keys(keys / "public"), time.time_ns())
    assert found == good.certificate
    assert (found.strategy, found.script, found.passed) == ("MomentumStrategy", "momentum.py", True)
    assert found.sources["momentum.py"] == found.source_hash == good.subject.source_hash
    assert "workbench/strategy/compiled.py" in found.sources
    assert found.parameters == {"unit": UNITS}
    assert found.data_fingerprint == wb.house_market().fingerprint
    assert found.risk_limits() == wb.RiskLimits()
    assert [score["name"] for score in found.scores] == [check.name for check in good.checks]
    assert found.thresholds["stress"]["crash"] == 0.3
    assert {"python", "numpy", "numba", "workbench"} <= set(found.versions)
    stranger = key_pair(tmp_path / "other")
    with pytest.raises(CertificateError, match="is not trusted here"):
        verify(file.read_bytes(), {stranger.id: stranger.public}, time.time_ns())


def test_one_that_fails_is_not_signed_and_says_so(bad: Certification, keys: Path, tmp_path: Path) -> None:
    assert not bad.passed
    assert {"conduct", "total_return", "sharpe_ratio"} <= {check.name for check in bad.failed}
    assert (bad.signed, bad.unsigned_because) == (None, "it did not pass")
    assert "not signed: it did not pass" in repr(bad)
    file = bad.save(tmp_path / "unsigned.json")
    assert json.loads(file.read_bytes())["certificate"]["passed"] is False
    with pytest.raises(CertificateError, match="expected a signature"):
        verify(file.read_bytes(), trusted_keys(keys / "public"), time.time_ns())
    with pytest.raises(CertificateError):
        read_signed(file.read_bytes())


# -- scorecards ------------------------------------------------------------------------------------------------------


def test_every_line_that_failed_says_what_and_why_in_each_form(bad: Certification, tmp_path: Path) -> None:
    console = rich.console.Console(width=400, record=True, file=io.StringIO())
    console.print(bad)
    terminal = console.export_text()
    page = bad.to_html(tmp_path / "page.html")
    cell = bad._repr_html_()
    assert (tmp_path / "page.html").read_text() == page
    for check in bad.failed:
        for text in (terminal, repr(bad)):
            assert all(part[:40] in text for part in (check.name, check.measured, check.look_closer))
        for text in (page, cell):
            escaped = check.look_closer[:40].replace("&", "&amp;").replace("'", "&#x27;")
            assert check.name in text
            assert escaped in text
    for text in (page, cell):
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert page.count("<svg") == 2


def test_the_verdict_counts_what_passed_without_being_measured() -> None:
    measured = Check("cost", "normal", True, "0.1", "0.2 or less", "look")
    blank = Check("capacity", "normal", True, UNMEASURED, "volumes", "look", note="the prices have none")
    failed = Check("loss", "stress", False, "30%", "20% or less", "look")
    assert verdict("Mine", [measured]) == "Mine passed 1 of 1 checks"
    assert verdict("Mine", [measured, blank, blank]) == "Mine passed 3 of 3 checks, 2 not measured"
    assert verdict("Mine", [measured, blank, failed]) == "Mine FAILED 1 of 3 checks, 1 not measured: loss"


def test_the_scorecard_is_a_frame(bad: Certification) -> None:
    frame = bad.scorecard
    assert list(frame.columns[:5]) == ["family", "check", "passed", "measured", "required"]
    assert len(frame) == len(bad.checks)
    assert int((~frame["passed"]).sum()) == len(bad.failed)
    assert bad.family("stress") == tuple(check for check in bad.checks if check.family == "stress")
    unknown: Any = "strss"
    with pytest.raises(ConfigError, match="no family 'strss'; there is: normal"):
        bad.family(unknown)


def test_every_line_looks_closer_with_python_that_runs(bad: Certification) -> None:
    """All that normal, stress and chaos say, but for lines that say the same."""
    lines = {c.look_closer for c in bad.checks if c.family in ("normal", "stress", "chaos")}
    assert len(lines) > 15
    scope = {"wb": wb, "prices": bad.subject.prices}
    for line in sorted(lines):
        exec(compile(line, "<look closer>", "exec"), scope)  # noqa: S102


# -- the same each time ----------------------------------------------------------------------------------------------


def test_two_processes_find_what_one_does_and_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    small = subject("", trending(400))
    shared = [run_checks(small, ("normal", "stress"), progress=False) for _ in range(2)]
    monkeypatch.setattr(os, "process_cpu_count", lambda: 1)
    assert run_checks(small, ("normal", "stress"), progress=False) == shared[0] == shared[1]


def test_a_helper_that_dies_costs_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    small = subject("", trending(400))
    expected = run_checks(small, ("normal",), progress=False)

    def dies(self: Helper, task: Task, progress: Any) -> tuple[Check, ...]:
        del task, progress
        self._process.kill()
        raise HelperGone("killed")

    monkeypatch.setattr(Helper, "take", dies)
    assert run_checks(small, ("normal",), progress=False) == expected


def test_a_helper_says_what_it_does_and_what_it_found() -> None:
    small, said = subject("", trending(400)), list[str]()
    (purpose, *_) = tasks_of(("normal",))
    with Helper(small) as helper:
        assert helper.take(purpose, said.append) == take(small, purpose, silent)
        assert helper.take(Task("stress", 1), said.append) == take(small, Task("stress", 1), silent)
    assert "stress: the calm run" in said
    with pytest.raises(HelperGone):
        helper.take(purpose, silent)


def test_a_strategy_that_cannot_be_run_has_failed_and_the_line_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_subject: Any, _progress: Any) -> Check:
        raise StrategyError("it cannot\nbe run")

    monkeypatch.setattr("workbench.certify.families.measures", lambda: {"normal": (broken,)})
    (line,) = take(subject(), Task("normal", 0), silent)
    assert (line.name, line.passed) == ("broken", False)
    assert line.measured == "it could not be measured: it cannot be run"


# -- the tester of the mission ---------------------------------------------------------------------------------------


def test_strategy_tester() -> None:
    short = {"chaos": {"moments": 300}}
    tester = StrategyTester(Follower, trending(), thresholds=short, progress=False)
    found = tester.test_strategy_behavior({"unit": 2.0})
    assert isinstance(found, TestResult)
    assert (found.passed, found.normal.passed, found.stress.passed, found.chaos.passed) == (True,) * 4
    assert [check.family for check in found] == sorted(
        [c.family for c in found], key=["normal", "stress", "chaos"].index
    )
    worse = tester.test_strategy_behavior({"unit": 2.0, "flaw": "out of range"})
    assert not worse.passed
    assert worse.normal.failed[0].name == "conduct"
    assert "measured: " in repr(worse)
    assert "FAILED" in worse._repr_html_()
    with pytest.raises(ConfigError, match="no case 'crsh'; there is: calm, crash"):
        tester.replay("crsh")


def test_the_example_of_the_guide_runs(capsys: pytest.CaptureFixture[str]) -> None:
    [code] = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    exec(compile(code, "certification.md", "exec"), {})  # noqa: S102
    assert "checks" in capsys.readouterr().out


# -- what cannot be certified ----------------------------------------------------------------------------------------


def test_a_script_that_was_edited_since_it_was_loaded(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(MOMENTUM.read_text())
    asked = Subject.of(script, trending(100))
    assert source_of(asked).files["mine.py"] == asked.source_hash
    script.write_text(MOMENTUM.read_text() + "\n# edited\n")
    with pytest.raises(CertificateError, match="it has been edited since; load it again"):
        source_of(asked)


def test_code_that_cannot_be_followed_is_not_signed(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(f"{MOMENTUM.read_text()}\nexec('1')\n")
    asked = Subject.of(script, trending(100))
    with pytest.raises(CertificateError, match="exec brings in code that a certificate cannot name"):
        source_of(asked)
    card = Certification.of(asked, [], None, "it cannot be followed", None, 0.0)
    assert "not signed: it cannot be followed" in repr(card)
    with pytest.raises(CertificateError, match="has no certificate to save: it cannot be followed"):
        card.save(tmp_path / "none.json")


# -- the command line ------------------------------------------------------------------------------------------------


def test_the_command_fails_with_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, page = tmp_path / "out.json", tmp_path / "page.html"
    options = ["--prices", "sp500", "--start", "2017", "-c", "unit=100", "--json"]
    status = run(["certify", str(MOMENTUM), *options, "--out", str(out), "--html", str(page)])
    told = json.loads(capsys.readouterr().out)
    assert (status, told["passed"], told["signed"]) == (1, False, False)
    assert (told["out"], told["html"]) == (str(out), str(page))
    assert msgspec.convert(told["checks"], list[Check])[0].look_closer
    assert any("wb.load('sp500').between('2017', None)" in check["look_closer"] for check in told["checks"])
    assert "<h1>MomentumStrategy</h1>" in page.read_text()
    assert json.loads(out.read_text())["signature"] == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["momentm"], "did you mean 'momentum'?"),
        (["momentum", "--prices", "sp501"], "sp501: no such file"),
        (["momentum", "-c", "lookbak=3"], "has no parameter 'lookbak'"),
        (["momentum", "--out", "nowhere/out.json"], "nowhere/out.json: no folder"),
        (["momentum", "--thresholds", "none.yaml"], "none.yaml: expected a YAML file, found no such file"),
    ],
    ids=["strategy", "prices", "parameter", "out", "thresholds"],
)
def test_the_command_refuses_what_makes_no_sense(
    options: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["certify", *options]) == 2
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1


def test_ctrl_c_ends_it_cleanly() -> None:
    """Status 130, one line, and no process is left."""
    program = (
        "import sys; from workbench.cli.app import run; sys.exit(run(['certify', 'momentum', '--progress']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True, text=True
    )
    assert process.stderr is not None
    told = ""
    while "chaos" not in told:
        told += process.stderr.read(20)
    os.killpg(process.pid, signal.SIGINT)
    rest = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert rest.splitlines()[-1].endswith("error: interrupted")
    assert "Traceback" not in rest
    assert not _children_of(process.pid)


def _children_of(pid: int) -> list[int]:
    """Processes that the process has started, or whose program is a helper of its session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if pid in (int(fields[1]), int(fields[3])) and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found
