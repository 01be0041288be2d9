"""A market as flat arrays: what all runners play back, one row per price update in event order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from workbench.core.messages import Instrument

__all__ = ["ASK", "ASK_SIZE", "BID", "BID_SIZE", "CHANGE_PCT", "LAST", "QUOTE_COLUMNS", "VOLUME", "Feed"]

BID: Final = 0
ASK: Final = 1
LAST: Final = 2
VOLUME: Final = 3
BID_SIZE: Final = 4
ASK_SIZE: Final = 5
CHANGE_PCT: Final = 6
QUOTE_COLUMNS: Final = 7


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """`n` price updates of `k` instruments.

    timestamp_ns: int64[n], UTC, never falling.  instrument: int64[n], index into `instruments`.
    quotes: float64[n, 7], C order, columns BID .. CHANGE_PCT (see PriceUpdate for units; NaN sizes are unknown).
    sequence: int64[n], counted per instrument from 0; a gap means that the venue sent something that never came.
    Rows of equal time stand in the order of `instruments`.
    """

    instruments: tuple[Instrument, ...]
    timestamp_ns: npt.NDArray[np.int64]
    instrument: npt.NDArray[np.int64]
    quotes: npt.NDArray[np.float64]
    sequence: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.timestamp_ns)
