"""What is certified, however it is given; and what makes no sense, in one line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from strategies.momentum import MomentumStrategy
from tests.certify.subjects import Follower, subject, trending
from workbench.certify.checks import Subject
from workbench.errors import WorkbenchError
from workbench.strategy.loader import load_source, load_strategy

ROOT = Path(__file__).parents[2]
MOMENTUM = ROOT / "strategies/momentum.py"
CELL = """
from workbench.strategy import TradingStrategy

class Quiet(TradingStrategy):
    def on_market_data(self, price_update):
        return []
    def on_order_fill(self, fill):
        pass
    def on_risk_breach(self, breach):
        pass
"""


def signals(prices: Any, fast: int = 5) -> Any:
    return (prices["close"] > prices["close"].rolling(fast).mean()) * 1.0


@pytest.mark.parametrize(
    ("given", "form", "path", "code"),
    [
        (str(MOMENTUM), "compiled", MOMENTUM, repr(str(MOMENTUM))),
        (MOMENTUM, "compiled", MOMENTUM, repr(str(MOMENTUM))),
        (
            "strategies.momentum:MomentumStrategy",
            "compiled",
            MOMENTUM,
            "'strategies.momentum:MomentumStrategy'",
        ),
        (MomentumStrategy, "compiled", MOMENTUM, "'strategies.momentum:MomentumStrategy'"),
        (load_strategy(MOMENTUM), "compiled", MOMENTUM, repr(str(MOMENTUM))),
        (load_source(CELL), "plain", None, "Quiet"),
        (wb.from_signals(signals, 20), "vector", Path(__file__), None),
    ],
    ids=["text", "path", "dotted", "class", "loaded", "cell", "signals"],
)
def test_a_strategy_in_every_form(given: Any, form: str, path: Path | None, code: str | None) -> None:
    found = Subject.of(given, trending())
    assert (found.form, found.path) == (form, path)
    assert code in (None, found.strategy_code)
    assert found.make() is not found.make()


def test_the_line_that_looks_closer_names_what_is_not_as_usual() -> None:
    plain = Subject.of(MOMENTUM, "sp500")
    assert plain.backtest_code(".fills") == f"wb.backtest({str(MOMENTUM)!r}, 'sp500').fills"
    settings: dict[str, Any] = {"config": {"unit": 3}, "costs": wb.Costs(taker_bps=7.0), "seed": 2}
    line = Subject.of(MOMENTUM, trending(), **settings, initial_cash=5e5).backtest_code(limits="L")
    assert line.startswith(
        f"wb.backtest({str(MOMENTUM)!r}, prices, config={{'unit': 3}}, limits=L, costs=wb.Costs("
    )
    assert line.endswith("latency_seconds=0.0), seed=2, initial_cash=500000.0)")


def test_a_backtest_of_the_subject_is_the_one_of_its_settings() -> None:
    mine = subject()
    own = wb.backtest(Follower, trending(), config=dict(mine.config), progress=False)
    assert mine.backtest().fingerprint == own.fingerprint
    assert mine.backtest(seed=1, costs=wb.Costs.free()).fingerprint != own.fingerprint


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"strategy": 7},
            "expected one strategy, a class, a script's path or 'package.module:Class', found 7",
        ),
        ({"strategy": "nowhere.py"}, "nowhere.py: no such file"),
        ({"prices": "sp501"}, "sp501: no such file, and no such sample"),
        ({"config": {"windw": 3}}, "Follower has no parameter 'windw'; it has"),
        ({"config": 3}, "config must map parameters to values, found 3"),
        ({"limits": {"notional": 1}}, "expected a known key, found 'notional'"),
        ({"costs": {"taker": 5}}, "costs: no setting 'taker'"),
        ({"seed": -1}, "seed must be a whole number from 0, found -1"),
        ({"initial_cash": 0}, "initial_cash must be a finite amount above 0, found 0"),
        ({"trials": [1, 2]}, "trials of Follower: expected the SweepResult or OptimizeResult"),
        ({"thresholds": {"nrmal": {}}}, "expected a known key, found 'nrmal'; did you mean 'normal'?"),
        (
            {"thresholds": {"stress": {"crash": 1.5}}},
            "stress.crash: expected a fraction above 0 and below 1, found 1.5",
        ),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_one_line(options: dict[str, Any], expected: str) -> None:
    given = {"strategy": Follower, "prices": trending(), **options}
    with pytest.raises(WorkbenchError) as raised:
        Subject.of(given.pop("strategy"), given.pop("prices"), **given)
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)
