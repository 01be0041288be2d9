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
    """Total return, maximum drawdown and Sharpe ratio of every combination; how many there were.

    Each moving average is computed once. In chunks, only the signals and the portfolio of some columns exist at a time,
    and room for orders is given as what these columns can need, which is the quickest way its public functions have.
    """
    vbt.settings["engine"] = engine
    close = pd.Series(untied_closes(bars), index=pd.date_range("2024-01-01", periods=bars, freq="1min"))
    windows = range(2, combinations(bars) + 2)
    averages = np.asfortranarray(vbt.MA.run(close, list(windows)).ma.to_numpy())
    pairs = np.array(list(itertools.combinations(range(len(windows)), 2)))
    step = CHUNK if chunked else len(pairs)
    for first in range(0, len(pairs), step):
        some = pairs[first : first + step]
        fast, slow = (pd.DataFrame(averages[:, some[:, side]], index=close.index) for side in (0, 1))
        portfolio = vbt.Portfolio.from_signals(
            close,
            fast.vbt.crossed_above(slow),
            fast.vbt.crossed_below(slow),
            size=1.0,
            fees=FEE,
            init_cash=1e6,
            freq="1min",
            max_orders=bars * len(some) // 2,
        )
        figures = (portfolio.total_return(), portfolio.max_drawdown(), portfolio.sharpe_ratio())
        assert all(np.isfinite(np.asarray(figure)).any() for figure in figures)
    return len(pairs)


if __name__ == "__main__":
    engine, how, count, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    run(engine, True, 500)  # compiles
    seconds, columns = timed(lambda: run(engine, how == "chunked", count), repeats)
    report(seconds, columns)
