"""A result as a vectorbt portfolio, for vectorbt's statistics, plots and accessors.

Each fill becomes an order record at the row of its time, as it is: nothing is simulated again, so no cash limit,
rounding or netting of vectorbt's comes in between, and several fills of one instrument at one time stay several. What
comes out the same, to rounding: value, cash flow, fees, total return, drawdown, and trades with their P&L. `trades` are
positions from flat to flat, as in `BacktestResult.trades`; vectorbt's other two views are `entry_trades` and
`exit_trades`.

| here | there |
|---|---|
| update times | rows; several updates at one time are one row, the state after the last of them |
| marks (bad ticks left out) | close |
| instruments, in one portfolio | columns, in one group that shares cash; one instrument alone is no group |
| several strategies | a column for each strategy and instrument, or their trades would be netted |
| units x multiplier | size, since vectorbt knows no multiplier |
| fee of the fill, a rebate negative | fees |
| periods per year | freq: what divides vectorbt's year into as many, so that ratios are annualised alike |

freq makes an average period: on daily prices of a market that closes at weekends one row is 365/252 days, and durations
come out in days of the calendar. vectorbt counts the first row as a return of 0, which `stats()` does not, so ratios
differ by about one part in the number of rows; its drawdowns are of compounded returns, and mean nothing once the value
has been below zero.

Not carried over: bars (open, high, low, volume), maker or taker, order ids, orders that were refused or never filled,
signals, breaches, alerts and chaos windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.messages import OrderFill
from workbench.errors import ConfigError
from workbench.performance.trading_record import feed_marks

if TYPE_CHECKING:
    import vectorbt as vbt

    from workbench.backtest.result import BacktestResult

__all__ = ["marks", "to_vectorbt"]

type Floats = npt.NDArray[np.float64]

BUY: Final = 0  # vectorbt's OrderSide
SELL: Final = 1


def to_vectorbt(result: BacktestResult, *, freq: str | pd.Timedelta | None = None) -> vbt.Portfolio:
    """The portfolio of `result`; see this module.

    freq: length of a row in place of the one that makes periods per year agree.
    Raises ConfigError where vectorbt is not installed.  The first call takes seconds, to import it.
    """
    library = _library()
    columns, places = _columns(result)
    held = np.array([place for _, place in places], dtype=np.int64)
    close = pd.DataFrame(marks(result)[:, held], result.equity.index, columns)
    shared = len(places) > 1
    shown = close if shared else close.iloc[:, 0]
    length = _length(library, result) if freq is None else pd.Timedelta(freq)
    wrapper = library.ArrayWrapper.from_obj(shown, freq=length, group_by=True if shared else None)
    return library.Portfolio(
        wrapper,
        shown,
        _records(result, {where: column for column, where in enumerate(places)}),
        np.empty(0, dtype=library.portfolio.enums.log_dt),
        np.array([result.initial_cash]),
        shared,
        fillna_close=True,  # there is no mark before the first price, and no position either
        trades_type="positions",
    )


def marks(result: BacktestResult) -> Floats:
    """float64[times, instruments]: the mark of each instrument after each update time, NaN before its first."""
    notices = result.notices
    found = feed_marks(result.record.feed, notices[notices["kind"] == "bad_tick"])
    columns = np.empty((len(result.times_ns), len(result.instruments)))
    for k, name in enumerate(result.instruments):
        times = pd.DatetimeIndex(found[name].index).as_unit("ns").asi8
        latest = np.searchsorted(times, result.times_ns, side="right") - 1
        columns[:, k] = np.append(found[name]["mark"].to_numpy(), np.nan)[
            latest
        ]  # -1, before the first, is the NaN
    return columns


def _columns(result: BacktestResult) -> tuple[pd.Index, list[tuple[int, int]]]:
    """Labels of the columns, and strategy and instrument of each by number."""
    names, strategies = result.instruments, result.strategies
    places = [(s, k) for s in range(len(strategies)) for k in range(len(names))]
    if len(strategies) == 1:
        return pd.Index(names, name="instrument"), places
    labels = [(strategies[s], names[k]) for s, k in places]
    return pd.MultiIndex.from_tuples(labels, names=["strategy_id", "instrument"]), places


def _records(result: BacktestResult, columns: dict[tuple[int, int], int]) -> Any:
    """The fills as vectorbt's order records, column by column, each in order of time."""
    from vectorbt.portfolio.enums import order_dt

    fills = result.record.recorder.fills
    instruments = result.record.feed.instruments
    strategy = {name: s for s, name in enumerate(result.strategies)}
    number = {(i.symbol, i.venue): k for k, i in enumerate(instruments)}

    def place(fill: OrderFill) -> tuple[int, int]:
        return strategy[fill.strategy_id], number[fill.symbol, fill.venue]

    places = [place(fill) for fill in fills]
    units = np.array([fill.quantity for fill in fills], dtype=np.float64)
    multipliers = np.array([instruments[k].multiplier for _, k in places], dtype=np.float64)
    records = np.zeros(len(fills), dtype=order_dt)
    records["id"] = np.arange(len(fills))
    records["col"] = [columns[where] for where in places]
    records["idx"] = np.searchsorted(result.times_ns, [fill.timestamp_ns for fill in fills])
    records["size"] = np.abs(units) * multipliers
    records["price"] = [fill.price for fill in fills]
    records["fees"] = [fill.fee for fill in fills]
    records["side"] = np.where(units > 0.0, BUY, SELL)
    return records[np.argsort(records["col"], kind="stable")]


def _length(library: Any, result: BacktestResult) -> pd.Timedelta:
    """What one row has to last for a year of vectorbt's to have `periods_per_year` of them."""
    return pd.Timedelta(library.settings["returns"]["year_freq"]) / result.periods_per_year


def _library() -> Any:
    """The package, which takes seconds to import, and which not everybody has."""
    try:
        import vectorbt
    except ImportError as error:
        raise ConfigError(
            "to_vectorbt needs the package vectorbt; install it with pip install 'trading-workbench[lab]'"
        ) from error
    return vectorbt
