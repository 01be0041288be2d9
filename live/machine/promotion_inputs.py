"""What the engine takes in about certificates, canaries, and who promoted or demoted a strategy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.core.limits import RiskLimits

__all__ = ["CanaryMoved", "CanaryStep", "PromotionNoted", "StrategyAdmitted", "version_of"]


class StrategyAdmitted(msgspec.Struct, frozen=True):
    """A certificate was found good for what is about to start.  limits: the certified ones.

    certificate: its id; "" takes the admission back, as after a swap that failed.  expires_ns: UTC nanoseconds.
    instruments: of this engine, `symbol@venue`, that it is certified for and may trade; None where an older engine
    admitted it, which held it to none.
    """

    strategy_id: str
    certificate: str = ""
    limits: RiskLimits = RiskLimits()
    expires_ns: int = 0
    instruments: tuple[str, ...] | None = None


class CanaryStep(msgspec.Struct, frozen=True):
    """A step is passed after so many minutes and fills, if live and replay agree.

    share: of capital and limits, 0..1.  max_unexplained_bps: of P&L without a cause, in basis points of turnover.
    """

    share: float
    minutes: float
    min_fills: int
    max_unexplained_bps: float


class CanaryMoved(msgspec.Struct, frozen=True):
    """Where a canary stands; the newest of a strategy counts.

    state: growing, passed (it has everything) or failed (another version has everything, or nothing runs).
    step: of `steps`, from 0.  since_ns, since_fills: when it began this step, and the fills that it had then.
    certificate, source_hash, config: of the version on trial; config is None where an older engine noted it.
    before: what to go back to, as `StartRequest` takes it; empty where nothing ran.  person, reason: who wants it, why.
    """

    strategy_id: str
    state: str
    step: int
    steps: tuple[CanaryStep, ...]
    since_ns: int
    since_fills: int = 0
    certificate: str = ""
    source_hash: str = ""
    before: dict[str, Any] = {}
    person: str = ""
    reason: str = ""
    config: dict[str, Any] | None = None

    @property
    def version(self) -> str:
        """What is on trial, see `version_of`; "" where it is not known."""
        return "" if self.config is None else version_of(self.source_hash, self.config)

    def concerns(self, source_hash: str, config: Mapping[str, Any]) -> bool:
        """Whether this text with these parameters is what is on trial."""
        return self.source_hash == source_hash and self.version in ("", version_of(source_hash, config))

    @property
    def share(self) -> float:
        """Of capital and limits; 1 where nothing is held back."""
        return self.steps[self.step].share if self.state == "growing" else 1.0


class PromotionNoted(msgspec.Struct, frozen=True):
    """A line of a strategy's history: who did what with which version, and why.

    action: promoted, step_passed, completed, demoted, rolled_back, stopped, superseded, expired.  share: of capital and
    limits from now on.  A certificate that is demoted admits nothing any more.
    """

    ns: int
    strategy_id: str
    action: str
    person: str
    reason: str
    version: str = ""
    source_hash: str = ""
    certificate: str = ""
    share: float = 1.0


def version_of(source_hash: str, config: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a text and its parameters; 20 and 20.0 are the same parameter, True and 1 are not."""
    text = json.dumps(_plain(config), sort_keys=True, default=repr)
    return hashlib.sha256(f"{source_hash}\n{text}".encode()).hexdigest()


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case float() if value.is_integer():
            return int(value)
    return value
