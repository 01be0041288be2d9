"""Untrusted metadata: what is read, and what is refused as a whole rather than guessed."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.table import Table, accepted
from workbench.core.codes import OrderType, TimeInForce
from workbench.core.facts import SignalRefused
from workbench.core.intents import Signals
from workbench.core.limits import RiskLimits
from workbench.core.messages import MarketSignal
from workbench.core.terms import DEFAULT_TERMS, as_number, read_terms


def test_keys_that_are_no_terms_change_nothing() -> None:
    assert read_terms({"chaos_type": "runaway", "note": object()}) is DEFAULT_TERMS


def test_all_terms_are_read() -> None:
    terms = read_terms(
        {
            "order_type": "STOP_LIMIT",
            "limit_price": 99,
            "stop_price": np.float32(100.5),
            "time_in_force": "ioc",
            "venue": "v",
            "reduce_only": True,
            "post_only": False,
            "quantity": Decimal("0.5"),
            "client_order_id": 12,
            "action": "replace",
        }
    )
    assert terms is not None
    assert terms[:4] == (OrderType.STOP_LIMIT, TimeInForce.IOC, 1, 0)
    assert terms[4:] == (99.0, 100.5, 0.5, 12, "v", "replace")


@pytest.mark.parametrize(
    "metadata",
    [
        {"order_type": "iceberg"},
        {"order_type": 1},
        {"order_type": "limit"},
        {"order_type": "stop", "limit_price": 3.0, "stop_price": 3.0},
        {"limit_price": 99.0},
        {"order_type": "limit", "limit_price": "99"},
        {"order_type": "limit", "limit_price": math.nan},
        {"order_type": "limit", "limit_price": None},
        {"quantity": True},
        {"quantity": [1]},
        {"time_in_force": "GTD"},
        {"reduce_only": "yes"},
        {"post_only": 1},
        {"client_order_id": -1},
        {"client_order_id": 2**63},
        {"client_order_id": 1.0},
        {"client_order_id": True},
        {"venue": 3},
        {"action": "amend"},
    ],
)
def test_an_unreadable_term_refuses_the_signal(metadata: dict[str, Any]) -> None:
    assert read_terms(metadata) is None
    table = Table()
    table.price(100.0)
    facts = table.order(1.0, **metadata)
    assert [f.reason for f in facts if isinstance(f, SignalRefused)] == ["bad_metadata"]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (np.int64(2), 2.0),
        (10**400, math.inf),
        (True, None),
        ("1", None),
        (None, None),
        ([1.0], None),
    ],
)
def test_what_counts_as_a_number(value: Any, number: float | None) -> None:
    assert as_number(value) == number


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from(["order_type", "limit_price", "quantity", "venue", "action", "x"]), _JUNK
    ),
    st.one_of(st.floats(), _JUNK),
    st.one_of(st.floats(), _JUNK),
    st.one_of(st.just("X"), _JUNK),
)
def test_no_junk_in_a_signal_raises_or_reaches_the_ledger(
    metadata: dict[str, Any], strength: Any, confidence: Any, symbol: Any
) -> None:
    table = Table()
    table.price(100.0)
    table.desk.process(Signals("s", [MarketSignal(symbol, None, strength, confidence, metadata)]))
    table.price(100.0)
    assert math.isfinite(table.desk.book.equity)
    assert math.isfinite(table.quantity)


@pytest.mark.parametrize("strength", [math.nan, math.inf, -math.inf])
def test_strengths_that_are_no_numbers_are_refused(strength: float) -> None:
    table = Table()
    table.price(100.0)
    facts = table.order(strength)
    assert [f.reason for f in facts if isinstance(f, SignalRefused)] == ["invalid_signal"]


@pytest.mark.parametrize("strength", [0.0, -0.0])
def test_zero_is_no_order(strength: float) -> None:
    table = Table()
    table.price(100.0)
    assert accepted(table.order(strength)) == []


@pytest.mark.parametrize(("strength", "side"), [(2.0, 1), (-1e300, -1)])
def test_strengths_out_of_range_are_told_and_clipped(strength: float, side: int) -> None:
    table = Table(unit=3.0, limits=RiskLimits())
    table.price(100.0)
    assert [(o.side, o.quantity) for o in accepted(table.order(strength))] == [(side, 3.0)]
