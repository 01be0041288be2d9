"""What is sent to an engine: the text of a script, its name, and the certificate that it came in."""

from __future__ import annotations

import hashlib
import inspect
import linecache
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from workbench.certificates import read_signed
from workbench.certify.certification import Certification
from workbench.errors import CertificateError
from workbench.strategy.contract import TradingStrategy

__all__ = ["Package", "of_certification", "of_strategy", "signed_of"]

_SHOWN: Final = 3


class Package(NamedTuple):
    """script: file name.  certificate: the signed text; "" for none.  config: parameters that it was certified with."""

    script: str
    source: str
    certificate: str = ""
    config: Mapping[str, Any] | None = None


def of_certification(found: Certification) -> Package:
    """What a certification tested.  Raises CertificateError where it did not pass, or could not be signed."""
    if found.signed is None or found.source is None or found.certificate is None:
        failed = [f"{check.name}: {check.measured}, required {check.required}" for check in found.failed]
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        why = "; ".join(failed[:_SHOWN]) + more or found.unsigned_because
        raise CertificateError(f"{found.subject.name} is not promoted, as it is not certified: {why}")
    return Package(
        found.source.script, found.source.text, found.signed.decode("ascii"), found.certificate.parameters
    )


def signed_of(given: str | os.PathLike[str] | bytes) -> bytes:
    """A signed certificate out of its bytes, or of a file.  Raises CertificateError where it cannot be read."""
    if isinstance(given, bytes):
        return given
    try:
        return Path(given).read_bytes()
    except OSError as error:
        raise CertificateError(f"{given}: the certificate cannot be read: {error.strerror}") from error


def of_strategy(
    strategy: str | os.PathLike[str] | type[TradingStrategy], signed: bytes | None = None
) -> Package:
    """The text of a script or of a notebook cell; signed: with this certificate.

    A path that ends in .json is that of a certificate, beside whose file its script lies.
    Raises CertificateError where there is no text, or it is not what was certified.
    """
    if isinstance(strategy, type):
        source = _cell(strategy)
        name = f"{strategy.__name__.lower()}.py"
        return Package(name, source) if signed is None else _certified(name, source, signed)
    path = Path(strategy)
    if path.suffix == ".json":
        signed = signed_of(path)
        script = read_signed(signed).certificate.script
        if not (beside := path.parent / script).is_file():
            raise CertificateError(
                f"{path}: {script}, which it is of, is not beside it; name the script, and this as its certificate"
            )
        path = beside
    source = _text(path)
    return Package(path.name, source) if signed is None else _certified(str(path), source, signed)


def _certified(where: str, source: str, signed: bytes) -> Package:
    certificate = read_signed(signed).certificate
    found = hashlib.sha256(source.encode()).hexdigest()
    if found != certificate.source_hash:
        raise CertificateError(
            f"{where} is not what certificate {certificate.id} is of (SHA-256 {found[:12]}, certified "
            f"{certificate.source_hash[:12]}); certify again"
        )
    return Package(certificate.script, source, signed.decode("ascii"), certificate.parameters)


def _cell(strategy: type[TradingStrategy]) -> str:
    """The whole cell or script that a class was written in, imports and all."""
    module = sys.modules.get(strategy.__module__)
    try:
        name = inspect.getsourcefile(strategy) or inspect.getfile(strategy)
    except (TypeError, OSError):
        name = str(getattr(module, "__file__", ""))
    text = "".join(linecache.getlines(name)) if name else ""
    if not text.strip():
        raise CertificateError(
            f"{strategy.__name__}: its source text cannot be found; save it as a .py file and promote that"
        )
    return text


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CertificateError(f"{path}: the script cannot be read: {error}") from error
