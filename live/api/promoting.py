"""Commands of promotion: a script and its certificate are kept, and the version is put on trial."""

from __future__ import annotations

from collections.abc import Callable

from live.api.carrying import Ending
from live.api.requests import PromoteRequest, PromoteResponse
from live.api.uploads import store
from live.engine import Engine
from live.files import off_loop
from live.machine import Input, StrategyRecord
from live.promotion import Promotion, Promotions
from live.scripts import Script
from workbench.certificates import read_signed
from workbench.errors import CertificateError, RequestError

__all__ = ["keep_certificate", "known_script", "last_of", "promote", "promoted"]


async def promote(
    engine: Engine, promotions: Promotions, person: str, request: PromoteRequest, reason: str, ending: Ending
) -> PromoteResponse:
    """Carry a promotion out.  Raises StrategyError, CertificateError, RequestError."""
    script = await _script(engine, request)
    certificate = request.certificate
    if certificate.lstrip().startswith("{") or len(certificate) > 128:
        certificate = await keep_certificate(engine, certificate, script)
    wanted = Promotion(
        script,
        request.strategy_id or script.name.removesuffix(".py"),
        person,
        reason,
        certificate,
        request.config,
        request.on_failure,
        request.canary,
    )
    return promoted(engine, await promotions.promote(wanted, last_of(engine, ending)))


def last_of(engine: Engine, ending: Ending) -> Callable[[StrategyRecord], Input]:
    """Ends a command together with the last that is noted of a promotion."""
    return lambda record: ending.done(promoted(engine, record))


async def _script(engine: Engine, request: PromoteRequest) -> Script:
    if request.source:
        return await store(engine.catalog, request.script, request.source)
    await known_script(engine, request.script)
    return await off_loop(engine.catalog.find, request.script)


async def known_script(engine: Engine, wanted: str) -> None:
    """Raise RequestError (unknown) where no script is meant by this."""
    if not await off_loop(engine.catalog.knows, wanted):
        scripts = await off_loop(engine.catalog.scripts)
        names = ", ".join(sorted({script.name for script in scripts})[:20])
        raise RequestError(f"no strategy {wanted!r:.100} is available; there is: {names}", "unknown")


async def keep_certificate(engine: Engine, text: str, script: Script) -> str:
    """Keep a certificate that came with a script; its id, "" where it is none that is needed.

    Raises CertificateError where it does not hold, or is of another text.
    """
    try:
        data = text.encode("ascii")
        other = read_signed(data).certificate.source_hash != script.source_hash
    except (UnicodeEncodeError, CertificateError) as error:
        if engine.gate.required:
            raise CertificateError(str(error)) from error
        other, data = False, text.encode(errors="replace")
    if other and engine.gate.required:
        raise CertificateError(
            f"{script.name} is not what was certified (SHA-256 {script.source_hash[:12]}); certify again"
        )
    kept = await engine.gate.keep(data)
    return kept.id if kept is not None and not other else ""


def promoted(engine: Engine, record: StrategyRecord) -> PromoteResponse:
    """What became of it."""
    line = engine.machine.canaries.lines.get(record.strategy_id)
    growing = line is not None and line.state == "growing"
    return PromoteResponse(
        record.strategy_id,
        record.class_name,
        record.version,
        record.state,
        record.source_hash,
        record.certificate,
        engine.machine.canaries.share(record.strategy_id),
        tuple(step.share for step in line.steps) if line is not None and growing else (),
    )
