"""The tear sheet of a strategy, as a portfolio manager reads it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench import performance, risk
from workbench.backtest.charts import drawdown_chart, money
from workbench.backtest.result import BacktestResult
from workbench.backtest.statistics import long_enough, span_text, too_short
from workbench.backtest.svg import Chart, Line, Mark
from workbench.cells import Picture
from workbench.errors import DataError
from workbench.performance.trading_record import last_at
from workbench.reporting.content.parts import (
    Part,
    charts,
    frame_part,
    headline,
    months_part,
    note,
    percent,
    signed,
)

if TYPE_CHECKING:
    from workbench.data.prices import Prices

__all__ = ["TearSheet", "tearsheet"]

type Floats = npt.NDArray[np.float64]

_LONG_DAYS: Final = 90.0  # from so many on returns are daily
_SHORT_DAYS: Final = 4.0  # below so many they are by the minute
_WINDOWS: Final = {"1D": 126, "1h": 168, "1min": 240}  # of rolling figures: half a year, a week, four hours
_FORECASTS: Final = {"1D": 250, "1h": 250, "1min": 250}
_PER_YEAR: Final = {"1h": 24.0 * 365.25, "1min": 1440.0 * 365.25}
_CONFIDENCE: Final = 0.99
_NAMES: Final = {"1D": "daily", "1h": "hourly", "1min": "by the minute"}


@dataclass(frozen=True)
class TearSheet:
    """Parts of a tear sheet, each made when a cell asks for it.

    result: of a backtest, or of a live session (`wb.replay`).  benchmark: closing prices by time, or None.
    data: fingerprint of the prices, "" where it is not known.  trials: how many strategies were looked at before this
    one was chosen; deviation: standard deviation of their Sharpe ratios per period, None where it is not known.
    """

    result: BacktestResult
    benchmark: pd.Series[float] | None = None
    benchmark_name: str = ""
    data: str = ""
    trials: int = 1
    deviation: float | None = None

    @cached_property
    def every(self) -> str:
        """Length of a return: a day, an hour or a minute, as the run is long."""
        days = (self.result.end - self.result.start) / pd.Timedelta(days=1)
        return "1D" if days >= _LONG_DAYS else "1h" if days >= _SHORT_DAYS else "1min"

    @cached_property
    def equity(self) -> pd.Series[float]:
        """Equity at the end of each period in which there were prices."""
        return self.result.equity.resample(self.every).last().dropna()

    @cached_property
    def returns(self) -> pd.Series[float]:
        """Simple returns, one a period; the first against the initial cash."""
        before = self.equity.shift(1, fill_value=self.result.initial_cash)
        return (self.equity / before - 1.0).rename("return")

    @cached_property
    def per_year(self) -> float:
        """Periods in a year: of days those that the prices have, 252 or 365."""
        return _PER_YEAR.get(self.every) or min(self.result.periods_per_year, 365.25)

    @cached_property
    def against(self) -> pd.Series[float] | None:
        """The benchmark's closes at the periods of `equity`, as wealth that begins with the initial cash."""
        if self.benchmark is None:
            return None
        closes = self.benchmark.resample(self.every).last().reindex(self.equity.index).ffill()
        first = closes.first_valid_index()
        if first is None:
            raise DataError("benchmark: expected prices in the time of the run, found none")
        return self.result.initial_cash * closes / float(closes.loc[first])

    # --- parts ------------------------------------------------------------------------------------------------------

    def summary(self) -> Part:
        """The figures that are looked at first."""
        stats, returns = self.result.stats(), self.returns
        tone = "good" if stats["total_pnl"] > 0.0 else "bad" if stats["total_pnl"] < 0.0 else ""
        sharpe = performance.sharpe_ratio(returns, periods_per_year=self.per_year)
        sortino = performance.sortino_ratio(returns, periods_per_year=self.per_year)
        volatility = performance.volatility(returns, periods_per_year=self.per_year)
        a_year, enough = long_enough(stats, "cagr"), long_enough(stats, "sharpe_ratio")
        tiles = [
            ("total return", percent(stats["total_return"]), tone),
            ("a year", percent(stats["cagr"]) if a_year else "-", tone),
            ("Sharpe ratio", _figure(sharpe) if enough else "-", ""),
            (
                "largest drawdown",
                percent(stats["max_drawdown"]),
                "bad" if stats["max_drawdown"] < 0.0 else "",
            ),
            ("P&L", signed(stats["total_pnl"], 0), tone),
        ]
        rows = [
            ("volatility a year", percent(volatility) if enough else "-"),
            ("Sortino ratio", _figure(sortino) if enough else "-"),
            ("Calmar ratio", _figure(stats["calmar_ratio"]) if a_year else "-"),
            ("longest drawdown", span_text(stats["longest_drawdown"])),
            ("trades", f"{stats['trades']:,}"),
            ("won", percent(stats["win_rate"])),
            ("profit factor", _figure(stats["profit_factor"])),
            ("time in the market", percent(stats["exposure_time"])),
            ("turnover", f"{stats['turnover']:,.0f}"),
            ("fees", f"{stats['fees']:,.0f}"),
            ("best period", percent(float(returns.max()))),
            ("worst period", percent(float(returns.min()))),
        ]
        if self.against is not None:
            other = self.against.pct_change().fillna(0.0)
            rows += [
                (f"beta to {self.benchmark_name}", _figure(performance.beta(returns, other))),
                (
                    f"{self.benchmark_name}",
                    percent(float(self.against.iloc[-1] / self.result.initial_cash - 1.0)),
                ),
            ]
        about = note(
            f"{', '.join(self.result.strategies)} on {', '.join(self.result.instruments[:8])}, "
            f"{self.result.start:%Y-%m-%d %H:%M} to {self.result.end:%Y-%m-%d %H:%M} UTC, "
            f"{_NAMES[self.every]} returns, {self.per_year:,.0f} periods a year"
            + (f"; not annualised: {short}" if (short := too_short(stats)) else "")
        )
        return Part(headline(tiles, rows) + about)

    def cumulative(self) -> Picture | Part:
        """Cumulative return, beside that of the benchmark."""
        cash, wealth = self.result.initial_cash, self.equity.to_numpy(dtype=np.float64)
        lines = [Line(np.asarray(wealth / cash - 1.0, dtype=np.float64), "s0", "strategy")]
        names = {"s0": "strategy"}
        if self.against is not None:
            lines.append(
                Line(np.asarray(self.against / cash - 1.0, dtype=np.float64), "s1", self.benchmark_name)
            )
            names["s1"] = self.benchmark_name
        return charts(
            Chart("cumulative return", self._times, lines, _percent, base=0.0, height=320.0), names=names
        )

    def months(self) -> Part:
        """Returns by month."""
        return months_part(performance.monthly_returns(self.returns))

    def drawdowns(self, top: int = 5) -> Part:
        """The curve of drawdowns, and the deepest of them."""
        worst = performance.drawdown_table(equity=self.equity, initial=self.result.initial_cash, top=top)
        worst = worst.assign(depth=[percent(float(value)) for value in worst["depth"]])
        worst = worst[["start", "valley", "recovery", "depth", "length"]]
        return Part(
            charts(drawdown_chart(self.result)) + frame_part(worst, "equity was never below a former peak")
        )

    def rolling(self) -> Picture | Part:
        """Rolling Sharpe ratio."""
        window = _WINDOWS[self.every]
        if len(self.returns) < 2 * window:
            return note(f"a rolling Sharpe ratio takes {2 * window} returns; there are {len(self.returns)}")
        sharpe = performance.rolling_sharpe(self.returns, window, periods_per_year=self.per_year)
        values = np.asarray(sharpe, dtype=np.float64)
        chart = Chart(
            f"Sharpe ratio of the last {window} periods",
            self._times,
            [Line(values, "s0")],
            _plain,
            0.0,
            220.0,
        )
        return charts(chart)

    def exposures(self) -> Part:
        """Gross and net exposure over time, and what was held at the end."""
        gross, net = self._exposure()
        chart = Chart(
            "exposure, share of equity",
            self._times,
            [Line(gross, "s0"), Line(net, "s1")],
            _percent,
            0.0,
            220.0,
        )
        held = self.result.positions
        held = held[held["quantity"] != 0.0]
        wanted = [
            name for name in ("strategy_id", "symbol", "venue", "quantity", "mark", "pnl") if name in held
        ]
        drawn = charts(chart, names={"s0": "gross", "s1": "net"})
        return Part(drawn + frame_part(held[wanted], "nothing is held at the end"))

    def trades(self, top: int = 5) -> Part:
        """What the round trips were like, and the best and worst of them."""
        trades = self.result.trades
        if trades.empty:
            return note("no round trip")
        closed = trades[trades["status"] == "closed"]
        found = performance.trade_figures(trades)
        rows = [
            ("trades", f"{found.trades:,}"),
            ("won", percent(found.win_rate)),
            ("mean P&L", signed(found.avg_trade_pnl)),
            ("profit factor", _figure(found.profit_factor)),
        ]
        wanted = [
            "strategy_id",
            "symbol",
            "venue",
            "side",
            "quantity",
            "entry_time",
            "exit_time",
            "pnl",
            "return",
        ]
        ranked = closed.sort_values("pnl", ascending=False)[wanted]
        ranked = ranked.assign(**{"return": [percent(float(value)) for value in ranked["return"]]})
        ends = pd.concat([ranked.head(top), ranked.tail(top)]) if len(ranked) > 2 * top else ranked
        return Part(headline((), rows) + frame_part(ends, "no round trip is closed"))

    def exceedances(self) -> Picture | Part:
        """Returns below the value at risk that was forecast for them out of what came before."""
        window = _FORECASTS[self.every]
        if len(self.returns) < window + 50:
            return note(
                f"forecasts of value at risk take {window} returns before the first, and 50 to be judged by; "
                f"there are {len(self.returns)}"
            )
        forecasts = risk.rolling_var(self.returns, window, _CONFIDENCE)
        found = risk.var_backtest(self.returns, forecasts, _CONFIDENCE)
        outcomes = self.returns.loc[forecasts.index].to_numpy(dtype=np.float64)
        times = _ns(forecasts.index)
        beyond = found.exceedances.to_numpy(dtype=bool)
        marks = [
            Mark(int(when), float(value), False, f"{percent(float(value))}")
            for when, value in zip(times[beyond], outcomes[beyond], strict=True)
        ]
        outcomes_line = np.asarray(outcomes, dtype=np.float64)
        lines = [Line(outcomes_line, "price"), Line(np.asarray(-forecasts["var"], dtype=np.float64), "s1")]
        chart = Chart("returns and value at risk", times, lines, _percent, 0.0, 260.0, marks=marks)
        said = note(
            f"{found.exceptions} exceedances of the {100 * _CONFIDENCE:g} % value at risk where "
            f"{found.expected:.1f} were to be expected; Kupiec p = {found.kupiec.p_value:.3f}, "
            f"Basel zone {found.basel.zone}"
        )
        return Part(charts(chart, names={"s1": f"-VaR {_CONFIDENCE:g}"}) + said)

    def events(self) -> Part:
        """Chaos, breakers and what the risk rules refused."""
        parts = []
        if self.result.chaos:
            chaos = pd.DataFrame(
                [
                    {
                        "start": event.start, "kind": event.kind, "duration": event.duration,
                        "intensity": event.intensity, "target": event.target or "all",
                    }
                    for event in self.result.chaos
                ]
            )  # fmt: skip
            parts.append(frame_part(chaos, ""))
        alerts = self.result.alerts
        trips = (
            alerts[alerts["severity"].astype(str).isin(("critical", "emergency"))] if len(alerts) else alerts
        )
        wanted = [
            name
            for name in ("timestamp", "kind", "name", "severity", "strategy_id", "message")
            if name in trips
        ]
        parts.append(frame_part(trips[wanted], "no breaker tripped, and no alert was critical"))
        parts.append(frame_part(self.result.refusals, "nothing was refused", most=10))
        return Part("".join(parts))

    def evidence(self) -> Part:
        """Whether it may be luck: the Sharpe ratio against what the best of all trials shows by chance."""
        estimate = performance.estimate_sharpe(self.returns)
        probabilistic = performance.probabilistic_sharpe_ratio(estimate)
        needed = performance.minimum_track_record_length(estimate)
        variance = self.deviation**2 if self.deviation is not None else 1.0 / max(len(self.returns) - 1, 1)
        deflated = (
            performance.deflated_sharpe_ratio(estimate, trials=float(self.trials), variance=variance)
            if self.trials > 1
            else probabilistic
        )
        rows = [
            ("number of trials", f"{self.trials:,}"),
            ("deflated Sharpe ratio", percent(float(deflated), 1)),
            ("probability that the Sharpe ratio is above 0", percent(float(probabilistic), 1)),
            ("returns", f"{len(self.returns):,}"),
            ("returns that would be enough", f"{needed:,.0f}" if math.isfinite(needed) else "never"),
            ("fingerprint of the run", self.result.fingerprint),
            ("fingerprint of the prices", self.data or "not known"),
        ]
        spread = (
            "as given"
            if self.deviation is not None
            else "not given: that of trials without any skill is taken"
        )
        said = note(
            f"Deflated by the number of trials (Bailey and López de Prado 2014); their spread: {spread}."
        )
        return Part(headline((), rows) + (said if self.trials > 1 else ""))

    # --- curves -----------------------------------------------------------------------------------------------------

    @cached_property
    def _times(self) -> npt.NDArray[np.int64]:
        return _ns(self.equity.index)

    def _exposure(self) -> tuple[Floats, Floats]:
        """float64[periods] each: gross and net exposure at the end of each period, shares of equity."""
        gross, net = np.zeros(len(self.equity)), np.zeros(len(self.equity))
        record = self.result.trading_record
        ends = self._times + pd.Timedelta(self.every).value - 1  # a period is labelled by its beginning
        held: dict[str, Floats] = {}
        for book in record.books():
            after = np.concatenate([[0.0], np.cumsum(book.quantity)])
            held[book.instrument] = held.get(book.instrument, 0.0) + after[last_at(book.fill_ns, ends) + 1]
        for instrument, quantity in held.items():
            mark_ns, mark, *_ = record.marks_of(instrument)
            at = np.maximum(last_at(mark_ns, ends), 0)
            notional = quantity * mark[at] * record.multiplier(instrument)
            gross += np.abs(notional)
            net += notional
        wealth = self.equity.to_numpy(dtype=np.float64)
        return gross / wealth, net / wealth


def tearsheet(
    result: BacktestResult,
    *,
    prices: Prices | None = None,
    benchmark: Prices | pd.Series[float] | None = None,
    trials: int = 1,
    deviation: float | None = None,
) -> TearSheet:
    """The tear sheet of a run.

    prices: those that it was run on, for their fingerprint.  benchmark: its first instrument, or a series of closes.
    trials, deviation: see TearSheet.  Raises DataError where trials is below 1.
    """
    if trials < 1:
        raise DataError(f"trials: expected 1 or more, the chosen one included, found {trials}")
    closes, name = _benchmark(benchmark)
    return TearSheet(
        result, closes, name, prices.fingerprint if prices is not None else "", trials, deviation
    )


def _benchmark(given: Any) -> tuple[pd.Series[float] | None, str]:
    if given is None:
        return None, ""
    if isinstance(given, pd.Series):
        return given.astype("float64"), "benchmark" if given.name is None else str(given.name)
    name = given.instruments[0].name
    closes = given.frame(name)["close"].astype("float64")
    return closes.set_axis(closes.index + given.interval_of(name)), name.partition("@")[
        0
    ]  # known at the bar's end


def _ns(index: pd.Index) -> npt.NDArray[np.int64]:
    times = pd.DatetimeIndex(index).as_unit("ns").tz_convert("UTC").tz_localize(None)
    return times.to_numpy().view("int64")


def _percent(value: float, step: float) -> str:
    places = max(0, -math.floor(math.log10(step * 100.0) + 1e-9))
    return f"{value * 100.0:.{places}f} %"


def _plain(value: float, step: float) -> str:
    return money(value, step)


def _figure(value: Any) -> str:
    return f"{float(value):,.2f}" if math.isfinite(float(value)) else "-"
