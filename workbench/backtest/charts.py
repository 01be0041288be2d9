"""Which charts show a result: equity, drawdown, and P&L by strategy, with chaos windows, breaker trips and fills."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from workbench.backtest.statistics import span_text
from workbench.backtest.svg import Band, Chart, Line, Mark, Rule
from workbench.chaos.events import ChaosEvent
from workbench.core.feed import LAST
from workbench.core.messages import Instrument
from workbench.plotting.curves import sound

if TYPE_CHECKING:
    from workbench.backtest.result import BacktestResult

__all__ = [
    "MOST_MARKS",
    "STYLES",
    "chaos_title",
    "drawdown_chart",
    "equity_chart",
    "money",
    "price_charts",
    "strategies_chart",
]

MOST_MARKS: Final = 400  # fills on one chart; more would hide the curve
MOST_PRICES: Final = 3  # instruments whose prices are drawn
MOST_RULES: Final = 40
MOST_NAMES: Final = 12  # chaos windows that are labelled by name; more are labelled by number
STYLES: Final = tuple(f"s{n}" for n in range(7))


def equity_chart(result: BacktestResult) -> Chart:
    """Equity with the initial cash as base line."""
    cash, equity = result.curve_of(None)
    return Chart(
        "equity",
        result.times_ns,
        [Line(equity, "equity", filled=True)],
        money,
        base=cash,
        height=330.0,
        bands=_bands(result, named=True),
        rules=_rules(result),
    )


def drawdown_chart(result: BacktestResult) -> Chart:
    """Drawdown below the zero line."""
    return Chart(
        "drawdown",
        result.times_ns,
        [Line(np.asarray(result.drawdown, dtype=np.float64), "drawdown", filled=True)],
        _percent,
        base=0.0,
        height=170.0,
        bands=_bands(result, named=False),
        rules=_rules(result),
    )


def strategies_chart(result: BacktestResult) -> Chart:
    """P&L of each strategy; colours come round again after seven."""
    pnl = result.strategy_pnl
    lines = [
        Line(np.asarray(pnl[name], dtype=np.float64), STYLES[s % len(STYLES)], name)
        for s, name in enumerate(result.strategies)
    ]
    return Chart(
        "P&L by strategy",
        result.times_ns,
        lines,
        money,
        base=0.0,
        height=260.0,
        bands=_bands(result, named=False),
        rules=_rules(result),
    )


def price_charts(result: BacktestResult) -> list[Chart]:
    """Prices with the fills on them, as long as there are few enough of both to see; the base is the first price.

    Left out of the curve: what is no price, and bad ticks, which would flatten everything else.
    """
    feed = result.record.feed
    if not len(feed) or len(feed.instruments) > MOST_PRICES:
        return []
    charts = []
    for k, instrument in enumerate(feed.instruments):
        rows = np.flatnonzero(feed.instrument == k)
        last = feed.quotes[rows, LAST]
        kept = sound(last)
        if not kept.any():
            continue
        prices = last[kept]
        charts.append(
            Chart(
                instrument.name,
                feed.timestamp_ns[rows[kept]],
                [Line(prices, "price")],
                money,
                base=float(prices[0]),
                height=230.0,
                bands=_bands(result, named=False),
                rules=_rules(result),
                marks=_marks(result, instrument),
                span=(int(result.times_ns[0]), int(result.times_ns[-1])),
            )
        )
    return charts


def chaos_title(event: ChaosEvent) -> str:
    """One line that says what was done, from when, for how long, and to whom."""
    where = f" on {event.target}" if event.target else ""
    length = span_text(pd.Timedelta(event.duration))
    return f"{event.kind}{where}, intensity {event.intensity:g}, {event.start:%Y-%m-%d %H:%M} for {length}"


def money(value: float, step: float = 1.0) -> str:
    """An amount as short as the step of its axis allows."""
    if step >= 1e5:
        places = 0 if step >= 1e6 else 1
        return f"{value / 1e6:,.{places}f}M"
    places = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1.0 else 0
    return f"{value:,.{places}f}"


def _percent(value: float, step: float) -> str:
    places = max(0, -math.floor(math.log10(step * 100.0) + 1e-9))
    return f"{value * 100.0:.{places}f} %"


def _bands(result: BacktestResult, *, named: bool) -> list[Band]:
    """Chaos windows; only the topmost chart carries their names."""
    few = len(result.chaos) <= MOST_NAMES
    return [
        Band(
            event.start_ns,
            event.end_ns,
            "" if not named else str(event.kind).replace("_", " ") if few else str(number),
            chaos_title(event),
        )
        for number, event in enumerate(result.chaos, start=1)
    ]


def _rules(result: BacktestResult) -> list[Rule]:
    trips = result.record.recorder.trips[:MOST_RULES]
    return [
        Rule(
            trip.timestamp_ns,
            f"{trip.strategy_id or 'portfolio'} stopped: {trip.reason} {trip.value:,.6g}, limit {trip.limit:,.6g}",
        )
        for trip in trips
    ]


def _marks(result: BacktestResult, instrument: Instrument) -> list[Mark]:
    here = (instrument.symbol, instrument.venue)
    fills = [fill for fill in result.record.recorder.fills if (fill.symbol, fill.venue) == here]
    if len(fills) > MOST_MARKS:
        return []
    return [
        Mark(
            fill.timestamp_ns,
            fill.price,
            fill.quantity > 0.0,
            f"{fill.strategy_id}: {fill.side} {abs(fill.quantity):,.6g} at {fill.price:,.6g}, fee {fill.fee:,.2f}",
        )
        for fill in fills
    ]
