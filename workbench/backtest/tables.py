"""Rows to DataFrames with typed columns, the same columns whether there are rows or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

__all__ = ["NAT", "WHO", "Kind", "Kinds", "facts_table", "table", "utc"]

type Kind = Literal["text", "float", "int", "time", "span", "object"]
type Kinds = Mapping[str, Kind]

NAT: Final = int(np.iinfo(np.int64).min)
WHO: Final[Kinds] = {"strategy_id": "text", "symbol": "text", "venue": "text"}


def utc(nanoseconds: Iterable[int]) -> pd.DatetimeIndex:
    """UTC times of nanoseconds since 1970; NAT is no time."""
    values = np.fromiter(nanoseconds, dtype=np.int64)
    return pd.DatetimeIndex(values.view("datetime64[ns]")).tz_localize("UTC")


def table(kinds: Kinds, rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Rows as a frame with one column for each of `kinds`; times and spans come as integer nanoseconds."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(kinds)
    return pd.DataFrame(
        {name: _column(kind, values) for (name, kind), values in zip(kinds.items(), columns, strict=True)}
    )


def facts_table(kinds: Kinds, facts: Iterable[object]) -> pd.DataFrame:
    """Facts as a frame; a column has the name of the attribute that it shows, `timestamp` that of `timestamp_ns`."""
    row = attrgetter(*("timestamp_ns" if name == "timestamp" else name for name in kinds))
    return table(kinds, [row(fact) for fact in facts])


def _column(kind: Kind, values: Sequence[Any]) -> Any:
    match kind:
        case "text":
            return pd.array(list(values), dtype="str")
        case "float":
            return np.array(values, dtype=np.float64)
        case "int":
            return np.array(values, dtype=np.int64)
        case "time":
            return utc(values)
        case "span":
            return pd.TimedeltaIndex(np.array(values, dtype=np.int64).view("timedelta64[ns]"))
        case "object":
            return pd.Series(list(values), dtype=object)
