"""The newest result of live against replay, in the data folder: a reconciliation writes it, the metrics read it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["RECONCILED", "Reconciled", "read_reconciled"]

RECONCILED: Final = "reconciliation.json"
_LARGEST: Final = 4 << 20


class Reconciled(msgspec.Struct, frozen=True):
    """Of one strategy.

    at_ns: when it was found.  start_ns, end_ns: first and last price of what was looked at.  UTC nanoseconds.
    unexplained_bps: of the turnover; None where it is infinite.  unexplained_pnl, turnover: quote currency.
    ok: nothing is unexplained, and its code answers as it did.
    """

    at_ns: int
    start_ns: int
    end_ns: int
    unexplained_bps: float | None
    unexplained_pnl: float
    turnover: float
    fills: int
    ok: bool


def read_reconciled(folder: Path) -> dict[str, Reconciled]:
    """By strategy; empty where nothing was found yet.  Raises OSError, msgspec.MsgspecError where it cannot be read."""
    try:
        handle = os.open(folder / RECONCILED, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return {}
    with os.fdopen(handle, "rb") as file:
        return msgspec.json.decode(file.read(_LARGEST), type=dict[str, Reconciled])
