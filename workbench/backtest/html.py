"""A result as HTML: a small table for a notebook cell, and one self-contained page that fetches nothing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.backtest.charts import (
    MOST_MARKS,
    STYLES,
    drawdown_chart,
    equity_chart,
    price_charts,
    strategies_chart,
)
from workbench.backtest.page_style import SCRIPT, STYLE
from workbench.backtest.page_tables import page_tables
from workbench.backtest.statistics import show, shown, span_text, too_short, top_reasons
from workbench.backtest.svg import Chart, draw
from workbench.cells import BLUE, QUIET, RED, ink, sparkline
from workbench.errors import ConfigError
from workbench.plotting.curves import thin

if TYPE_CHECKING:
    from workbench.backtest.result import BacktestResult

__all__ = ["cell_html", "page", "write_page"]

_CELL: Final = (
    ("total_return", "max_drawdown", "sharpe_ratio", "volatility"),
    ("trades", "win_rate", "profit_factor", "fees"),
    ("orders_sent", "orders_refused", "breaches", "breaker_trips"),
)


# -- notebook cell ----------------------------------------------------------------------------------------------


def cell_html(result: BacktestResult) -> str:
    """A compact table with curves of equity and drawdown; its colours are those of the page around it."""
    stats = result.stats()
    title = f"{', '.join(result.strategies)} on {_names(result.instruments)}"
    period = f"{show('start', stats['start'])} to {show('end', stats['end'])} UTC"
    money = f"{stats['initial_cash']:,.2f} &rarr; {stats['final_equity']:,.2f}"
    columns = "".join(_cell_column(stats, names) for names in _CELL)
    short = f'<div style="{QUIET}">{escape(reason)}</div>' if (reason := too_short(stats)) else ""
    stopped = _stopped(result)
    cash, equity = result.curve_of(None)
    fall = np.asarray(result.drawdown, dtype=np.float64)
    curves = ""
    if len(equity):
        curves = sparkline(equity, cash, BLUE, 220, 36) + "<br>" + sparkline(fall, 0.0, RED, 220, 24)
    return (
        '<div style="color:inherit;font-size:13px;line-height:1.5;font-variant-numeric:tabular-nums">'
        f'<div style="font-weight:600">{escape(title)}</div><div style="{QUIET}">{escape(period)}, '
        f"{stats['updates']:,} updates &middot; equity {money}</div>"
        '<div style="display:flex;flex-wrap:wrap;gap:6px 30px;align-items:flex-start;margin-top:6px">'
        f'<div style="line-height:0">{curves}</div>{columns}</div>{short}{stopped}</div>'
    )


def _cell_column(stats: Any, names: Sequence[str]) -> str:
    rows = "".join(
        f'<div style="{QUIET}">{name.replace("_", " ")}</div>'
        f'<div style="text-align:right">{escape(shown(stats, name))}</div>'
        for name in names
    )
    return f'<div style="display:grid;grid-template-columns:auto auto;gap:0 14px">{rows}</div>'


def _stopped(result: BacktestResult) -> str:
    """What stood in the way, where anything did."""
    lines = []
    if reasons := top_reasons(result):
        lines.append(f"refused by {reasons}")
    trips = result.record.recorder.trips
    lines.extend(f"stopped: {trip.strategy_id or 'portfolio'}, {trip.reason}" for trip in trips[:3])
    if result.errors.shape[0]:
        lines.append(f"{result.errors.shape[0]:,} strategy errors, first: {result.errors['error'].iloc[0]}")
    return "".join(f'<div style="{ink(RED)}">{escape(line)}</div>' for line in lines)


# -- page -------------------------------------------------------------------------------------------------------


def write_page(result: BacktestResult, path: Path) -> Path:
    """Write the page whole or not at all.  Raises ConfigError in one line where it cannot be written."""
    text = page(result)
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError as error:
        raise ConfigError(f"{path}: the page cannot be written: {error.strerror}") from error
    return path


def page(result: BacktestResult) -> str:
    """The page as text: charts, chaos windows, breaker trips and tables."""
    title = ", ".join(result.strategies)
    parts = [
        f"<h1>{escape(title)}</h1>",
        _about(result),
        _tiles(result),
        "<h2>Equity</h2>",
        _legend(result),
        _frame(draw(equity_chart(result))),
        "<h2>Drawdown</h2>",
        _frame(draw(drawdown_chart(result))),
    ]
    if len(result.strategies) > 1:
        parts += [
            "<h2>P&amp;L by strategy</h2>",
            _names_legend(result),
            _frame(draw(strategies_chart(result))),
        ]
    for chart in price_charts(result):
        parts += [f"<h2>{escape(chart.name)}</h2>", _fills_legend(result, chart), _frame(draw(chart))]
    parts += page_tables(result)
    parts.append(f"<footer>fingerprint {result.fingerprint}</footer>")
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Backtest: {escape(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n"
        f'<div id="tip"></div>\n<script type="application/json" id="points">{_points(result)}</script>\n'
        f"<script>{SCRIPT}</script>\n</body></html>\n"
    )


def _about(result: BacktestResult) -> str:
    stats = result.stats()
    period = (
        f"{show('start', stats['start'])} to {show('end', stats['end'])} UTC ({span_text(stats['duration'])})"
    )
    facts = (
        _names(result.instruments, 12),
        period,
        f"{stats['updates']:,} updates, {show('periods_per_year', stats['periods_per_year'])} periods a year",
        f"seed {result.seed}",
    )
    return f'<p class="about">{" &middot; ".join(escape(fact) for fact in facts)}</p>'


def _tiles(result: BacktestResult) -> str:
    stats = result.stats()
    tone = "good" if stats["total_pnl"] > 0.0 else "bad" if stats["total_pnl"] < 0.0 else ""
    stopped = "bad" if stats["breaker_trips"] else ""
    tiles = [
        ("Return", show("total_return", stats["total_return"]), f"P&L {stats['total_pnl']:+,.0f}", tone),
        (
            "Sharpe ratio",
            shown(stats, "sharpe_ratio"),
            f"Sortino {shown(stats, 'sortino_ratio')}",
            "",
        ),
        (
            "Max drawdown",
            show("max_drawdown", stats["max_drawdown"]),
            f"longest {show('', stats['longest_drawdown'])}",
            "",
        ),
        ("Trades", f"{stats['trades']:,}", f"{show('win_rate', stats['win_rate'])} won", ""),
        ("Fees", f"{stats['fees']:,.0f}", f"turnover {_short(stats['turnover'])}", ""),
        ("Orders sent", f"{stats['orders_sent']:,}", f"{stats['orders_refused']:,} refused by risk", ""),
        ("Breaker trips", f"{stats['breaker_trips']:,}", f"{stats['breaches']:,} breaches", stopped),
    ]
    cells = "".join(
        f'<div class="tile"><div class="name">{escape(name)}</div><div class="value {tone}">{escape(value)}</div>'
        f'<div class="more">{escape(more)}</div></div>'
        for name, value, more, tone in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _short(amount: float) -> str:
    return f"{amount / 1e6:,.1f}M" if amount >= 1e6 else f"{amount:,.0f}"


def _frame(chart: str) -> str:
    return f'<div class="frame">{chart or "no prices were played"}</div>'


def _legend(result: BacktestResult) -> str:
    entries = ['<span><i style="background:var(--blue)"></i>equity</span><span>- - - initial cash</span>']
    if result.chaos:
        entries.append('<span><i style="background:var(--amber)"></i>chaos window</span>')
    if result.record.recorder.trips:
        entries.append('<span><i style="background:var(--red)"></i>breaker trip</span>')
    return f'<div class="legend">{"".join(entries)}</div>'


def _fills_legend(result: BacktestResult, chart: Chart) -> str:
    entries = ["<span>- - - first price</span>"]
    if chart.marks:
        entries.append(
            '<span><b class="good">&#9650;</b> bought</span><span><b class="bad">&#9660;</b> sold</span>'
        )
    elif len(result.fills) > MOST_MARKS:
        entries.append(f"<span>fills: too many to mark, {len(result.fills):,} in all</span>")
    return f'<div class="legend">{"".join(entries)}</div>'


def _names_legend(result: BacktestResult) -> str:
    entries = "".join(
        f'<span><i style="background:var(--{STYLES[s % len(STYLES)]})"></i>{escape(name)}</span>'
        for s, name in enumerate(result.strategies)
    )
    return f'<div class="legend">{entries}</div>'


def _points(result: BacktestResult) -> str:
    """What the pointer reads out: times in milliseconds, equity and drawdown, thinned as the curves are."""
    _, equity = result.curve_of(None)
    drawdown = np.asarray(result.drawdown, dtype=np.float64)
    kept = np.union1d(thin(equity), thin(drawdown))
    return json.dumps(
        {
            "time": (result.times_ns[kept] // 1_000_000).tolist(),
            "equity": np.round(equity[kept], 2).tolist(),
            "drawdown": np.round(drawdown[kept], 6).tolist(),
        },
        separators=(",", ":"),
    )


def _names(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
