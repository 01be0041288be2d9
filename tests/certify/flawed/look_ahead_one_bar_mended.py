"""The move it goes by is that of the bar that has just ended; it trades against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.strategy.vector import from_signals


def signals(prices: pd.DataFrame) -> Any:
    return np.sign(prices["close"].shift(1) - prices["close"])


Strategy = from_signals(signals, lookback=2)
