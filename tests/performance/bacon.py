"""The example portfolio of C. Bacon, "Practical Portfolio Performance Measurement and Attribution", Wiley.

Second edition, 2008, page 65 (portfolio) and 66 (benchmark): 24 monthly returns, also the data set portfolio_bacon of
the R package PerformanceAnalytics.  Third edition, 2023: 36 monthly returns, and how far below their peak they are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# fmt: off
PORTFOLIO = np.array([
    0.003, 0.026, 0.011, -0.010, 0.015, 0.025, 0.016, 0.067, -0.014, 0.040, -0.005, 0.081,
    0.040, -0.037, -0.061, 0.017, -0.049, -0.022, 0.070, 0.058, -0.065, 0.024, -0.005, -0.009,
])
BENCHMARK = np.array([
    0.002, 0.025, 0.018, -0.011, 0.014, 0.018, 0.014, 0.065, -0.015, 0.042, -0.006, 0.083,
    0.039, -0.038, -0.062, 0.015, -0.048, 0.021, 0.060, 0.056, -0.067, 0.019, -0.003, 0.000,
])
PORTFOLIO_2023 = np.array([
    0.003, 0.026, 0.011, -0.009, 0.014, 0.024, 0.015, 0.066, -0.014, 0.039, -0.005, 0.081,
    0.040, -0.037, -0.061, 0.014, -0.049, -0.021, 0.062, 0.058, -0.064, 0.017, -0.004, -0.002,
    -0.021, 0.011, 0.047, 0.024, 0.033, -0.007, 0.047, 0.006, 0.010, -0.002, 0.034, 0.010,
])
DRAWDOWN_2023 = np.array([
    0, 0, 0, -0.0090, 0, 0, 0, 0, -0.0140, 0, -0.0050, 0,
    0, -0.0370, -0.0957, -0.0831, -0.1280, -0.1463, -0.0934, -0.0408, -0.1022, -0.0869, -0.0906, -0.0924,
    -0.1115, -0.1017, -0.0595, -0.0369, -0.0051, -0.0121, 0, 0, 0, -0.0020, 0, 0,
])
# fmt: on
MONTHS = pd.date_range("2000-01-31", periods=24, freq="ME")
