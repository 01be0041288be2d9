"""Post-trade measures: drawdown, value at risk, correlation and concentration, as pure functions.

Sampled measures work on a grid in event time, so their cost does not grow with the number of updates.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from workbench.core.exposure import gross_of_portfolio, gross_of_symbol
from workbench.core.jit import jit
from workbench.core.state import DAY_NS, Desk

__all__ = [
    "correlation",
    "drawdown",
    "farthest",
    "highest_holding_correlation",
    "highest_strategy_correlation",
    "historical_var",
    "largest_share",
    "note_holdings",
    "portfolio_var",
    "sample",
    "value_at_risk",
    "var_bound",
]

MIN_SAMPLES = 8  # fewer say nothing about a tail or a correlation


@jit
def drawdown(value: float, peak: float) -> float:
    """Fall from the peak as a positive share.

    Infinite, so that no limit passes it, where the value is not finite or there is nothing to take a share of.
    """
    if not math.isfinite(value) or not peak > 0.0:
        return math.inf
    return (peak - value) / peak


@jit
def historical_var(outcomes: npt.NDArray[np.float64], count: int, tail: float) -> float:
    """Loss that is exceeded in `tail` of the first `count` outcomes (P&L, quote currency); 0 where all are gains.

    outcomes: float64[>= count], brought into another order.  The empirical quantile without interpolation: the k-th
    worst with k = floor(tail x count) + 1, so that few samples err on the side of the larger loss.  Infinite where an
    outcome is not finite.
    """
    total = 0.0
    for i in range(count):
        total += outcomes[i]
    if not math.isfinite(total):
        return math.inf
    rank = int(tail * count + 1e-9)  # 1 - 0.9 is a little less than 0.1
    for place in range(rank + 1):  # a tail is a few outcomes: picking them is cheaper than sorting them all
        worst = place
        for i in range(place + 1, count):
            if outcomes[i] < outcomes[worst]:
                worst = i
        outcomes[place], outcomes[worst] = outcomes[worst], outcomes[place]
    loss = -outcomes[rank]
    return loss if loss > 0.0 else 0.0


@jit
def correlation(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> float:
    """Pearson correlation of two equally long samples; 0 where one of them does not move."""
    count = len(left)
    mean_left = 0.0
    mean_right = 0.0
    for i in range(count):
        mean_left += left[i]
        mean_right += right[i]
    mean_left /= count
    mean_right /= count
    both = 0.0
    square_left = 0.0
    square_right = 0.0
    for i in range(count):
        a = left[i] - mean_left
        b = right[i] - mean_right
        both += a * b
        square_left += a * a
        square_right += b * b
    scale = math.sqrt(square_left) * math.sqrt(square_right)
    return both / scale if scale > 0.0 else 0.0


@jit
def _samples(desk: Desk) -> int:
    taken = desk.books[0].sample
    window = desk.head[0].window
    return taken if taken < window else window


@jit
def sample(desk: Desk) -> None:
    """Note one row of instrument returns and strategy results since the sample before."""
    book = desk.books[0]
    row = book.sample % desk.head[0].window
    for k in range(desk.head[0].instruments):
        instrument = desk.instruments[k]
        known = instrument.sampled > 0.0 and instrument.mark > 0.0
        desk.returns[row, k] = instrument.mark / instrument.sampled - 1.0 if known else 0.0
        instrument.sampled = instrument.mark
        instrument.reach = farthest(desk.returns, k)
    for s in range(desk.head[0].strategies):
        strategy = desk.strategies[s]
        change = strategy.pnl - strategy.sampled_pnl
        desk.results[row, s] = change if math.isfinite(change) else 0.0
        strategy.sampled_pnl = strategy.pnl
    if book.sample == 0:
        book.first_sample_ns = book.now_ns
    book.sample += 1
    note_holdings(desk)


@jit
def farthest(returns: npt.NDArray[np.float64], k: int) -> float:
    """Largest absolute return of instrument `k`.  returns: float64[window, instruments], 0 where none was sampled."""
    most = 0.0
    for i in range(len(returns)):
        size = abs(returns[i, k])
        if not size <= most:
            most = size
    return most


@jit
def note_holdings(desk: Desk) -> None:
    """Keep what is held now, for the value at risk of this sample."""
    instruments = desk.head[0].instruments
    for k in range(instruments):
        held = 0.0
        for s in range(desk.head[0].strategies):
            held += desk.positions[s * instruments + k].quantity
        row = desk.instruments[k]
        row.sampled_value = held * row.mark * row.multiplier if held != 0.0 else 0.0
    desk.books[0].sampled_ns = desk.books[0].now_ns


@jit
def _days(desk: Desk) -> float:
    """What a loss between two samples is multiplied with to be that of one day; never below 1."""
    book = desk.books[0]
    span = float(book.sampled_ns - book.first_sample_ns) / (book.sample - 1)
    return math.sqrt(DAY_NS / span) if 0.0 < span < DAY_NS else 1.0


@jit
def portfolio_var(desk: Desk) -> float:
    """One-day value at risk of the last sample's holdings by historical simulation; NaN until there are 8 samples.

    Each sampled row of returns is applied to the holdings; the loss at the confidence level is scaled from the
    samples' mean distance to one day by the square root of time (Basel Committee 1996, B.4(c)), never down.
    """
    count = _samples(desk)
    if count < MIN_SAMPLES:
        return math.nan
    for i in range(count):
        desk.scratch[i] = 0.0
    for k in range(desk.head[0].instruments):
        value = desk.instruments[k].sampled_value
        if value != 0.0:
            for i in range(count):
                desk.scratch[i] += value * desk.returns[i, k]
    return historical_var(desk.scratch, count, desk.limits[0].var_tail) * _days(desk)


@jit
def var_bound(desk: Desk) -> float:
    """What the value at risk of the last sample cannot exceed, without looking at its outcomes; NaN until 8 samples."""
    if _samples(desk) < MIN_SAMPLES:
        return math.nan
    worst = 0.0
    for k in range(desk.head[0].instruments):
        row = desk.instruments[k]
        worst += abs(row.sampled_value) * row.reach
    return worst * _days(desk) * (1.0 + 1e-9)


@jit
def value_at_risk(desk: Desk) -> float:
    """The value at risk of the last sample, worked out when it is first asked for."""
    book = desk.books[0]
    if book.var_due:
        book.var_due = 0
        book.value_at_risk = portfolio_var(desk)
    return book.value_at_risk


@jit
def highest_strategy_correlation(desk: Desk) -> float:
    """Largest absolute correlation between the sampled results of two strategies; NaN until there are 8 samples."""
    count = _samples(desk)
    if count < MIN_SAMPLES:
        return math.nan
    highest = 0.0
    for a in range(desk.head[0].strategies):
        for b in range(a):
            value = abs(correlation(desk.results[:count, a], desk.results[:count, b]))
            if value > highest:
                highest = value
    return highest


@jit
def highest_holding_correlation(desk: Desk) -> float:
    """Largest correlation of returns between two holdings, positive where they gain together; NaN until 8 samples.

    Two holdings of one symbol on different venues are left out: their correlation is no news.
    """
    count = _samples(desk)
    if count < MIN_SAMPLES:
        return math.nan
    instruments = desk.head[0].instruments
    highest = 0.0
    for k in range(instruments):
        held = 0.0
        for s in range(desk.head[0].strategies):
            held += desk.positions[s * instruments + k].quantity
        desk.scratch[desk.head[0].window + k] = held
    for a in range(instruments):
        for b in range(a):
            sides = desk.scratch[desk.head[0].window + a] * desk.scratch[desk.head[0].window + b]
            if sides == 0.0 or desk.instruments[a].symbol == desk.instruments[b].symbol:
                continue
            value = correlation(desk.returns[:count, a], desk.returns[:count, b])
            value = value if sides > 0.0 else -value
            if value > highest:
                highest = value
    return highest


@jit
def largest_share(desk: Desk) -> float:
    """Largest share of gross exposure in one symbol; 0 with nothing held, infinite where exposure is unknown."""
    total = gross_of_portfolio(desk)
    if not math.isfinite(total):
        return math.inf
    if total == 0.0:
        return 0.0
    largest = 0.0
    for symbol in range(desk.head[0].symbols):
        share = gross_of_symbol(desk, symbol) / total
        if share > largest:
            largest = share
    return largest
