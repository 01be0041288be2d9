"""Keys: one that signs, which only its owner can read, and those that an engine trusts.

    keys/signing.key            private, mode 0600
    keys/public/1a2b….pub       public; what an engine's folder of trusted keys holds

Ed25519 (RFC 8032).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from workbench.errors import CertificateError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["PUBLIC", "KeyPair", "key_id", "key_pair", "keys_folder", "read_public_key", "trusted_keys"]

PUBLIC: Final = "public"  # folder of public keys beside the private one
_PRIVATE: Final = "signing.key"
_LARGEST: Final = 4096
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH


class KeyPair(NamedTuple):
    """private: signs.  public: known by `id`, the first 16 digits of the SHA-256 of its 32 bytes."""

    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    id: str
    public_file: Path


def keys_folder() -> Path:
    """WORKBENCH_KEYS, or `workbench/keys` of the user's configuration."""
    named = os.environ.get("WORKBENCH_KEYS", "")
    if named:
        return Path(named)
    home = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(home) if home else Path.home() / ".config") / "workbench" / "keys"


def key_id(public: Ed25519PublicKey) -> str:
    """What a key is called: 16 hexadecimal digits."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def key_pair(folder: Path | None = None) -> KeyPair:
    """The key that signs here, made on first use.

    folder: left out, `keys_folder()`.  Raises CertificateError where others may read the private key, or it is none.
    """
    place = keys_folder() if folder is None else folder
    path = place / _PRIVATE
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.is_symlink() and not path.exists():
            _make(path)
        private = _private(path)
        return _with_public(place, private)
    except OSError as error:
        raise CertificateError(f"{path}: the signing key cannot be used: {error.strerror}") from error


def _make(path: Path) -> None:
    """Write a new private key, whole or not at all; where another process has just done it, its key stays."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    part = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            return
    finally:
        part.unlink()


def _private(path: Path) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise CertificateError(f"{path}: expected a file of your own, found another's, or none")
        if status.st_mode & _OTHERS:
            raise CertificateError(
                f"{path}: others may use this private key (mode {stat.S_IMODE(status.st_mode):o}); "
                f"chmod 600 {path}, and if they may have read it, remove it for a new one to be made"
            )
        data = file.read(_LARGEST)
    try:
        found = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"{path}: expected a private key in PEM, found something else") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise CertificateError(f"{path}: expected an Ed25519 key, found another kind")
    return found


def _with_public(folder: Path, private: Ed25519PrivateKey) -> KeyPair:
    from cryptography.hazmat.primitives import serialization

    public = private.public_key()
    name = key_id(public)
    path = folder / PUBLIC / f"{name}.pub"
    if not path.exists():
        path.parent.mkdir(exist_ok=True, mode=0o755)
        text = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_bytes(text)
        part.chmod(0o644)
        part.replace(path)
    return KeyPair(private, public, name, path)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """A public key in PEM.  Raises CertificateError, also for a file that others may write."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            _check_owned(path, status)
            data = file.read(_LARGEST)
        found = serialization.load_pem_public_key(data)
    except OSError as error:
        raise CertificateError(f"{path}: the public key cannot be read: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"{path}: expected a public key in PEM, found something else") from error
    if not isinstance(found, Ed25519PublicKey):
        raise CertificateError(f"{path}: expected an Ed25519 key, found another kind")
    return found


def trusted_keys(folder: Path) -> Mapping[str, Ed25519PublicKey]:
    """The public keys (`*.pub`) of a folder by id; none where there is no folder.

    Raises CertificateError where others may write the folder or a key, or a file is none.
    """
    if not folder.is_dir():
        return {}
    _check_owned(folder, folder.stat())
    found = [read_public_key(path) for path in sorted(folder.glob("*.pub"))]
    return {key_id(public): public for public in found}


def _check_owned(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in (os.geteuid(), 0):
        raise CertificateError(
            f"{path}: expected it to belong to whoever runs this, or to root; found another owner"
        )
    if status.st_mode & _WRITABLE:
        raise CertificateError(
            f"{path}: others may write here (mode {stat.S_IMODE(status.st_mode):o}), so they could trust a key; "
            f"chmod go-w {path}"
        )
