"""Limits in a certificate."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.certificates import canonical, limits_no_looser, limits_of_strategy, limits_table
from workbench.configuration.limits import load_limits
from workbench.core.limits import NotionalLimits, OrderLimits, PositionLimit, RiskLimits


def test_limits_are_written_and_read_back_whole() -> None:
    limits = RiskLimits(
        position_limits={"BTC-USD": PositionLimit(max_long=3.0)}, restricted_list=["DOGE-USD"]
    )
    table = limits_table(limits)
    assert table["position_limits"]["BTC-USD"] == {
        "max_long": 3.0, "max_short": "off", "per_strategy_long": "off", "per_strategy_short": "off"
    }  # fmt: skip
    assert canonical(table)
    assert load_limits(table) == limits


def test_a_looser_limit_is_named_with_both_figures() -> None:
    certified = RiskLimits(order_limits=OrderLimits(max_order_value=1_000.0))
    live = RiskLimits(order_limits=OrderLimits(max_order_value=2_000.0))
    assert limits_no_looser(live, certified) == ["order_limits.max_order_value: 2000 live, 1000 certified"]
    assert limits_no_looser(certified, live) == []
    assert limits_no_looser(certified, certified) == []


def test_a_limit_that_is_off_is_the_loosest() -> None:
    certified = RiskLimits(notional_limits=NotionalLimits(per_strategy=10.0))
    live = RiskLimits(notional_limits=NotionalLimits(per_strategy=math.inf))
    assert limits_no_looser(live, certified) == ["notional_limits.per_strategy: off live, 10 certified"]
    assert limits_no_looser(RiskLimits.unlimited(), RiskLimits())


@pytest.mark.parametrize("flag", ["enable_pre_trade", "enable_circuit_breakers"])
def test_switching_a_whole_family_off_is_looser(flag: str) -> None:
    changed: dict[str, Any] = {flag: False}
    assert limits_no_looser(msgspec.structs.replace(RiskLimits(), **changed), RiskLimits()) == [
        f"{flag}: False live, True certified"
    ]


@given(st.floats(1.0, 1e9), st.floats(1.0, 1e9))
def test_looser_is_what_is_larger(one: float, other: float) -> None:
    live, certified = (RiskLimits(order_limits=OrderLimits(max_order_value=v)) for v in (one, other))
    assert bool(limits_no_looser(live, certified)) == (one > other)


@pytest.mark.parametrize(
    ("certified", "found"),
    [
        ({}, {}),
        ({"other": ["A"]}, {"other": ["A"]}),
        ({"Tested": ["A", "B"]}, {"runs": ["A", "B"]}),
        ({"Tested": []}, {"runs": []}),
        ({"Tested": ["A", "B"], "runs": ["B", "C"]}, {"runs": ["B"]}),
    ],
)
def test_what_a_strategy_was_permitted_goes_by_the_id_that_it_runs_under(
    certified: dict[str, list[str]], found: dict[str, list[str]]
) -> None:
    limits = RiskLimits(permitted_instruments=certified)
    assert limits_of_strategy(limits, "Tested", "runs").permitted_instruments == found
    assert limits_of_strategy(limits, "Tested", "Tested") == limits
