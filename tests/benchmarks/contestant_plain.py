"""A bare Python loop: an object per bar, the strategy a method, one unit long or flat, fee, equity; no risk at all.

Run: python -m tests.benchmarks.contestant_plain {cross|orders} BARS REPEATS
"""

import sys
from collections import deque
from typing import NamedTuple

from tests.benchmarks.workload import FAST, FEE, SLOW, minute_bars, report, timed


class Bar(NamedTuple):
    open: float
    high: float
    low: float
    close: float
    volume: float


class Cross:
    def __init__(self) -> None:
        self.fast: deque[float] = deque(maxlen=FAST)
        self.slow: deque[float] = deque(maxlen=SLOW)
        self.fast_sum = self.slow_sum = 0.0
        self.above: bool | None = None

    def on_bar(self, bar: Bar) -> int:
        price = bar.close
        if len(self.fast) == FAST:
            self.fast_sum -= self.fast[0]
        self.fast.append(price)
        self.fast_sum += price
        if len(self.slow) == SLOW:
            self.slow_sum -= self.slow[0]
        self.slow.append(price)
        self.slow_sum += price
        if len(self.slow) < SLOW:
            return 0
        above = self.fast_sum / FAST > self.slow_sum / SLOW
        before, self.above = self.above, above
        return 0 if before is None or above == before else (1 if above else -1)


class EveryBar:
    def __init__(self) -> None:
        self.side = -1

    def on_bar(self, _bar: Bar) -> int:
        self.side = -self.side
        return self.side


def run(kind: type[Cross | EveryBar], columns: list[list[float]]) -> int:
    on_bar = kind().on_bar
    cash, held, orders = 1e6, 0.0, 0
    curve = []
    for row in zip(*columns, strict=True):
        bar = Bar(*row)
        side = on_bar(bar)
        if side and (side > 0) == (held == 0.0):
            cash -= side * bar.close * (1.0 + side * FEE)
            held += side
            orders += 1
        curve.append(cash + held * bar.close)
    return orders


if __name__ == "__main__":
    work, count, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    table = [column.tolist() for column in minute_bars(count).values()]
    kind = Cross if work == "cross" else EveryBar
    report(*timed(lambda: run(kind, table), repeats))
