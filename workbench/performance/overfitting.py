"""Is the choice of the best trial worth anything on data that it was not chosen on?

Combinatorially symmetric cross-validation: the rows are cut into an even number of blocks; each half of the blocks in
turn is what the best trial is chosen on (in sample), the other half is where it is judged (out of sample).

Source: D. Bailey, J. Borwein, M. López de Prado, J. Zhu, "The probability of backtest overfitting", Journal of
Computational Finance 20(4), 2017.  Sharpe ratios are per period, not annualised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import batched, combinations, pairwise
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.arithmetic import Floats
from workbench.performance.inputs import check_number, read

__all__ = ["Metric", "Overfitting", "probability_of_backtest_overfitting"]

type Metric = Callable[[Floats], npt.NDArray[Any]]
"""Performance of each trial, float64[n], on rows of returns, float64[t, n]; more is better, NaN is no performance."""

type Halves = Iterator[tuple[Floats, Floats]]

MOST_BLOCKS: Final = 20  # 184,756 combinations; two blocks more are four times as many
CHUNK: Final = 512  # combinations at a time: what bounds the memory
EPSILON: Final = float(np.finfo(np.float64).eps)


class Overfitting(msgspec.Struct, frozen=True, eq=False):
    """What came of the cross-validation; one row a combination, in lexicographic order of the in-sample blocks.

    in_sample, out_of_sample: float64[c], performance of the trial that was best in sample.  selected: int64[c], its
    column.  logits: float64[c], log odds of its rank out of sample; above 0 it beat the median trial.  mean_trial:
    float64[c], mean performance of all trials out of sample.  blocks: how many.  names: labels of the trials.
    """

    in_sample: Floats
    out_of_sample: Floats
    selected: npt.NDArray[np.int64]
    logits: Floats
    mean_trial: Floats
    blocks: int
    names: pd.Index

    @property
    def probability(self) -> float:
        """Probability of backtest overfitting: how often the best in sample is no better than the median out of it.

        About 1/2 where no trial has any skill, near 0 where the choice is worth something.
        """
        return float((self.logits <= 0.0).mean())

    @property
    def probability_of_loss(self) -> float:
        """How often the best in sample performs below 0 out of it."""
        return float((self.out_of_sample < 0.0).mean())

    @property
    def degradation(self) -> float:
        """Slope of performance out of sample over that in sample: below 0, what looks better is worse.  NaN if flat."""
        moves = self.in_sample - self.in_sample.mean()
        spread = float(np.square(moves).sum())
        if not spread > (EPSILON * float(np.abs(self.in_sample).max())) ** 2 * len(moves):
            return math.nan
        return float((moves * (self.out_of_sample - self.out_of_sample.mean())).sum()) / spread

    @property
    def dominates(self) -> bool:
        """First-order stochastic dominance: choosing the best in sample beats choosing at random, at every level."""
        chosen, random = np.sort(self.out_of_sample), np.sort(self.mean_trial)
        levels = np.concatenate([chosen, random])
        below = np.searchsorted(chosen, levels, side="right") / len(chosen)
        other = np.searchsorted(random, levels, side="right") / len(random)
        return bool((below <= other).all() and (below < other).any())

    def summary(self) -> pd.Series[float]:
        """All figures in one Series."""
        return pd.Series(
            {
                "probability_of_overfitting": self.probability,
                "probability_of_loss": self.probability_of_loss,
                "degradation": self.degradation,
                "in_sample": float(self.in_sample.mean()),
                "out_of_sample": float(self.out_of_sample.mean()),
                "mean_trial": float(self.mean_trial.mean()),
                "trials": float(len(self.names)),
                "blocks": float(self.blocks),
                "combinations": float(len(self.logits)),
            },
            dtype=np.float64,
            name="overfitting",
        )

    def selection(self) -> pd.Series[float]:
        """How often each trial was best in sample, as shares, the most frequent first."""
        counts = np.bincount(self.selected, minlength=len(self.names)) / len(self.selected)
        return pd.Series(counts, index=self.names, name="selected").sort_values(
            ascending=False, kind="stable"
        )


def probability_of_backtest_overfitting(
    returns: pd.DataFrame | npt.NDArray[Any],
    *,
    blocks: int = 16,
    risk_free: float = 0.0,
    metric: Metric | None = None,
) -> Overfitting:
    """Cross-validate the choice of the best trial.

    returns: one column a trial, all that were tried, with the same rows and none missing.  blocks: an even number, at
    most 20; 16 gives 12,870 combinations.  They are as long as each other, or one row longer.  metric: what "best"
    means; None takes the Sharpe ratio per period of returns less `risk_free` (per period), which is fast.  Where a
    trial does not move in a half, or has no performance there, it counts as 0.

    Raises DataError for fewer than two trials, missing returns or too few rows, ConfigError for settings.
    """
    table = read(returns)
    values = table.values
    count = _check(values, blocks)
    rate = check_number("risk_free", risk_free)
    edges = np.linspace(0, len(values), count + 1).round().astype(np.int64)
    if metric is None:
        halves = _sharpe_halves(values - rate if rate else values, edges)
    elif rate:
        raise ConfigError("risk_free goes with the Sharpe ratio; a metric of your own subtracts it itself")
    else:
        halves = _metric_halves(values, edges, metric)
    parts = [_judge(*pair) for pair in halves]
    names = pd.RangeIndex(values.shape[1]) if table.names is None else table.names
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return Overfitting(joined[0], joined[1], joined[2].astype(np.int64), joined[3], joined[4], count, names)


def _check(values: Floats, blocks: object) -> int:
    if isinstance(blocks, bool) or not isinstance(blocks, int | np.integer) or blocks < 2 or blocks % 2:
        raise ConfigError(f"blocks must be an even number of 2 or more, found {blocks!r}")
    if blocks > MOST_BLOCKS:
        raise ConfigError(
            f"blocks must be {MOST_BLOCKS} or fewer, found {blocks}: there would be "
            f"{math.comb(int(blocks), int(blocks) // 2):,} combinations"
        )
    rows, trials = values.shape
    if trials < 2:
        raise DataError(f"expected the returns of two trials or more, one column each, found {trials}")
    if rows < 2 * blocks:
        raise DataError(f"expected at least two rows a block, {2 * blocks}, found {rows}; take fewer blocks")
    if np.isnan(values).any():
        row, column = np.argwhere(np.isnan(values))[0]
        raise DataError(
            f"expected a return of each trial in each row, found none in row {row}, column {column}"
        )
    return int(blocks)


def _sharpe_halves(values: Floats, edges: npt.NDArray[np.int64]) -> Halves:
    """Sharpe ratios in and out of sample, float64[chunk, n] each, from sums over blocks alone."""
    centre = values.mean(axis=0)
    moves = values - centre  # what is squared is small, so that the difference of squares keeps its digits
    sizes = np.diff(edges).astype(np.float64)
    sums = np.add.reduceat(moves, edges[:-1], axis=0)
    squares = np.add.reduceat(np.square(moves), edges[:-1], axis=0)
    for chunk in batched(combinations(range(len(sizes)), len(sizes) // 2), CHUNK, strict=False):
        inside = np.zeros((len(chunk), len(sizes)))
        inside[np.arange(len(chunk))[:, np.newaxis], np.array(chunk)] = 1.0
        outside = 1.0 - inside
        yield (
            _sharpes(inside @ sums, inside @ squares, inside @ sizes, centre),
            _sharpes(outside @ sums, outside @ squares, outside @ sizes, centre),
        )


def _sharpes(sums: Floats, squares: Floats, sizes: Floats, centre: Floats) -> Floats:
    size = sizes[:, np.newaxis]
    mean = sums / size
    variance = (squares - sums * mean) / (size - 1.0)
    flat = variance <= 8.0 * EPSILON * (squares / size + np.square(centre))
    return np.where(flat, 0.0, (mean + centre) / np.sqrt(np.where(flat, 1.0, variance)))


def _metric_halves(values: Floats, edges: npt.NDArray[np.int64], metric: Metric) -> Halves:
    """The same with a metric of the caller's, one combination at a time."""
    pieces = [values[a:b] for a, b in pairwise(edges)]
    every = range(len(pieces))
    for chosen in combinations(every, len(pieces) // 2):
        halves = [
            np.concatenate([pieces[k] for k in every if (k in chosen) == inside]) for inside in (True, False)
        ]
        yield _measured(halves[0], metric), _measured(halves[1], metric)


def _measured(rows: Floats, metric: Metric) -> Floats:
    found = np.asarray(metric(rows), dtype=np.float64)
    if found.shape != (rows.shape[1],):
        raise ConfigError(
            f"metric must give one figure for each of {rows.shape[1]} trials, found shape {found.shape}"
        )
    if np.isinf(found).any():
        raise DataError(
            f"metric must give finite figures, or NaN where there is none, found {found[np.isinf(found)][0]} "
            f"for trial {int(np.isinf(found).argmax())}"
        )
    return np.where(np.isnan(found), 0.0, found)[np.newaxis]


def _judge(inside: Floats, outside: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int64], Floats, Floats]:
    """What becomes, out of sample, of the trial that is best in sample: for each combination, a row."""
    rows = np.arange(len(inside))
    best = inside.argmax(axis=1)
    chosen = outside[rows, best]
    level = chosen[:, np.newaxis]
    # Those below, half of the others that are just as good, and itself.
    rank = (outside < level).sum(axis=1) + ((outside == level).sum(axis=1) - 1) / 2.0 + 1.0
    share = rank / (inside.shape[1] + 1.0)
    return (
        inside[rows, best],
        chosen,
        best.astype(np.int64),
        np.log(share / (1.0 - share)),
        outside.mean(axis=1),
    )
