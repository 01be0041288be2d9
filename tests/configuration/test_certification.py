"""Thresholds from files and mappings: what they may be, and what is said of what they may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from workbench.configuration.certification import Thresholds, load_thresholds
from workbench.errors import ConfigError

FILE = Path(__file__).parents[2] / "config" / "certification.yaml"


def test_the_file_says_what_holds_without_it() -> None:
    assert load_thresholds(FILE) == Thresholds() == load_thresholds(None) == load_thresholds(Thresholds())


def test_the_file_gives_a_reason_for_each_figure() -> None:
    lines = [line for line in FILE.read_text().splitlines() if line.startswith("  ")]
    figures = [line for line in lines if not line.lstrip().startswith("#")]
    sections = msgspec.structs.fields(Thresholds)
    assert len(figures) == sum(len(msgspec.structs.fields(section.type)) for section in sections)
    assert [line for line in figures if len(line.partition(" # ")[2]) < 10] == []


def test_what_is_left_out_stays() -> None:
    found = load_thresholds({"stress": {"crash": 0.5}, "canary": {"shares": [0.2, 0.4]}})
    assert (found.stress.crash, found.stress.gap) == (0.5, Thresholds().stress.gap)
    assert found.canary.shares == (0.2, 0.4)
    assert found.chaos == Thresholds().chaos
    assert load_thresholds(msgspec.to_builtins(found)) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "normal:\n  min_trades: -1\n",
            "2: normal.min_trades: expected a whole number, 0 or above, found -1",
        ),
        (
            "normal:\n  max_drawdown: 15\n",
            "2: normal.max_drawdown: expected a fraction from 0 to 1, found 15: percent",
        ),
        ("normal:\n", "1: normal: expected a table of `key: value` lines, found nothing; fill it in"),
        ("strss:\n  gap: 0.1\n", "1: strss: expected a known key, found 'strss'; did you mean 'stress'?"),
        ("stress:\n  gpa: 0.1\n", "2: stress.gpa: expected a known key, found 'gpa'; did you mean 'gap'?"),
        ("stress:\n  gap: 0.1\n  gap: 0.2\n", "3: stress.gap: expected each key once"),
        (
            "stress:\n  moments: many\n",
            "2: stress.moments: expected a whole number, 100 or above, found the text",
        ),
        (
            "chaos:\n  starts: 1.5\n",
            "2: chaos.starts: expected a whole number, 1 or above, found 1.5; write 2",
        ),
        ("canary:\n  shares: 0.5\n", "2: canary.shares: expected a list such as [a, b], found 0.5"),
    ],
)
def test_what_makes_no_sense_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_thresholds(file)
    assert str(raised.value).startswith(f"{file}:{expected}")
    assert "\n" not in str(raised.value)


def test_what_is_no_source() -> None:
    unfit: Any = 7
    with pytest.raises(ConfigError, match="expected a YAML file, a mapping or Thresholds, found int"):
        load_thresholds(unfit)
