"""What the newest comparison of live with replay has found, as it lies in the data folder."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import structlog

from live.engine.reconciled import RECONCILED, Reconciled, read_reconciled
from live.metrics.sheet import OTHER, Names, Sheet

__all__ = ["ReconciledFile"]

_log = structlog.get_logger("live.metrics")


class ReconciledFile:
    """Reads the file where it has changed; a file that cannot be read is said once, and shows nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = (0, 0)
        self._lines: dict[str, Reconciled] = {}
        self._complained = ""

    def read(self, sheet: Sheet, names: Names) -> None:
        """Put the result of each strategy; of those told as `other` the worst."""
        self._look()
        for strategy_id, line in self._lines.items():
            name = names.of(strategy_id)
            bps = math.inf if line.unexplained_bps is None else line.unexplained_bps
            sheet.most("trading_reconciliation_unexplained_bps", bps, name)
            sheet.most("trading_reconciliation_failed", float(not line.ok), name)
            if name != OTHER:
                sheet.put("trading_reconciliation_time_seconds", line.at_ns / 1e9, name)

    def _look(self) -> None:
        try:
            status = (self._folder / RECONCILED).lstat()
            state = status.st_mtime_ns, status.st_ino
            if state == self._state:
                return
            self._state = state
            self._lines, self._complained = read_reconciled(self._folder), ""
        except FileNotFoundError:
            self._lines = {}
        except (OSError, msgspec.MsgspecError) as error:
            self._lines = {}
            if str(error) != self._complained:
                self._complained = str(error)
                _log.error("reconciliation_not_read", reason=self._complained)
