"""Figures of closed round trips."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pandas as pd

from workbench.performance.arithmetic import gain_to_loss

__all__ = ["TradeFigures", "trade_figures"]


class TradeFigures(msgspec.Struct, frozen=True):
    """Figures of closed round trips; NaN where there are none.

    win_rate: share with a profit after fees.  avg_trade_pnl: quote currency.  profit_factor: sum of profits over sum of
    losses, inf without losses.
    """

    trades: int
    win_rate: float
    avg_trade_pnl: float
    profit_factor: float


def trade_figures(trades: pd.DataFrame) -> TradeFigures:
    """Figures of the closed trades in a frame of round trips (columns status and pnl)."""
    pnl = trades.loc[trades["status"] == "closed", "pnl"].to_numpy(dtype=np.float64)
    if not len(pnl):
        return TradeFigures(0, math.nan, math.nan, math.nan)
    return TradeFigures(len(pnl), float((pnl > 0.0).mean()), float(pnl.mean()), gain_to_loss(pnl))
