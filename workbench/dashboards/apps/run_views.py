"""One run looked into, as the research lab and the chaos lab show it: equity, trades on candles, figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pandas as pd
import panel as pn

from workbench.backtest.result import BacktestResult
from workbench.backtest.statistics import show
from workbench.dashboards.apps.figures import Figure, drawn, figure_of, plot
from workbench.dashboards.parts import Tile, Tone, beside, empty, html_part, stacked, table, tiles, words
from workbench.data.prices import Prices

__all__ = ["PLOT", "WHOLE", "equity_of", "looked_into", "shown_spans", "stat_tiles"]

PLOT: Final[dict[str, Any]] = {"responsive": True, "height": 260}
WHOLE: Final = "whole run"
AROUND: Final = "around the chaos"
_MANY_BARS: Final = 400
_MOST_SPANS: Final = 60
_FEW_FILLS: Final = 60
_TILES: Final = (
    ("total_return", "Total return"),
    ("sharpe_ratio", "Sharpe ratio"),
    ("max_drawdown", "Max drawdown"),
    ("volatility", "Volatility"),
    ("trades", "Trades"),
    ("win_rate", "Win rate"),
    ("fees", "Fees"),
    ("breaches", "Breaches"),
)
_TRADE_COLUMNS: Final = {
    "side": "Side",
    "entry_time": "Entered",
    "exit_time": "Left",
    "quantity": "Units",
    "entry_price": "In at",
    "exit_price": "Out at",
    "return": "Return",
    "pnl": "P&L",
    "fees": "Fees",
    "status": "Status",
}
_TRADE_NUMBERS: Final = {
    "Units": "0,0.[0000]",
    "In at": "0,0.00[00]",
    "Out at": "0,0.00[00]",
    "Return": "0.00%",
    "P&L": "0,0.00",
    "Fees": "0,0.00",
}


def equity_of(result: BacktestResult) -> Figure:
    """Equity above drawdown."""
    return figure_of((result, "equity"), lambda: result.plot(**PLOT))


def looked_into(result: BacktestResult, prices: Prices, *more: tuple[str, Callable[[], Any]]) -> pn.Tabs:
    """Tabs of one run; each is made when it is first opened.

    prices: those of the run, for the candles.  more: further tabs, name and what makes what is in it.
    """
    return _tabs(
        ("Equity", lambda: plot(equity_of(result).model())),
        *more,
        ("Trades", lambda: _Trades(result, prices).view()),
        ("Months", lambda: _months(result)),
        ("Statistics", lambda: _statistics(result)),
    )


def _tabs(*parts: tuple[str, Callable[[], Any]]) -> pn.Tabs:
    places = [stacked() for _ in parts]
    shown = [(name, place) for (name, _), place in zip(parts, places, strict=True)]
    tabs = pn.Tabs(*shown, dynamic=True, sizing_mode="stretch_width", margin=(8, 0, 0, 0))

    def opened(number: int) -> None:
        if not len(places[number]):
            places[number].append(parts[number][1]())

    opened(0)
    tabs.param.watch(lambda event: opened(event.new), "active")
    return tabs


def stat_tiles(result: BacktestResult) -> pn.pane.HTML:
    """The first figures that anybody asks for."""
    stats = result.stats()
    return tiles(
        [Tile(label, show(name, stats[name]), tone=_tone(name, stats[name])) for name, label in _TILES]
    )


def _tone(name: str, value: Any) -> Tone:
    if name == "total_return":
        return "good" if value > 0 else "bad" if value < 0 else ""
    return "bad" if name == "breaches" and value else ""


def _months(result: BacktestResult) -> Any:
    if result.end - result.start < pd.Timedelta(days=60):
        return empty("Less than two months", "Returns by month need a longer run; see the equity instead.")
    return plot(drawn(result.plot_monthly(responsive=True, title="Returns by month")))


def _statistics(result: BacktestResult) -> pn.pane.HTML:
    rows = "".join(
        f"<tr><th scope='row'>{words(str(name))}</th><td class='number'>{show(str(name), value)}</td></tr>"
        for name, value in result.stats().items()
    )
    return html_part(
        f"<div class='halves'><table>{rows}</table></div>",
        stylesheets=["table { max-width: 560px; }"],
    )


def shown_spans(times: pd.DatetimeIndex) -> dict[str, tuple[pd.Timestamp, pd.Timestamp]]:
    """Years, months or days of a run by name, the whole first; so many that a person can choose among them."""
    whole = {WHOLE: (times[0], times[-1])}
    for frequency, form in (("D", "%Y-%m-%d"), ("M", "%Y-%m"), ("Y", "%Y")):
        periods = times.tz_localize(None).to_period(frequency)
        names = periods.unique()
        if 1 < len(names) <= _MOST_SPANS:
            own = {name.strftime(form): times[periods == name] for name in names}
            return {**whole, **{name: (part[0], part[-1]) for name, part in own.items()}}
    return whole


def _around(result: BacktestResult) -> dict[str, tuple[pd.Timestamp, pd.Timestamp]]:
    """The time round the chaos, where there is some."""
    if not result.chaos:
        return {}
    start = min(pd.Timestamp(event.start) for event in result.chaos)
    end = max(pd.Timestamp(event.start + event.duration) for event in result.chaos)
    room = max(end - start, (result.end - result.start) / 50)
    return {AROUND: (max(start - room, result.start), min(end + 3 * room, result.end))}


class _Trades:
    """Trades on candles, of one instrument and a part of the run."""

    def __init__(self, result: BacktestResult, prices: Prices) -> None:
        self._result, self._prices = result, prices
        self._spans = {**shown_spans(pd.DatetimeIndex(result.equity.index)), **_around(result)}
        many = len(result.fills) > _FEW_FILLS and len(result.equity) > _MANY_BARS
        names = list(result.instruments)
        self._instrument = pn.widgets.Select(
            name="Instrument", options=names, value=self._busiest(names), width=200, margin=0
        )
        self._span = pn.widgets.Select(
            name="Shown",
            options=list(self._spans),
            value=list(self._spans)[-1] if many or result.chaos else WHOLE,
            width=160,
            margin=0,
        )

    def _busiest(self, names: list[str]) -> str:
        fills = self._result.fills
        if not len(fills):
            return names[0]
        counts = (fills["symbol"] + "@" + fills["venue"]).value_counts()
        return str(counts.index[0])

    def view(self) -> pn.Column:
        chosen = pn.bind(self._drawn, self._instrument, self._span)
        listed = pn.bind(partial(_trade_table, self._result), self._instrument)
        return stacked(beside(self._instrument, self._span), chosen, listed)

    def _drawn(self, instrument: str, span: str) -> Any:
        start, end = self._spans[span]
        bars = self._prices.frame(instrument).loc[start:end]
        shown = self._result.plot_trades(
            instrument,
            start=start,
            end=end,
            bars=bars if len(bars) else None,
            title="",
            responsive=True,
            height=340,
        )
        return plot(drawn(shown))


def _trade_table(result: BacktestResult, instrument: str) -> Any:
    symbol, _, venue = instrument.partition("@")
    trades = result.trades
    mine = trades[(trades["symbol"] == symbol) & (trades["venue"] == venue)]
    if not len(mine):
        return empty("No round trip", f"Nothing was bought and sold again in {instrument}.")
    shown = mine[list(_TRADE_COLUMNS)].iloc[::-1].rename(columns=_TRADE_COLUMNS)
    return table(shown, _TRADE_NUMBERS, pagination="local", page_size=8)
