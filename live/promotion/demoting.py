"""How a trial ends badly: the certificate is withdrawn, and the version before takes over, or nothing does."""

from __future__ import annotations

import msgspec
import structlog

from live.engine import Engine, Last, StartRequest
from live.machine import CanaryMoved, PromotionNoted, StrategyRecord
from workbench.errors import StrategyError

__all__ = ["note", "take_back"]

_log = structlog.get_logger("live.promotion")


async def take_back(
    engine: Engine, line: CanaryMoved, person: str, why: str, last: Last | None = None
) -> None:
    """Withdraw the certificate, then put the version before in its place, or stop; each step durable.

    Where the engine dies in between, the next look goes on: the certificate is withdrawn and the line still grows.
    last: see `note`.
    """
    name = line.strategy_id
    record = engine.machine.strategies.get(name)
    worn = [line.certificate]
    if (
        record is not None
        and line.concerns(record.source_hash, record.config)
        and record.certificate not in (line.certificate, line.before.get("certificate"))
    ):
        worn.append(record.certificate)  # the same text was started again under another one
    for certificate in worn:
        if certificate not in engine.machine.admissions.withdrawn:
            about = (record.version if record else "", line.source_hash, certificate)
            await engine.ask(
                PromotionNoted(engine.clock.now_ns(), name, "demoted", person, why, *about, line.share)
            )
    _tell(engine, line, why)
    back = await _back(engine, line, person)
    if back is None and record is not None:
        flatten = record.on_failure == "flatten"
        back = await engine.strategies.stop(name, person, flatten=flatten, reason=f"demoted: {why}")
    await engine.ask(msgspec.structs.replace(line, state="failed"))
    if back is not None:
        action = "rolled_back" if back.state == "running" else "stopped"
        await note(engine, back, action, person, why, 1.0, last)


async def _back(engine: Engine, line: CanaryMoved, person: str) -> StrategyRecord | None:
    """Start what ran before; None where nothing did, it may or can not, or a person wants nothing to run."""
    record = engine.machine.strategies.get(line.strategy_id)
    if not line.before or (record is not None and record.state == "stopped"):
        return None
    request = msgspec.convert({**line.before, "person": person}, StartRequest)
    try:
        return await engine.strategies.start(request)
    except StrategyError as error:
        _log.error("not_rolled_back", strategy_name=line.strategy_id, error=str(error))
        return None


async def note(
    engine: Engine,
    record: StrategyRecord,
    action: str,
    person: str,
    why: str,
    share: float,
    last: Last | None = None,
) -> None:
    """Write a line into a strategy's history.  last: makes an input that becomes durable together with it."""
    about = record.version, record.source_hash, record.certificate
    _log.info("promotion", strategy_name=record.strategy_id, action=action, person=person, reason=why)
    line = PromotionNoted(engine.clock.now_ns(), record.strategy_id, action, person, why, *about, share)
    await engine.ask(line, None if last is None else lambda _: last(record))
    body = {"type": "Promotion", **msgspec.to_builtins(line)}
    engine.events.publish("strategies", line.ns, body)


def _tell(engine: Engine, line: CanaryMoved, why: str) -> None:
    _log.warning("canary_demoted", strategy_name=line.strategy_id, reason=why)
    body = {"alert": "canary_demoted", "strategy_id": line.strategy_id, "reason": why}
    engine.events.publish("alerts", engine.clock.now_ns(), body)
