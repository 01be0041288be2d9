"""Strategies, scripts and logs as the engine answers.  Units: see `answers`."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = [
    "ActiveStrategies",
    "AvailableStrategies",
    "LogLine",
    "LogPage",
    "ScriptView",
    "StrategyStatus",
    "StrategySummary",
]


class StrategySummary(msgspec.Struct, frozen=True):
    """A strategy in a list.

    state: available, validating, starting, running, paused, draining, stopped, failed.  halted: breakers latched.
    chaos: its kind where it misbehaves on purpose, else "".  halted_by: what keeps it from trading, whatever its
    state: "stop loss, kill switch (everything)"; "" where nothing does.
    """

    strategy_id: str
    strategy_name: str
    version: str
    state: str
    reason: str
    since_ns: int
    started_ns: int
    restarts: int
    chaos: str
    person: str
    halted: tuple[str, ...]
    pnl: float
    gross_exposure: float
    fills: int
    halted_by: str


class ActiveStrategies(msgspec.Struct, frozen=True):
    """Strategies that run or are on their way to.  most: as many may run at once (MAX_CONCURRENT_STRATEGIES)."""

    strategies: tuple[StrategySummary, ...]
    most: int


class StrategyStatus(msgspec.Struct, frozen=True):
    """Everything about one strategy.

    source_hash: SHA-256 (hex).  on_failure: hold or flatten.  drawdown: share of its peak, positive.
    accepted, refused: orders.  answered, signals, unanswered: calls of the present process; conflated: prices that a
    newer one replaced.
    answer_p50_ms, answer_p99_ms: from price sent to answer received.  errors: newest last.
    newer_source_hash: of its script's text where that has changed since: start it again to swap; "" where it has not.
    certificate: id of the one that it runs under.  capital_share: of capital and limits, below 1 while it is on trial.
    halted_by: what keeps it from trading, whatever its state, or at one of its venues: "stop loss, kill switch
    (everything), venue x is halted"; "" for nothing.
    """

    strategy_id: str
    strategy_name: str
    version: str
    state: str
    reason: str
    since_ns: int
    started_ns: int
    restarts: int
    chaos: str
    person: str
    halted: tuple[str, ...]
    script: str
    source_hash: str
    on_failure: str
    config: dict[str, Any]
    symbols: tuple[str, ...]
    capital: float
    pnl: float
    drawdown: float
    gross_exposure: float
    accepted: int
    refused: int
    fills: int
    breaches: int
    answered: int
    signals: int
    unanswered: int
    conflated: int
    answer_p50_ms: float
    answer_p99_ms: float
    errors: tuple[str, ...]
    newer_source_hash: str
    certificate: str
    capital_share: float
    halted_by: str


class ScriptView(msgspec.Struct, frozen=True):
    """A script that can be started.  allowed: it may be (chaos must be enabled).  broken: why it cannot be used.

    newer_source_hash: its present text's, where a strategy runs an older one and can be swapped; else "".
    """

    name: str
    strategy_name: str
    version: str
    description: str
    source_hash: str
    chaos: bool
    uploaded: bool
    allowed: bool
    broken: str
    newer_source_hash: str


class AvailableStrategies(msgspec.Struct, frozen=True):
    scripts: tuple[ScriptView, ...]


class LogLine(msgspec.Struct, frozen=True):
    ns: int
    level: str
    text: str


class LogPage(msgspec.Struct, frozen=True):
    """What a strategy logged or printed, and what happened to its process; oldest first."""

    strategy_id: str
    lines: tuple[LogLine, ...]
