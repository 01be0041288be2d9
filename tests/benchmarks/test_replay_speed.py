"""How fast the event replay is, with every risk rule on, against a bare Python loop in the same run.

`make bench` measures; in the test suite the same code runs once on little work, so that it stays alive.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from tests.benchmarks import contestant_plain as plain
from tests.benchmarks import contestant_workbench as ours
from tests.benchmarks.workload import BARS, ORDERS, minute_bars
from workbench.core.desk import TradingDesk
from workbench.core.risk import Order, PreTradeRisk

ROOT = Path(__file__).parents[2]


class Benchmark(Protocol):
    """What of pytest-benchmark's fixture, which has no types, is used here."""

    disabled: bool
    extra_info: dict[str, float]

    def pedantic(
        self, target: Callable[..., Any], args: Any = (), *, rounds: int, warmup_rounds: int = 0
    ) -> Any: ...


def size(benchmark: Benchmark, full: int, short: int) -> int:
    return short if benchmark.disabled else full


@pytest.mark.timeout(900)
def test_moving_average_cross(benchmark: Benchmark) -> None:
    bars = size(benchmark, BARS, 3_000)
    market = ours.feed(bars)
    columns = [column.tolist() for column in minute_bars(bars).values()]
    ours.run("cross", market)
    start = time.perf_counter()
    orders = plain.run(plain.Cross, columns)
    loop = time.perf_counter() - start
    record = benchmark.pedantic(ours.run, ("cross", market), rounds=5, warmup_rounds=1)
    assert len(record.recorder.refused) == 0
    assert abs(len(record.recorder.fills) - orders) <= 5  # ties of averages, and where the first order falls
    note(benchmark, bars=bars, plain_loop_seconds=loop)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [1_000, 10_000, ORDERS])
def test_an_order_on_every_bar(benchmark: Benchmark, count: int) -> None:
    count = size(benchmark, count, 1_000)
    market = ours.feed(count)
    record = benchmark.pedantic(ours.run, ("orders", market), rounds=5, warmup_rounds=1)
    assert len(record.recorder.fills) == count - 1  # the last one has no next update
    assert len(record.recorder.refused) == 0
    note(benchmark, orders=count)


def test_all_pre_trade_checks_from_python(benchmark: Benchmark) -> None:
    checks = size(benchmark, 100_000, 500)
    desk = loaded_desk()
    risk = PreTradeRisk(ours.EVERY_RULE, desk=desk)
    order = Order(symbol="X", venue="SIM", side="buy", quantity=1.0, strategy_id="EveryBar")
    took = np.empty(checks, dtype=np.int64)

    def check_all() -> None:
        validate, clock = risk.validate_order, time.perf_counter_ns
        for i in range(checks):
            start = clock()
            validate(order)
            took[i] = clock() - start

    assert risk.validate_order(order).passed
    benchmark.pedantic(check_all, rounds=3, warmup_rounds=1)
    note(benchmark, p50_us=float(np.percentile(took, 50)) / 1e3, p99_us=float(np.percentile(took, 99)) / 1e3)


def loaded_desk() -> TradingDesk:
    """A desk after some hundred orders, with a position and a mark."""
    record = ours.run("orders", ours.feed(501))
    return record.desk


def test_start_up(benchmark: Benchmark) -> None:
    """Seconds of `import workbench` beyond the bare interpreter, and of the first replay in a fresh process."""
    repeats = size(benchmark, 5, 1)
    bare = median_seconds("pass", repeats)
    package = median_seconds("import workbench", repeats)
    first = median_seconds(
        "import workbench as wb; wb.backtest('strategies/sma_cross.py', 'sp500', progress=False)", repeats
    )
    benchmark.pedantic(lambda: None, rounds=1)
    note(benchmark, import_seconds=package - bare, first_replay_seconds=first)


def median_seconds(code: str, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def note(benchmark: Benchmark, **figures: Any) -> None:
    benchmark.extra_info.update(figures)
    if not benchmark.disabled:
        sys.stderr.write(f"\n  {', '.join(f'{name} {value:,.3f}' for name, value in figures.items())}\n")
