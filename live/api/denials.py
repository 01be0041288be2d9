"""Who was not let in, written down; so few lines that asking often does not fill the journal."""

from __future__ import annotations

import structlog

from live.api.buckets import Bucket
from live.engine import Engine
from live.machine import AuditLine

__all__ = ["Denials"]

_LINES_S = 1.0
_BURST = 20.0

_log = structlog.get_logger("live.audit")


class Denials:
    """Audit lines of denied requests.  left_out: as many were not written down, as there were too many."""

    def __init__(self, engine: Engine) -> None:
        self.left_out = 0
        self._engine = engine
        self._bucket = Bucket(_LINES_S, _BURST)

    def note(self, person: str, role: str, action: str, why: str) -> None:
        """A request of `person` ("" where nobody knows) was denied; nobody waits for the line."""
        if self._bucket.take() > 0.0:
            self.left_out += 1
            return
        if self.left_out:
            why, self.left_out = f"{why} (and {self.left_out} more denials)", 0
        _log.warning("denied", person=person, role=role, action=action, reason=why)
        line = AuditLine(self._engine.clock.now_ns(), person, role, action, "", "denied", why[:500])
        self._engine.pump.post(line)
