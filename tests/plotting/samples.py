"""Series by day, and what is in a plot."""

from __future__ import annotations

from typing import Any

import pandas as pd

__all__ = ["days", "fills", "layers", "series"]


def days(count: int, start: str = "2024-01-01") -> pd.DatetimeIndex:
    """Midnights, UTC."""
    return pd.date_range(start, periods=count, freq="1D", tz="UTC")


def series(*values: float, start: str = "2024-01-01") -> pd.Series[float]:
    """Values by day."""
    return pd.Series([float(value) for value in values], index=days(len(values), start))


def fills(*rows: tuple[str, str, float, float], strategy_id: str = "a") -> pd.DataFrame:
    """Fills from (day, side, quantity, price)."""
    table = pd.DataFrame(list(rows), columns=["timestamp", "side", "quantity", "price"])
    return table.assign(
        timestamp=pd.to_datetime(table["timestamp"], utc=True, format="mixed"), strategy_id=strategy_id
    )


def layers(plot: Any) -> dict[str, Any]:
    """The elements of an overlay by type and label, such as "Curve equity" or "Image"."""
    return {f"{type(one).__name__} {one.label}".strip(): one for one in plot}
