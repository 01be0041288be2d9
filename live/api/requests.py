"""What people ask the engine to do, whatever the protocol; and what they are told when it is done.

"" stands for "not given", and for "all" where a field is a target.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "AcceptPriceRequest",
    "BreakerRequest",
    "BreakerResponse",
    "CloseRequest",
    "CloseResponse",
    "DemoteRequest",
    "KillRequest",
    "KillResetRequest",
    "KillResponse",
    "LimitsRequest",
    "LimitsResponse",
    "OverrideRequest",
    "PriceAccepted",
    "PromoteRequest",
    "PromoteResponse",
    "ResumeRequest",
    "Resumed",
    "StartStrategyRequest",
    "StopStrategyRequest",
    "StrategyResponse",
    "UploadRequest",
    "UploadResponse",
]

type Name = Annotated[str, Meta(max_length=128)]
type Needed = Annotated[str, Meta(min_length=1, max_length=128)]
type Words = Annotated[str, Meta(max_length=1000)]


class StartStrategyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Start a strategy, or swap a running one for another version or config.

    script: file name, class or source hash of what is available.  strategy_id: the script's name where empty.
    config: the strategy's parameters.  on_failure: what happens to its positions when it dies.
    warm_up: it is shown the newest prices before it starts.  certificate: id of the one that it is to run under, of
    those that were sent; the newest that holds where empty.
    """

    script: Needed
    strategy_id: Name = ""
    config: dict[str, Any] = {}
    on_failure: Literal["hold", "flatten"] = "hold"
    warm_up: bool = True
    certificate: Name = ""


class StopStrategyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stop a strategy: its orders are cancelled, what it holds stays, or is closed (flatten)."""

    strategy_id: Needed
    flatten: bool = False
    reason: Words = ""


class StrategyResponse(msgspec.Struct, frozen=True):
    """What became of a strategy.  message: for people, as why it is in this state."""

    strategy_id: str
    strategy_name: str
    version: str
    state: str
    source_hash: str
    message: str
    since_ns: int


class UploadRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A script to be kept.  name: lower-case, ending in .py.  source: its text.

    certificate: the text of the file that it came in; where certificates are required, one that does not hold is
    refused.
    """

    name: Needed
    source: str
    certificate: str = ""


class UploadResponse(msgspec.Struct, frozen=True):
    """What is kept now, to be started by name, class or hash.  certificate: its id, "" where none was kept."""

    name: str
    strategy_name: str
    version: str
    source_hash: str
    certificate: str


class PromoteRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Put a version on trial: a part of its capital and limits first, all of them once it agrees with its replay.

    script: of what is available; or, with source, the name that the text is kept under.  certificate: the text of the
    file that it came in, or the id of one that was sent; any that holds where empty.  config: left out, the certified
    parameters.  canary: false gives it everything at once (role risk).
    """

    script: Needed
    reason: Words
    source: str = ""
    certificate: str = ""
    strategy_id: Name = ""
    config: dict[str, Any] | None = None
    on_failure: Literal["hold", "flatten"] = "hold"
    canary: bool = True


class PromoteResponse(msgspec.Struct, frozen=True):
    """What became of a promotion.  certificate: its id.  capital_share: of capital and limits that it has now.

    steps: shares that it will have, one after the other, before it has everything.
    """

    strategy_id: str
    strategy_name: str
    version: str
    state: str
    source_hash: str
    certificate: str
    capital_share: float
    steps: tuple[float, ...]


class DemoteRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Take a version back that is on trial: what ran before takes over, or nothing runs."""

    reason: Words


class BreakerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Trip a circuit breaker, reset those that are latched, or switch all automatic ones on (enable) or off (disable).

    strategy_id: "" for the whole portfolio; not with enable and disable.  reason: needed.  A kill has its own reset.
    """

    action: Literal["trip", "reset", "enable", "disable"]
    reason: Words = ""
    strategy_id: Name = ""


class BreakerResponse(msgspec.Struct, frozen=True):
    """halted: breakers that are latched now, for the portfolio and (with a strategy) for it."""

    action: str
    strategy_id: str
    enabled: bool
    halted: tuple[str, ...]


class KillRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stop everything (scope all), one strategy or one venue: orders cancelled, new ones refused; latched.

    target: name of the strategy or venue.  flatten: close positions too.
    """

    reason: Words
    scope: Literal["all", "strategy", "venue"] = "all"
    target: Name = ""
    flatten: bool = False


class KillResetRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """End a kill that is in force."""

    reason: Words
    scope: Literal["all", "strategy", "venue"] = "all"
    target: Name = ""


class KillResponse(msgspec.Struct, frozen=True):
    """killed: it is in force now.  cancelled: orders cancelled or asked back.  closing: orders that close."""

    scope: str
    target: str
    killed: bool
    cancelled: int
    closing: int


class CloseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close positions by reduce-only market orders; "" matches all."""

    reason: Words
    strategy_id: Name = ""
    symbol: Name = ""
    venue: Name = ""


class CloseResponse(msgspec.Struct, frozen=True):
    """orders: numbers of the closing orders.  refused: closing orders that were not let through, by reason."""

    orders: tuple[int, ...]
    refused: tuple[str, ...]


class LimitsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Put limits in force, in the layout of risk_limits.yaml.

    What is left out stays as it is; null or "off" switches a limit off; null for a symbol's table removes it.
    tag: of the limits that were read before; where others are in force now, nothing is changed.
    """

    limits: dict[str, Any]
    reason: Words = ""
    tag: Name = ""


class LimitsResponse(msgspec.Struct, frozen=True):
    """changed: dotted keys.  looser: those of them that permit more than before.  tag: of the limits in force now."""

    changed: tuple[str, ...]
    looser: tuple[str, ...]
    tag: str


class OverrideRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another value of one limit for a while; in force once another person has asked for the same.

    limit: dotted key, such as order_limits.max_order_value.  value: null ends what is in force or proposed.
    seconds: of event time, at most 28800.
    """

    limit: Needed
    reason: Words
    value: float | None = None
    seconds: float = 3_600.0


class AcceptPriceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Take the next price of a symbol for true, however far it has jumped (a split, a real crash)."""

    symbol: Needed
    reason: Words
    venue: Name = ""


class ResumeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Go on after the journal failed and there is room again, or the database is back."""

    reason: Words


class Resumed(msgspec.Struct, frozen=True):
    """state: of the engine, as in /health."""

    state: str


class PriceAccepted(msgspec.Struct, frozen=True):
    symbol: str
    venue: str
