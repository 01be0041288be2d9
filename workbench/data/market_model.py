"""The arithmetic of the made-up market: one function per component, each with a random generator of its own.

The model is written down in synthetic.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from workbench.errors import DataError

__all__ = [
    "USUAL_REGIMES",
    "Floats",
    "Regimes",
    "add_quotes",
    "drifts",
    "moods",
    "noise",
    "ohlc",
    "returns",
    "volumes",
]

type Floats = npt.NDArray[np.float64]

_JUMP_STD: Final = 0.02  # of a jump's log size; its mean is 0
_NOISE_MEMORY: Final = 0.9  # AR(1) coefficient of a venue's own noise, per bar
_NOTIONAL_PER_MINUTE: Final = 200_000.0  # quote currency traded per venue in a calm minute


@dataclass(frozen=True, slots=True)
class Regimes:
    """Two moods of the market: volatility relative to each other, and how many bars each lasts on average."""

    calm: float = 0.7
    stormy: float = 2.0
    calm_bars: float = 2_000.0
    stormy_bars: float = 300.0

    def __post_init__(self) -> None:
        for name, least in (("calm", 0.0), ("stormy", 0.0), ("calm_bars", 1.0), ("stormy_bars", 1.0)):
            value = getattr(self, name)
            if not math.isfinite(value) or value < least or (least == 0.0 and value == 0.0):
                raise DataError(
                    f"regimes: expected {name} {'above 0' if least == 0.0 else '1 or more'}, found {value!r}"
                )


USUAL_REGIMES: Final = Regimes()


def moods(random: np.random.Generator, rows: int, regimes: Regimes | None) -> Floats:
    """float64[rows]: volatility multiplier of each bar, with mean square 1 in the long run."""
    if regimes is None:
        return np.ones(rows)
    storms = regimes.stormy_bars / (regimes.calm_bars + regimes.stormy_bars)
    scale = math.sqrt((1.0 - storms) * regimes.calm**2 + storms * regimes.stormy**2)
    first = int(random.random() < storms)
    means = (regimes.stormy_bars, regimes.calm_bars) if first else (regimes.calm_bars, regimes.stormy_bars)
    # A stay lasts at least one bar, so `rows` stays are enough; the geometric law makes it a Markov chain.
    stays = random.geometric(1.0 / np.tile(means, rows // 2 + 1))
    stays = stays[: int(np.searchsorted(np.cumsum(stays), rows)) + 1]
    state = (np.arange(len(stays)) + first) % 2
    levels = np.array([regimes.calm, regimes.stormy]) / scale
    return np.repeat(levels[state], stays)[:rows]


def returns(
    random: np.random.Generator,
    jump_random: np.random.Generator,
    sigma: Floats,
    correlation: float,
    jumps: float,
) -> Floats:
    """Log returns, float64[rows, symbols]; sigma: per bar; jumps: expected number per bar."""
    rows, count = sigma.shape
    root = _root(count, correlation)
    # Not a matrix product: its sum may take another order on another machine's BLAS.
    diffusion = _mix(random.standard_normal((rows, count)), root)
    numbers = jump_random.poisson(jumps, rows)
    sizes = _mix(jump_random.standard_normal((rows, count)), root)
    mean_effect = jumps * (math.exp(0.5 * _JUMP_STD**2) - 1.0)
    jumped = _JUMP_STD * np.sqrt(numbers)[:, None] * sizes - mean_effect
    return np.asarray(sigma * diffusion - 0.5 * sigma**2 + jumped)


def drifts(
    random: np.random.Generator, shape: tuple[int, int], correlation: float, level: float, bars: float
) -> Floats:
    """Drift of log price per bar, float64[rows, symbols]: stationary AR(1) of mean 0 and standard deviation `level`.

    correlation: of each pair of symbols.  bars: after which half of a drift is left.
    """
    return level * _mix(_autoregressive(random, shape, 0.5 ** (1.0 / bars)), _root(shape[1], correlation))


def _root(count: int, correlation: float) -> Floats:
    """Lower triangle that mixes independent numbers into correlated ones."""
    matrix = np.full((count, count), correlation)
    np.fill_diagonal(matrix, 1.0)
    return np.linalg.cholesky(matrix)


def _mix(normals: Floats, root: Floats) -> Floats:
    """Each row of `normals` times the lower triangle `root`, summed from left to right."""
    mixed = np.zeros_like(normals)
    for column in range(len(root)):
        mixed[:, column:] += root[column:, column] * normals[:, column, None]
    return mixed


def noise(random: np.random.Generator, shape: tuple[int, ...], bps: float) -> Floats:
    """Stationary AR(1) noise in log price, standard deviation `bps` * 1e-4."""
    return np.asarray(_autoregressive(random, shape, _NOISE_MEMORY) * bps * 1e-4)


def _autoregressive(random: np.random.Generator, shape: tuple[int, ...], memory: float) -> Floats:
    """Stationary AR(1) of mean 0 and variance 1; memory: its coefficient per row."""
    import pandas as pd  # only here: a live market uses the rest, in a process that is kept small

    shocks = random.standard_normal(shape)
    shocks[1:] *= math.sqrt(1.0 - memory**2)
    # ewm gives x = m x + (1 - m) s; dividing the later shocks by 1 - m leaves the AR(1).
    shocks[1:] /= 1.0 - memory
    return pd.DataFrame(shocks).ewm(alpha=1.0 - memory, adjust=False).mean().to_numpy()


def ohlc(random: np.random.Generator, path: Floats, sigma: Floats, tick: float) -> dict[str, Floats]:
    """open, high, low, close on the grid; path: log prices at the n + 1 ends of n bars."""
    start, stop = path[:-1], path[1:]
    spread = np.square(stop - start)
    uniform = 1.0 - random.random((2, len(sigma)))  # in (0, 1], so the logarithm is finite
    up, down = np.sqrt(spread - 2.0 * sigma**2 * np.log(uniform))
    high = 0.5 * (start + stop + up)
    low = 0.5 * (start + stop - down)
    logs = {"open": start, "high": np.maximum(high, np.maximum(start, stop)), "low": low, "close": stop}
    logs["low"] = np.minimum(low, np.minimum(start, stop))
    return {name: _on_grid(np.exp(values), tick) for name, values in logs.items()}


def _on_grid(prices: Floats, tick: float) -> Floats:
    """Nearest tick, at least one; ticks such as 0.01 give the same float as the written decimal."""
    return _price_of(np.rint(prices / tick), tick)


def _price_of(steps: Floats, tick: float) -> Floats:
    per_unit = round(1.0 / tick)
    exact = per_unit >= 1 and abs(per_unit * tick - 1.0) < 1e-12
    steps = np.maximum(steps, 1.0)
    return np.asarray(steps / per_unit if exact else steps * tick)


def volumes(random: np.random.Generator, path: Floats, sigma: Floats, activity: Floats) -> Floats:
    """Units traded; grows with the mood (`activity`) and with the bar's move against what its volatility would say."""
    move = np.abs(np.diff(path)) / sigma
    notional = (
        _NOTIONAL_PER_MINUTE
        * activity
        * (0.4 + 0.75 * move)
        * np.exp(0.5 * random.standard_normal(len(activity)))
    )
    return np.asarray(np.round(notional / np.exp(path[1:]), 6))


def add_quotes(
    random: np.random.Generator, frame: dict[str, Floats], spread_bps: Floats, tick: float
) -> None:
    """Put bid, ask and their sizes into `frame`; the spread is never narrower than one tick."""
    close = frame["close"]
    half = np.maximum(0.5e-4 * spread_bps * close, 0.5 * tick)
    frame["bid"] = _price_of(np.floor((close - half) / tick + 1e-6), tick)
    frame["ask"] = _price_of(np.ceil((close + half) / tick - 1e-6), tick)
    for side in ("bid_size", "ask_size"):
        frame[side] = np.round(frame["volume"] * random.uniform(0.05, 0.3, len(close)), 6)
