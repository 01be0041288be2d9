"""A strategy that raises, whatever it raises and wherever: counted, stopped in time, told with file and line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.arena import (
    BTC,
    ETH,
    MINUTE_NS,
    START_NS,
    bystander,
    limits,
    market,
    minutes,
    play,
    seated,
    wave,
)
from tests.chaos.books import books_agree
from tests.chaos.verdict import undisturbed, violated
from workbench.backtest.replay import ReplayRecord
from workbench.core.limits import RiskLimits, StrategyErrors
from workbench.errors import StrategyFailure
from workbench.strategy import TradingStrategy
from workbench.strategy.loader import load_strategy

FEED = market({BTC: wave(60, 100.0, 0.01, 20), ETH: wave(60, 50.0, 0.01, 16)})
LIMITS = limits(10.0, strategy_errors=StrategyErrors(max_errors=5, window_seconds=600.0))

type Broken = Callable[..., TradingStrategy]

SCRIPT = """\
import json
import sys
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class BrokenStrategy(TradingStrategy):
    def on_market_data(self, price_update):
        if price_update.sequence == 2:
            return [MarketSignal(price_update.symbol, signal_strength=1.0)]
        if price_update.sequence >= {first} and (price_update.sequence - {first}) % {every} == 0:
            {market_data}
        return []

    def on_order_fill(self, fill):
        {order_fill}

    def on_risk_breach(self, breach):
        {risk_breach}
"""


@pytest.fixture
def broken(tmp_path: Path) -> Broken:
    """broken(market_data="1 / 0", first=10): a script, written to a file, that does this from update `first` on."""

    def build(first: int = 10, every: int = 1, **calls: str) -> TradingStrategy:
        parts = dict.fromkeys(("market_data", "order_fill", "risk_breach"), "pass") | calls
        path = tmp_path / "broken.py"
        path.write_text(SCRIPT.format(first=first, every=every, **parts))
        return load_strategy(path)({})

    return build


def beside_a_bystander(strategy: TradingStrategy, controls: RiskLimits = LIMITS) -> ReplayRecord:
    return play(
        FEED, seated(strategy, "suspect", symbols=BTC), bystander(), limits=controls, contain_errors=True
    )


def contained(record: ReplayRecord) -> None:
    assert violated(record, LIMITS) == set()
    undisturbed(record, play(FEED, bystander(), limits=LIMITS))
    books_agree(record)


def error_minutes(record: ReplayRecord) -> list[int]:
    return [(note.timestamp_ns - START_NS) // MINUTE_NS for note in record.recorder.errors]


def test_contained(broken: Broken, tmp_path: Path) -> None:
    """It raises from minute 10 on; the fifth error, in minute 14, stops it, and minute 15 closes its one unit."""
    record = beside_a_bystander(broken(market_data="1 / 0"))
    contained(record)
    assert error_minutes(record) == [10, 11, 12, 13, 14]
    note = record.recorder.errors[0]
    assert (note.strategy_id, note.call) == ("suspect", "on_market_data")
    assert note.error == f"ZeroDivisionError: division by zero ({tmp_path / 'broken.py'}:11)"
    told = [(b.value, b.limit) for b in record.recorder.breaches if b.breach_type == "strategy_error"]
    assert told[:4] == [(1.0, 5.0), (2.0, 5.0), (3.0, 5.0), (4.0, 5.0)]
    assert [(t.reason, t.strategy_id) for t in record.recorder.trips] == [("strategy_error", "suspect")]
    assert minutes(record.recorder.trips, "suspect") == {14: 1}
    assert minutes(record.recorder.fills, "suspect") == {3: 1, 15: 1}
    assert record.desk.position(0, BTC) == 0.0
    assert record.desk.halted("suspect") == ("strategy_error",)


def test_without_strategy_error_it_is_not_contained(broken: Broken) -> None:
    """It goes on raising to the end, and keeps its position."""
    record = beside_a_bystander(broken(market_data="1 / 0"), LIMITS.without("strategy_error"))
    assert error_minutes(record) == list(range(10, 60))
    assert record.recorder.trips == []
    assert record.desk.position(0, BTC) == 1.0
    undisturbed(record, play(FEED, bystander(), limits=LIMITS))


def test_errors_far_apart_do_not_stop_it(broken: Broken) -> None:
    """One every six minutes: at most two fall into a window of ten."""
    record = beside_a_bystander(broken(market_data="1 / 0", every=6))
    contained(record)
    assert error_minutes(record) == list(range(10, 60, 6))
    assert record.recorder.trips == []


def test_error_inside_a_library_names_the_line_of_the_script(broken: Broken, tmp_path: Path) -> None:
    """What a person can mend is in the script, however deep the call went."""
    record = beside_a_bystander(broken(market_data='json.loads("{")'))
    assert f"({tmp_path / 'broken.py'}:11)" in record.recorder.errors[0].error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("return None.missing", "AttributeError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("sys.exit()", "SystemExit"),
        ("return self.on_market_data(price_update)", "RecursionError"),
        ("raise MemoryError", "MemoryError"),
        ("assert False, 'never'", "AssertionError"),
        ("return (price_update.last,)", "TypeError"),
        ("return 'buy'", "TypeError"),
        ("return {'BTC-USD': 1.0}", "TypeError"),
        ("yield None", ""),
    ],
)
def test_whatever_it_raises_or_answers_is_counted(broken: Broken, code: str, kind: str) -> None:
    record = beside_a_bystander(broken(market_data=code))
    contained(record)
    assert [t.reason for t in record.recorder.trips] == ["strategy_error"]
    assert len(record.recorder.errors) == 5
    if kind:
        assert {note.error.partition(":")[0] for note in record.recorder.errors} == {kind}


def test_errors_in_the_other_calls_count_as_well(broken: Broken) -> None:
    """It is told of its fill in minute 3, and of its own error's breach, and raises at both."""
    record = beside_a_bystander(broken(order_fill="raise ValueError(fill.quantity)"))
    contained(record)
    assert [(note.call, note.error.partition(" (")[0]) for note in record.recorder.errors] == [
        ("on_order_fill", "ValueError: 1.0")
    ]


def test_error_in_the_hearing_of_its_own_error_ends(broken: Broken) -> None:
    """Hearing of the breach that its error is, it raises again; both count, and that does not go on for ever."""
    record = beside_a_bystander(broken(market_data="1 / 0", risk_breach="raise KeyError(breach.breach_type)"))
    contained(record)
    assert [t.reason for t in record.recorder.trips] == ["strategy_error"]
    assert min(minutes(record.recorder.trips, "suspect")) in (10, 11, 12)
    assert len(record.recorder.errors) == 5
    assert {note.call for note in record.recorder.errors} == {"on_market_data", "on_risk_breach"}


def test_where_errors_are_not_contained_the_run_ends_with_script_and_line(broken: Broken) -> None:
    with pytest.raises(StrategyFailure, match=r"broken\.py:11\)") as caught:
        play(FEED, seated(broken(market_data="1 / 0"), "suspect", symbols=BTC), limits=LIMITS)
    assert str(caught.value).startswith("suspect.on_market_data raised ZeroDivisionError: division by zero")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_keyboard_interrupt_is_the_users_and_not_the_strategys(broken: Broken) -> None:
    with pytest.raises(KeyboardInterrupt):
        beside_a_bystander(broken(market_data="raise KeyboardInterrupt"))


def test_recursion_leaves_the_depth_as_it_was(broken: Broken) -> None:
    before = sys.getrecursionlimit()
    beside_a_bystander(broken(market_data="return self.on_market_data(price_update)"))
    assert sys.getrecursionlimit() == before
