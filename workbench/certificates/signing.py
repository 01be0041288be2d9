"""Signing a certificate, and what must hold before one is believed.

A signed certificate is one line of canonical JSON: `{"certificate":{…},"signature":"…"}`, an Ed25519 signature
(RFC 8032) in hexadecimal digits over a heading and the canonical JSON of the certificate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from workbench.certificates.canonical import LARGEST, canonical, read_canonical
from workbench.certificates.document import FORMAT, Certificate
from workbench.certificates.instruments import instrument_names
from workbench.certificates.keys import KeyPair
from workbench.errors import CertificateError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["Signed", "read_signed", "sign", "verify"]

_HEADING: Final = b"trading workbench certificate\n"  # a signature of these bytes is of nothing else
_EARLY_NS: Final = 300_000_000_000  # clocks of issuer and reader may differ so much
_ID: Final = re.compile(r"[0-9a-f]{32}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """signature: 128 hexadecimal digits."""

    certificate: Certificate
    signature: str


def sign(certificate: Certificate, key: KeyPair) -> bytes:
    """The signed certificate, as it is saved and sent.  Raises CertificateError where it names another issuer."""
    if certificate.issuer != key.id:
        raise CertificateError(f"expected a certificate of the issuer {key.id}, found {certificate.issuer!r}")
    signature = key.private.sign(_HEADING + canonical(certificate))
    return canonical(Signed(certificate, signature.hex()))


def read_signed(data: bytes) -> Signed:
    """What a signed certificate says; believed by nobody yet.  Raises CertificateError where it is none."""
    _check_format(data)
    signed = read_canonical(data, Signed)
    certificate = signed.certificate
    hashes = [certificate.source_hash, *certificate.sources.values()]
    if not _ID.fullmatch(certificate.id) or not all(map(_HASH.fullmatch, hashes)):
        raise CertificateError("expected an id of 32 and hashes of 64 hexadecimal digits, found others")
    if not _SIGNATURE.fullmatch(signed.signature):
        raise CertificateError(
            f"certificate {certificate.id}: expected a signature, found {signed.signature!r:.40}"
        )
    if certificate.sources.get(certificate.script) != certificate.source_hash:
        raise CertificateError(
            f"expected the hash of {certificate.script!r:.80} among its sources, found another"
        )
    if instrument_names(certificate.instruments) != certificate.instruments:
        raise CertificateError("expected instruments in order and each once, found others")
    return signed


class _Versioned(msgspec.Struct, frozen=True):
    format: int = FORMAT


class _Enveloped(msgspec.Struct, frozen=True):
    certificate: _Versioned


def _check_format(data: bytes) -> None:
    """Raise CertificateError where this is a certificate of another format; what it is else, others say."""
    try:
        found = msgspec.json.decode(data[: LARGEST + 1], type=_Enveloped).certificate.format
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if found < FORMAT:
        raise CertificateError(
            f"expected a certificate of format {FORMAT}, found {found}, which does not say on which instruments the "
            "strategy was tested; certify again"
        )
    if found > FORMAT:
        raise CertificateError(
            f"expected a certificate of format {FORMAT}, found {found}, which is of a later version"
        )


def verify(data: bytes, public_keys: Mapping[str, Ed25519PublicKey], now: int) -> Certificate:
    """A certificate that may be believed: signed by one of these keys, passed, and in force.

    public_keys: by id.  now: UTC nanoseconds.  Raises CertificateError of one line, which says what does not hold.
    """
    from cryptography.exceptions import InvalidSignature

    signed = read_signed(data)
    certificate = signed.certificate
    key = public_keys.get(certificate.issuer)
    if key is None:
        known = ", ".join(public_keys) or "none"
        raise CertificateError(
            f"certificate {certificate.id} was issued with the key {certificate.issuer!r:.40}, which is not trusted "
            f"here; trusted: {known}"
        )
    try:
        key.verify(bytes.fromhex(signed.signature), _HEADING + canonical(certificate))
    except InvalidSignature as error:
        raise CertificateError(
            f"certificate {certificate.id}: its signature is not of what it says; certify again"
        ) from error
    if not certificate.passed:
        raise CertificateError(f"certificate {certificate.id} says that {certificate.strategy} did not pass")
    if certificate.issued_ns - _EARLY_NS > now:
        raise CertificateError(
            f"certificate {certificate.id} is of {certificate.issued_at}, which is still to come; look at the clocks"
        )
    if certificate.expires_ns <= now:
        raise CertificateError(
            f"certificate {certificate.id} of {certificate.strategy} expired at {certificate.expires_at}; certify again"
        )
    return certificate
