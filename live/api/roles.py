"""Who asks, and what they may do."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import msgspec

from workbench.errors import RequestError

__all__ = ["NEEDS", "Caller", "Role", "allow"]


class Role(IntEnum):
    """Each may do what those below may."""

    VIEWER = 0
    TRADER = 1
    RISK = 2
    ADMIN = 3


class Caller(msgspec.Struct, frozen=True):
    """Somebody whose token was found good."""

    person: str
    role: Role


NEEDS: Final = {
    "read": Role.VIEWER,
    "inspect": Role.TRADER,
    "strategy.start": Role.TRADER,
    "strategy.start_whole": Role.RISK,  # of a version that has passed no trial, where certificates are required
    "strategy.stop": Role.TRADER,
    "strategy.pause": Role.TRADER,
    "strategy.resume": Role.TRADER,
    "strategy.upload": Role.TRADER,
    "strategy.promote": Role.TRADER,
    "strategy.promote_whole": Role.RISK,  # without a trial
    "strategy.demote": Role.TRADER,
    "backtest.start": Role.TRADER,
    "risk.kill": Role.TRADER,  # whoever may trade may stop it
    "risk.kill_reset": Role.RISK,
    "risk.breaker_trip": Role.TRADER,
    "risk.breaker_reset": Role.RISK,
    "risk.breaker_enable": Role.RISK,
    "risk.breaker_disable": Role.ADMIN,
    "risk.close": Role.RISK,
    "risk.limits": Role.RISK,
    "risk.override": Role.RISK,
    "risk.accept_price": Role.RISK,
    "engine.resume": Role.RISK,
    "audit": Role.RISK,
}
"""Lowest role for each action.  `inspect`: the inside of the engine."""


def allow(caller: Caller, action: str) -> None:
    """Raises RequestError (forbidden) where the caller's role is too low for `action`."""
    needed = NEEDS[action]
    if caller.role < needed:
        raise RequestError(
            f"{action} needs the role {needed.name.lower()}; {caller.person} has {caller.role.name.lower()}",
            "forbidden",
        )
