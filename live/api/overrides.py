"""Overrides of limits as people see them."""

from __future__ import annotations

import msgspec

from live.engine import Engine

__all__ = ["OverrideView", "OverridesView", "view"]


class OverrideView(msgspec.Struct, frozen=True):
    """in_force: a second person (approver) has agreed.  value, usual: with and without it.

    until_ns: event time at which it ends, or the proposal lapses.
    """

    limit: str
    value: float
    usual: float
    seconds: float
    person: str
    reason: str
    approver: str
    in_force: bool
    until_ns: int


class OverridesView(msgspec.Struct, frozen=True):
    """overrides: in force or proposed, in the order in which they were."""

    overrides: tuple[OverrideView, ...]


def view(engine: Engine) -> OverridesView:
    return OverridesView(
        tuple(
            OverrideView(
                line.limit,
                line.value,
                line.usual,
                line.seconds,
                line.person,
                line.reason,
                line.approver,
                bool(line.approver),
                line.until_ns,
            )
            for line in engine.machine.overrides.lines.values()
        )
    )
