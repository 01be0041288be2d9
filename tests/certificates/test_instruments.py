"""Which of an engine's instruments a certificate is of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.certificates.making import certificate
from workbench.certificates import (
    KeyPair,
    canonical,
    certified_instruments,
    instrument_names,
    key_pair,
    read_signed,
    sign,
)
from workbench.errors import CertificateError

HERE = ("BTC-USD@a", "ETH-USD@a", "BTC-USD@b", "ETH-USD@b")
NAMES = st.builds(
    lambda symbol, venue: f"{symbol}@{venue}",
    st.sampled_from(["A", "B", "C"]),
    st.sampled_from(["x", "y", "z"]),
)


@pytest.mark.parametrize(
    ("tested", "found"),
    [
        (["BTC-USD@a"], ("BTC-USD@a",)),
        (["BTC-USD@a", "BTC-USD@b"], ("BTC-USD@a", "BTC-USD@b")),
        (["BTC-USD@house"], ("BTC-USD@a", "BTC-USD@b")),
        (
            ["BTC-USD@house", "ETH-USD@a"],
            ("ETH-USD@a",),
        ),  # one of its venues is here: names count as they are
        (["BTC-USD@house", "SOL-USD@a"], ()),
        (["SPX@house"], ()),
        (["SPX@a"], ()),
        (["BTC@house"], ()),  # no part of a symbol counts
    ],
)
def test_which_of_an_engines_instruments_were_tested(tested: list[str], found: tuple[str, ...]) -> None:
    assert certified_instruments(tested, HERE) == found


@given(st.lists(NAMES), st.lists(NAMES, unique=True))
def test_no_symbol_comes_in_and_what_both_have_stays(tested: list[str], here: list[str]) -> None:
    found = certified_instruments(tested, here)
    assert {name[0] for name in found} <= {name[0] for name in tested}
    assert set(tested) & set(here) <= set(found) <= set(here)
    assert list(found) == [name for name in here if name in found]


def test_they_are_named_once_and_in_order() -> None:
    assert instrument_names(["B@y", "A@x", "B@y"]) == ["A@x", "B@y"]
    for wrong in ([], ["BTC-USD"], ["@a"], ["BTC-USD@"], ["A@b@c"], ["A\u200b@b"]):
        with pytest.raises(CertificateError, match="found"):
            instrument_names(wrong)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return key_pair(tmp_path_factory.mktemp("keys"))


@pytest.mark.parametrize("names", [[], ["B@y", "A@x"], ["A@x", "A@x"], ["A"]])
def test_a_certificate_that_names_none_or_others_than_it_would_is_not_read(
    key: KeyPair, names: list[str]
) -> None:
    document = json.loads(sign(certificate(key), key))
    document["certificate"]["instruments"] = names
    with pytest.raises(CertificateError, match="instrument"):
        read_signed(canonical(document))


def test_one_of_before_they_were_named_is_refused_in_a_clear_line(key: KeyPair) -> None:
    document = json.loads(sign(certificate(key), key))
    del document["certificate"]["instruments"]
    document["certificate"]["format"] = 1
    with pytest.raises(
        CertificateError, match=r"^expected a certificate of format 2, found 1, which does not say on"
    ):
        read_signed(canonical(document))
    document["certificate"]["format"] = 3
    with pytest.raises(CertificateError, match=r"found 3, which is of a later version"):
        read_signed(canonical(document))
