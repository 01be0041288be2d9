"""Prices and a strategy that trades often, for sweeps and campaigns."""

from __future__ import annotations

import pytest

import workbench as wb


@pytest.fixture(scope="session")
def minutes() -> wb.Prices:
    """400 minutes of one instrument."""
    return wb.synthetic(symbols=["BTC-USD"], venues=["exchange-1"], bars=400, seed=11)


@pytest.fixture(scope="session")
def pair() -> wb.Prices:
    """300 minutes of two symbols at two venues."""
    return wb.synthetic(
        symbols=["BTC-USD", "ETH-USD"], venues=["exchange-1", "exchange-2"], bars=300, seed=12
    )
