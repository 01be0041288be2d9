"""Its only parameter is how long it looks back on a drift that is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.strategy.vector import from_signals


def drift(prices: pd.DataFrame, window: int = 20) -> Any:
    return np.sign(prices["close"] - prices["close"].shift(window))


Strategy = from_signals(drift, lookback=101)
