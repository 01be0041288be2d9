"""How fast sweeps and campaigns are, against vectorbt and a hand-written loop in the same run, and their memory.

`make bench` measures; in the test suite the same code runs once on little work, so that it stays alive.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.benchmarks import contestant_sweep as ours
from tests.benchmarks.test_replay_speed import Benchmark, note, size
from tests.benchmarks.workload import SWEEP_BARS

ROOT = Path(__file__).parents[2]


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")  # of the peer, when it compiles
def test_moving_average_sweep(benchmark: Benchmark) -> None:
    """4,950 combinations, against vectorbt whole and the hand-written loop."""
    bars = size(benchmark, SWEEP_BARS, 500)
    market = ours.prices(bars)
    free = wb.RiskLimits.unlimited()
    found = ours.sweep(market, limits=free)
    by_hand = ours.plain(bars)
    assert found.table["total_return"].to_numpy() == pytest.approx(by_hand[:, 0], abs=1e-9)
    assert found.table["max_drawdown"].to_numpy() == pytest.approx(by_hand[:, 1], abs=1e-9)
    rounds = size(benchmark, 5, 1)
    loop = sorted(seconds(lambda: ours.plain(bars)) for _ in range(rounds))[rounds // 2]
    benchmark.pedantic(ours.sweep, (market,), rounds=rounds, warmup_rounds=1)
    sweep = sorted(seconds(lambda: ours.sweep(market, limits=free)) for _ in range(rounds))[rounds // 2]
    rules = sorted(seconds(lambda: ours.with_rules(market)) for _ in range(rounds))[rounds // 2]
    from tests.benchmarks import contestant_vectorbt as peer

    peer.run("numba", True, 500)
    whole = seconds(lambda: peer.run("numba", benchmark.disabled, bars))
    note(
        benchmark,
        sweep_seconds=sweep,
        times_faster_than_vectorbt=whole / sweep,
        times_slower_than_hand_written=sweep / loop,
        rules_and_chaos_cost_times=rules / sweep,
    )


@pytest.mark.timeout(900)
def test_campaign_of_ten_thousand_cells(benchmark: Benchmark) -> None:
    """16 kinds x 4 levels x 3 starts x 52 parameter sets = 9,984 cells, every rule on."""
    bars = size(benchmark, SWEEP_BARS, 400)
    market = ours.prices(bars)
    params = {"fast": range(5, size(benchmark, 31, 7)), "slow": [50, 80]}

    def run() -> wb.CampaignResult:
        return wb.campaign(
            ours.CROSS, market, params, config={"unit": 100}, initial_cash=100_000.0, progress=False
        )

    found = benchmark.pedantic(
        run, rounds=size(benchmark, 3, 1), warmup_rounds=0 if benchmark.disabled else 1
    )
    note(benchmark, cells=len(found), last_seconds=found.seconds)


PEAK = """
import json, re, sys
import workbench as wb
from tests.benchmarks import contestant_sweep as ours
market = ours.prices(int(sys.argv[2]))
params = {"fast": range(2, 52), "slow": range(60, 60 + int(sys.argv[1]) // 50)}
found = wb.sweep(ours.CROSS, market, params, limits=wb.RiskLimits.unlimited(), progress=False)
# VmHWM, since ru_maxrss of a new process begins with what its parent had.
kilobytes = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(json.dumps([found.trials, kilobytes / 1024]))
"""


def peak(columns: int, bars: int) -> tuple[int, float]:
    """Columns run, and peak memory in megabytes, of a fresh process."""
    command = [sys.executable, "-c", PEAK, str(columns), str(bars)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found: tuple[int, float] = tuple(json.loads(printed.strip().splitlines()[-1]))
    return found


@pytest.mark.timeout(900)
def test_memory_does_not_grow_with_the_number_of_columns(benchmark: Benchmark) -> None:
    """Few bars, so that many columns are quick; the bars are the same for all columns anyway."""
    many = size(benchmark, 100_000, 5_000)
    few, few_peak = peak(100, 2_000)
    found, many_peak = peak(many, 2_000)
    benchmark.pedantic(lambda: None, rounds=1)
    assert (few, found) == (100, many)
    assert many_peak < few_peak + 300.0
    note(benchmark, peak_of_100_mb=few_peak, peak_of_many_mb=many_peak)


COLD = "from tests.benchmarks import contestant_sweep as o; o.sweep(o.prices(500))"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_cold_start(benchmark: Benchmark, tmp_path: Path) -> None:
    """First sweep of a fresh process, with an empty kernel cache and with a full one."""
    environment = {**os.environ, "WORKBENCH_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", COLD]
    empty = seconds(lambda: subprocess.run(command, cwd=ROOT, check=True, env=environment))
    full = seconds(lambda: subprocess.run(command, cwd=ROOT, check=True, env=environment))
    benchmark.pedantic(lambda: None, rounds=1)
    note(benchmark, empty_cache_seconds=empty, full_cache_seconds=full)
