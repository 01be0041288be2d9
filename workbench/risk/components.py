"""Where value at risk comes from: its parts by instrument and by strategy, which add up to the whole.

- marginal: what value at risk changes by, per unit of exposure added.
- component: exposure x marginal.  The components add up to value at risk (Euler; M. Garman, "Improving on VaR", Risk 9,
  1996); a negative one is a hedge.
- standalone: value at risk of the part by itself.  incremental: what value at risk would fall by without the part.

Nothing is floored at 0 here, or the parts would no longer add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Unpack

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.risk.book import Book, Exposures, Floats, read_book
from workbench.risk.measure import Measure, warn_outside_domain
from workbench.risk.model import Method, Settings, make_model
from workbench.risk.shown import components_cell

__all__ = ["VarComponents", "component_var", "marginal_var"]


@dataclass(frozen=True, eq=False)
class VarComponents:
    """Value at risk and expected shortfall (cvar) of a book, and their parts; quote currency, losses positive.

    instruments: frame by instrument.  strategies: frame by strategy, "all" where none was named.  Columns of both:
    exposure (net), gross, marginal_var, component_var, share (of var), component_cvar, standalone_var, incremental_var.
    The marginal of a strategy is per unit of gross exposure, all its positions growing alike.
    components: component_var by strategy and instrument.  observations: outcomes that the figures rest on.
    """

    method: Method
    confidence: float
    horizon: int
    var: float
    cvar: float
    observations: int
    instruments: pd.DataFrame
    strategies: pd.DataFrame
    components: pd.DataFrame

    def _repr_html_(self) -> str:
        return components_cell(self)


def component_var(
    returns: pd.DataFrame,
    exposures: Exposures,
    confidence: float = 0.99,
    method: Method = "parametric",
    horizon: int = 1,
    **settings: Unpack[Settings],
) -> VarComponents:
    """The parts of value at risk by strategy and instrument.

    Arguments and errors as for `tail_risk`; DataError also where nothing is held, or what is held does not move.

    The derivative of value at risk is exact for parametric, cornish_fisher and ewma.  For historical, and for
    filtered_historical over one period, it is the scenario at the quantile, which is exact and rough: one day decides;
    component_cvar, a mean over the tail, is the steadier guide.  For drawn paths it is a mean over neighbouring paths.
    """
    model = make_model(method, confidence, horizon, settings)
    if not isinstance(returns, pd.DataFrame):
        raise DataError(
            f"returns: expected a frame with a column for each instrument, found {type(returns).__name__}"
        )
    book = read_book(returns, exposures)
    _check_moves(book)
    measure = Measure(book, model)
    if method == "cornish_fisher":
        warn_outside_domain([book.returns @ book.held], model, stacklevel=2)
    var, cvar = measure.losses(book.held)
    marginal, marginal_cvar = measure.gradient(book.held)
    amounts = book.exposures.to_numpy(dtype=np.float64)
    names = book.exposures.columns
    by_both = amounts * marginal + 0.0  # nothing held has no sign
    instruments = _table(
        measure, var, book.held, np.diag(book.held), names, (by_both.sum(0), amounts.sum(0) * marginal_cvar)
    )
    instruments["gross"] = np.abs(amounts).sum(axis=0)
    instruments["marginal_var"] = marginal
    strategies = _table(
        measure, var, book.held, amounts, book.exposures.index, (by_both.sum(1), amounts @ marginal_cvar)
    )
    return VarComponents(
        method=method,
        confidence=model.confidence,
        horizon=model.horizon,
        var=var,
        cvar=cvar,
        observations=measure.observations,
        instruments=instruments,
        strategies=strategies,
        components=pd.DataFrame(by_both, index=book.exposures.index, columns=names),
    )


def marginal_var(
    returns: pd.DataFrame,
    exposures: Exposures,
    confidence: float = 0.99,
    method: Method = "parametric",
    horizon: int = 1,
    *,
    by: Literal["instrument", "strategy"] = "instrument",
    **settings: Unpack[Settings],
) -> pd.Series[float]:
    """What value at risk changes by, per unit of exposure added to an instrument, or to a strategy as it stands.

    Arguments and errors: `component_var`; ConfigError for another `by`.
    """
    if by not in ("instrument", "strategy"):
        raise ConfigError(f"by must be instrument or strategy, found {by!r}")
    parts = component_var(returns, exposures, confidence, method, horizon, **settings)
    table = parts.instruments if by == "instrument" else parts.strategies
    return table["marginal_var"]


def _check_moves(book: Book) -> None:
    pnl = book.returns @ book.held
    if not np.ptp(pnl) > 1e-12 * float(np.abs(book.returns * book.held).max()):
        raise DataError(
            "exposures: expected something held whose profit and loss moves, found nothing to take apart"
        )


def _table(
    measure: Measure,
    whole: float,
    held: Floats,
    parts: Floats,
    names: pd.Index,
    components: tuple[Floats, Floats],
) -> pd.DataFrame:
    """One row for each of `parts`, float64[parts, instruments]: what each holds."""
    gross = np.abs(parts).sum(axis=1)
    component, component_cvar = components
    with np.errstate(divide="ignore", invalid="ignore"):
        marginal = np.where(gross > 0.0, component / gross, np.nan)
        share = component / whole if whole != 0.0 else np.full(len(parts), np.nan)
    return pd.DataFrame(
        {
            "exposure": parts.sum(axis=1),
            "gross": gross,
            "marginal_var": marginal,
            "component_var": component,
            "share": share,
            "component_cvar": component_cvar,
            "standalone_var": [measure.losses(part)[0] for part in parts],
            "incremental_var": [whole - measure.losses(held - part)[0] for part in parts],
        },
        index=names,
    )
