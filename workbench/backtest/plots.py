"""A result as HoloViews objects for a notebook or a dashboard: what it has, handed to the plotting room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.backtest.charts import chaos_title
from workbench.core.feed import LAST
from workbench.core.messages import Instrument
from workbench.errors import ConfigError, DataError, StrategyError, UnknownInstrumentError
from workbench.performance.calendar import infer_periods_per_year
from workbench.plotting.curves import naive, sound
from workbench.plotting.equity import equity_drawdown
from workbench.plotting.months import monthly_returns
from workbench.plotting.style import HEIGHT, WIDTH
from workbench.plotting.trades import trades_on_price

if TYPE_CHECKING:
    import holoviews as hv

    from workbench.backtest.result import BacktestResult
    from workbench.plotting.rolling import Window
    from workbench.risk.model import Method

__all__ = ["plot_monthly", "plot_result", "plot_rolling", "plot_trades", "plot_var"]


def plot_result(
    result: BacktestResult, width: int = WIDTH, height: int = HEIGHT, *, responsive: bool = False
) -> hv.Layout:
    """Equity above drawdown on one time axis; chaos windows shaded, breaker trips as lines, fills as triangles.

    width, height: pixels, height that of the upper plot.  Of more than `marks.MOST_FILLS` fills none are marked.
    Raises ConfigError where a size is no whole number above 0.
    """
    return equity_drawdown(
        result.equity,
        result.drawdown,
        windows=_windows(result),
        stops=_stops(result),
        fills=result.fills,
        width=width,
        height=height,
        title=f"{', '.join(result.strategies)} on {', '.join(result.instruments[:4])}",
        responsive=responsive,
    )


def plot_monthly(result: BacktestResult, **options: Any) -> hv.Overlay:
    """Returns of equity by month (UTC) and year.  options: as `plotting.months.monthly_returns`."""
    returns = _returns(result, None)
    # An update at midnight closes the day before, and the first of a month the month before.
    times = pd.DatetimeIndex(returns.index) - pd.Timedelta(1, "ns")
    return monthly_returns(returns.set_axis(times), **options)


def plot_rolling(
    result: BacktestResult,
    window: Window,
    *,
    every: str | None = None,
    benchmark: pd.Series[float] | None = None,
    periods_per_year: float | None = None,
    **options: Any,
) -> hv.Layout:
    """Rolling risk of equity; see `BacktestResult.plot_rolling`."""
    from workbench.plotting.rolling import rolling_risk

    returns = _returns(result, every)
    if periods_per_year is None and every is not None:
        per_year = infer_periods_per_year(returns.index)
    else:
        per_year = result.periods_per_year if periods_per_year is None else periods_per_year
    return rolling_risk(
        returns, window, per_year, benchmark=benchmark, **{"windows": _windows(result), **options}
    )


def plot_var(
    result: BacktestResult,
    window: int = 250,
    confidence: float = 0.99,
    method: Method = "historical",
    *,
    every: str | None = None,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> hv.Overlay:
    """Value at risk of equity forecast and judged; see `BacktestResult.plot_var`."""
    from workbench.plotting.exceedances import var_exceedances  # with scipy, which a backtest does not need
    from workbench.risk.forecasts import rolling_var

    returns = _returns(result, every)
    forecasts = rolling_var(returns, window, confidence, method, **(settings or {}))
    return var_exceedances(returns, forecasts, confidence, **{"windows": _windows(result), **options})


def plot_trades(
    result: BacktestResult,
    instrument: str | None = None,
    *,
    strategy_id: str | None = None,
    start: str | pd.Timestamp | None = None,
    end: str | pd.Timestamp | None = None,
    **options: Any,
) -> hv.Layout:
    """Trades of one instrument on its price; see `BacktestResult.plot_trades`."""
    number = _instrument(result, instrument)
    chosen = result.record.desk.instruments[number]
    if strategy_id is not None and strategy_id not in result.strategies:
        raise StrategyError(
            f"no strategy {strategy_id!r} in this run; there is: {', '.join(result.strategies)}"
        )
    fills = result.fills
    own = (fills["symbol"] == chosen.symbol) & (fills["venue"] == chosen.venue)
    fills = fills[own & (fills["strategy_id"] == strategy_id)] if strategy_id is not None else fills[own]
    prices = _prices(result, number, chosen)
    begin, finish = _moment(start, "start"), _moment(end, "end")
    shown = prices.loc[begin:finish]
    if not len(shown):
        raise ConfigError(
            f"start and end must hold some prices, found none from {begin} to {finish}; "
            f"{chosen.name} has prices from {prices.index[0]} to {prices.index[-1]}"
        )
    who = strategy_id or ", ".join(result.strategies)
    return trades_on_price(
        shown,
        fills,
        **{
            "windows": [
                one for one in _windows(result) if one[0] <= shown.index[-1] and one[1] >= shown.index[0]
            ],
            "stops": [one for one in _stops(result) if shown.index[0] <= one[0] <= shown.index[-1]],
            "title": f"{who} on {chosen.name}",
            **options,
        },
    )


def _returns(result: BacktestResult, every: str | None) -> pd.Series[float]:
    """Returns of equity per update, or per span of time by its end; the first one from the initial cash."""
    curve = result.equity
    if every is not None:
        try:
            curve = curve.resample(every, closed="right", label="right").last().dropna()
        except (TypeError, ValueError) as reason:
            raise ConfigError(
                f"every must be a span of time such as '1D', found {every!r} ({reason})"
            ) from reason
    if not len(curve):
        raise DataError("returns: expected a run with at least one price, found none")
    before = curve.shift(1, fill_value=result.initial_cash)
    spent = (before <= 0.0) | (curve < 0.0)
    if spent.any():
        raise DataError(
            f"returns: expected equity above 0, found {curve[spent].iloc[0]:,.2f} at {curve.index[spent][0]}, "
            "beyond which no return means anything; look at .plot()"
        )
    return (curve / before - 1.0).rename("returns")


def _windows(result: BacktestResult) -> list[tuple[pd.Timestamp, pd.Timestamp, str]]:
    return [(_utc(event.start_ns), _utc(event.end_ns), chaos_title(event)) for event in result.chaos]


def _stops(result: BacktestResult) -> list[tuple[pd.Timestamp, str]]:
    return [
        (_utc(trip.timestamp_ns), f"{trip.strategy_id or 'portfolio'}: {trip.reason}")
        for trip in result.record.recorder.trips
    ]


def _instrument(result: BacktestResult, name: str | None) -> int:
    """The number of an instrument by `symbol@venue`, or by its symbol where one venue has it."""
    known = result.record.desk.instruments
    if name is None and len(known) == 1:
        return 0
    fits = [k for k, one in enumerate(known) if name in (one.name, one.symbol)]
    if len(fits) == 1:
        return fits[0]
    names = ", ".join(one.name for one in known)
    if name is None or fits:
        raise UnknownInstrumentError(
            f"expected one instrument, found {name!r} for several; name one of: {names}"
        )
    raise UnknownInstrumentError(f"no instrument {name!r} in this run; there is: {names}")


def _prices(result: BacktestResult, number: int, instrument: Instrument) -> pd.Series[float]:
    """Prices of an instrument, without what is no price and without bad ticks, which would flatten everything else."""
    feed = result.record.feed
    rows = np.flatnonzero(feed.instrument == number)
    last = feed.quotes[rows, LAST]
    kept = sound(last)
    if not kept.any():
        raise DataError(f"prices: expected at least one of {instrument.name}, found none")
    index = pd.DatetimeIndex(feed.timestamp_ns[rows[kept]].view("datetime64[ns]")).tz_localize("UTC")
    return pd.Series(last[kept], index=index, name="price")


def _moment(given: str | pd.Timestamp | None, name: str) -> pd.Timestamp | None:
    """A moment in UTC; a time without zone is UTC."""
    if given is None:
        return None
    try:
        return pd.Timestamp(naive(pd.DatetimeIndex([pd.Timestamp(given)]))[0], tz="UTC")
    except ValueError as reason:
        raise ConfigError(
            f"{name} must be a time such as '2008-09-15', found {given!r} ({reason})"
        ) from reason


def _utc(nanoseconds: int) -> pd.Timestamp:
    return pd.Timestamp(nanoseconds, unit="ns", tz="UTC")
