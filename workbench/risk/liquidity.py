"""How long a book takes to close, what that costs, and value at risk with the spread in it.

Each day at most `participation` of an instrument's average daily volume is traded, at the core's prices: half the
spread, slippage, and impact_bps times the square root of the share of the day's volume that is taken (R. Almgren,
C. Thum, E. Hauptmann, H. Li, "Direct estimation of equity market impact", 2005), then the taker's fee.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.costs import Costs
from workbench.data.prices import Prices
from workbench.errors import ConfigError, DataError
from workbench.performance.inputs import check_count, check_number
from workbench.risk.inputs import ExposuresLike, as_exposures

__all__ = [
    "LiquidityBook",
    "average_daily_volume",
    "liquidity_adjusted_var",
    "liquidity_book",
    "liquidity_horizon",
]

type Floats = npt.NDArray[np.float64]

_BASIS_POINT: Final = 1e-4
_MOST_COST: Final = 0.9  # of the price, as the core has it


class LiquidityBook(NamedTuple):
    """Positions that are held, one row each.

    exposures, volumes: quote currency, the latter per day.  shares: of the volume that we may take.  sides: of the
    trade that closes, 1 buys and -1 sells.
    """

    names: list[str]
    exposures: Floats
    volumes: Floats
    shares: Floats
    sides: Floats
    costs: list[Costs]

    @property
    def days(self) -> Floats:
        """Days to sell all, fractions of a day included; infinite where nothing trades."""
        with np.errstate(divide="ignore"):
            days: Floats = np.abs(self.exposures) / (self.volumes * self.shares)
        return days


def average_daily_volume(prices: Prices, days: int = 20) -> pd.Series[float]:
    """Mean notional traded per UTC day over the last `days` days that have bars, quote currency, by instrument.

    Each bar counts with volume x close x multiplier.  A last day that is still under way, its bars ending before those
    of every other day, is left out.  Raises DataError where an instrument's volume is unknown or has
    fewer days, ConfigError for days below 1.
    """
    check_count("days", days, 1)
    found = {}
    for instrument in prices.instruments:
        frame = prices.frame(instrument.name)
        if frame["volume"].isna().all():
            raise DataError(
                f"{instrument.name}: expected volumes, found none; give the daily volume yourself"
            )
        daily = _daily(frame["volume"] * frame["close"] * instrument.multiplier)
        if len(daily) < days:
            raise DataError(
                f"{instrument.name}: expected {days} days or more, found {len(daily)}; ask for fewer days"
            )
        found[instrument.name] = float(daily.iloc[-days:].mean())
    return pd.Series(found, name="daily_volume", dtype=np.float64).rename_axis("instrument")


def _daily(notional: pd.Series[float]) -> pd.Series[float]:
    """Sum of each day, the last one left out where it is cut short."""
    times = pd.DatetimeIndex(notional.index)
    days = times.floor("D")
    daily: pd.Series[float] = notional.groupby(days).sum()
    ends = pd.Series(times - days, index=times).groupby(days).max()
    if len(ends) > 1 and ends.iloc[-1] < ends.iloc[:-1].min():
        daily = daily.iloc[:-1]
    return daily


def liquidity_horizon(
    exposures: ExposuresLike,
    daily_volume: Mapping[str, float] | pd.Series[float],
    *,
    participation: float | Mapping[str, float] = 0.1,
    costs: Costs | Mapping[str, Costs] | None = None,
) -> pd.DataFrame:
    """Days and cost to close each position, the slowest first; the last row, "portfolio", is the book.

    exposures: signed notional.  daily_volume: notional traded per day, by instrument.  participation: share of it that
    we may take, above 0 and at most 1; one, or one per instrument.  costs: of all, or by instrument; None for the
    core's defaults (their own participation is of a bar and not used here).

    notional, daily_volume: quote currency.  volume_share: notional / daily_volume.  days: until all is closed, inf
    where nothing trades.  liquid_1d: share closed within the first day.  spread_cost, impact_cost (slippage included),
    fee, cost: quote currency >= 0 (a rebate below); NaN where nothing trades.  cost_bps: of the notional.
    Raises DataError for an instrument without a volume, ConfigError for settings.
    """
    book = liquidity_book(exposures, daily_volume, participation, costs)
    rows = {name: _closing(book, k) for k, name in enumerate(book.names)}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("instrument")
    table = table.sort_values("days", ascending=False, kind="stable")
    return pd.concat([table, _total(table)]).rename_axis("instrument")


def liquidity_adjusted_var(
    var: float,
    exposures: ExposuresLike,
    spread: Mapping[str, float] | pd.Series[float],
    spread_deviation: Mapping[str, float] | pd.Series[float] | None = None,
    *,
    scale: float = 3.0,
) -> pd.Series[float]:
    """Value at risk plus the cost of crossing a spread that is wide on a bad day (quote currency, positive losses).

    var: of the book at mid prices, positive.  spread: mean of (ask - bid) / mid, by instrument; spread_deviation: its
    standard deviation, None for a spread that stays.  scale: how many deviations; 2 to 4.5, as spreads are far from
    normal.  liquidity_cost = sum of |exposure| x (spread + scale x deviation) / 2; with it: var, and
    liquidity_adjusted_var, their sum, since wide spreads come on the days on which prices fall (A. Bangia,
    F. X. Diebold, T. Schuermann, J. D. Stroughair, "Modeling liquidity risk", 1999).
    Raises DataError for an instrument without a spread, ConfigError for figures below 0.
    """
    at_mid = check_number("var", var, 0.0)
    factor = check_number("scale", scale, 0.0)
    held = as_exposures(exposures)
    wide = _of_each(spread, held.index, "spread")
    if spread_deviation is not None:
        wide = wide + factor * _of_each(spread_deviation, held.index, "spread_deviation")
    cost = 0.5 * float(np.abs(held.to_numpy()) @ wide)
    return pd.Series(
        {"var": at_mid, "liquidity_cost": cost, "liquidity_adjusted_var": at_mid + cost}, dtype=np.float64
    )


def liquidity_book(
    exposures: ExposuresLike,
    daily_volume: Mapping[str, float] | pd.Series[float],
    participation: float | Mapping[str, float],
    costs: Costs | Mapping[str, Costs] | None,
) -> LiquidityBook:
    """The positions that are not 0 with what is known of each; see `liquidity_horizon`."""
    held = as_exposures(exposures)
    held = held[held != 0.0]
    if not len(held):
        raise DataError("exposures: expected a position that is not 0, found none")
    names = [str(name) for name in held.index]
    volumes = _of_each(daily_volume, held.index, "daily_volume")
    if isinstance(participation, Mapping):
        shares = _of_each(participation, held.index, "participation")
    else:
        shares = np.full(len(held), check_number("participation", participation, 0.0))
    if not ((shares > 0.0) & (shares <= 1.0)).all():
        raise ConfigError(f"participation must be above 0 and at most 1, found {participation!r}")
    values = np.asarray(held, dtype=np.float64)
    return LiquidityBook(
        names, values, volumes, shares, -np.sign(values), [_costs_of(costs, name) for name in names]
    )


def _costs_of(costs: Costs | Mapping[str, Costs] | None, name: str) -> Costs:
    if costs is None:
        return Costs()
    if isinstance(costs, Costs):
        return costs.checked()
    if name not in costs:
        raise ConfigError(f"costs: expected those of {name}, found {', '.join(costs)}")
    return costs[name].checked()


def _of_each(given: Mapping[str, float] | pd.Series[float], names: pd.Index, what: str) -> Floats:
    """Figures of 0 or more in the order of `names`."""
    series = pd.Series(given, dtype=np.float64)
    missing = [str(name) for name in names if name not in series.index]
    if missing:
        raise DataError(f"{what}: expected a figure for each instrument, found none for {', '.join(missing)}")
    return np.array([check_number(f"{what} of {name}", float(series[name]), 0.0) for name in names])


def _closing(book: LiquidityBook, k: int) -> dict[str, float]:
    """One row of the horizon: full days at the full participation, then what is left."""
    notional, volume = abs(float(book.exposures[k])), float(book.volumes[k])
    days = float(book.days[k])
    row = {
        "notional": float(book.exposures[k]),
        "daily_volume": volume,
        "volume_share": notional / volume if volume > 0.0 else math.inf,
        "days": days,
        "liquid_1d": min(1.0 / days, 1.0) if days > 0.0 else 1.0,
    }
    if not days < math.inf:
        return row | dict.fromkeys(("spread_cost", "impact_cost", "fee", "cost", "cost_bps"), math.nan)
    whole = math.floor(days * (1.0 + 1e-12))
    share = float(book.shares[k])
    rest = max(notional - whole * share * volume, 0.0)
    if rest <= 1e-12 * notional:
        rest = 0.0
    full = np.array(_costs(book.costs[k], book.sides[k], share)) * (notional - rest)
    part = np.array(_costs(book.costs[k], book.sides[k], rest / volume)) * rest
    spread, impact, fee = (full + part).tolist()
    cost = spread + impact + fee
    return row | {
        "spread_cost": spread,
        "impact_cost": impact,
        "fee": fee,
        "cost": cost,
        "cost_bps": cost / notional / _BASIS_POINT,
    }


def _costs(costs: Costs, side: float, share: float) -> tuple[float, float, float]:
    """Spread, slippage with impact, and fee per unit of notional at mid, as `taker_price` of the core charges."""
    half = 0.5 * costs.spread_bps * _BASIS_POINT
    taking = (costs.slippage_bps + costs.impact_bps * math.sqrt(share)) * _BASIS_POINT
    taking = min(taking, _MOST_COST)
    touch = 1.0 + side * half
    price = touch * (1.0 + side * taking)
    return half, side * (price - touch), costs.taker_bps * _BASIS_POINT * price


def _total(table: pd.DataFrame) -> pd.DataFrame:
    gross = table["notional"].abs()
    costs = table[["spread_cost", "impact_cost", "fee", "cost"]].sum(min_count=1)
    known = float(gross[table["cost"].notna()].sum())
    row = {
        "notional": float(table["notional"].sum()),
        "daily_volume": float(table["daily_volume"].sum()),
        "volume_share": float(gross.sum()) / float(table["daily_volume"].sum() or math.nan),
        "days": float(table["days"].max()),
        "liquid_1d": float((table["liquid_1d"] * gross).sum() / gross.sum()),
        **costs.to_dict(),
        "cost_bps": float(costs["cost"]) / known / _BASIS_POINT if known else math.nan,
    }
    return pd.DataFrame([row], index=["portfolio"])
