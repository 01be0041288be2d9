"""Value at risk forecast day by day, each from what was known the day before: what a backtest of it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Unpack

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.inputs import check_count, check_number
from workbench.risk.book import LEAST_ROWS, Floats, Returns, floats, read_series
from workbench.risk.estimators import Losses, analytic, empirical
from workbench.risk.garch import LEAST_GARCH_ROWS, estimate_garch
from workbench.risk.measure import warn_outside_domain
from workbench.risk.model import Method, Model, Settings, make_model
from workbench.risk.simulation import filtered, historical, monte_carlo

__all__ = ["rolling_var"]

_CELLS: Final = 4_000_000  # windows are worked through in blocks of so many figures, some 32 MB
_USUAL_REFIT: Final = 20


def rolling_var(
    returns: Returns,
    window: int = 250,
    confidence: float = 0.99,
    method: Method = "historical",
    horizon: int = 1,
    value: float = 1.0,
    *,
    refit: int | None = None,
    **settings: Unpack[Settings],
) -> pd.DataFrame:
    """Out-of-sample forecasts, columns var and cvar, by the time of the period that they are for.

    The forecast for row t comes from the `window` rows before t and nothing else, and is what `tail_risk` would say of
    them; it is for the horizon that begins with row t.  There are none for the first `window` rows.

    returns: one series, finite; for a book take `hypothetical_pnl`.  window: rows, 8 at the least, 100 for
    filtered_historical.  refit: rows between two fits of the GARCH model, 20 as usual; in between its parameters stay,
    while volatility and shocks are those of the window.  monte_carlo and filtered_historical draw from the same seed
    for every row, so that forecasts differ by the window only.  Other arguments and errors: `tail_risk`; DataError also
    where no row is left to forecast.  Warns once with CornishFisherWarning.
    """
    model = make_model(method, confidence, horizon, settings)
    least = LEAST_GARCH_ROWS if method == "filtered_historical" else LEAST_ROWS
    rows = check_count("window", window, least + model.horizon - 1)
    if refit is not None and method != "filtered_historical":
        raise ConfigError(f"refit has no effect on the method {method}; it is for filtered_historical")
    every = _USUAL_REFIT if refit is None else check_count("refit", refit, 1)
    amount = check_number("value", value)
    series = read_series(returns)
    if len(series) <= rows:
        raise DataError(
            f"returns: expected more than the window of {rows} rows, found {len(series)}; "
            "there is no row to forecast"
        )
    found = _forecasts(series, rows, amount, every, model)
    if model.method == "cornish_fisher":
        warn_outside_domain(_blocks(amount * floats(series)[:-1], rows), model, stacklevel=2)
    table = pd.DataFrame(dict(zip(("var", "cvar"), found, strict=True)), index=series.index[rows:])
    return table.clip(lower=0.0)


def _forecasts(series: pd.Series[float], rows: int, amount: float, refit: int, model: Model) -> Losses:
    values = floats(series)
    if model.method == "filtered_historical":
        figures = list(_filtered(series, rows, amount, refit, model))
    elif model.method == "monte_carlo":
        names = pd.Index(["returns"])
        figures = [
            empirical(amount * monte_carlo(values[t - rows : t, None], names, model)[:, 0], model.tail)
            for t in range(rows, len(values))
        ]
    else:
        figures = list(_in_blocks(values, rows, amount, model))
    return (
        np.concatenate([np.atleast_1d(at_risk) for at_risk, _ in figures]),
        np.concatenate([np.atleast_1d(shortfall) for _, shortfall in figures]),
    )


def _in_blocks(values: Floats, rows: int, amount: float, model: Model) -> Iterator[Losses]:
    """Methods that take all windows of a block at once."""
    if model.method == "historical":
        outcomes, width = historical(values[:-1, None], model)[:, 0], rows - model.horizon + 1
    else:
        outcomes, width = values[:-1], rows
    for block in _blocks(amount * outcomes, width):
        yield empirical(block, model.tail) if model.method == "historical" else analytic(block, model)


def _blocks(outcomes: Floats, width: int) -> Iterator[Floats]:
    """All windows, some at a time: copied at once they would not fit the memory."""
    windows = np.lib.stride_tricks.sliding_window_view(outcomes, width)
    step = max(_CELLS // width, 1)
    for start in range(0, len(windows), step):
        yield windows[start : start + step]


def _filtered(
    series: pd.Series[float], rows: int, amount: float, refit: int, model: Model
) -> Iterator[Losses]:
    values = floats(series)
    for start in range(rows, len(values), refit):
        where = f"the window before {series.index[start]}"
        fit = estimate_garch(values[start - rows : start], model.asymmetric, where)
        for t in range(start, min(start + refit, len(values))):
            outcomes = filtered(values[t - rows : t, None], [fit], model)[:, 0]
            yield empirical(amount * outcomes, model.tail)
