"""Certificates that were sent to the engine, each a file under its id; none is believed because it lies here."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from pathlib import Path
from typing import Final

from workbench.certificates import Signed, read_signed
from workbench.errors import CertificateError

__all__ = ["CertificateStore"]

_ID: Final = re.compile(r"[0-9a-f]{32}")
_MOST: Final = 500  # each is read once after a start of the engine
_LARGEST: Final = 1_000_000


class CertificateStore:
    """Files `ID.json` of a folder.  May be asked in several threads at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, tuple[tuple[int, int, int], Signed | None]] = {}
        self._keeping = threading.Lock()  # two of one id, or two for the last place, come one after the other

    def keep(self, data: bytes) -> Signed:
        """Keep a certificate, whole or not at all.  Raises CertificateError: it is none, or there is no room."""
        signed = read_signed(data)
        with self._keeping:
            return self._keep(signed, data)

    def _keep(self, signed: Signed, data: bytes) -> Signed:
        name = signed.certificate.id
        if self._path(name).exists():
            if self.read(name) != data:
                raise CertificateError(f"another certificate has the id {name}; certify again")
            return signed
        try:
            self._write(self._path(name), data)
        except OSError as error:
            raise CertificateError(
                f"certificate {name} cannot be kept in {self._folder}: {error.strerror}"
            ) from error
        return signed

    def _write(self, path: Path, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if len(list(self._folder.glob("*.json"))) >= _MOST:
            raise CertificateError(
                f"{_MOST} certificates are kept, which is the most; remove some from {self._folder}"
            )
        handle, part = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(path)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise

    def read(self, certificate: str) -> bytes:
        """The bytes of the certificate with this id.  Raises CertificateError where it is not here."""
        try:
            handle = os.open(self._path(certificate), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                return file.read(_LARGEST + 1)
        except OSError as error:
            raise CertificateError(
                f"certificate {certificate} is not kept here ({error.strerror}); send it with the strategy"
            ) from error

    def about(self, source_hash: str, strategy: str) -> list[str]:
        """Ids of certificates of this text or, failing that, of a class of this name; the newest first."""
        found = [signed.certificate for signed in self._all()]
        found.sort(key=lambda one: (one.source_hash == source_hash, one.issued_at), reverse=True)
        return [one.id for one in found if one.source_hash == source_hash or one.strategy == strategy]

    def _all(self) -> list[Signed]:
        """Everything here that can be read; a file is parsed once."""
        names = {path.stem: path for path in self._folder.glob("*.json") if _ID.fullmatch(path.stem)}
        before, seen = self._seen, {}
        for name, path in names.items():
            status = path.lstat()
            state = status.st_ino, status.st_mtime_ns, status.st_size
            known = before.get(name)
            seen[name] = known if known is not None and known[0] == state else (state, self._parsed(name))
        self._seen = seen
        return [signed for _, signed in seen.values() if signed is not None]

    def _parsed(self, name: str) -> Signed | None:
        try:
            signed = read_signed(self.read(name))
        except CertificateError:  # whoever starts something under it is told
            return None
        return signed if signed.certificate.id == name else None

    def _path(self, certificate: str) -> Path:
        if not _ID.fullmatch(certificate):
            raise CertificateError(f"a certificate's id has 32 hexadecimal digits, found {certificate!r:.60}")
        return self._folder / f"{certificate}.json"
