"""The workbench's sweep of a moving-average cross, and a hand-written loop that does nothing else.

Run: python -m tests.benchmarks.contestant_sweep {sweep|rules|plain} BARS REPEATS
"""

import sys
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pandas as pd

import workbench as wb
from tests.benchmarks.workload import FEE, combinations, report, timed, untied_closes

CROSS = "strategies/sma_cross.py"
COSTS = {
    "spread_bps": 0.0,
    "maker_bps": FEE * 1e4,
    "taker_bps": FEE * 1e4,
    "slippage_bps": 0.0,
    "impact_bps": 0.0,
}
FIGURES = ["total_return", "max_drawdown", "sharpe_ratio"]


def prices(bars: int) -> wb.Prices:
    index = pd.date_range("2024-01-01", periods=bars, freq="1min", tz="UTC")
    return wb.Prices({"X@SIM": pd.DataFrame({"close": untied_closes(bars)}, index=index)})


def grid(bars: int) -> dict[str, range]:
    """4,950 combinations; fewer where there are few bars, for a run that only shows that it works."""
    return {"fast": range(2, combinations(bars) + 1), "slow": range(3, combinations(bars) + 2)}


def sweep(market: wb.Prices, **settings: Any) -> wb.SweepResult:
    """Fees, total return, drawdown, Sharpe ratio; no risk rule where `limits` says so."""
    return wb.sweep(
        CROSS, market, grid(len(market)), costs=COSTS, metrics=FIGURES, progress=False, **settings
    )


def with_rules(market: wb.Prices) -> wb.SweepResult:
    """The same with every rule of the house on, and chaos."""
    middle = market.start + (market.end - market.start) / 2
    event = wb.ChaosEvent("volatility_amplifier", middle.to_pydatetime(), "2h", 2.0)
    return sweep(market, chaos=[event])


@numba.njit(cache=True, error_model="numpy")
def plain_kernel(
    close: npt.NDArray[np.float64],
    fasts: npt.NDArray[np.int64],
    slows: npt.NDArray[np.int64],
    fee: float,
    out: npt.NDArray[np.float64],
) -> None:
    """One unit long from a cross up to the next cross down, filled at the next bar; nothing but these figures."""
    count = len(close)
    sums = np.zeros(count + 1)
    for i in range(count):
        sums[i + 1] = sums[i] + close[i]
    for c in range(len(fasts)):
        fast, slow = fasts[c], slows[c]
        cash = before = peak = 1e6
        held = wanted = worst = total = squares = 0.0
        side = 0
        for i in range(slow - 1, count):
            price = close[i]
            if wanted != held:
                cash -= (wanted - held) * price + fee * price
                held = wanted
            above = (sums[i + 1] - sums[i + 1 - fast]) / fast > (sums[i + 1] - sums[i + 1 - slow]) / slow
            now = 1 if above else -1
            if side != 0 and now != side:
                wanted = 1.0 if above else 0.0
            side = now
            equity = cash + held * price
            change = equity / before - 1.0
            before = equity
            total += change
            squares += change * change
            peak = equity if equity > peak else peak
            fall = equity / peak - 1.0
            worst = fall if fall < worst else worst
        mean = total / (count - 1)
        deviation = np.sqrt(max(squares - (count - 1) * mean * mean, 0.0) / (count - 2))
        out[c, 0] = before / 1e6 - 1.0
        out[c, 1] = worst
        out[c, 2] = mean / deviation if deviation > 0.0 else np.nan


def plain(bars: int) -> npt.NDArray[np.float64]:
    """The hand-written loop over the same combinations."""
    names = grid(bars)
    pairs = [(fast, slow) for fast in names["fast"] for slow in names["slow"] if fast < slow]
    fasts, slows = (np.array([pair[place] for pair in pairs]) for place in (0, 1))
    out = np.empty((len(pairs), 3))
    plain_kernel(untied_closes(bars), fasts, slows, FEE, out)
    return out


if __name__ == "__main__":
    what, count, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    market = prices(count)
    if what == "plain":
        seconds, found = timed(lambda: plain(count), repeats)
        report(seconds, len(found))
    elif what == "rules":
        seconds, result = timed(lambda: with_rules(market), repeats)
        report(seconds, result.trials)
    else:
        seconds, result = timed(lambda: sweep(market, limits=wb.RiskLimits.unlimited()), repeats)
        report(seconds, result.trials)
