"""One table: the same work by the workbench, by peers, and by a bare Python loop, in turns on the same machine.

Run by `make bench-peers`, which makes throw-away environments for the peers.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from tests.benchmarks.workload import BARS, ORDERS, SWEEP_BARS

ROOT = Path(__file__).parents[2]


class Contestant(NamedTuple):
    """scale: share of the work that it is given, since some would take an hour; per-second figures still compare."""

    name: str
    module: str
    is_peer: bool
    scale: float
    remark: str


def field(work: str) -> list[Contestant]:
    """Who takes part; nautilus_trader slows down with each order, so it gets fewer of them than would be fair to us."""
    nautilus = 0.2 if work == "cross" else 0.1
    return [
        Contestant(
            "workbench replay", "contestant_workbench", False, 1.0, "Python strategy, every risk rule on"
        ),
        Contestant(
            "nautilus_trader", "contestant_nautilus", True, nautilus, "Python strategy, its risk engine on"
        ),
        Contestant(
            "backtesting.py", "contestant_backtesting", True, 1.0, "checks no risk; statistics included"
        ),
        Contestant("bare Python loop", "contestant_plain", False, 1.0, "checks no risk, records nothing"),
    ]


def race(contestant: Contestant, work: str, count: int, peer_python: str) -> dict[str, Any]:
    """One process of one contestant: seconds, orders."""
    python = peer_python if contestant.is_peer else sys.executable
    command = [python, "-m", f"tests.benchmarks.{contestant.module}", work, str(count), "1"]
    process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800, cwd=ROOT)
    if process.returncode:
        raise SystemExit(f"{contestant.name} failed:\n{process.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(process.stdout.strip().splitlines()[-1])
    return found


def contest(work: str, count: int, rounds: int, peer_python: str, console: Console) -> None:
    """All contestants in turns, `rounds` times, and a table of medians."""
    rates: dict[str, list[float]] = {}
    orders: dict[str, int] = {}
    for _ in range(rounds):
        for contestant in field(work):
            bars = int(count * contestant.scale)
            found = race(contestant, work, bars, peer_python)
            rates.setdefault(contestant.name, []).append(bars / float(found["median"]))
            orders[contestant.name] = int(found["orders"])
    ours = statistics.median(rates["workbench replay"])
    what = "bars" if work == "cross" else "orders"
    title = "SMA 10/50 cross" if work == "cross" else "an order on every bar"
    table = Table(
        title=f"{title}, {count:,} one-minute bars",
        caption=f"median of {rounds} rounds in turns; the workbench is so many times faster",
    )
    for column in ("", f"{what}/s", "times", "bars", "orders", ""):
        table.add_column(column, justify="left" if column == "" else "right")
    for contestant in field(work):
        rate = statistics.median(rates[contestant.name])
        bars = int(count * contestant.scale)
        times = f"{ours / rate:.1f}"
        table.add_row(
            contestant.name,
            f"{rate:,.0f}",
            times,
            f"{bars:,}",
            f"{orders[contestant.name]:,}",
            contestant.remark,
        )
    console.print(table)


class Sweeper(NamedTuple):
    """One row of the table of sweeps: module and words of its command line."""

    name: str
    module: str
    words: tuple[str, ...]
    is_peer: bool
    remark: str


SWEEPERS = (
    Sweeper("workbench sweep", "contestant_sweep", ("sweep",), False, "all cores, no risk rule"),
    Sweeper("workbench sweep, rules on", "contestant_sweep", ("rules",), False, "every rule, and chaos"),
    Sweeper("vectorbt numba, whole", "contestant_vectorbt", ("numba", "whole"), True, "from_signals"),
    Sweeper(
        "vectorbt numba, chunked", "contestant_vectorbt", ("numba", "chunked"), True, "64 columns at a time"
    ),
    Sweeper(
        "vectorbt Rust, chunked", "contestant_vectorbt", ("rust", "chunked"), True, "64 columns at a time"
    ),
    Sweeper(
        "hand-written loop", "contestant_sweep", ("plain",), False, "one core; nothing but these figures"
    ),
)


def sweep_contest(bars: int, rounds: int, peer_python: str, console: Console) -> None:
    """4,950 moving-average crosses by everybody in turns, and a table of medians."""
    seconds: dict[str, list[float]] = {}
    for _ in range(rounds):
        for sweeper in SWEEPERS:
            python = peer_python if sweeper.is_peer else sys.executable
            command = [python, "-m", f"tests.benchmarks.{sweeper.module}", *sweeper.words, str(bars), "1"]
            process = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=1800, cwd=ROOT
            )
            if process.returncode:
                raise SystemExit(f"{sweeper.name} failed:\n{process.stderr[-2000:]}")
            found = json.loads(process.stdout.strip().splitlines()[-1])
            seconds.setdefault(sweeper.name, []).append(float(found["median"]))
    ours = statistics.median(seconds[SWEEPERS[0].name])
    table = Table(
        title=f"4,950 moving-average crosses x {bars:,} bars: fees, total return, maximum drawdown, Sharpe ratio",
        caption=f"median of {rounds} rounds in turns; the workbench is so many times faster",
    )
    for column in ("", "seconds", "times", ""):
        table.add_column(column, justify="left" if column == "" else "right")
    for sweeper in SWEEPERS:
        median = statistics.median(seconds[sweeper.name])
        table.add_row(sweeper.name, f"{median:.3f}", f"{median / ours:.1f}", sweeper.remark)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer_python", help="an interpreter with nautilus_trader, backtesting and pandas 2")
    parser.add_argument("sweeping_python", help="an interpreter with vectorbt and vectorbt-rust")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bars", type=int, default=BARS)
    parser.add_argument("--orders", type=int, default=ORDERS)
    given = parser.parse_args()
    console = Console(width=120)
    sweep_contest(SWEEP_BARS, given.rounds, given.sweeping_python, console)
    contest("cross", given.bars, given.rounds, given.peer_python, console)
    contest("orders", given.orders, given.rounds, given.peer_python, console)


if __name__ == "__main__":
    main()
