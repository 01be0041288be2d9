"""From a finished scorecard to a signed certificate."""

from __future__ import annotations

import inspect
import linecache
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from workbench.certificates.document import Certificate, new_certificate
from workbench.certificates.keys import KeyPair
from workbench.certificates.sources import closure_of, source_closure
from workbench.certify.checks import Check, Subject
from workbench.errors import CertificateError

__all__ = ["Source", "issue", "source_of", "versions"]

UNSIGNED: Final = "0" * 16  # issuer of a scorecard that nobody signed
_PACKAGES: Final = {
    "workbench": "trading-workbench",
    **{name: name for name in ("numpy", "numba", "llvmlite", "pandas", "scipy", "msgspec")},
}


class Source(NamedTuple):
    """What a strategy is written in.

    script: file name.  files: hash by name, as in a Certificate.  text: of the script.
    """

    script: str
    files: Mapping[str, str]
    text: str


def source_of(subject: Subject) -> Source:
    """The script of a subject and what it imports, as they are now.

    Raises CertificateError where there is no text, where it cannot be followed, or where the file has changed since the
    strategy was loaded.
    """
    if subject.path is not None:
        text = _read(subject.path)
        files = source_closure(subject.path)
        script = subject.path.name
    else:
        text, script = _cell_text(subject), f"{subject.name.lower()}.py"
        files = closure_of(script, text)
    loaded = subject.source_hash
    whole = subject.path is not None and _is_script(subject)
    if whole and files[script] != loaded:
        raise CertificateError(
            f"{subject.path}: expected the text that was loaded, found that it has been edited since; load it again"
        )
    return Source(script, files, text)


def issue(
    subject: Subject, source: Source, checks: Sequence[Check], passed: bool, key: KeyPair | None
) -> Certificate:
    """The document of a certification.  key: that will sign it; None for a scorecard that nobody signs.

    Raises CertificateError where parameters or instruments cannot be written down.
    """
    return new_certificate(
        strategy=subject.name,
        version=str(subject.strategy.VERSION),
        script=source.script,
        sources=source.files,
        parameters=dict(subject.config),
        data_fingerprint=subject.prices.fingerprint,
        instruments=subject.prices.names,
        limits=subject.limits,
        thresholds=msgspec.to_builtins(subject.thresholds),
        scores=[msgspec.structs.asdict(check) for check in checks],
        passed=passed,
        seeds={"certification": subject.seed},
        versions=versions(),
        issuer=UNSIGNED if key is None else key.id,
        days=subject.thresholds.certificate.days,
    )


def versions() -> dict[str, str]:
    """What the figures depend on, beside the strategy."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name, package in _PACKAGES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _is_script(subject: Subject) -> bool:
    """Whether the class was loaded from its script as a whole, so that its hash is that of the file."""
    module = sys.modules.get(subject.strategy.__module__)
    return module is not None and getattr(module, "__spec__", None) is None and module.__name__ != "__main__"


def _cell_text(subject: Subject) -> str:
    """The whole cell that a class was written in, imports and all."""
    try:
        name = inspect.getsourcefile(subject.strategy) or inspect.getfile(subject.strategy)
    except (TypeError, OSError):
        name = str(getattr(sys.modules.get(subject.strategy.__module__), "__file__", ""))
    text = "".join(linecache.getlines(name)) if name else ""
    if not text.strip():
        raise CertificateError(
            f"{subject.name}: its source text cannot be found; save it as a .py file and certify that"
        )
    return text


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CertificateError(f"{path}: cannot be read: {error}") from error
