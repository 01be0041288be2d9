"""What people may have done, whatever the protocol: checked, carried out once, and written into the audit log."""

from __future__ import annotations

from live.api.risk_commands import RiskCommands
from live.api.strategy_commands import StrategyCommands

__all__ = ["Commands"]


class Commands(StrategyCommands, RiskCommands):
    """Commands of one engine; every protocol shares them.

    Each method takes who asks, what for, and an idempotency key ("" for none): the same key of the same person gets the
    answer that was given, for 24 hours, through restarts too; with another request it is a conflict.  What was refused
    is not remembered, so it may be asked again.
    Raises RequestError alone.
    """
