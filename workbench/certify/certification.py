"""`wb.certify`: every check of a strategy, its scorecard, and the certificate that an engine asks for."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import pandas as pd

from workbench.backtest.api import CostsLike, LimitsLike
from workbench.certificates.canonical import canonical
from workbench.certificates.document import Certificate
from workbench.certificates.instruments import instrument_names
from workbench.certificates.keys import KeyPair, key_pair
from workbench.certificates.signing import Signed, sign
from workbench.certify.anew import confirm
from workbench.certify.checks import FAMILIES, Check, Family, Subject, Trials
from workbench.certify.issue import Source, issue, source_of
from workbench.certify.page import scorecard_page
from workbench.certify.running import run_checks
from workbench.certify.scorecard import cell_html, failed_lines, frame_of, rich_table, verdict
from workbench.configuration.certification import Thresholds
from workbench.data.catalog import PriceLike
from workbench.errors import CertificateError, ConfigError, WorkbenchError
from workbench.strategy.contract import TradingStrategy

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Certification", "certify", "certify_subject"]


def certify(
    strategy: str | os.PathLike[str] | type[TradingStrategy],
    prices: PriceLike,
    *,
    config: Mapping[str, Any] | None = None,
    limits: LimitsLike = None,
    costs: CostsLike = None,
    trials: Trials = None,
    seed: int = 0,
    initial_cash: float = 1_000_000.0,
    thresholds: Thresholds | Mapping[str, Any] | str | Path | None = None,
    key: KeyPair | Path | None = None,
    progress: bool | None = None,
) -> Certification:
    """Put one strategy through everything: normal, honest, significant, stress, chaos.

    strategy: a class (of a notebook cell, too), a script's path or "package.module:Class".  prices, config, limits,
    costs, seed, initial_cash: as for `backtest`.  trials: the sweep or optimisation that found the parameters, so that
    luck is judged by all that was tried.  thresholds: a file such as config/certification.yaml, a mapping in its
    layout, or None for the house figures.  key: that signs, or its folder; None for the user's own, made on first
    use.  progress: a bar; None shows one where somebody looks.

    The same arguments give the same lines.  Raises WorkbenchError of one line before any long work begins.
    """
    subject = Subject.of(
        strategy,
        prices,
        config=config,
        limits=limits,
        costs=costs,
        trials=trials,
        seed=seed,
        initial_cash=initial_cash,
        thresholds=thresholds,
    )
    return certify_subject(subject, key=key, progress=progress)


def certify_subject(
    subject: Subject, *, key: KeyPair | Path | None = None, progress: bool | None = None
) -> Certification:
    """`certify`, of a subject that is made already."""
    began = time.perf_counter()
    source, why_not = _source(subject)
    checks = run_checks(subject, FAMILIES, progress)
    if source is not None and all(check.passed for check in checks):
        source, why_not = _confirmed(subject, source)
    return Certification.of(subject, checks, source, why_not, key, time.perf_counter() - began)


class Certification:
    """A finished certification; nothing in it changes any more.

    checks: every line.  certificate: the document, None where the source text is not known.  signed: as it is saved
    and sent to an engine, None for one that failed or cannot be signed.  unsigned_because: why, or "".
    """

    def __init__(
        self,
        subject: Subject,
        checks: Sequence[Check],
        source: Source | None,
        certificate: Certificate | None,
        signed: bytes | None,
        unsigned_because: str,
        seconds: float,
    ) -> None:
        self.subject, self.checks, self.source = subject, tuple(checks), source
        self.certificate, self.signed, self.unsigned_because = certificate, signed, unsigned_because
        self.seconds = seconds

    @classmethod
    def of(
        cls,
        subject: Subject,
        checks: Sequence[Check],
        source: Source | None,
        why_not: str,
        key: KeyPair | Path | None,
        seconds: float,
    ) -> Self:
        """Sign what passed.  why_not: there is no `source`.  Raises CertificateError where the key cannot be used."""
        passed = all(check.passed for check in checks)
        if source is None:
            return cls(subject, checks, None, None, None, why_not, seconds)
        if not passed:
            document = issue(subject, source, checks, False, None)
            return cls(subject, checks, source, document, None, "it did not pass", seconds)
        own = key if isinstance(key, KeyPair) else key_pair(key)
        document = issue(subject, source, checks, True, own)
        return cls(subject, checks, source, document, sign(document, own), "", seconds)

    # -- what was found -----------------------------------------------------------------------------------------

    @property
    def passed(self) -> bool:
        """Whether every line passed."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The lines that did not."""
        return tuple(check for check in self.checks if not check.passed)

    @cached_property
    def scorecard(self) -> pd.DataFrame:
        """One row per line: family, check, passed, measured, required, value, threshold, note, look_closer."""
        return frame_of(self.checks)

    def family(self, name: Family) -> tuple[Check, ...]:
        """The lines of one family.  Raises ConfigError for a name that is none."""
        if name not in FAMILIES:
            raise ConfigError(f"no family {name!r}; there is: {', '.join(FAMILIES)}")
        return tuple(check for check in self.checks if check.family == name)

    # -- how it is kept -----------------------------------------------------------------------------------------

    def to_bytes(self) -> bytes:
        """The signed certificate; for one that is not signed the same document with an empty signature, which no engine
        takes.  Raises CertificateError where there is no document.
        """
        if self.signed is not None:
            return self.signed
        if self.certificate is None:
            raise CertificateError(f"{self.subject.name} has no certificate to save: {self.unsigned_because}")
        return canonical(Signed(self.certificate, ""))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write `to_bytes` to a file, whole or not at all.  Raises ConfigError where it cannot be written."""
        return _write(Path(path), self.to_bytes())

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """The scorecard as one self-contained page, written to `path` if there is one."""
        text = scorecard_page(self.subject, self.checks, self._facts(), self.standing)
        if path is not None:
            _write(Path(path), text.encode())
        return text

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "strategy": self.subject.name,
            "passed": self.passed,
            "signed": self.signed is not None,
            "unsigned_because": self.unsigned_because,
            "certificate_id": None
            if self.signed is None or self.certificate is None
            else self.certificate.id,
            "parameters": dict(self.subject.config),
            "data_fingerprint": self.subject.prices.fingerprint,
            "instruments": instrument_names(self.subject.prices.names),
            "seed": self.subject.seed,
            "seconds": round(self.seconds, 3),
            "checks": [msgspec.to_builtins(check) for check in self.checks],
        }

    # -- how it shows -------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        lines = [verdict(self.subject.name, self.checks), self.standing]
        return "\n".join([*lines, *failed_lines(self.checks)])

    def __rich__(self) -> Table:
        return rich_table(verdict(self.subject.name, self.checks), self.checks)

    def _repr_html_(self) -> str:
        return cell_html(verdict(self.subject.name, self.checks), self.checks, self.standing)

    def _facts(self) -> list[str]:
        subject = self.subject
        given = ", ".join(f"{key}={value!r}" for key, value in subject.config.items()) or "its own parameters"
        return [
            f"version {subject.strategy.VERSION}",
            given,
            repr(subject.prices),
            f"seed {subject.seed}",
            f"{self.seconds:.0f} s",
        ]

    @property
    def standing(self) -> str:
        """One line: who signed it and until when it holds, or why nobody did."""
        if self.signed is None or self.certificate is None:
            return f"not signed: {self.unsigned_because}"
        c = self.certificate
        return f"certificate {c.id}, signed with the key {c.issuer}, in force until {c.expires_at}"


def _source(subject: Subject) -> tuple[Source | None, str]:
    """The source text, or why it cannot be certified."""
    try:
        return source_of(subject), ""
    except CertificateError as error:
        return None, str(error)


def _confirmed(subject: Subject, source: Source) -> tuple[Source | None, str]:
    """The source, where it is what was tested; else why it is not."""
    try:
        confirm(subject, source)
    except WorkbenchError as error:
        return None, str(error)
    return source, ""


def _write(path: Path, data: bytes) -> Path:
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.absolute().parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(data)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    return path
