"""Bad input on the command line: one clear line, status 2, and no file that was not there before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from tests.cli.conftest import GOOD, Call


class Bad(NamedTuple):
    """Arguments, and what the line must say; `files`: what lies in the folder."""

    arguments: str
    says: str
    files: Mapping[str, str] = MappingProxyType({})


BACKTEST = "backtest sma_cross --prices BTC.csv --html page.html"

BAD: dict[str, Bad] = {
    "missing file": Bad("backtest sma_cross --prices none.csv --html page.html", "none.csv: no such file"),
    "unknown sample": Bad("backtest sma_cross --prices dax", "dax: no such file, and no such sample"),
    "empty file": Bad(
        "backtest sma_cross --prices empty.csv --html page.html", "found an empty file", {"empty.csv": ""}
    ),
    "wrong columns": Bad(
        "backtest sma_cross --prices odd.csv --html page.html",
        "odd.csv: expected a time and open, high, low, close",
        {"odd.csv": "a,b\n1,2\n3,4\n"},
    ),
    "a folder of prices": Bad("backtest sma_cross --prices strategies/", "found a folder"),
    "script that does not parse": Bad(
        "backtest broken.py --prices BTC.csv --html page.html",
        "broken.py:2: does not parse",
        {"broken.py": "x = 1\ndef f(:\n"},
    ),
    "script that cannot be imported": Bad(
        "backtest broken.py --prices BTC.csv --html page.html",
        "broken.py:1: ModuleNotFoundError",
        {"broken.py": "import no_such_module\n"},
    ),
    "no strategy class": Bad(
        "backtest none.py --prices BTC.csv --html page.html",
        "none.py:1: no strategy class",
        {"none.py": "x = 1\n"},
    ),
    "two strategy classes": Bad(
        "backtest two.py --prices BTC.csv --html page.html",
        "two strategy classes, One (line 4) and Two (line 16)",
        {"two.py": GOOD.format(name="One") + GOOD.format(name="Two").replace("\nfrom", "\n#")},
    ),
    "a class that is not in the script": Bad(
        "backtest two.py:Three --prices BTC.csv",
        "no strategy class 'Three'; it has: One",
        {"two.py": GOOD.format(name="One")},
    ),
    "unknown script name": Bad("backtest sma_cros --prices BTC.csv", "did you mean 'sma_cross'?"),
    "missing script": Bad("backtest mine.py --prices BTC.csv", "mine.py: no such file"),
    "unknown parameter": Bad(
        f"{BACKTEST} -c speed=3", "SmaCrossStrategy has no parameter 'speed'; it has: fast, slow"
    ),
    "parameter of another type": Bad(f"{BACKTEST} -c fast=quick", "fast must be a finite number"),
    "parameters that do not fit": Bad(f"{BACKTEST} -c fast=60", "1 <= fast < slow"),
    "no key=value": Bad(f"{BACKTEST} -c fast", "expected key=value such as fast=10, found 'fast'"),
    "broken JSON": Bad(f"{BACKTEST} -c {{fast", "expected a JSON object"),
    "negative limit": Bad(
        f"{BACKTEST} --limits neg.yaml",
        "neg.yaml:3: risk_limits.order_limits.max_order_value",
        {"neg.yaml": "risk_limits:\n  order_limits:\n    max_order_value: -5\n"},
    ),
    "missing limits": Bad(f"{BACKTEST} --limits none.yaml", "none.yaml: expected a YAML file"),
    "dates out of range": Bad(f"{BACKTEST} --start 2030", "start 2030 is out of range: prices run from 2024"),
    "start after end": Bad(
        f"{BACKTEST} --start 2024-01-01T04:00 --end 2024-01-01T01:00", "is after end 2024-01-01T01:00"
    ),
    "no date": Bad(f"{BACKTEST} --start never", "expected a date such as"),
    "unknown symbol": Bad("backtest sma_cross --prices sp500 --symbol DAX", "no symbol 'DAX'"),
    "unknown venue": Bad("backtest sma_cross --prices sp500 --venue XETRA", "no venue 'XETRA'"),
    "unknown symbol of a strategy": Bad(f'{BACKTEST} -c symbols=["ETH"]', "the prices have no ETH"),
    "unknown cost": Bad(f"{BACKTEST} --costs taker=1", "no setting 'taker'; did you mean 'taker_bps'?"),
    "cost without a number": Bad(f"{BACKTEST} --costs taker_bps=few", "expected a number for taker_bps"),
    "no cash": Bad(f"{BACKTEST} --cash 0", "initial_cash must be a finite amount above 0"),
    "cash that is no number": Bad(f"{BACKTEST} --cash much", "--cash"),
    "negative seed": Bad(f"{BACKTEST} --seed -1", "--seed"),
    "a page where there is no folder": Bad(
        "backtest sma_cross --prices BTC.csv --html nowhere/page.html", "no folder"
    ),
    "a page that is a folder": Bad("backtest sma_cross --prices BTC.csv --html strategies", "found a folder"),
    "no prices": Bad("backtest sma_cross", "--prices"),
    "no strategy": Bad("backtest", "STRATEGY"),
    "unknown command": Bad("backtets", "No such command 'backtets'"),
    "unknown option": Bad(f"{BACKTEST} --fast", "--fast"),
    "strategy that raises": Bad(
        "backtest raises.py --prices BTC.csv --html page.html",
        "Mine.on_market_data raised KeyError: 'gone'",
        {"raises.py": GOOD.format(name="Mine").replace("return []", "return {}['gone']")},
    ),
    "unknown chaos kind": Bad("chaos sma_cross -p BTC.csv --kind runway", "did you mean 'runaway'?"),
    "chaos outside the prices": Bad(
        "chaos sma_cross -p BTC.csv --kind runaway --start 2030-01-01", "outside the prices"
    ),
    "chaos duration": Bad(
        "chaos sma_cross -p BTC.csv -k runaway --duration long", "duration must be a time span"
    ),
    "chaos intensity": Bad("chaos sma_cross -p BTC.csv -k runaway --intensity -3", "must be from 0 to 1000"),
    "chaos target": Bad("chaos sma_cross -p BTC.csv -k price_gap --target ETH", "no symbol or venue 'ETH'"),
    "too many starts": Bad(
        "chaos sma_cross -p BTC.csv -k runaway --start 2024-01-01T01:00 --start 2024-01-01T02:00",
        "expected --start once, or once for each of the 1 kinds, found 2",
    ),
    "setting without a kind": Bad("chaos sma_cross -p BTC.csv --duration 5min", "--duration needs a --kind"),
    "events and a kind": Bad("chaos sma_cross -p BTC.csv -k runaway --events e.yaml", "found both"),
    "missing events": Bad("chaos sma_cross -p BTC.csv --events e.yaml", "e.yaml: no such file"),
    "events that are no list": Bad(
        "chaos sma_cross -p BTC.csv --events e.yaml", "must be a list", {"e.yaml": "kind: runaway\n"}
    ),
    "an event with an unknown key": Bad(
        "chaos sma_cross -p BTC.csv --events e.yaml",
        "e.yaml: chaos event 1 has no setting 'size'",
        {"e.yaml": "- {kind: runaway, start: 2024-01-01T01:00, duration: 5min, size: 3}\n"},
    ),
    "no events": Bad("chaos sma_cross -p BTC.csv --events e.yaml", "at least one event", {"e.yaml": "[]\n"}),
    "events that are no YAML": Bad("chaos sma_cross -p BTC.csv --events e.yaml", "YAML", {"e.yaml": "[}\n"}),
    "folder without scripts": Bad("strategies nowhere", "nowhere: no such folder"),
    "prices to show": Bad("data show none.csv", "none.csv: no such file"),
    "demo page": Bad("demo --html nowhere/page.html", "no folder"),
}


@pytest.fixture
def listing(folder: Path) -> Callable[[], set[str]]:
    return lambda: {str(path.relative_to(folder)) for path in folder.glob("*")}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(
    case: str, call: Call, folder: Path, listing: Callable[[], set[str]]
) -> None:
    bad = BAD[case]
    for name, text in bad.files.items():
        (folder / name).write_text(text)
    before = listing()
    status, out, err = call(*bad.arguments.split())
    assert status == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert bad.says in err
    assert listing() == before
