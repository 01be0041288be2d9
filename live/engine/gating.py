"""The gate of an engine, and what becomes of strategies whose certificate expires while they run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import structlog

from live.admission import CertificateStore, Gate, LatestTime, ProjectFiles, check_simulated
from live.engine.events import EventStream
from live.engine.strategies import Strategies
from live.journal import Journal
from live.machine import Machine, PromotionNoted
from live.settings import Settings
from live.venues.clock import Clock, WallClock
from live.venues.venue_settings import VenuesConfig
from workbench.certificates import keys_folder
from workbench.certificates.keys import PUBLIC
from workbench.errors import WorkbenchError

__all__ = ["PERSON", "Expiry", "check_gate", "open_gate"]

PERSON: Final = "certificates"  # who stops what has outlived its certificate
_LATEST: Final = "latest_time"  # in the data folder
_WARNED_NS: Final = 24 * 3600 * 1_000_000_000  # before the end

_log = structlog.get_logger("live.admission")


def check_gate(settings: Settings, venues: VenuesConfig) -> None:
    """Raise ConfigError where certificates are not required and a venue is real."""
    if not settings.require_certificate:
        check_simulated({venue.name: venue.kind for venue in venues.venues})


def open_gate(
    settings: Settings,
    files: ProjectFiles,
    journal: Journal,
    machine: Machine,
    clock: Clock,
    *,
    stepped: bool,
) -> Gate:
    """files: as they were before anything of the project was loaded for strategies.

    stepped: the clock follows recorded prices, so certificates are judged by the machine's.
    """
    if not settings.require_certificate:
        _log.warning(
            "certificates_not_required",
            text="strategies start here that nobody has tested (REQUIRE_CERTIFICATE=false)",
        )
    newest = max((record.ns for record in journal.read(after=max(0, journal.head - 1))), default=0)
    wall = WallClock() if stepped else clock
    return Gate(
        required=settings.require_certificate,
        keys=settings.trusted_keys or keys_folder() / PUBLIC,
        store=CertificateStore(settings.data / "certificates"),
        files=files,
        time=LatestTime(wall.now_ns, 0 if stepped else _latest(settings.data / _LATEST, newest)),
        scripts=settings.strategies_path,
        withdrawn=lambda: machine.admissions.withdrawn,
        limits=lambda: (machine.limits, machine.desk.limits),
        instruments=[instrument.name for instrument in machine.setup.instruments],
    )


def _latest(path: Path, newest: int) -> int:
    """The latest time at which any engine here has recorded something.

    newest: of the journal's newest record, which is earlier where the clock was set back since; a file remembers.
    """
    try:
        latest = max(newest, int(path.read_text()))
    except (OSError, ValueError):
        latest = newest
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(f"{latest}\n")
        part.replace(path)
    except OSError as error:
        _log.warning("latest_time_not_kept", path=str(path), error=str(error))
    return latest


class Expiry:
    """Stops what runs under a certificate that has expired, and tells a day before."""

    def __init__(self, gate: Gate, strategies: Strategies, events: EventStream) -> None:
        self._gate, self._strategies, self._events = gate, strategies, events
        self._warned: set[str] = set()
        self._stopping: set[str] = set()

    def look(self) -> None:
        """Look once; what could not be stopped is tried again the next time."""
        machine, now = self._strategies.machine, self._gate.time.now_ns()
        for strategy_id, admitted in machine.admissions.in_force(machine.strategies).items():
            if now >= admitted.expires_ns:
                if strategy_id not in self._stopping:
                    self._stopping.add(strategy_id)
                    self._strategies.spawn(self._stop(strategy_id, admitted.certificate, now))
            elif now >= admitted.expires_ns - _WARNED_NS and admitted.certificate not in self._warned:
                self._warned.add(admitted.certificate)
                self._tell("certificate_expires", strategy_id, admitted.certificate, now)

    async def _stop(self, strategy_id: str, certificate: str, now: int) -> None:
        record = self._strategies.machine.strategies.get(strategy_id)
        why = f"its certificate {certificate} has expired"
        try:
            if record is None or record.certificate != certificate:
                return  # a version that warms up is asked again once it is ready
            self._tell("certificate_expired", strategy_id, certificate, now)
            await self._strategies.stop(
                strategy_id, PERSON, flatten=record.on_failure == "flatten", reason=why
            )
            hashes = record.version, record.source_hash, certificate
            await self._strategies.note(PromotionNoted(now, strategy_id, "expired", PERSON, why, *hashes))
        except WorkbenchError as error:  # a journal that has failed, which the engine tells by itself
            _log.error("expired_not_stopped", strategy_name=strategy_id, error=str(error))
        finally:
            self._stopping.discard(strategy_id)

    def _tell(self, alert: str, strategy_id: str, certificate: str, now: int) -> None:
        _log.warning(alert, strategy_name=strategy_id, certificate=certificate)
        body = {"alert": alert, "strategy_id": strategy_id, "certificate": certificate}
        self._events.publish("alerts", now, body)
