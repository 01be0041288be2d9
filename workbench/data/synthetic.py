"""A made-up market with known properties: correlated, jumping, moody, at several venues that lead and lag.

The model, per bar of dt years:
- efficient log price: dx_i = -v^2/2 dt + v sqrt(dt) z_i + J_i, with v = volatility_i * mood, z correlated by Cholesky
  (jump diffusion: R. C. Merton, "Option pricing when underlying stock returns are discontinuous", 1976).  Jumps come
  to all symbols at once (Poisson, jumps_per_year) with correlated normal sizes, their mean effect taken out, so that
  the price is a martingale.
- mood: a two-state Markov chain, calm and stormy, common to all symbols, with mean square 1, so that `volatility` is
  the long-run one (J. D. Hamilton, "A new approach to the economic analysis of nonstationary time series", 1989).
- high and low: the extremes of a Brownian bridge from open to close, by inverting their distribution
  (P. Glasserman, "Monte Carlo Methods in Financial Engineering", 2004, section 6.4).
- venues: the first shows the efficient price; each other shows it `lead_lag_bars` late plus its own AR(1) noise of
  `venue_noise_bps`, so that prices of one symbol drift apart and meet again.
- volume: log-normal, larger in a storm and in bars that move.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.messages import Instrument
from workbench.data.prices import Prices
from workbench.data.times import Moment, as_span, parse_interval
from workbench.errors import DataError

__all__ = ["Regimes", "synthetic"]

type Floats = npt.NDArray[np.float64]

_YEAR_NS: Final = 365 * 86_400 * 1_000_000_000
_MINUTE_NS: Final = 60_000_000_000
_START_PRICES: Final = {"BTC-USD": 30_000.0, "ETH-USD": 2_000.0}
_JUMP_STD: Final = 0.02  # of a jump's log size; its mean is 0
_NOISE_MEMORY: Final = 0.9  # AR(1) coefficient of a venue's own noise, per bar
_NOTIONAL_PER_MINUTE: Final = 200_000.0  # quote currency traded per venue in a calm minute
_COMPONENTS: Final = ("mood", "diffusion", "jumps", "extremes", "venues", "volumes", "quotes")


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


def synthetic(
    symbols: Sequence[str] = ("BTC-USD", "ETH-USD"),
    venues: Sequence[str] = ("exchange-1", "exchange-2"),
    bars: int = 10_000,
    interval: str | timedelta = "1min",
    seed: int = 0,
    start: Moment = "2024-01-01",
    *,
    correlation: float = 0.7,
    volatility: float | Mapping[str, float] = 0.6,
    regimes: Regimes | None = Regimes(),
    jumps_per_year: float = 50.0,
    lead_lag_bars: int = 1,
    venue_noise_bps: float = 3.0,
    spread_bps: float | None = None,
    start_prices: Mapping[str, float] | None = None,
    tick: float = 0.01,
) -> Prices:
    """`bars` bars of each symbol at each venue; the same arguments give the same prices.

    correlation: of the returns of each pair of symbols.  volatility: per year of 365 days (0.6 is 60 %), of all or by
    symbol, without jumps.  regimes: None for one mood throughout.  venue_noise_bps: standard deviation of a following
    venue's own noise, 1e-4 of the price.  spread_bps: adds bid, ask (round the close, wider in a storm) and sizes;
    None leaves the spread to the costs of the run.  start_prices: by symbol; default BTC-USD 30000, ETH-USD 2000,
    others 100.  tick: price grid.  Raises DataError for an argument that makes no sense.
    """
    length = parse_interval(interval)
    names = _checked_names(symbols, "symbols"), _checked_names(venues, "venues")
    symbols, venues = names
    _check(
        bars,
        seed,
        correlation,
        len(symbols),
        jumps_per_year,
        lead_lag_bars,
        venue_noise_bps,
        spread_bps,
        tick,
    )
    annual = _by_symbol(symbols, volatility, {}, 0.6, "volatility")
    first = _by_symbol(symbols, start_prices or {}, _START_PRICES, 100.0, "start_prices")
    random = dict(
        zip(
            _COMPONENTS,
            map(np.random.default_rng, np.random.SeedSequence(seed).spawn(len(_COMPONENTS))),
            strict=True,
        )
    )
    rows = bars + lead_lag_bars
    mood = _moods(random["mood"], rows, regimes)
    sigma = mood[:, None] * annual * math.sqrt(length / _YEAR_NS)
    returns = _returns(random, sigma, correlation, jumps_per_year * length / _YEAR_NS)
    # The first `lead_lag_bars` rows are the past that following venues still show.
    efficient = np.vstack([np.zeros(len(symbols)), np.cumsum(returns, axis=0)])
    efficient += np.log(first) - efficient[lead_lag_bars]
    index = pd.date_range(
        as_span(start)[0], periods=bars, freq=pd.Timedelta(length), unit="ns", name="timestamp"
    )
    frames: dict[Instrument, pd.DataFrame] = {}
    for place, venue in enumerate(venues):
        lag = lead_lag_bars if place else 0
        window = slice(lead_lag_bars - lag, lead_lag_bars - lag + bars)
        path = efficient[window.start : window.stop + 1]
        if place:
            path = path + _noise(random["venues"], path.shape, venue_noise_bps)
        for column, symbol in enumerate(symbols):
            step = sigma[window, column]
            frame = _bars(random["extremes"], path[:, column], step, tick)
            busy = mood[window] * length / _MINUTE_NS
            frame["volume"] = _volumes(random["volumes"], path[:, column], step, busy)
            if spread_bps is not None:
                _add_quotes(random["quotes"], frame, spread_bps * mood[window], tick)
            frames[Instrument(symbol=symbol, venue=venue, tick=tick)] = pd.DataFrame(frame, index=index)
    return Prices(frames, interval=pd.Timedelta(length))


def _moods(random: np.random.Generator, rows: int, regimes: Regimes | None) -> Floats:
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


def _returns(
    random: Mapping[str, np.random.Generator], sigma: Floats, correlation: float, jumps: float
) -> Floats:
    """Log returns, float64[rows, symbols]; sigma: per bar; jumps: expected number per bar."""
    rows, count = sigma.shape
    matrix = np.full((count, count), correlation)
    np.fill_diagonal(matrix, 1.0)
    root = np.linalg.cholesky(matrix)
    # Not a matrix product: its sum may take another order on another machine's BLAS.
    diffusion = _mix(random["diffusion"].standard_normal((rows, count)), root)
    numbers = random["jumps"].poisson(jumps, rows)
    sizes = _mix(random["jumps"].standard_normal((rows, count)), root)
    mean_effect = jumps * (math.exp(0.5 * _JUMP_STD**2) - 1.0)
    jumped = _JUMP_STD * np.sqrt(numbers)[:, None] * sizes - mean_effect
    return np.asarray(sigma * diffusion - 0.5 * sigma**2 + jumped)


def _mix(normals: Floats, root: Floats) -> Floats:
    """Each row of `normals` times the lower triangle `root`, summed from left to right."""
    mixed = np.zeros_like(normals)
    for row in range(root.shape[0]):
        for column in range(row + 1):
            mixed[:, row] += root[row, column] * normals[:, column]
    return mixed


def _noise(random: np.random.Generator, shape: tuple[int, ...], bps: float) -> Floats:
    """Stationary AR(1) noise in log price, standard deviation `bps` * 1e-4."""
    shocks = random.standard_normal(shape)
    shocks[1:] *= math.sqrt(1.0 - _NOISE_MEMORY**2)
    # ewm gives x = m x + (1 - m) s; dividing the later shocks by 1 - m leaves the AR(1).
    shocks[1:] /= 1.0 - _NOISE_MEMORY
    noise = pd.DataFrame(shocks).ewm(alpha=1.0 - _NOISE_MEMORY, adjust=False).mean().to_numpy()
    return np.asarray(noise * bps * 1e-4)


def _bars(random: np.random.Generator, path: Floats, sigma: Floats, tick: float) -> dict[str, Floats]:
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
    per_unit = round(1.0 / tick)
    exact = per_unit >= 1 and abs(per_unit * tick - 1.0) < 1e-12
    steps = np.maximum(np.rint(prices / tick), 1.0)
    return np.asarray(steps / per_unit if exact else steps * tick)


def _volumes(random: np.random.Generator, path: Floats, sigma: Floats, busy: Floats) -> Floats:
    """Units traded; grows with the mood (`busy`) and with the bar's move against what its volatility would say."""
    move = np.abs(np.diff(path)) / sigma
    notional = (
        _NOTIONAL_PER_MINUTE * busy * (0.4 + 0.75 * move) * np.exp(0.5 * random.standard_normal(len(busy)))
    )
    return np.asarray(np.round(notional / np.exp(path[1:]), 6))


def _add_quotes(
    random: np.random.Generator, frame: dict[str, Floats], spread_bps: Floats, tick: float
) -> None:
    """Put bid, ask and their sizes into `frame`; the spread is never narrower than one tick."""
    close = frame["close"]
    half = np.maximum(0.5e-4 * spread_bps * close, 0.5 * tick)
    frame["bid"] = np.minimum(np.maximum(np.floor((close - half) / tick + 1e-9), 1.0) * tick, close)
    frame["ask"] = np.maximum(np.ceil((close + half) / tick - 1e-9) * tick, close)
    for side in ("bid_size", "ask_size"):
        frame[side] = np.round(frame["volume"] * random.uniform(0.05, 0.3, len(close)), 6)


def _checked_names(names: Sequence[str], what: str) -> tuple[str, ...]:
    given = (names,) if isinstance(names, str) else tuple(names)
    if (
        not given
        or len(set(given)) != len(given)
        or not all(name.strip() and "@" not in name for name in given)
    ):
        raise DataError(f"{what}: expected at least one name, each once and without '@', found {list(given)}")
    return given


def _by_symbol(
    symbols: tuple[str, ...],
    given: float | Mapping[str, float],
    usual: Mapping[str, float],
    other: float,
    what: str,
) -> Floats:
    """float64[symbols] out of one figure for all or figures by symbol; each finite and above 0."""
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in symbols]
        if unknown:
            raise DataError(f"{what}: no symbol {unknown[0]!r}; there are {', '.join(symbols)}")
        figures = [float(given.get(name, usual.get(name, other))) for name in symbols]
    else:
        figures = [float(given)] * len(symbols)
    for name, figure in zip(symbols, figures, strict=True):
        if not math.isfinite(figure) or figure <= 0.0:
            raise DataError(f"{what}: expected above 0 for {name}, found {figure!r}")
    return np.array(figures)


def _check(
    bars: int,
    seed: int,
    correlation: float,
    count: int,
    jumps_per_year: float,
    lead_lag_bars: int,
    venue_noise_bps: float,
    spread_bps: float | None,
    tick: float,
) -> None:
    # Below -1 / (n - 1) no n series can be that much against each other at once.
    lowest = -1.0 / (count - 1) if count > 1 else -1.0
    rules = (
        ("bars", bars, bars >= 1, "1 or more"),
        ("seed", seed, seed >= 0, "0 or more"),
        ("correlation", correlation, lowest < correlation < 1.0, f"more than {lowest:g} and less than 1"),
        ("jumps_per_year", jumps_per_year, 0.0 <= jumps_per_year < math.inf, "0 or more"),
        ("lead_lag_bars", lead_lag_bars, lead_lag_bars >= 0, "0 or more"),
        ("venue_noise_bps", venue_noise_bps, 0.0 <= venue_noise_bps < math.inf, "0 or more"),
        (
            "spread_bps",
            spread_bps,
            spread_bps is None or 0.0 <= spread_bps < 5_000.0,
            "0 or more, below 5000",
        ),
        ("tick", tick, 0.0 < tick < math.inf, "above 0"),
    )
    for name, value, right, expected in rules:
        if not right:
            raise DataError(f"synthetic: expected {name} {expected}, found {value!r}")
