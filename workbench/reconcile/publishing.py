"""The newest result where the engine's metrics find it: a file in its data folder."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from live.engine.reconciled import RECONCILED, Reconciled, read_reconciled
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.reconcile.result import Reconciliation

__all__ = ["publish_result"]


def publish_result(folder: Path | None, found: Reconciliation) -> Path:
    """Write what was found of each strategy in place of what was there of it; whole or not at all.

    Several processes may do so at once: none loses what another has written.
    Raises ConfigError where there is no data folder.
    """
    if folder is None:
        raise ConfigError("a result is published in the engine's data folder; say which that is (data=...)")
    with _alone(folder):
        return _write(folder, found)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While nobody else writes a result into this folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(folder: Path, found: Reconciliation) -> Path:
    lines = _before(folder)
    now = time.time_ns()
    for name in found.strategies:
        figures = found.figures(name)
        lines[name] = Reconciled(
            at_ns=now,
            start_ns=found.start_ns,
            end_ns=found.end_ns,
            unexplained_bps=figures.unexplained_bps if math.isfinite(figures.unexplained_bps) else None,
            unexplained_pnl=figures.unexplained_pnl,
            turnover=figures.turnover,
            fills=figures.fills,
            ok=figures.ok,
        )
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".reconciled-")
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(lines))
    path = folder / RECONCILED
    Path(temporary).replace(path)
    return path


def _before(folder: Path) -> dict[str, Reconciled]:
    try:
        return read_reconciled(folder)
    except (OSError, msgspec.MsgspecError):  # it is replaced
        return {}
