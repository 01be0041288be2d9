"""Small tables of prices that can be checked by hand, and where real ones lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

MakeBars = Callable[..., pd.DataFrame]
RealFile = Callable[[str], Path]


@pytest.fixture
def make_bars() -> MakeBars:
    """Bars of the closes given, one a minute from 2024-01-01 (or at `times`): open = close, high and low 1 away."""

    def make(
        closes: Sequence[float], times: Sequence[str] | None = None, volume: float = 1.0
    ) -> pd.DataFrame:
        index = (
            pd.date_range("2024-01-01", periods=len(closes), freq="1min")
            if times is None
            else pd.DatetimeIndex([pd.Timestamp(time) for time in times])
        )
        close = pd.Series(list(closes), index=index.rename("timestamp"), dtype="float64")
        return pd.DataFrame(
            {"open": close, "high": close + 1.0, "low": close - 1.0, "close": close, "volume": volume}
        )

    return make


@pytest.fixture
def real_file() -> RealFile:
    """Path of a file of real prices beside the project; skips where it is absent."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"real prices are not here: {name}")
        return path

    return find
