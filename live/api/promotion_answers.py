"""Certificates, trials and history of strategies, as people see them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from live.api.views import record_of
from live.engine import Engine
from live.files import off_loop
from live.machine import AuditLine, PromotionNoted
from workbench.certificates import read_signed
from workbench.errors import CertificateError, RequestError

__all__ = ["CertificateView", "HistoryLine", "HistoryView", "TrialView", "certificate", "history"]

_OF_ALL: Final = ("risk.override", "risk.limits")  # commands that concern every strategy
_TOLD: Final = ("strategy.promote", "strategy.promote_whole", "strategy.demote")  # in the machine's own words


class CertificateView(msgspec.Struct, frozen=True):
    """holds: it would admit the strategy now; problem: why not.  document: what it says."""

    strategy_id: str
    certificate: str
    holds: bool
    problem: str
    document: dict[str, Any]


class HistoryLine(msgspec.Struct, frozen=True):
    """One line: who did what with which version, when, and why.

    action: promoted, step_passed, completed, demoted, rolled_back, stopped, superseded or expired; or a command of a
    person, with its outcome (done, refused or failed).  share: of capital and limits from then on; NaN for a command.
    """

    ns: int
    action: str
    person: str
    outcome: str
    reason: str
    version: str
    source_hash: str
    certificate: str
    share: float


class TrialView(msgspec.Struct, frozen=True):
    """A canary.  state: growing, passed or failed.  step: of steps, from 0.  fills, min_fills, minutes: of the step."""

    state: str
    step: int
    steps: tuple[float, ...]
    share: float
    since_ns: int
    minutes: float
    fills: int
    min_fills: int
    max_unexplained_bps: float
    certificate: str
    source_hash: str


class HistoryView(msgspec.Struct, frozen=True):
    """lines: oldest first.  trial: the newest; None where there was none."""

    strategy_id: str
    lines: tuple[HistoryLine, ...]
    trial: TrialView | None


async def certificate(engine: Engine, strategy_id: str) -> CertificateView:
    """What a strategy runs under, or ran.  Raises RequestError (unknown) where it had no certificate."""
    record = record_of(engine, strategy_id)
    if not record.certificate:
        raise RequestError(f"{strategy_id} runs, or ran, without a certificate", "unknown")
    gate, name = engine.gate, record.certificate
    try:
        data = await off_loop(gate.store.read, name)
        document = msgspec.to_builtins(read_signed(data).certificate)
    except CertificateError as error:
        raise RequestError(str(error), "unknown") from error
    problem = engine.machine.admissions.withdrawn.get(name, "")
    try:
        await gate.believed(data)
    except CertificateError as error:
        problem = str(error)
    return CertificateView(strategy_id, name, not problem, problem, document)


def history(engine: Engine, strategy_id: str, limit: int) -> HistoryView:
    """The newest lines of a strategy.  Raises RequestError (unknown) where nothing is known of one."""
    machine = engine.machine
    own = [_promotion(line) for line in machine.history if line.strategy_id == strategy_id]
    asked = [_command(line) for line in machine.audit if _concerns(line, strategy_id)]
    known = own or strategy_id in machine.strategies or any(a.target == strategy_id for a in machine.audit)
    if not known:
        record_of(engine, strategy_id)
    lines = sorted([*own, *asked], key=lambda line: line.ns)
    return HistoryView(strategy_id, tuple(lines[-limit:]), _trial(engine, strategy_id))


def _concerns(line: AuditLine, strategy_id: str) -> bool:
    if line.action in _TOLD and line.outcome == "done":
        return False
    return line.target == strategy_id or (line.action in _OF_ALL and line.outcome == "done")


def _promotion(line: PromotionNoted) -> HistoryLine:
    about = line.version, line.source_hash, line.certificate
    return HistoryLine(line.ns, line.action, line.person, "done", line.reason, *about, line.share)


def _command(line: AuditLine) -> HistoryLine:
    return HistoryLine(line.ns, line.action, line.person, line.outcome, line.detail, "", "", "", float("nan"))


def _trial(engine: Engine, strategy_id: str) -> TrialView | None:
    machine = engine.machine
    line = machine.canaries.lines.get(strategy_id)
    if line is None or not line.steps:
        return None
    step = line.steps[line.step]
    seated = strategy_id in machine.desk.strategies
    fills = sum(machine.results.trades(strategy_id)) - line.since_fills if seated else 0
    return TrialView(
        line.state,
        line.step,
        tuple(each.share for each in line.steps),
        line.share,
        line.since_ns,
        step.minutes,
        fills,
        step.min_fills,
        step.max_unexplained_bps,
        line.certificate,
        line.source_hash,
    )
