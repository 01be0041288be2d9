"""Gains against losses: of returns per period, or of any other outcomes, such as the P&L of trades.

Each takes a Series or list (gives a float), a DataFrame (a Series) or an array; what is missing is left out.
`required_return` is per period.  NaN where a figure does not exist, inf where there are gains and no losses.

Formulas and names are those of C. Bacon, "Practical Portfolio Performance Measurement and Attribution", 2nd edition,
Wiley 2008, pages 92 to 98.
"""

from __future__ import annotations

import math

import numpy as np

from workbench.errors import ConfigError
from workbench.performance.arithmetic import Floats, downside, gain_to_loss, ratio
from workbench.performance.inputs import check_number, columnwise

__all__ = [
    "d_ratio",
    "downside_potential",
    "expectancy",
    "kappa_ratio",
    "omega_ratio",
    "omega_sharpe_ratio",
    "payoff_ratio",
    "profit_factor",
    "upside_potential",
    "upside_potential_ratio",
    "upside_risk",
    "volatility_skewness",
    "win_rate",
]


@columnwise
def win_rate(outcomes: Floats) -> float:
    """Share of the outcomes that are gains, those of exactly 0 counted as none."""
    return float((outcomes > 0.0).mean()) if len(outcomes) else math.nan


@columnwise
def profit_factor(outcomes: Floats) -> float:
    """Sum of gains over sum of losses; of returns also known as the ratio of Bernardo and Ledoit (Bacon, page 95)."""
    return gain_to_loss(outcomes)


@columnwise
def payoff_ratio(outcomes: Floats) -> float:
    """Mean gain over mean loss."""
    gains, losses = outcomes[outcomes > 0.0], outcomes[outcomes < 0.0]
    if not len(losses) or not len(gains):
        return math.inf if len(gains) else (0.0 if len(losses) else math.nan)
    return float(gains.mean()) / -float(losses.mean())


@columnwise
def expectancy(outcomes: Floats) -> float:
    """Mean outcome: share of gains times mean gain, less share of losses times mean loss."""
    return float(outcomes.mean()) if len(outcomes) else math.nan


@columnwise
def downside_potential(returns: Floats, *, required_return: float = 0.0) -> float:
    """Mean of what returns fall short of `required_return`, over all returns."""
    below = np.maximum(check_number("required_return", required_return) - returns, 0.0)
    return float(below.mean()) if len(returns) else math.nan


@columnwise
def upside_potential(returns: Floats, *, required_return: float = 0.0) -> float:
    """Mean of what returns exceed `required_return` by, over all returns."""
    above = np.maximum(returns - check_number("required_return", required_return), 0.0)
    return float(above.mean()) if len(returns) else math.nan


@columnwise
def upside_risk(returns: Floats, *, required_return: float = 0.0) -> float:
    """Root mean square of what returns exceed `required_return` by, over all returns; per period."""
    return downside(-returns, -check_number("required_return", required_return))


@columnwise
def omega_ratio(returns: Floats, *, required_return: float = 0.0) -> float:
    """Sum of what returns exceed `required_return` by, over the sum of what they fall short of it.

    C. Keating, W. Shadwick, "A universal performance measure", 2002.
    """
    return gain_to_loss(returns - check_number("required_return", required_return))


@columnwise
def omega_sharpe_ratio(returns: Floats, *, required_return: float = 0.0) -> float:
    """Mean return above `required_return` over the downside potential: omega_ratio - 1."""
    return gain_to_loss(returns - check_number("required_return", required_return)) - 1.0


@columnwise
def kappa_ratio(returns: Floats, *, required_return: float = 0.0, order: float = 2.0) -> float:
    """Mean return above `required_return` over the root of the lower partial moment of `order`, per period.

    Order 1 is the omega-Sharpe ratio, order 2 the Sortino ratio (P. Kaplan, J. Knowles, "Kappa: a generalized downside
    risk-adjusted performance measure", 2004).
    """
    excess = returns - check_number("required_return", required_return)
    if not check_number("order", order) > 0.0:
        raise ConfigError(f"order must be above 0, found {order!r}")
    if not len(excess):
        return math.nan
    moment = float((np.maximum(-excess, 0.0) ** order).mean())
    return ratio(float(excess.mean()), moment ** (1.0 / order))


@columnwise
def upside_potential_ratio(returns: Floats, *, required_return: float = 0.0) -> float:
    """Upside potential over the downside deviation, both per period (F. Sortino and others, 1999)."""
    excess = returns - check_number("required_return", required_return)
    return ratio(float(np.maximum(excess, 0.0).mean()), downside(excess)) if len(excess) else math.nan


@columnwise
def volatility_skewness(returns: Floats, *, required_return: float = 0.0) -> float:
    """Upside variance over downside variance; its root is Bacon's variability skewness."""
    excess = returns - check_number("required_return", required_return)
    return ratio(downside(-excess) ** 2, downside(excess) ** 2)


@columnwise
def d_ratio(returns: Floats) -> float:
    """Losses times their number over gains times theirs: from 0 without losses to inf without gains; small is good.

    S. Lavinio, "The hedge fund handbook", 1999.
    """
    losses, gains = returns[returns < 0.0], returns[returns > 0.0]
    lost, won = len(losses) * -float(losses.sum()), len(gains) * float(gains.sum())
    return lost / won if won > 0.0 else (math.inf if lost > 0.0 else math.nan)
