"""What becomes of a canary: decided out of what is known, by a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from live.machine import CanaryMoved

__all__ = ["Look", "Move", "decide", "due"]

_MINUTE_NS: Final = 60_000_000_000
_ENDED: Final = ("failed",)
_TRADING: Final = ("running", "paused")


class Move(StrEnum):
    WAIT = "wait"
    GROW = "grow"
    DEMOTE = "demote"
    END = "end"  # it is none any more


class Look(NamedTuple):
    """What is known of a canary.

    now_ns: by the engine's clock.  state, source_hash, config: of the strategy's record.  fills: since its first seat.
    halted: breakers latched for it.  withdrawn: its certificate admits nothing any more, as when a rollback was
    interrupted.  agreed: whether live and replay agree; None where they were not, or could not be, compared.  why: in
    words.  vain: comparisons in a row that did not come about.  attempts: how many of those are borne.
    """

    now_ns: int
    state: str
    source_hash: str
    config: Mapping[str, Any] | None
    fills: int
    halted: tuple[str, ...] = ()
    withdrawn: bool = False
    restarting: bool = False
    agreed: bool | None = None
    why: str = ""
    vain: int = 0
    attempts: int = 3


def decide(line: CanaryMoved, look: Look) -> tuple[Move, str]:
    """What is to become of a canary, and why."""
    if look.withdrawn:
        return Move.DEMOTE, "its certificate was withdrawn"
    if not _concerns(line, look):
        return Move.END if look.state in _TRADING else Move.WAIT, "another version runs"
    if look.halted:
        return Move.DEMOTE, f"breakers have stopped it: {', '.join(look.halted)}"
    if look.state in _ENDED and not look.restarting:
        return Move.DEMOTE, "its process does not run any more"
    if look.agreed is False:
        return Move.DEMOTE, look.why
    if look.vain >= look.attempts:
        return Move.DEMOTE, f"it could not be compared {look.vain} times in a row: {look.why}"
    if look.agreed and due(line, look):
        return Move.GROW, look.why
    return Move.WAIT, look.why


def due(line: CanaryMoved, look: Look) -> bool:
    """Whether a step has had its time and its fills, so that live and replay are to be compared."""
    step = line.steps[line.step]
    aged = look.now_ns - line.since_ns >= step.minutes * _MINUTE_NS
    traded = look.fills - line.since_fills >= step.min_fills
    return aged and traded and look.state == "running" and _concerns(line, look)


def _concerns(line: CanaryMoved, look: Look) -> bool:
    """Whether what runs is the version on trial: the same text with the same parameters."""
    return line.concerns(look.source_hash, look.config or {})
