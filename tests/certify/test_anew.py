"""A certificate is signed for the code that was tested, and for no other that has come to lie in its files since."""

from __future__ import annotations

import importlib
import linecache
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.certify.subjects import trending
from workbench.certificates import key_pair
from workbench.certify.anew import confirm
from workbench.certify.certification import Certification, certify_subject
from workbench.certify.checks import Subject
from workbench.certify.issue import source_of
from workbench.certify.loaded import differing, states_of
from workbench.errors import CertificateError
from workbench.strategy.loader import load_source

HELPER = """
SIGN = 1
LOSS = 2
CALLS = 0


def side(change):
    global CALLS
    CALLS += 1
    return SIGN if change > 0 else -SIGN


def never():
    return LOSS + 1
"""
SCRIPT = '''
from helper_of_mine import side
from workbench.strategy import MarketSignal, PriceUpdate, TradingStrategy


class Mine(TradingStrategy):
    """Follows the last move."""

    SIZING = "target"

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        return [MarketSignal(price_update.symbol, None, float(side(price_update.change_pct)), 1.0)]

    def on_order_fill(self, fill): ...

    def on_risk_breach(self, breach): ...
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A script and what lies beside it, which is found as in a notebook of that folder."""
    (tmp_path / "mine.py").write_text(SCRIPT)
    (tmp_path / "helper_of_mine.py").write_text(HELPER)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield tmp_path
    sys.modules.pop("helper_of_mine", None)


def asked(folder: Path) -> Subject:
    return Subject.of(folder / "mine.py", trending(300), config={"unit": 1.0})


def signed(subject: Subject, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Certification:
    """As `certify` does it, of a scorecard without lines, which passes."""
    monkeypatch.setattr("workbench.certify.certification.FAMILIES", ())
    return certify_subject(subject, key=key_pair(folder / "keys"), progress=False)


def edited(folder: Path, before: str, after: str) -> None:
    file = folder / "helper_of_mine.py"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))


def test_what_was_tested_is_signed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = asked(folder)
    subject.backtest()  # CALLS is another now than in a process that begins
    found = signed(subject, folder, monkeypatch)
    assert found.unsigned_because == ""
    assert found.signed is not None


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("SIGN = 1", "SIGN = -1", "SIGN"),
        ("SIGN = 1", "SIGN = 3", "SIGN"),  # as many letters, in the same second
        ("change > 0", "change < 0", "side"),
        ("LOSS = 2", "LOSS = 9", "LOSS"),  # what these prices do not ask for
        ("return LOSS + 1", "return LOSS - 1", "never"),
    ],
)
def test_a_helper_that_was_edited_since_it_was_imported_is_not_signed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, named: str
) -> None:
    asked(folder)
    edited(folder, before, after)
    subject = asked(folder)  # the class is loaded anew, and has the helper of before
    found = signed(subject, folder, monkeypatch)
    assert found.signed is None
    assert found.unsigned_because == (
        f"./helper_of_mine.py: {named} is not what was tested: it was edited since it was imported here; "
        "restart the kernel and certify again"
    )
    sys.modules.pop("helper_of_mine")  # what a new kernel does
    assert signed(asked(folder), folder, monkeypatch).signed is not None


def test_a_helper_whose_table_was_edited_trades_otherwise_and_is_not_signed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(folder, "SIGN = 1", "SIDES = {True: 1, False: -1}")
    edited(folder, "SIGN if change > 0 else -SIGN", "SIDES[change > 0]")
    asked(folder)
    edited(folder, "{True: 1, False: -1}", "{True: -1, False: 1}")
    found = signed(asked(folder), folder, monkeypatch)
    assert found.signed is None
    assert "loaded anew from mine.py it trades otherwise than what was tested here" in found.unsigned_because


def test_a_file_that_is_edited_while_it_is_certified_is_not_signed(folder: Path) -> None:
    subject = asked(folder)
    source = source_of(subject)
    edited(folder, "SIGN = 1", "SIGN = 1  # the same")
    with pytest.raises(CertificateError, match=r"\./helper_of_mine\.py was edited while it was certified"):
        confirm(subject, source)


def test_a_module_that_was_imported_by_its_name_is_looked_at_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("mine")
    try:
        script = folder / "mine.py"
        assert signed(Subject.of(module.Mine, trending(300)), folder, monkeypatch).signed is not None
        script.write_text(SCRIPT.replace("float(side", "-float(side"))
        found = signed(Subject.of(module.Mine, trending(300)), folder, monkeypatch)
        assert "mine.py: Mine.on_market_data is not what was tested" in found.unsigned_because
    finally:
        sys.modules.pop("mine")


def test_a_cell_that_needs_another_cell_is_not_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SCRIPT.replace("from helper_of_mine import side\n", "").replace("side(", "sign * (")
    kind = load_source(f"sign = 1\n{text}")
    assert signed(Subject.of(kind, trending(300)), tmp_path, monkeypatch).signed is not None
    notebook = ModuleType("notebook_of_mine")  # the names of all its cells, and the text of the last
    notebook.__file__ = "<second cell>"
    monkeypatch.setitem(sys.modules, notebook.__name__, notebook)
    monkeypatch.setitem(
        linecache.cache, "<second cell>", (len(text), None, text.splitlines(keepends=True), "<second cell>")
    )
    exec("sign = 1", vars(notebook))  # noqa: S102
    exec(compile(text, "<second cell>", "exec"), vars(notebook))  # noqa: S102
    found = signed(Subject.of(notebook.Mine, trending(300)), tmp_path, monkeypatch)
    assert found.signed is None
    assert "cannot be run from its text alone" in found.unsigned_because
    assert "name 'sign' is not defined" in found.unsigned_because


def test_states_tell_what_is_changed_at_run_time_from_what_is_written() -> None:
    one, other = ModuleType("one"), ModuleType("one")
    for module in (one, other):
        exec(HELPER, vars(module))  # noqa: S102
    vars(other)["CALLS"] = 7

    def state(module: ModuleType) -> dict[str, dict[str, str]]:
        return states_of({"one.py": ""}, "one.py", module, "")

    assert {"SIGN", "LOSS", "side", "never"} == state(one)["one.py"].keys()
    assert differing(state(one), state(other)) is None
    vars(other)["LOSS"] = 3
    assert differing(state(one), state(other)) == ("one.py", "LOSS")
