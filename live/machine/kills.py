"""Kill switches: what the desk is asked to do when one is used, while it is in force, and when it ends.

And what it is asked for strategies that were stopped and are to hold nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from live.machine.inputs import KillReset, KillSwitch, StrategyRecord
from workbench.core.intents import ClosePositions, HaltVenue, ResetBreaker, TripBreaker
from workbench.errors import EngineError

__all__ = ["Kills", "closings", "closings_of_ended", "ending", "stopping"]

type Kills = dict[tuple[str, str], KillSwitch]  # by scope and target


def stopping(kill: KillSwitch) -> TripBreaker | HaltVenue:
    """What a kill asks of the desk.  Raises EngineError where it names nobody, no reason or no proper scope."""
    if not kill.person.strip() or not kill.reason.strip():
        raise EngineError("the kill switch is used by a named person with a reason; one of them is empty")
    if kill.scope == "venue":
        return HaltVenue(kill.person, kill.reason, kill.target)
    if kill.scope not in ("all", "strategy") or bool(kill.target) == (kill.scope == "all"):
        raise EngineError(
            "expected scope all, or scope strategy or venue with its name, "
            f"found {kill.scope!r} {kill.target!r}"
        )
    return TripBreaker(kill.person, kill.reason, kill.target, kill=True)


def ending(reset: KillReset, kills: Mapping[tuple[str, str], KillSwitch]) -> HaltVenue | ResetBreaker:
    """What the end of a kill asks of the desk.  Raises EngineError where there is no such kill."""
    if (reset.scope, reset.target) not in kills:
        known = ", ".join(" ".join(key).strip() for key in kills) or "none"
        raise EngineError(f"no kill of {reset.scope} {reset.target} is in force; there is: {known}")
    if reset.scope == "venue":
        return HaltVenue(reset.person, reset.reason, reset.target, halted=False)
    return ResetBreaker(reset.person, reset.reason, reset.target, kill=True)


def closings(kills: Iterable[KillSwitch]) -> list[ClosePositions]:
    """What keeps closing orders working for those that want everything flat."""
    return [
        ClosePositions(
            kill.target if kill.scope == "strategy" else "",
            venue=kill.target if kill.scope == "venue" else "",
            patient=True,
        )
        for kill in kills
        if kill.flatten
    ]


def closings_of_ended(
    records: Iterable[StrategyRecord], kills: Mapping[tuple[str, str], KillSwitch]
) -> list[ClosePositions]:
    """The same for strategies that have ended and are to hold nothing; a kill that holds positions goes before."""
    holding = [kill for kill in kills.values() if not kill.flatten]
    return [
        ClosePositions(record.strategy_id, patient=True)
        for record in records
        if record.closing
        and not any(kill.scope != "strategy" or kill.target == record.strategy_id for kill in holding)
    ]
