"""vectorbt over the same combinations of moving averages: the public functions, whole or in chunks of columns.

Run: python -m tests.benchmarks.contestant_vectorbt {numba|rust} {whole|chunked} BARS REPEATS
"""

import itertools
import sys

import numpy as np
import pandas as pd
import vectorbt as vbt

from tests.benchmarks.workload import FEE, combinations, report, timed, untied_closes

CHUNK = 64


def run(engine: str, chunked: bool, bars: int) -> int:
    """Total return, maximum drawdown and Sharpe ratio of every combination; how many there were."""
    if engine == "rust":
        vbt.settings["engine"] = "rust"
    close = pd.Series(untied_closes(bars), index=pd.date_range("2024-01-01", periods=bars, freq="1min"))
    pairs = list(itertools.combinations(range(2, combinations(bars) + 2), 2))
    step = CHUNK if chunked else len(pairs)
    for first in range(0, len(pairs), step):
        some = pairs[first : first + step]
        fast = vbt.MA.run(close, [pair[0] for pair in some], short_name="fast")
        slow = vbt.MA.run(close, [pair[1] for pair in some], short_name="slow")
        entries, exits = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
        portfolio = vbt.Portfolio.from_signals(
            close, entries, exits, size=1.0, fees=FEE, init_cash=1e6, freq="1min"
        )
        figures = (portfolio.total_return(), portfolio.max_drawdown(), portfolio.sharpe_ratio())
        assert all(np.isfinite(np.asarray(figure)).any() for figure in figures)
    return len(pairs)


if __name__ == "__main__":
    engine, how, count, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    run(engine, True, 500)  # compiles
    seconds, columns = timed(lambda: run(engine, how == "chunked", count), repeats)
    report(seconds, columns)
