"""Bearer tokens: who has one, with which role, until when.

A token is `wb_ID_SECRET`, the secret being 256 random bits; the file keeps a salted hash of it, so that who reads it
has no token.  Both files are their owner's alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import structlog

from live.api.roles import Caller, Role
from workbench.errors import ConfigError, RequestError

__all__ = ["ADMIN_FILE", "TOKENS_FILE", "Token", "Tokens"]

TOKENS_FILE: Final = "tokens.json"
ADMIN_FILE: Final = "admin.token"
_LOCK_FILE: Final = "tokens.lock"
_FORM: Final = re.compile(r"wb_([0-9a-f]{16})_([0-9A-Za-z_-]{43})")
_PERSON: Final = re.compile(r"[^\W_][\w .@+-]{0,63}")
_DAY_S: Final = 86_400
_NOBODY: Final = "expected a bearer token that is in force, found another; ask an admin of the engine for one"

_log = structlog.get_logger("live.auth")


class Token(msgspec.Struct, frozen=True):
    """A token without its secret.  salt, hash: hex.  created_s, expires_s: seconds since 1970; expires_s 0: never."""

    id: str
    person: str
    role: str
    salt: str
    hash: str
    created_s: int
    expires_s: int = 0


class _File(msgspec.Struct, frozen=True):
    tokens: list[Token] = []


class Tokens:
    """The tokens of an engine, in `folder`; changes that another process makes are seen."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        """now: seconds since 1970.  Raises ConfigError where the file is somebody else's to read, or makes no sense."""
        self._path = folder / TOKENS_FILE
        self._lock = folder / _LOCK_FILE
        self._admin = folder / ADMIN_FILE
        self._now = now
        self._tokens: dict[str, Token] = {}
        self._stamp: tuple[int, int] | None = None
        self._unknown = _hashed("", secrets.token_urlsafe(32))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._path.exists():
            self._read()
        else:
            self._begin()

    @property
    def admin_file(self) -> Path:
        """Where a local client finds the admin's token."""
        return self._admin

    def _begin(self) -> None:
        with self._alone():
            if not self._tokens:  # nobody else has begun meanwhile
                _write(self._admin, self._add("admin", Role.ADMIN, 0.0).encode() + b"\n")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes the tokens meanwhile, as `workbench live token` may; begins with what the file has."""
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if self._path.exists():
                self._stamp = None
                self._refresh()
            yield
        finally:
            os.close(handle)

    def issue(self, person: str, role: Role, days: float = 0.0) -> str:
        """Make a token for `person`, good for `days` (0: for ever); it is shown this once.  Raises ConfigError."""
        if not _PERSON.fullmatch(person):
            raise ConfigError(
                f"a person's name is 1 to 64 letters, digits, spaces and .@+-_, and begins with a letter or digit; "
                f"found {person!r:.100}"
            )
        if not 0.0 <= days <= 36_500.0:
            raise ConfigError(f"expected days from 0 to 36500, found {days}")
        with self._alone():
            return self._add(person, role, days)

    def _add(self, person: str, role: Role, days: float) -> str:
        name, secret, salt = secrets.token_hex(8), secrets.token_urlsafe(32), secrets.token_hex(16)
        now = int(self._now())
        expires = now + max(1, int(days * _DAY_S)) if days else 0
        token = Token(name, person, role.name.lower(), salt, _hashed(salt, secret), now, expires)
        self._save({**self._tokens, name: token})
        return f"wb_{name}_{secret}"

    def revoke(self, token_id: str) -> None:
        """End a token at once.  Raises ConfigError where there is none."""
        with self._alone():
            if token_id not in self._tokens:
                raise ConfigError(f"no token {token_id!r:.40}; there is: {', '.join(self._tokens) or 'none'}")
            self._save({name: token for name, token in self._tokens.items() if name != token_id})

    def all(self) -> list[Token]:
        """All tokens, those that have expired too."""
        self._refresh()
        return list(self._tokens.values())

    def check(self, token: str) -> Caller:
        """Whose token it is.  Raises RequestError (unauthenticated), with one text for all that is wrong but expiry."""
        self._refresh()
        form = _FORM.fullmatch(token)
        known = self._tokens.get(form[1]) if form else None
        salt, expected = (known.salt, known.hash) if known else ("", self._unknown)
        same = hmac.compare_digest(_hashed(salt, form[2] if form else ""), expected)
        if known is None or not same:
            raise RequestError(_NOBODY, "unauthenticated")
        if known.expires_s and self._now() >= known.expires_s:
            raise RequestError(
                f"the token of {known.person} has expired; ask for a new one", "unauthenticated"
            )
        return Caller(known.person, Role[known.role.upper()])

    def _refresh(self) -> None:
        """Read the file anew where it has changed; what makes no sense is told, and the former tokens stay."""
        if self._stamp is None and not self._path.exists():
            return  # it is about to be made
        try:
            if self._stamp_of() != self._stamp:
                self._read()
        except (ConfigError, OSError) as error:
            self._stamp = self._stamp_or_none()
            _log.error("tokens_not_read", error=str(error))

    def _stamp_of(self) -> tuple[int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_ino

    def _stamp_or_none(self) -> tuple[int, int] | None:
        try:
            return self._stamp_of()
        except OSError:
            return None

    def _read(self) -> None:
        status = self._path.stat()
        if status.st_mode & 0o077:
            raise ConfigError(f"{self._path}: others may read it; chmod 600 it")
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=_File).tokens
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._path}: expected tokens, found something else: {error}") from error
        for token in found:
            if token.role.upper() not in Role.__members__:
                raise ConfigError(f"{self._path}: token {token.id}: no role {token.role!r:.40}")
        self._tokens = {token.id: token for token in found}
        self._stamp = status.st_mtime_ns, status.st_ino

    def _save(self, tokens: dict[str, Token]) -> None:
        _write(self._path, msgspec.json.format(msgspec.json.encode(_File(list(tokens.values()))), indent=1))
        self._tokens = tokens
        self._stamp = self._stamp_of()


def _hashed(salt: str, secret: str) -> str:
    """A secret of 256 random bits needs no slow hash: nobody guesses it."""
    return hashlib.sha256(f"{salt}:{secret}".encode()).hexdigest()


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)  # 0600 from the beginning
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
