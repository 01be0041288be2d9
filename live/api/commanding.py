"""What all commands share: who carries them out, and for what reason."""

from __future__ import annotations

from live.api.backtests import Backtests
from live.api.buckets import Throttle
from live.api.carrying import Carrier
from live.api.denials import Denials
from live.engine import Engine
from live.promotion import Promotions
from workbench.errors import RequestError

__all__ = ["Commanding", "reason_of"]


class Commanding:
    """One engine, and what works for its commands."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.denials = Denials(engine)
        self.throttle = Throttle(engine.settings.requests_per_second)
        self.backtests = Backtests(engine)
        self.promotions = Promotions(engine)
        self._carrier = Carrier(engine, self.denials)

    async def finish(self) -> None:
        """Wait for commands that are under way, and end backtests and looking at canaries."""
        await self.promotions.close()
        await self._carrier.finish()
        await self.backtests.close()


def reason_of(reason: str) -> str:
    """A reason that says something.  Raises RequestError (invalid)."""
    if not reason.strip():
        raise RequestError("expected a reason, for those who read the audit log; found none", "invalid")
    return reason.strip()
