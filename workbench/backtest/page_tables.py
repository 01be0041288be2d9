"""The tables of the report page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pandas as pd

from workbench.backtest.statistics import PORTFOLIO, show, shown, span_text, too_short
from workbench.chaos.events import ChaosEvent
from workbench.chaos.kinds import KINDS

if TYPE_CHECKING:
    from workbench.backtest.result import BacktestResult

__all__ = ["html_table", "page_tables"]

_MOST: Final = 15  # rows of a table that lists single happenings
_GROUPS: Final = {
    "Return": (
        "initial_cash",
        "final_equity",
        "total_pnl",
        "total_return",
        "cagr",
        "buy_and_hold_return",
        "exposure_time",
    ),
    "Risk": (
        "volatility",
        "sharpe_ratio",
        "sortino_ratio",
        "calmar_ratio",
        "max_drawdown",
        "longest_drawdown",
    ),
    "Trades": ("trades", "win_rate", "avg_trade_pnl", "profit_factor", "turnover", "fees"),
    "Orders": (
        "signals",
        "signals_refused",
        "orders_sent",
        "orders_refused",
        "orders_rejected_by_venue",
        "fills",
    ),
    "Safety": ("breaches", "alerts", "breaker_trips", "bad_ticks", "strategy_errors", "chaos_events"),
}


def html_table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: str = "") -> str:
    """A table of texts, escaped here.  numbers: one letter per column, "n" for right-aligned."""
    kinds = [' class="number"' if kind == "n" else ' class="text"' for kind in numbers.ljust(len(heads), "t")]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(heads, kinds, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for row in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if any(heads) else ""
    return f"<table><caption>{escape(caption)}</caption>{top}<tbody>{body}</tbody></table>"


def page_tables(result: BacktestResult) -> list[str]:
    """Tables in the order of the page; those that have nothing to say are left out."""
    parts = ["<h2>Figures</h2>", _figures(result), '<div class="scroll">', _strategies(result), "</div>"]
    stopped = [_refusals(result), _trips(result), _errors(result)]
    if any(stopped):
        parts += ["<h2>What was stopped</h2>", *stopped]
    if result.chaos:
        parts += ["<h2>Chaos</h2>", _chaos(result)]
    if len(result.trades):
        parts += ["<h2>Trades</h2>", _trades(result)]
    if len(result.positions):
        parts += ['<div class="scroll">', _positions(result), "</div>"]
    return [part for part in parts if part]


def _figures(result: BacktestResult) -> str:
    stats = result.stats()
    tables = [
        html_table(name, ("", ""), [(k.replace("_", " "), shown(stats, k)) for k in names], "tn")
        for name, names in _GROUPS.items()
    ]
    note = (
        "Ratios: returns of equity between distinct update times, annualised by the square root of "
        f"{show('periods_per_year', stats['periods_per_year'])} periods a year, risk-free rate 0. "
        "Trades: closed round trips after fees."
    )
    if short := too_short(stats):
        note += f" Not annualised: {short}."
    return f'<div class="columns">{"".join(tables)}</div><p class="note">{escape(note)}</p>'


def _strategies(result: BacktestResult) -> str:
    rows = []
    for name in result.strategies:
        fields = msgspec.structs.asdict(result.performance(name))
        fields["win_rate"] = show("win_rate", fields["win_rate"])
        fields["max_drawdown"] = show("max_drawdown", fields["max_drawdown"])
        fields.pop("chaos_recovery_time")
        rows.append([value if isinstance(value, str) else show("", value) for value in fields.values()])
    heads = (
        "Strategy",
        "P&L",
        "Sharpe",
        "Max DD",
        "Won",
        "P&L per trade",
        "Trades a day",
        "Return / DD",
        "Breaches",
        "Stops",
    )
    return html_table("By strategy, on its own capital", heads, rows, "t" + "n" * 9)


def _refusals(result: BacktestResult) -> str:
    refused = result.refusals
    if not len(refused):
        return ""
    most = int(refused["count"].max())
    rows = "".join(
        f'<tr><td class="text">{escape(row.reason)}</td><td>{escape(row.what)}</td>'
        f'<td class="text">{escape(row.strategy_id)}</td><td class="number">{row.count:,}</td>'
        f'<td style="width:35%"><div class="bar" style="width:{100.0 * row.count / most:.1f}%"></div></td></tr>'
        for row in _each(refused)
    )
    heads = '<th>Reason</th><th>What</th><th>Strategy</th><th class="number">Refused</th><th></th>'
    return (
        "<table><caption>Refused before it left, by reason; an order may fail several checks</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _trips(result: BacktestResult) -> str:
    alerts = result.alerts
    serious = alerts[alerts["severity"].isin(["critical", "emergency"]) | (alerts["kind"] == "breaker_reset")]
    if not len(serious):
        return ""
    rows = [
        (_when(row.timestamp), row.severity, row.strategy_id or PORTFOLIO, row.message)
        for row in _each(serious.head(_MOST))
    ]
    return html_table(
        f"Breakers and critical alerts{_shown(len(serious))}",
        ("Time (UTC)", "Severity", "Whose", "What"),
        rows,
    )


def _errors(result: BacktestResult) -> str:
    errors = result.errors
    if not len(errors):
        return ""
    rows = [(_when(e.timestamp), e.strategy_id, e.call, e.error) for e in _each(errors.head(_MOST))]
    return html_table(
        f"Strategy errors{_shown(len(errors))}", ("Time (UTC)", "Strategy", "Call", "Error"), rows
    )


def _chaos(result: BacktestResult) -> str:
    rows = [
        (
            str(number),
            str(event.kind),
            f"{event.start:%Y-%m-%d %H:%M}",
            span_text(pd.Timedelta(event.duration)),
            _intensity(event),
            event.target or "all",
        )
        for number, event in enumerate(result.chaos, start=1)
    ]
    heads = ("", "Kind", "Start (UTC)", "Duration", "Intensity", "Target")
    return html_table("Chaos windows", heads, rows, "n")


def _intensity(event: ChaosEvent) -> str:
    info = KINDS[event.kind]
    return "-" if info.unit == "not used" else f"{event.intensity:g} {info.unit}"


def _trades(result: BacktestResult) -> str:
    """The best and the worst, since these are what a reader asks for; all of them where they are few."""
    trades = result.trades.sort_values("pnl", ascending=False, kind="stable")
    few = len(trades) <= _MOST
    parts = [("All", trades)] if few else [("Best", trades.head(5)), ("Worst", trades.tail(5).iloc[::-1])]
    heads = (
        "Strategy",
        "Instrument",
        "Side",
        "Units",
        "Entry (UTC)",
        "Price",
        "Exit (UTC)",
        "Price",
        "P&L",
        "Return",
    )
    tables = [
        html_table(
            f"{name} round trips, P&L after fees",
            heads,
            [
                (
                    trade.strategy_id,
                    f"{trade.symbol}@{trade.venue}",
                    trade.side,
                    f"{trade.quantity:,.6g}",
                    _when(trade.entry_time),
                    _price(trade.entry_price),
                    "open" if trade.status == "open" else _when(trade.exit_time),
                    _price(trade.exit_price),
                    f"{trade.pnl:,.2f}",
                    f"{share:+.2%}",
                )
                for trade, share in zip(_each(rows), rows["return"].tolist(), strict=True)
            ],
            "tttntntnnn",
        )
        for name, rows in parts
    ]
    return f'<div class="scroll">{"".join(tables)}</div>'


def _positions(result: BacktestResult) -> str:
    rows = [
        (
            row.strategy_id,
            f"{row.symbol}@{row.venue}",
            f"{row.quantity:,.6g}",
            _price(row.average_price),
            _price(row.mark),
            f"{row.notional:,.2f}",
            f"{row.realised_pnl:,.2f}",
            f"{row.unrealised_pnl:,.2f}",
            f"{row.fees:,.2f}",
            f"{row.pnl:,.2f}",
        )
        for row in _each(result.positions)
    ]
    heads = (
        "Strategy",
        "Instrument",
        "Units",
        "Average",
        "Mark",
        "Notional",
        "Realised",
        "Unrealised",
        "Fees",
        "P&L",
    )
    return html_table("Positions at the end", heads, rows, "tt" + "n" * 8)


def _each(frame: pd.DataFrame) -> list[Any]:
    """Rows with the columns as attributes."""
    return list(frame.itertuples())


def _shown(count: int) -> str:
    return f", the first {_MOST} of {count:,}" if count > _MOST else ""


def _when(moment: pd.Timestamp) -> str:
    return show("", moment)


def _price(price: float) -> str:
    return "-" if math.isnan(price) else f"{price:,.2f}" if price >= 100.0 else f"{price:,.6g}"
