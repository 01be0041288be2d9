"""Whether a strategy may start now, and with what.

Files are read, and signatures verified, in threads; what may have changed meanwhile (the time, limits, what was
withdrawn) is judged afterwards, at the moment of admission.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import structlog

from live.admission.latest import LatestTime
from live.admission.project import ProjectFiles
from live.admission.store import CertificateStore
from live.files import off_loop
from live.machine import looser
from live.scripts import Script, constant_of
from workbench.certificates import (
    Certificate,
    certified_instruments,
    limits_of_strategy,
    trusted_keys,
    verify,
)
from workbench.core.limits import RiskLimits
from workbench.errors import CertificateError, ConfigError

__all__ = ["Gate", "Ticket"]

_FEW: Final = 4

_log = structlog.get_logger("live.admission")


class Ticket(NamedTuple):
    """What was admitted.

    certificate: None for what needs none.  config: the parameters that it is to run with.  limits: the certified
    ones, by the id that it is to run under.  instruments: of this engine, that it is certified for.
    """

    certificate: Certificate | None
    config: dict[str, Any]
    limits: RiskLimits = RiskLimits()
    beside: Path | None = None
    instruments: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Of the certificate; "" for none."""
        return "" if self.certificate is None else self.certificate.id

    @property
    def symbols(self) -> tuple[str, ...] | None:
        """Of the instruments, in order; None for what needs no certificate."""
        if self.certificate is None:
            return None
        return tuple(sorted({name.partition("@")[0] for name in self.instruments}))


class Gate:
    """Belongs to the event loop.

    required: nothing starts without a certificate, but for misbehaving strategies of the engine's own folder where
    those are allowed.  keys: the folder of trusted public keys, read anew each time.
    """

    def __init__(
        self,
        *,
        required: bool,
        keys: Path,
        store: CertificateStore,
        files: ProjectFiles,
        time: LatestTime,
        scripts: Path,
        withdrawn: Callable[[], Collection[str]],
        limits: Callable[[], Iterable[RiskLimits]],
        instruments: Sequence[str],
    ) -> None:
        """scripts: the strategies' folder.  withdrawn: ids of certificates that admit nothing any more.

        limits: in force, as people have set them and with overrides.  instruments: of the engine, `symbol@venue`.
        """
        self.required = required
        self.store = store
        self.time = time
        self._keys, self._files, self._scripts, self._withdrawn = keys, files, scripts, withdrawn
        self._limits, self._instruments = limits, instruments

    async def believed(self, data: bytes) -> Certificate:
        """A certificate that is signed by a trusted key and in force.  Raises CertificateError."""
        return await off_loop(self._verified, data, self.time.now_ns())

    async def keep(self, data: bytes) -> Certificate | None:
        """Keep a certificate that was sent.

        Raises CertificateError where it is not believed; where none is required, that is told and None.
        """
        try:
            certificate = await self.believed(data)
            await off_loop(self.store.keep, data)
        except CertificateError as error:
            if self.required:
                raise
            _log.warning("certificate_ignored", reason=str(error))
            return None
        return certificate

    async def admit(self, script: Script, config: Mapping[str, Any], wanted: str, strategy_id: str) -> Ticket:
        """Let a script start with these parameters, under this id.

        script: its text was read before, and is what is to be started.  wanted: id of the certificate; "" for any that
        holds.

        Raises CertificateError of one line.  Where none is required, one that does not hold is told and left aside.
        """
        if script.chaos:
            return await self._chaos(script, config, wanted)
        if not self.required and not wanted:
            return Ticket(None, dict(config))
        try:
            return await self._certified(script, config, wanted, strategy_id)
        except CertificateError as error:
            if self.required:
                raise
            _log.warning("certificate_ignored", strategy=script.class_name, reason=str(error))
            return Ticket(None, dict(config))

    async def confirm(self, ticket: Ticket) -> None:
        """Ask again once a process is ready: what it has loaded is what was admitted, and still may run.

        Raises CertificateError.
        """
        certificate = ticket.certificate
        if certificate is not None:
            await off_loop(self._files.check, certificate.sources, certificate.script, ticket.beside)
            self._check_in_force(certificate)

    async def _chaos(self, script: Script, config: Mapping[str, Any], wanted: str) -> Ticket:
        """What misbehaves on purpose starts under nobody's certificate, and out of the engine's own folder alone."""
        if self.required and wanted:
            raise CertificateError(
                f"{script.class_name} misbehaves on purpose: no certificate admits it; start it without one"
            )
        if self.required and (script.uploaded or not await off_loop(self._own_chaos, script)):
            raise CertificateError(
                f"{script.class_name} misbehaves on purpose and is not one of the engine's own; put it into "
                f"{self._scripts / 'chaos'}"
            )
        return Ticket(None, dict(config))

    def _own_chaos(self, script: Script) -> bool:
        """Whether this very text lies among the engine's own that misbehave."""
        path = self._scripts / "chaos" / script.name
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return False
        return hashlib.sha256(text.encode()).hexdigest() == script.source_hash

    async def _certified(
        self, script: Script, config: Mapping[str, Any], wanted: str, strategy_id: str
    ) -> Ticket:
        if wanted:
            ids = [wanted]
        else:
            ids = await off_loop(self.store.about, script.source_hash, script.class_name)
        if not ids:
            raise CertificateError(
                f"{script.class_name} ({script.name}) has no certificate here; certify and promote it (wb.promote, "
                "workbench promote), or, on simulated venues, start the engine with REQUIRE_CERTIFICATE=false"
            )
        trouble: list[CertificateError] = []
        for name in ids:
            try:
                certificate = await off_loop(self._looked_at, script, config, name, self.time.now_ns())
                return self._admitted(certificate, script, strategy_id)
            except CertificateError as error:
                trouble.append(error)
        raise trouble[0]

    def _verified(self, data: bytes, now_ns: int) -> Certificate:
        return verify(data, trusted_keys(self._keys), now_ns)

    def _looked_at(self, script: Script, config: Mapping[str, Any], name: str, now_ns: int) -> Certificate:
        """The certificate `name`, which is of this script with these parameters; all that files say, in a thread."""
        certificate = self._verified(self.store.read(name), now_ns)
        if certificate.id != name:
            raise CertificateError(f"expected certificate {name}, found {certificate.id} in its place")
        found = hashlib.sha256(script.source.encode()).hexdigest()
        if found != certificate.source_hash or found != script.source_hash:
            raise CertificateError(
                f"{script.name} is not what was certified (SHA-256 {found[:12]}, certified "
                f"{certificate.source_hash[:12]}); certify again"
            )
        for what, here, there in (
            ("script", script.name, certificate.script),
            ("class", script.class_name, certificate.strategy),
        ):
            if here != there:
                raise CertificateError(f"certificate {name} is of the {what} {there}, found {here}")
        usual = constant_of(script.source, script.class_name, "PARAMETERS")
        usual = usual if isinstance(usual, dict) else {}
        if not _same({**usual, **config}, {**usual, **certificate.parameters}):
            raise CertificateError(
                f"certificate {name} is of other parameters: {_shown(certificate.parameters)}, found {_shown(config)}"
            )
        self._files.check(certificate.sources, certificate.script, self._beside(script))
        return certificate

    def _admitted(self, certificate: Certificate, script: Script, strategy_id: str) -> Ticket:
        """Admit under a certificate that was looked at; nothing is awaited here, so nothing changes meanwhile."""
        self._check_in_force(certificate)
        limits = self._limits_of(certificate, strategy_id)
        instruments = self._instruments_of(certificate)
        return Ticket(certificate, dict(certificate.parameters), limits, self._beside(script), instruments)

    def _beside(self, script: Script) -> Path | None:
        return None if script.uploaded else self._scripts

    def _check_in_force(self, certificate: Certificate) -> None:
        """Raise CertificateError where a certificate was withdrawn, or has expired while files were read."""
        if certificate.id in self._withdrawn():
            raise CertificateError(
                f"certificate {certificate.id} was withdrawn: what ran under it was demoted; certify again"
            )
        if certificate.expires_ns <= self.time.now_ns():
            raise CertificateError(
                f"certificate {certificate.id} of {certificate.strategy} expired at {certificate.expires_at}; "
                "certify again"
            )

    def _instruments_of(self, certificate: Certificate) -> tuple[str, ...]:
        """Those of the engine's that were certified.  Raises CertificateError where there is none."""
        found = certified_instruments(certificate.instruments, self._instruments)
        if not found:
            raise CertificateError(
                f"certificate {certificate.id} is of {_few(certificate.instruments)}, of which nothing is traded here; "
                f"certify on what is: {_few(self._instruments)}"
            )
        return found

    def _limits_of(self, certificate: Certificate, strategy_id: str) -> RiskLimits:
        """The certified limits, where those in force permit nothing more.  Raises CertificateError.

        Whatever was certified, checks before a trade are on: they are what holds it to its instruments.
        """
        try:
            certified = limits_of_strategy(certificate.risk_limits(), certificate.strategy, strategy_id)
        except ConfigError as error:
            raise CertificateError(
                f"certificate {certificate.id}: its limits make no sense: {error}"
            ) from error
        certified = msgspec.structs.replace(certified, enable_pre_trade=True)
        for limits in self._limits():
            if more := looser(limits, certified):
                raise CertificateError(
                    f"certificate {certificate.id} is of tighter limits than those in force: {more}; tighten them, or "
                    "certify under these"
                )
        return certified


def _same(one: Any, other: Any) -> bool:
    """Equal in kind and value: True is not 1, 20 is 20.0, as a protocol may spell it, and "20" is neither."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more


def _shown(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in config.items())[:200] or "none"
