"""backtesting.py: the same cross with its indicators computed beforehand; no risk checks.

Run in an environment that has it: python -m tests.benchmarks.contestant_backtesting {cross|orders} BARS REPEATS
"""

import sys
import warnings

import pandas as pd
from backtesting import Backtest, Strategy

from tests.benchmarks.workload import FAST, FEE, SLOW, minute_bars, report, timed


def mean(values: pd.Series, window: int) -> pd.Series:
    return pd.Series(values).rolling(window).mean()


class Cross(Strategy):
    def init(self) -> None:
        self.fast = self.I(mean, self.data.Close, FAST, plot=False)
        self.slow = self.I(mean, self.data.Close, SLOW, plot=False)
        self.above: bool | None = None

    def next(self) -> None:
        above = self.fast[-1] > self.slow[-1]
        before, self.above = self.above, above
        if before is None or above == before:
            return
        if above:
            self.buy(size=1)
        elif self.position:
            self.position.close()


class EveryBar(Strategy):
    def init(self) -> None:
        self.side = -1

    def next(self) -> None:
        self.side = -self.side
        if self.side > 0:
            self.buy(size=1)
        else:
            self.position.close()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    work, count, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    bars = minute_bars(count)
    index = pd.date_range("2024-01-01", periods=count, freq="1min")
    frame = pd.DataFrame({name.capitalize(): column for name, column in bars.items()}, index=index)
    strategy = Cross if work == "cross" else EveryBar
    test = Backtest(frame, strategy, cash=1e6, commission=FEE)
    # run() also computes statistics over all trades; the loop alone cannot be had through its interface
    seconds, stats = timed(test.run, repeats)
    report(seconds, 2 * int(stats["# Trades"]))
