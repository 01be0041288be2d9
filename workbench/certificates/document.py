"""What a certificate says."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from workbench.certificates.canonical import storable
from workbench.certificates.instruments import instrument_names
from workbench.certificates.ordering import limits_table
from workbench.configuration.limits import load_limits
from workbench.core.limits import RiskLimits
from workbench.errors import CertificateError

__all__ = ["FORMAT", "Certificate", "instant", "new_certificate"]

FORMAT: Final = 2
_SHAPE: Final = "%Y-%m-%dT%H:%M:%SZ"


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That one version of a strategy, with these parameters, under these limits, was tested and how it did.

    id: of this certificate alone.  strategy: class, whose name was the strategy's id in the tests.  script: file name.
    source_hash: SHA-256 (hex) of the script's text.  sources: of the script and of each file that it imports (see
    `source_closure`).  parameters: that were certified, as they were given.  data_fingerprint: of the prices.
    instruments: of the prices, `symbol@venue` in order; it was tested on these and is to trade no others.
    limits: in the layout of risk_limits.yaml, "off" for a limit that is off.  thresholds, scores: what was required and
    found, line by line.  passed: whether every line was.  seeds, versions: with which it can be repeated.
    issued_at, expires_at: UTC, as 2026-03-10T14:00:00Z.  issuer: id of the key that signs it.
    """

    id: str
    strategy: str
    version: str
    script: str
    source_hash: str
    sources: dict[str, str]
    parameters: dict[str, Any]
    data_fingerprint: str
    instruments: list[str]
    limits: dict[str, Any]
    thresholds: dict[str, Any]
    scores: list[dict[str, Any]]
    passed: bool
    seeds: dict[str, int]
    versions: dict[str, str]
    issued_at: str
    expires_at: str
    issuer: str
    format: int = FORMAT

    @property
    def issued_ns(self) -> int:
        """UTC nanoseconds."""
        return instant(self.issued_at)

    @property
    def expires_ns(self) -> int:
        """UTC nanoseconds."""
        return instant(self.expires_at)

    def risk_limits(self) -> RiskLimits:
        """The certified limits.  Raises LimitsError where they make no sense."""
        return load_limits(self.limits)


def new_certificate(
    *,
    strategy: str,
    version: str,
    script: str,
    sources: Mapping[str, str],
    parameters: Mapping[str, Any],
    data_fingerprint: str,
    instruments: Iterable[str],
    limits: RiskLimits,
    thresholds: Mapping[str, Any],
    scores: list[dict[str, Any]],
    passed: bool,
    seeds: Mapping[str, int],
    versions: Mapping[str, str],
    issuer: str,
    days: float = 30.0,
    now: datetime | None = None,
) -> Certificate:
    """A certificate that is in force from now on for so many days; not signed yet.

    sources: of `source_closure`, the script's own among them under its name.  Figures of scores and thresholds that are
    not finite become words.  instruments: names of the prices'.  Raises CertificateError on parameters that JSON cannot
    hold, and on instruments that are none.
    """
    begun = (datetime.now(UTC) if now is None else now.astimezone(UTC)).replace(microsecond=0)
    if script not in sources:
        raise CertificateError(f"expected the hash of {script} among the sources, found {', '.join(sources)}")
    if not 0.0 < days <= 3660.0:
        raise CertificateError(f"a certificate is in force for up to 3660 days, found {days:g}")
    return Certificate(
        id=uuid.uuid4().hex,
        strategy=strategy,
        version=version,
        script=script,
        source_hash=sources[script],
        sources=dict(sources),
        parameters=storable(parameters, "parameters", words=False),
        data_fingerprint=data_fingerprint,
        instruments=instrument_names(instruments),
        limits=limits_table(limits),
        thresholds=storable(thresholds, "thresholds"),
        scores=storable(scores, "scores"),
        passed=passed,
        seeds=dict(seeds),
        versions=dict(versions),
        issued_at=begun.strftime(_SHAPE),
        expires_at=(begun + timedelta(days=days)).strftime(_SHAPE),
        issuer=issuer,
    )


def instant(text: str) -> int:
    """UTC nanoseconds of a time such as 2026-03-10T14:00:00Z.  Raises CertificateError."""
    try:
        found = datetime.strptime(text, _SHAPE).replace(tzinfo=UTC)
    except ValueError:
        found = None
    if found is None or found.strftime(_SHAPE) != text:
        raise CertificateError(f"expected a time such as 2026-03-10T14:00:00Z, found {text!r:.60}")
    return int(found.timestamp()) * 1_000_000_000
