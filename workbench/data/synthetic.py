"""A made-up market with known properties: correlated, jumping, moody, at several venues that lead and lag.

The model, per bar of dt years:
- efficient log price: dx_i = -v^2/2 dt + v sqrt(dt) z_i + J_i, with v = volatility_i * mood, z correlated by Cholesky
  (jump diffusion: R. C. Merton, "Option pricing when underlying stock returns are discontinuous", 1976).  Jumps come
  to all symbols at once (Poisson, jumps_per_year) with correlated normal sizes, their mean effect taken out, so that
  the price is a martingale.
- trend, where there is one: mu_i dt is added to dx_i, an Ornstein-Uhlenbeck drift of mean 0 and standard deviation
  `trend` a year, of which half is left after `trend_bars`.  A move then says something about the next one, which is
  what momentum lives on (T. J. Moskowitz, Y. H. Ooi, L. H. Pedersen, "Time series momentum", 2012).
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
from datetime import timedelta
from typing import Final

import numpy as np
import pandas as pd

from workbench.core.messages import Instrument
from workbench.data.market_model import (
    USUAL_REGIMES,
    Floats,
    Regimes,
    add_quotes,
    drifts,
    moods,
    noise,
    ohlc,
    returns,
    volumes,
)
from workbench.data.prices import Prices
from workbench.data.times import Moment, as_span, parse_interval
from workbench.errors import DataError

__all__ = ["Regimes", "synthetic"]

_YEAR_NS: Final = 365 * 86_400 * 1_000_000_000
_MINUTE_NS: Final = 60_000_000_000
_START_PRICES: Final = {"BTC-USD": 30_000.0, "ETH-USD": 2_000.0}
_COMPONENTS: Final = ("mood", "diffusion", "jumps", "extremes", "venues", "volumes", "quotes", "trend")


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
    regimes: Regimes | None = USUAL_REGIMES,
    jumps_per_year: float = 50.0,
    trend: float = 0.0,
    trend_bars: float = 500.0,
    lead_lag_bars: int = 1,
    venue_noise_bps: float = 3.0,
    spread_bps: float | None = None,
    start_prices: Mapping[str, float] | None = None,
    tick: float = 0.01,
) -> Prices:
    """`bars` bars of each symbol at each venue; the same arguments give the same prices.

    correlation: of the returns of each pair of symbols.  volatility: per year of 365 days (0.6 is 60 %), of all or by
    symbol, without jumps.  regimes: None for one mood throughout.  trend: standard deviation per year of a drift that
    comes and goes (1.0 is 100 %).  trend_bars: bars after which half of a drift is left.  venue_noise_bps: standard
    deviation of a following venue's own noise, 1e-4 of the price.  spread_bps: adds bid, ask (round the close, wider in
    a storm) and sizes; None leaves the spread to the costs of the run.  start_prices: by symbol; default BTC-USD 30000,
    ETH-USD 2000, others 100.  tick: price grid.  Raises DataError for an argument that makes no sense.
    """
    length = parse_interval(interval)
    symbols, venues = _checked_names(symbols, "symbols"), _checked_names(venues, "venues")
    _check("bars", bars, bars >= 1, "1 or more")
    _check("seed", seed, seed >= 0, "0 or more")
    # Below -1 / (n - 1) no n series can be that much against each other at once.
    lowest = -1.0 / max(len(symbols) - 1, 1)
    _check("correlation", correlation, lowest < correlation < 1.0, f"more than {lowest:g} and less than 1")
    _check("jumps_per_year", jumps_per_year, 0.0 <= jumps_per_year < math.inf, "0 or more")
    _check("trend", trend, 0.0 <= trend < math.inf, "0 or more")
    _check("trend_bars", trend_bars, 1.0 <= trend_bars < math.inf, "1 or more")
    _check("lead_lag_bars", lead_lag_bars, lead_lag_bars >= 0, "0 or more")
    _check("venue_noise_bps", venue_noise_bps, 0.0 <= venue_noise_bps < math.inf, "0 or more")
    _check(
        "spread_bps", spread_bps, spread_bps is None or 0.0 <= spread_bps < 5_000.0, "0 or more, below 5000"
    )
    _check("tick", tick, 0.0 < tick < math.inf, "above 0")
    annual = _by_symbol(symbols, volatility, {}, 0.6, "volatility")
    first = _by_symbol(symbols, start_prices or {}, _START_PRICES, 100.0, "start_prices")
    seeds = np.random.SeedSequence(seed).spawn(len(_COMPONENTS))
    random = {name: np.random.default_rng(one) for name, one in zip(_COMPONENTS, seeds, strict=True)}
    mood = moods(random["mood"], bars + lead_lag_bars, regimes)
    sigma = mood[:, None] * annual * math.sqrt(length / _YEAR_NS)
    steps = returns(
        random["diffusion"], random["jumps"], sigma, correlation, jumps_per_year * length / _YEAR_NS
    )
    if trend > 0.0:
        steps += drifts(random["trend"], steps.shape, correlation, trend * length / _YEAR_NS, trend_bars)
    # The first `lead_lag_bars` rows are the past that following venues still show.
    efficient = np.vstack([np.zeros(len(symbols)), np.cumsum(steps, axis=0)])
    efficient += np.log(first) - efficient[lead_lag_bars]
    index = pd.date_range(as_span(start)[0], periods=bars, freq=pd.Timedelta(length), unit="ns")
    frames: dict[Instrument, pd.DataFrame] = {}
    for place, venue in enumerate(venues):
        late = slice(0, bars) if place else slice(lead_lag_bars, lead_lag_bars + bars)
        path = efficient[late.start : late.stop + 1]
        if place:
            path = path + noise(random["venues"], path.shape, venue_noise_bps)
        activity = mood[late] * length / _MINUTE_NS
        for column, symbol in enumerate(symbols):
            frame = ohlc(random["extremes"], path[:, column], sigma[late, column], tick)
            frame["volume"] = volumes(random["volumes"], path[:, column], sigma[late, column], activity)
            if spread_bps is not None:
                add_quotes(random["quotes"], frame, spread_bps * mood[late], tick)
            frames[Instrument(symbol=symbol, venue=venue, tick=tick)] = pd.DataFrame(frame, index=index)
    return Prices(frames, interval=pd.Timedelta(length))


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


def _check(name: str, value: float | None, right: bool, expected: str) -> None:
    if not right:
        raise DataError(f"synthetic: expected {name} {expected}, found {value!r}")
