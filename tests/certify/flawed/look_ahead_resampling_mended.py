"""Each hour of a day is shown the close of the day before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.strategy.vector import from_signals


def signals(prices: pd.DataFrame) -> Any:
    days = prices["close"].resample("1D").last().shift(1)
    return np.sign(days.reindex(prices.index, method="ffill") - prices["close"])


Strategy = from_signals(signals, lookback=72)
