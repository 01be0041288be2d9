"""A day, or a week, of a live engine's book, read out of its journal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from workbench import risk
from workbench.backtest.charts import drawdown_chart, equity_chart, strategies_chart
from workbench.backtest.incident import replay
from workbench.backtest.result import BacktestResult
from workbench.cells import Picture, bar, table
from workbench.errors import DataError
from workbench.reporting.content.parts import Part, charts, frame_part, headline, note, signed

__all__ = ["DayBook", "WeekBook", "day_book", "day_of", "week_book"]

_WORDS: Final = {"today": 0, "yesterday": 1}
_LEAST_RETURNS: Final = 100
_GRAVE: Final = ("critical", "emergency")


def day_of(text: str | date, now: datetime | None = None) -> date:
    """A day, UTC: 2026-03-10, today or yesterday.  Raises DataError."""
    if isinstance(text, date):
        return text
    today = (now or datetime.now(UTC)).date()
    if text in _WORDS:
        return today - timedelta(days=_WORDS[text])
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise DataError(
            f"expected a day such as 2026-03-10, today or yesterday, found {text!r:.40}"
        ) from error


@dataclass(frozen=True)
class DayBook:
    """Parts of a report on one day.  result: that day's part of the session.

    before: the day with prices before it, at whose end P&L begins; None: it begins at the first price of the day.
    """

    day: date
    result: BacktestResult
    before: DayBook | None = None

    @cached_property
    def pnl(self) -> pd.DataFrame:
        """A row a strategy: profit and loss of the day, fills, fees, turnover."""
        curves, fills, record = self.result.strategy_pnl, self.result.fills, self.result.trading_record
        earlier = None if self.before is None else self.before.result.strategy_pnl.iloc[-1]
        rows = []
        for name in self.result.strategies:
            own = fills[fills["strategy_id"] == name]
            values = curves[name].to_numpy(dtype=np.float64)
            if earlier is not None:  # 0 for who was not there
                values = np.append(earlier.get(name, 0.0), values)
            units = [record.multiplier(f"{s}@{v}") for s, v in zip(own["symbol"], own["venue"], strict=True)]
            turnover = float((own["quantity"].abs() * own["price"] * units).sum())
            lowest = float(np.min(values - np.maximum.accumulate(values))) if len(values) else 0.0
            rows.append(
                (name, float(values[-1] - values[0]), lowest, len(own), float(own["fee"].sum()), turnover)
            )
        columns = ["strategy", "pnl", "worst_drop", "fills", "fees", "turnover"]
        return pd.DataFrame(rows, columns=columns).sort_values("pnl", ascending=False, ignore_index=True)

    def mark_of(self, symbol: str, venue: str, otherwise: float) -> float:
        """Mark of an instrument at the end; `otherwise` where it had none."""
        held = self.result.positions
        own = held[(held["symbol"] == symbol) & (held["venue"] == venue)]["mark"].dropna()
        return float(own.iloc[0]) if len(own) else otherwise

    @property
    def total(self) -> float:
        """Profit and loss of the day, quote currency."""
        equity, before = self.result.equity, self.before
        first = equity.iloc[0] if before is None else before.result.equity.iloc[-1]
        return float(equity.iloc[-1] - first)

    def summary(self) -> Part:
        """The figures that are looked at first."""
        equity, stats = self.result.equity, self.result.stats()
        total = self.total
        trips = self._trips()
        tiles = [
            ("P&L of the day", signed(total), "good" if total > 0.0 else "bad" if total < 0.0 else ""),
            ("equity", f"{equity.iloc[-1]:,.0f}", ""),
            ("largest drawdown", f"{100.0 * float((equity / equity.cummax() - 1.0).min()):.2f} %", ""),
            ("breaker trips", f"{len(trips):,}", "bad" if len(trips) else ""),
        ]
        rows = [
            ("fills", f"{stats['fills']:,}"),
            ("fees", f"{stats['fees']:,.2f}"),
            ("turnover", f"{stats['turnover']:,.0f}"),
            ("orders sent", f"{stats['orders_sent']:,}"),
            ("orders refused", f"{stats['orders_refused']:,}"),
            ("breaches", f"{stats['breaches']:,}"),
            ("alerts", f"{stats['alerts']:,}"),
            ("prices", f"{stats['updates']:,}"),
        ]
        span = f"{self.day:%A, %d %B %Y}, {self.result.start:%H:%M:%S} to {self.result.end:%H:%M:%S} UTC"
        return Part(note(span) + headline(tiles, rows))

    def curve(self) -> Picture | Part:
        """Equity, drawdown, and P&L of each strategy."""
        drawn = charts(equity_chart(self.result), drawdown_chart(self.result))
        if len(self.result.strategies) == 1:
            return drawn
        names = {f"s{place % 7}": name for place, name in enumerate(self.result.strategies[:7])}
        return Part(drawn + charts(strategies_chart(self.result), names=names))

    def strategies(self) -> Part:
        """P&L by strategy."""
        return frame_part(self.pnl, "no strategy ran")

    @cached_property
    def by_symbol(self) -> pd.DataFrame:
        """A row a symbol: what was held before and after, P&L of the day, fees, turnover.

        P&L is what is held at the end less what was held at the beginning, each at its mark, less what fills cost.
        """
        result = self.result
        marks = result.trading_record.marks_of
        keys = ["symbol", "venue"]
        fills = result.fills.assign(notional=lambda frame: frame["quantity"] * frame["price"])
        traded = fills.groupby(keys, observed=True)[["quantity", "notional", "fee"]].sum()
        turnover = (
            fills.assign(size=fills["notional"].abs())
            .groupby(keys, observed=True)["size"]
            .agg(["sum", "count"])
        )
        rows = []
        held = result.positions.groupby(keys, observed=True)["quantity"].sum().reset_index()
        for symbol, venue, after in held.itertuples(index=False, name=None):
            own = (symbol, venue)
            bought, paid, fees = traded.loc[own] if own in traded.index else (0.0, 0.0, 0.0)
            size, count = turnover.loc[own] if own in turnover.index else (0.0, 0)
            _, mark, *_ = marks(f"{symbol}@{venue}")
            first = mark[0] if self.before is None else self.before.mark_of(symbol, venue, mark[0])
            unit = result.trading_record.multiplier(f"{symbol}@{venue}")
            before = after - bought
            pnl = unit * (after * mark[-1] - before * first - paid) - fees
            rows.append((symbol, before, after, pnl, fees, unit * size, int(count)))
        columns = ["symbol", "held_before", "held_after", "pnl", "fees", "turnover", "fills"]
        found = pd.DataFrame(rows, columns=columns).groupby("symbol", as_index=False).sum()
        return found.sort_values("pnl", ascending=False, ignore_index=True)

    def symbols(self) -> Part:
        """P&L by symbol, over all venues."""
        return frame_part(self.by_symbol, "nothing was held or traded")

    def limits(self) -> Part:
        """How much of each limit of the portfolio was used at the end."""
        desk, held = self.result.record.desk, self.result.positions
        limits = desk.limits
        notional = held["notional"].to_numpy(dtype=np.float64)
        gross, net = float(np.abs(notional).sum()), float(notional.sum())
        lines = (
            ("gross exposure", gross, limits.notional_limits.total_portfolio),
            ("net exposure", abs(net), limits.notional_limits.net_portfolio),
            ("loss of the day", max(0.0, -self.total), -limits.drawdown_limits.daily_loss),
            ("drawdown", float(desk.book.drawdown), limits.global_limits.max_drawdown),
            ("value at risk", float(desk.value_at_risk), limits.drawdown_limits.portfolio_var),
        )
        rows = [
            (name, _limit(used), _limit(most), bar(used / most if most > 0.0 else 0.0))
            for name, used, most in lines
        ]
        return Part(table(["", "used", "limit", "share"], rows, "tnnt"))

    def value_at_risk(self, confidence: float = 0.99) -> Part:
        """One-minute value at risk of the book's equity, and how often it was exceeded."""
        minutes = self.result.equity.resample("1min").last().dropna()
        returns = minutes.pct_change().dropna()
        if len(returns) < _LEAST_RETURNS or not float(returns.std()) > 0.0:
            return note(
                f"value at risk takes {_LEAST_RETURNS} minutes in which equity moves; there are {len(returns)}"
            )
        value = float(minutes.iloc[-1])
        found = risk.value_at_risk(returns, confidence, value=value)
        short = risk.expected_shortfall(returns, confidence, value=value)
        beyond = int((returns < -found / value).sum())
        rows = [
            (f"value at risk, {100 * confidence:g} %, a minute", f"{found:,.2f}"),
            ("expected shortfall", f"{short:,.2f}"),
            ("minutes below it", f"{beyond} of {len(returns)}"),
        ]
        return headline((), rows)

    def positions(self) -> Part:
        """What is held at the end."""
        held = self.result.positions
        held = held[held["quantity"] != 0.0]
        money = ["realised_pnl", "unrealised_pnl", "fees"]
        wanted = ["strategy_id", "symbol", "venue", "quantity", "mark", *money]
        return frame_part(held[[name for name in wanted if name in held]], "nothing is held at the end")

    def events(self) -> Part:
        """Breakers, alerts and what the risk rules refused."""
        alerts = self.result.alerts
        wanted = [
            name for name in ("timestamp", "name", "severity", "strategy_id", "message") if name in alerts
        ]
        shown = frame_part(alerts[wanted].iloc[::-1], "no alert was raised")
        return Part(shown + frame_part(self.result.refusals, "nothing was refused", most=10))

    def _trips(self) -> pd.DataFrame:
        alerts = self.result.alerts
        return alerts[alerts["kind"] == "breaker_tripped"]


@dataclass(frozen=True)
class WeekBook:
    """Parts of a report on several days.  days: those of them that had prices, in order.

    Each begins where the one before it ended, so that what prices did in between is in the sum.
    """

    first: date
    last: date
    days: Sequence[DayBook]

    def summary(self) -> Part:
        """The figures that are looked at first."""
        totals = [book.total for book in self.days]
        total = math.fsum(totals)
        fees = math.fsum(float(book.result.stats()["fees"]) for book in self.days)
        tiles = [
            ("P&L of the week", signed(total), "good" if total > 0.0 else "bad" if total < 0.0 else ""),
            ("equity", f"{self.days[-1].result.equity.iloc[-1]:,.0f}", ""),
            ("days in profit", f"{sum(value > 0.0 for value in totals)} of {len(totals)}", ""),
            ("fees", f"{fees:,.2f}", ""),
        ]
        return Part(note(f"{self.first:%d %B} to {self.last:%d %B %Y}") + headline(tiles))

    def by_day(self) -> Part:
        """A row a day."""
        rows = [
            (
                f"{book.day:%a %Y-%m-%d}", book.total, int(stats["fills"]), float(stats["fees"]),
                float(stats["turnover"]), int(stats["breaches"]), int(stats["breaker_trips"]),
            )
            for book in self.days
            for stats in (book.result.stats(),)
        ]  # fmt: skip
        columns = ["day", "pnl", "fills", "fees", "turnover", "breaches", "breaker_trips"]
        return frame_part(pd.DataFrame(rows, columns=columns), "no day had prices")

    def by_strategy(self) -> Part:
        """P&L, fills and fees of each strategy over all days."""
        together = pd.concat([book.pnl for book in self.days])
        summed = together.groupby("strategy")[["pnl", "fills", "fees", "turnover"]].sum()
        return frame_part(summed.sort_values("pnl", ascending=False), "no strategy ran", index=True)

    def curves(self) -> Part:
        """Equity of each day."""
        return Part("".join(note(f"{book.day:%A}") + charts(equity_chart(book.result)) for book in self.days))

    def events(self) -> Part:
        """Breaker trips and grave alerts of all days."""
        alerts = pd.concat([book.result.alerts for book in self.days])
        grave = alerts[alerts["severity"].astype(str).isin(_GRAVE)]
        wanted = [
            name for name in ("timestamp", "name", "severity", "strategy_id", "message") if name in grave
        ]
        return frame_part(grave[wanted], "no breaker tripped, and no alert was critical")


def day_book(journal: str | Path, day: str | date = "yesterday") -> DayBook:
    """A day out of an engine's journal.

    journal: its data folder, the journal's file or URL.  day: 2026-03-10, today or yesterday, UTC.
    Raises JournalError, and DataError where the day has no prices.
    """
    wanted = day_of(day)
    book = DayBook(wanted, replay(journal, start=wanted.isoformat(), end=wanted.isoformat()))
    return replace(book, before=_before(journal, wanted))


def _before(journal: str | Path, day: date) -> DayBook | None:
    """The part of the session that ends before `day`: the day before, or all of it where that had no prices."""
    last = day - timedelta(days=1)
    for start in (last.isoformat(), None):
        try:
            return DayBook(last, replay(journal, start=start, end=last.isoformat()))
        except DataError:
            continue  # the engine did not run then
    return None  # this was its first day


def week_book(journal: str | Path, last: str | date = "yesterday", days: int = 7) -> WeekBook:
    """The `days` days that end with `last`.  Raises as `day_book`, DataError where no day has prices."""
    end = day_of(last)
    if days < 1:
        raise DataError(f"days: expected 1 or more, found {days}")
    wanted = [end - timedelta(days=back) for back in reversed(range(days))]
    found: list[DayBook] = []
    problem: Any = None
    before = _before(journal, wanted[0])
    for day in wanted:
        try:
            book = replay(journal, start=day.isoformat(), end=day.isoformat())
            before = DayBook(day, book, before)
            found.append(before)
        except DataError as error:  # a day on which the engine did not run
            problem = error
    if not found:
        raise DataError(
            f"expected prices on one day at least from {wanted[0]} to {end}: {problem}"
        ) from problem
    return WeekBook(wanted[0], end, found)


def _limit(most: float) -> str:
    if math.isnan(most):
        return "not known yet"
    if not math.isfinite(most):
        return "off"
    return f"{most:,.4g}" if most < 1.0 else f"{most:,.0f}"
