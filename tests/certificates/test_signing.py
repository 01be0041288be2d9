"""What is believed of a certificate, and what is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.certificates.making import certificate
from workbench.certificates import (
    Certificate,
    KeyPair,
    canonical,
    key_pair,
    read_signed,
    sign,
    storable,
    verify,
)
from workbench.certificates.document import instant
from workbench.errors import CertificateError

NOW = instant("2026-03-11T00:00:00Z")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return key_pair(tmp_path_factory.mktemp("keys"))


def test_what_was_signed_is_what_is_read(key: KeyPair) -> None:
    wanted = certificate(key, parameters={"lookback": 20, "share": 0.1, "venues": ["a"], "on": True})
    found = verify(sign(wanted, key), {key.id: key.public}, NOW)
    assert found == wanted
    assert (type(found.parameters["lookback"]), type(found.parameters["share"])) == (int, float)


def test_a_certificate_is_in_force_until_the_second_it_says(key: KeyPair) -> None:
    data = sign(certificate(key, days=1.0), key)
    end = instant("2026-03-11T14:00:00Z")
    assert verify(data, {key.id: key.public}, end - 1).expires_at == "2026-03-11T14:00:00Z"
    with pytest.raises(CertificateError, match=r"expired at 2026-03-11T14:00:00Z"):
        verify(data, {key.id: key.public}, end)


def test_one_that_is_still_to_come_is_not_believed(key: KeyPair) -> None:
    data = sign(certificate(key), key)
    issued = instant("2026-03-10T14:00:00Z")
    verify(data, {key.id: key.public}, issued - 300_000_000_000)
    with pytest.raises(CertificateError, match="still to come"):
        verify(data, {key.id: key.public}, issued - 300_000_000_001)


def test_one_that_did_not_pass_is_signed_and_not_believed(key: KeyPair) -> None:
    with pytest.raises(CertificateError, match="did not pass"):
        verify(sign(certificate(key, passed=False), key), {key.id: key.public}, NOW)


def test_another_issuer_cannot_be_named(key: KeyPair, tmp_path: Path) -> None:
    other = key_pair(tmp_path)
    with pytest.raises(CertificateError, match="issuer"):
        sign(certificate(other), key)
    with pytest.raises(CertificateError, match="not trusted"):
        verify(sign(certificate(other), other), {key.id: key.public}, NOW)


def spelt(data: bytes) -> dict[str, Callable[[], bytes]]:
    text = data.decode()
    return {
        "a space": lambda: text.replace(":", ": ", 1).encode(),
        "bytes behind the end": lambda: data + b"\n",
        "bytes before": lambda: b" " + data,
        "a byte order mark": lambda: b"\xef\xbb\xbf" + data,
        "a key twice": lambda: text.replace('"passed":true', '"passed":false,"passed":true').encode(),
        "another order": lambda: json.dumps(dict(reversed(json.loads(text).items()))).encode(),
        "an exponent": lambda: text.replace('"max_leverage":2.0', '"max_leverage":20e-1').encode(),
        "a number with more digits": lambda: text.replace('"max_leverage":2.0', '"max_leverage":2.00').encode(),
        "NaN": lambda: text.replace('"max_leverage":2.0', '"max_leverage":NaN').encode(),
        "a huge number": lambda: text.replace('"seed":7', '"seed":7' + "0" * 5000).encode(),
        "too deep": lambda: text.replace('"parameters":{}', '"parameters":{"a":' + "[" * 5000).encode(),
        "an escaped letter": lambda: text.replace("Once", "Onc\\u0065").encode(),
        "a lone surrogate": lambda: text.replace("Once", "\\ud800").encode(),
        "a zero byte": lambda: text.replace("Once", "On\\u0000ce").encode(),
        "a field more": lambda: text.replace('"passed":true', '"passed":true,"trust":true').encode(),
        "a word for a flag": lambda: text.replace('"passed":true', '"passed":"true"').encode(),
        "nothing": lambda: b"",
        "a list": lambda: b"[]",
        "half of it": lambda: data[: len(data) // 2],
        "too much": lambda: data + b" " * 1_000_000,
        "UTF-16": lambda: text.encode("utf-16"),
    }  # fmt: skip


@pytest.mark.parametrize("trick", spelt(b""))
def test_another_spelling_is_refused(key: KeyPair, trick: str) -> None:
    data = sign(certificate(key), key)
    tricked = spelt(data)[trick]()
    assert tricked != data
    with pytest.raises(CertificateError):
        verify(tricked, {key.id: key.public}, NOW)


def changed(field: str, before: Any) -> Any:
    match before:
        case bool():
            return not before
        case int():
            return before + 1
        case str():
            return before[:-1] + ("0" if before[-1:] != "0" else "1")
        case list():
            return [*before, {"name": "more"}]
    return {**before, "more": 1 if field != "sources" else "0" * 64}


@pytest.mark.parametrize("field", [field.name for field in msgspec.structs.fields(Certificate)])
def test_no_field_can_be_changed_under_a_signature(key: KeyPair, field: str) -> None:
    signed = read_signed(sign(certificate(key), key))
    before: Any = getattr(signed.certificate, field)
    after = changed(field, before)
    forged = msgspec.structs.replace(
        signed, certificate=msgspec.structs.replace(signed.certificate, **{field: after})
    )
    with pytest.raises(CertificateError):
        verify(canonical(forged), {key.id: key.public}, NOW)


@pytest.mark.parametrize("signature", ["", "0" * 128, "0" * 127, "zz", "A" * 128])
def test_a_made_up_signature_is_refused(key: KeyPair, signature: str) -> None:
    signed = msgspec.structs.replace(read_signed(sign(certificate(key), key)), signature=signature)
    with pytest.raises(CertificateError, match="signature"):
        verify(canonical(signed), {key.id: key.public}, NOW)


def test_the_signature_of_one_is_none_of_another(key: KeyPair) -> None:
    one, other = (read_signed(sign(certificate(key, days=days), key)) for days in (10.0, 20.0))
    with pytest.raises(CertificateError, match="signature"):
        verify(canonical(msgspec.structs.replace(one, signature=other.signature)), {key.id: key.public}, NOW)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(values)
def test_canonical_json_is_read_back_and_written_the_same(value: Any) -> None:
    try:
        text = canonical(value)
    except CertificateError:  # a lone surrogate
        return
    assert canonical(json.loads(text)) == text


def test_what_is_not_finite_becomes_a_word_or_is_refused() -> None:
    assert storable({"a": [float("inf"), float("nan")], "b": (1, 2.0)}) == {
        "a": ["inf", "nan"],
        "b": [1, 2.0],
    }
    with pytest.raises(
        CertificateError, match=re.escape("parameters.a[1]: expected a finite number, found inf")
    ):
        storable({"a": [1, float("inf")]}, "parameters", words=False)
