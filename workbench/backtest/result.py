"""What a backtest found: figures, curves and frames, made when they are asked for and kept."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.backtest import frames, order_frames, roundtrips
from workbench.backtest.html import cell_html, write_page
from workbench.backtest.performance import StrategyPerformance
from workbench.backtest.pictures import result_picture
from workbench.backtest.plots import plot_monthly, plot_result, plot_rolling, plot_trades, plot_var
from workbench.backtest.replay import ReplayRecord
from workbench.backtest.statistics import portfolio_stats, strategy_performance, text_summary
from workbench.backtest.tables import Kinds, table, utc
from workbench.chaos.events import ChaosEvent
from workbench.errors import ConfigError, StrategyError
from workbench.performance.arithmetic import drawdowns
from workbench.performance.attribution import attribute_pnl
from workbench.performance.calendar import periods_per_year
from workbench.performance.trading_record import TradingRecord, feed_marks

if TYPE_CHECKING:
    import holoviews as hv
    import vectorbt as vbt

    from workbench.cells import Picture
    from workbench.performance.attribution_cuts import PnlCut
    from workbench.plotting.rolling import Window
    from workbench.risk.model import Method

__all__ = ["BacktestResult"]

_REFUSALS: Final[Kinds] = {"what": "text", "strategy_id": "text", "reason": "text", "count": "int"}


class BacktestResult:
    """A finished backtest; nothing in it changes any more.

    Curves have one value per distinct update time: with several instruments, the value after the last update of that
    time.  Money is quote currency, times are UTC, drawdowns are fractions <= 0.
    """

    def __init__(
        self,
        record: ReplayRecord,
        *,
        begin_ns: int,
        interval_ns: int,
        chaos: Sequence[ChaosEvent] = (),
        seed: int = 0,
    ) -> None:
        """record: the run.  begin_ns: open of the first bar.  interval_ns: bar length, 0 for quotes."""
        self.record = record
        self.chaos = tuple(chaos)
        self.seed = seed
        self._begin_ns = begin_ns
        self._interval_ns = interval_ns

    # -- what was run -------------------------------------------------------------------------------------------

    @property
    def strategies(self) -> tuple[str, ...]:
        """Strategy ids."""
        return self.record.desk.strategies

    @property
    def instruments(self) -> tuple[str, ...]:
        """Instruments, `symbol@venue`."""
        return tuple(i.name for i in self.record.desk.instruments)

    @property
    def initial_cash(self) -> float:
        return float(self.record.desk.book.initial_cash)

    @property
    def final_equity(self) -> float:
        return float(self.equity.iloc[-1]) if len(self.equity) else self.initial_cash

    @property
    def start(self) -> pd.Timestamp:
        """Open of the first bar."""
        return pd.Timestamp(self._begin_ns, unit="ns", tz="UTC")

    @property
    def end(self) -> pd.Timestamp:
        """Time of the last update."""
        return pd.Timestamp(self.times_ns[-1], unit="ns", tz="UTC") if len(self.times_ns) else self.start

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over fills and equity: equal where two runs did the same, bit for bit."""
        return self.record.fingerprint

    @cached_property
    def periods_per_year(self) -> float:
        """Updates per year as the prices show them; see `performance.calendar.periods_per_year`."""
        return periods_per_year(self.times_ns, self._interval_ns)

    # -- curves -------------------------------------------------------------------------------------------------

    @cached_property
    def _rows(self) -> npt.NDArray[np.int64]:
        """int64[n]: the last row of each distinct update time."""
        times = self.record.feed.timestamp_ns
        return np.flatnonzero(np.append(times[1:] != times[:-1], len(times) > 0))

    @cached_property
    def times_ns(self) -> npt.NDArray[np.int64]:
        """int64[n]: distinct update times, UTC."""
        return self.record.feed.timestamp_ns[self._rows]

    @cached_property
    def _index(self) -> pd.DatetimeIndex:
        return utc(self.times_ns).rename("timestamp")

    @cached_property
    def equity(self) -> pd.Series[float]:
        """Equity of the portfolio after each update time."""
        return pd.Series(self.record.curves[self._rows, 0], self._index, name="equity")

    @cached_property
    def strategy_pnl(self) -> pd.DataFrame:
        """P&L of each strategy after each update time, after fees, open positions at their mark."""
        curves = self.record.curves[self._rows, 1:]
        return pd.DataFrame(curves, self._index, columns=pd.Index(self.strategies, name="strategy_id"))

    @cached_property
    def drawdown(self) -> pd.Series[float]:
        """Equity below its highest so far, a fraction <= 0; the initial cash is the first high."""
        cash, equity = self.curve_of(None)
        values = drawdowns(equity, cash)
        return pd.Series(values, self._index, name="drawdown")

    # -- frames -------------------------------------------------------------------------------------------------

    @cached_property
    def orders(self) -> pd.DataFrame:
        """One row per order, refused ones too; see `order_frames.orders_frame` for the columns."""
        return order_frames.orders_frame(self.record.recorder)

    @cached_property
    def fills(self) -> pd.DataFrame:
        """One row per execution."""
        return order_frames.fills_frame(self.record.recorder)

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Round trips per strategy and instrument; see `roundtrips.trades_frame` for the columns."""
        desk = self.record.desk
        marks = {
            (i.symbol, i.venue): float(desk.view.instruments[k].mark) for k, i in enumerate(desk.instruments)
        }
        return roundtrips.trades_frame(self.record.recorder.fills, desk.instruments, marks)

    @cached_property
    def positions(self) -> pd.DataFrame:
        """The ledger at the end, per strategy and instrument that was ever traded."""
        return frames.positions_frame(self.record.desk)

    @cached_property
    def position_history(self) -> pd.DataFrame:
        """The position after each fill."""
        return roundtrips.history_frame(self.record.recorder.fills, self.record.desk.instruments)

    @cached_property
    def breaches(self) -> pd.DataFrame:
        """Every rule that a strategy ran into."""
        return frames.breaches_frame(self.record.recorder)

    @cached_property
    def alerts(self) -> pd.DataFrame:
        """Alerts of the monitors, breaker trips and resets, with their severity."""
        return frames.alerts_frame(self.record.recorder)

    @cached_property
    def signals(self) -> pd.DataFrame:
        """Every signal as the desk got it, chaos included."""
        return frames.signals_frame(self.record.recorder)

    @cached_property
    def notices(self) -> pd.DataFrame:
        """Bad ticks, gaps, venues down and up, doubled reports."""
        return frames.notices_frame(self.record.recorder)

    @cached_property
    def errors(self) -> pd.DataFrame:
        """What strategies raised, where errors were contained."""
        return frames.errors_frame(self.record.recorder)

    @cached_property
    def refusals(self) -> pd.DataFrame:
        """How many orders and signals were refused, by strategy and reason, the most frequent first.

        what: order or signal.  An order that failed several checks counts for each of them.
        """
        recorder = self.record.recorder
        # A runaway strategy has millions of orders refused, but few different sets of failed checks.
        orders = Counter((fact.strategy_id, fact.failed_checks) for fact in recorder.refused)
        counts: Counter[tuple[str, str, str]] = Counter()
        for (strategy_id, checks), count in orders.items():
            for check in checks:
                counts["order", strategy_id, check] += count
        counts.update(("signal", fact.strategy_id, fact.reason) for fact in recorder.signals_refused)
        return table(_REFUSALS, [(*key, count) for key, count in counts.most_common()])

    @cached_property
    def breach_counts(self) -> Counter[str]:
        """How many rules each strategy ran into; "" for those of the whole portfolio."""
        return Counter(breach.strategy_id for breach in self.record.recorder.breaches)

    # -- figures ------------------------------------------------------------------------------------------------

    def stats(self, periods_per_year: float | None = None) -> pd.Series[Any]:
        """Figures of the portfolio by name.

        volatility and ratios: of per-update returns of equity at distinct times, annualised by the square root of
        periods_per_year (None takes what the prices show, and the Series says which it was); NaN without variance.
        All are worked out however short the run, so that runs of one length can be compared.  What shows the result
        to a person leaves cagr and calmar_ratio out below a year, and what else is annualised below 30 days.
        trades, win_rate, profit_factor: closed round trips after fees.  turnover: notional filled.  exposure_time:
        share of update times after which a position was open.  refusal_reasons: the three most frequent of orders.
        """
        if periods_per_year is None:
            return self._stats.copy()
        return portfolio_stats(self, self._per_year(periods_per_year))

    @cached_property
    def _stats(self) -> pd.Series[Any]:
        return portfolio_stats(self, self.periods_per_year)

    def performance(
        self,
        strategy_id: str | None = None,
        *,
        periods_per_year: float | None = None,
        chaos_recovery_time: float | None = None,
    ) -> StrategyPerformance:
        """How one strategy did on its own capital; None: the only one, or with several the whole portfolio.

        chaos_recovery_time: seconds, for whoever has measured it against the same run without chaos.
        Raises StrategyError on an id that is not in the run.
        """
        return strategy_performance(self, strategy_id, self._per_year(periods_per_year), chaos_recovery_time)

    @cached_property
    def trading_record(self) -> TradingRecord:
        """Fills, orders and marks, as `workbench.performance` takes them apart."""
        notices = self.notices
        bad_ticks = notices[notices["kind"] == "bad_tick"]
        multipliers = {i.name: i.multiplier for i in self.record.desk.instruments}
        return TradingRecord(self.fills, feed_marks(self.record.feed, bad_ticks), self.orders, multipliers)

    def attribution(
        self, by: PnlCut | Sequence[PnlCut] = "strategy", *, without: BacktestResult | None = None
    ) -> pd.DataFrame:
        """P&L by strategy, instrument, symbol, venue, side, hour, ... and of each into price, costs, fee and chaos.

        without: the same run without its chaos; chaos is then the difference that it made, and else what accrued inside
        its windows.  See `workbench.performance.attribution`.
        """
        if without is not None:
            return attribute_pnl(self.trading_record, by, without=without.trading_record)
        windows = None
        if self.chaos:
            windows = pd.DataFrame(
                {
                    "start": [event.start for event in self.chaos],
                    "end": [event.start + event.duration for event in self.chaos],
                    "target": [event.target for event in self.chaos],
                }
            )
        return attribute_pnl(self.trading_record, by, chaos=windows)

    def curve_of(self, strategy_id: str | None) -> tuple[float, npt.NDArray[np.float64]]:
        """Capital, and capital plus P&L after each update time (float64[n]); None: of the portfolio.

        Raises StrategyError on an id that is not in the run.
        """
        if strategy_id is None:
            return self.initial_cash, self.record.curves[self._rows, 0]
        if strategy_id not in self.strategies:
            known = ", ".join(self.strategies)
            raise StrategyError(f"no strategy {strategy_id!r} in this run; there is: {known}")
        s = self.strategies.index(strategy_id)
        capital = float(self.record.desk.view.strategies[s].capital)
        return capital, capital + self.record.curves[self._rows, 1 + s]

    def _per_year(self, given: float | None) -> float:
        if given is None:
            return self.periods_per_year
        if not (math.isfinite(given) and given > 0.0):
            raise ConfigError(f"periods_per_year must be a finite number above 0, found {given!r}")
        return given

    # -- how it shows -------------------------------------------------------------------------------------------

    def plot(self, **options: Any) -> hv.Layout:
        """Equity with fills and drawdown below it, chaos windows shaded, breaker trips as lines.

        options: width and height in pixels, responsive.  Loads the plotting library on first use, as all plots do.
        """
        return plot_result(self, **options)

    def plot_monthly(self, **options: Any) -> hv.Overlay:
        """Returns of equity by month and year (UTC), as colours and numbers.

        options: width, height (None: as tall as the years need), title, responsive.
        """
        return plot_monthly(self, **options)

    def plot_rolling(
        self,
        window: Window = "90D",
        *,
        every: str | None = None,
        benchmark: pd.Series[float] | None = None,
        periods_per_year: float | None = None,
        **options: Any,
    ) -> hv.Layout:
        """Volatility, Sharpe ratio and, beside a benchmark, beta over a rolling window, chaos windows shaded.

        window: a span of time, or a number of returns.  every: length of a return such as "1D", None for one per
        update.  benchmark: returns of the same length, by the same times.  periods_per_year: None for what the times
        show.  options: width, height (of each plot), title, responsive, risk_free.
        Raises DataError where the run is shorter than the window, or equity fell to 0; ConfigError for settings.
        """
        return plot_rolling(
            self, window, every=every, benchmark=benchmark, periods_per_year=periods_per_year, **options
        )

    def plot_trades(
        self,
        instrument: str | None = None,
        *,
        strategy_id: str | None = None,
        start: str | pd.Timestamp | None = None,
        end: str | pd.Timestamp | None = None,
        **options: Any,
    ) -> hv.Layout:
        """The price of an instrument with entries and exits on it, and the position below.

        instrument: `symbol@venue`, or a symbol that one venue has; None where the run has one.  strategy_id: its
        trades alone.  start, end: the part that is shown (UTC); of many thousand fills none would be marked otherwise.
        Bad ticks are left out of the price.  options: width, height, title, responsive.
        Raises UnknownInstrumentError, StrategyError, or ConfigError where nothing lies between start and end.
        """
        return plot_trades(self, instrument, strategy_id=strategy_id, start=start, end=end, **options)

    def plot_var(
        self,
        window: int = 250,
        confidence: float = 0.99,
        method: Method = "historical",
        *,
        every: str | None = None,
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> hv.Overlay:
        """Returns of equity, the value at risk forecast for each from the `window` before it, and the exceedances.

        every: length of a return such as "1D", None for one per update.  settings: of the method, as `risk.rolling_var`
        takes them.  The title says how many exceedances were to be expected, Kupiec's p-value and Basel's zone.
        options: width, height, title, responsive.  Raises as `risk.rolling_var`; DataError where equity fell to 0.
        """
        return plot_var(self, window, confidence, method, every=every, settings=settings, **options)

    def picture(self, *, prices: bool = True) -> Picture:
        """Equity, drawdown and prices with their fills as one still picture (SVG), which reads the same anywhere.

        prices: whether they are drawn, where there are few enough instruments to see them.
        """
        return result_picture(self, prices=prices)

    def to_html(self, path: str | Path) -> Path:
        """Write one self-contained page with curves, chaos windows and tables; the path that was written."""
        return write_page(self, Path(path))

    def to_vectorbt(self, *, freq: str | pd.Timedelta | None = None) -> vbt.Portfolio:
        """This run as a vectorbt portfolio, for its statistics, plots and accessors; see `vectorbt_bridge`.

        freq: length of a row; None takes what makes vectorbt's year have `periods_per_year` of them.
        Raises ConfigError where vectorbt is not installed; imports it on first use, which takes seconds.
        """
        from workbench.backtest.vectorbt_bridge import to_vectorbt

        return to_vectorbt(self, freq=freq)

    def __repr__(self) -> str:
        return text_summary(self)

    def _repr_html_(self) -> str:
        return cell_html(self)
