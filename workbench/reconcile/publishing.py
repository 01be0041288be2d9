"""The newest result where the engine's metrics find it: a file in its data folder."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from live.engine.reconciled import RECONCILED, Reconciled, ReconciledStrategy
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.reconcile.result import Reconciliation

__all__ = ["publish_result"]


def publish_result(folder: Path | None, found: Reconciliation) -> Path:
    """Write what was found of each strategy, in place of what was there; whole or not at all.

    Raises ConfigError where there is no data folder.
    """
    if folder is None:
        raise ConfigError(
            "a result is published in the engine's data folder; give that in place of the journal's URL"
        )
    lines = {}
    for name in found.strategies:
        figures = found.figures(name)
        lines[name] = ReconciledStrategy(
            figures.unexplained_bps, figures.unexplained_pnl, figures.turnover, figures.fills, figures.ok
        )
    data = msgspec.json.encode(Reconciled(time.time_ns(), found.start_ns, found.end_ns, lines))
    path = folder / RECONCILED
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".reconciled-")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(temporary).replace(path)
    return path
