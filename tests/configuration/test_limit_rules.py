"""Risk limits that make no sense are named; controls are switched off by name; two sets of limits are compared."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import msgspec
import pytest

from workbench.core.codes import Breaker, Check, Monitor, label
from workbench.core.limit_bounds import Bound
from workbench.core.limit_controls import ALWAYS_ON, CONTROLS
from workbench.core.limit_rules import RULES, leaves, rule_of
from workbench.core.limits import (
    BuyingPower,
    CircuitBreakers,
    ConcentrationLimits,
    DrawdownLimits,
    GlobalLimits,
    MonitorSettings,
    NotionalLimits,
    PositionLimit,
    RiskLimits,
)
from workbench.errors import LimitsError

FULL = RiskLimits(
    position_limits={"BTC-USD": PositionLimit(max_long=10.0, max_short=-5.0)},
    concentration_limits=ConcentrationLimits(max_symbol_share=0.5),
    monitors=MonitorSettings(max_strategy_correlation=0.9, max_holding_correlation=0.9, max_symbol_share=0.5),
    permitted_instruments={"momentum": ["BTC-USD"]},
    restricted_list=["DOGE-USD"],
    signal_out_of_range="refuse",
)
"""Limits in which every control that limits can switch off is on, but for those that default to infinite."""


def with_setting(limits: RiskLimits, key: str, value: object) -> RiskLimits:
    """`limits` with the setting of a dotted key replaced, unchecked."""
    first, *rest = key.split(".")
    if not rest:
        return msgspec.structs.replace(limits, **{first: value})
    name = {"global": "global_limits"}.get(first, first)
    former = getattr(limits, name)
    if name == "position_limits":
        changed = {**former, rest[0]: msgspec.structs.replace(former[rest[0]], **{rest[1]: value})}
    else:
        changed = msgspec.structs.replace(former, **{rest[0]: value})
    return msgspec.structs.replace(limits, **{name: changed})


def test_every_setting_has_a_rule_and_every_rule_a_setting() -> None:
    assert {key for key, _ in leaves(RiskLimits(position_limits={"*": PositionLimit()}))} == set(RULES)


def test_the_defaults_make_sense() -> None:
    assert RiskLimits().problems() == []
    assert RiskLimits().checked() == RiskLimits()


@pytest.mark.parametrize(
    ("key", "value", "phrase"),
    [
        ("drawdown_limits.daily_loss", 100_000.0, "wrong sign? Write -100000"),
        ("drawdown_limits.daily_loss", 0.0, "below 0"),
        ("drawdown_limits.strategy_drawdown", -15.0, "percent typed for a fraction? Write -0.15"),
        ("drawdown_limits.strategy_drawdown", 0.15, "wrong sign? Write -0.15"),
        ("drawdown_limits.portfolio_var", nan, "found nan; write a number"),
        ("circuit_breakers.rapid_drawdown_rate", -1.5, "from -1 to below 0"),
        ("circuit_breakers.rapid_drawdown_minutes", 0.0, "minutes from 0.01"),
        ("circuit_breakers.single_strategy_loss", inf, "wrong sign? Write -inf"),
        ("notional_limits.per_strategy", -1.0, "wrong sign? Write 1"),
        ("notional_limits.per_strategy", 0.0, "above 0"),
        ("global.max_drawdown", -0.2, "wrong sign? Write 0.2"),
        ("global.max_daily_loss", -5.0, "wrong sign? Write 5"),
        ("per_strategy.stop_loss_pct", 10.0, "Write 0.1"),
        (
            "per_strategy.max_daily_trades",
            2.5,
            "whole number, 1 or above, or inf for no limit, found 2.5; write 2",
        ),
        ("position_limits.BTC-USD.max_long", -1.0, "wrong sign? Write 1"),
        ("position_limits.BTC-USD.max_short", 5.0, "wrong sign? Write -5"),
        ("repeated_execution.max_executions", 257.0, "1 to 256"),
        ("duplicate_order.max_identical", 65.0, "1 to 64"),
        ("message_rate.per_venue_burst", inf, "not inf"),
        ("message_rate.cancel_reserve", 1.0, "below 1"),
        ("buying_power.mode", "credit", "cash, margin, off, found 'credit'"),
        ("monitors.window", 7, "8 to 512"),
        ("monitors.var_confidence", 1.0, "below 1"),
        ("self_trade_prevention", "on", "cancel_both, found 'on'"),
        ("enable_pre_trade", 1, "true or false, found 1"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_a_reason(key: str, value: object, phrase: str) -> None:
    limits = with_setting(FULL, key, value)
    ((found, reason),) = limits.problems()
    assert found == key
    assert phrase in reason
    assert "\n" not in reason
    with pytest.raises(LimitsError, match="expected"):
        limits.checked()


@pytest.mark.parametrize(
    ("limits", "key", "phrase"),
    [
        (RiskLimits(position_limits={"A@x": PositionLimit()}), "position_limits.A@x", "write A"),
        (RiskLimits(position_limits={"": PositionLimit()}), "position_limits.", "such as BTC-USD"),
        (RiskLimits(restricted_list=["BTC USD"]), "restricted_list", "found 'BTC USD'"),
        (RiskLimits(permitted_instruments={"a": ["\n"]}), "permitted_instruments.a", "such as BTC-USD"),
    ],
)
def test_what_cannot_be_a_symbol_is_named(limits: RiskLimits, key: str, phrase: str) -> None:
    ((found, reason),) = limits.problems()
    assert (found, phrase in reason) == (key, True)


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("drawdown_limits", {"daily_loss": -1.0}, "drawdown_limits"),
        ("restricted_list", "BTC-USD", "restricted_list"),
        ("position_limits", {"A": {"max_long": 1.0}}, "position_limits.A"),
        ("permitted_instruments", {"a": "BTC-USD"}, "permitted_instruments.a"),
        ("global_limits", GlobalLimits(max_drawdown="a fifth"), "global.max_drawdown"),  # type: ignore[arg-type]  # that is the test
        ("drawdown_limits", DrawdownLimits(daily_loss=True), "drawdown_limits.daily_loss"),
        ("enable_pre_trade", 1, "enable_pre_trade"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(name: str, value: Any, key: str) -> None:
    limits = msgspec.structs.replace(RiskLimits(), **{name: value})
    assert [found for found, _ in limits.problems()] == [key]


def test_all_problems_are_told_in_the_order_of_the_configuration() -> None:
    limits = RiskLimits(
        drawdown_limits=DrawdownLimits(daily_loss=1.0, portfolio_var=-1.0),
        notional_limits=NotionalLimits(per_strategy=0.0),
    )
    assert [key for key, _ in limits.problems()] == [
        "notional_limits.per_strategy",
        "drawdown_limits.daily_loss",
        "drawdown_limits.portfolio_var",
    ]


def test_every_check_monitor_and_breaker_can_be_switched_off_or_is_always_on() -> None:
    names = {label(code) for codes in (Check, Monitor, Breaker) for code in codes}
    assert names <= set(CONTROLS) | set(ALWAYS_ON)
    assert set(CONTROLS) - names == {"bad_tick", "signal_out_of_range"}
    assert set(CONTROLS).isdisjoint(ALWAYS_ON)


@pytest.mark.parametrize("control", sorted(CONTROLS))
def test_switching_one_control_off_changes_its_settings_alone(control: str) -> None:
    limits = FULL.without(control)
    assert limits.problems() == []
    before = dict(leaves(FULL))
    for key, value in leaves(limits):
        assert value == (rule_of(key).off if key in CONTROLS[control] else before[key]), key
    if control != "max_order_volume":  # infinite by default
        assert limits.looser_fields(FULL)


def test_a_loss_limit_that_stands_in_both_forms_is_switched_off_in_both() -> None:
    limits = RiskLimits().without("daily_loss", "max_drawdown")
    assert limits.drawdown_limits.daily_loss == -inf
    assert (limits.global_limits.max_daily_loss, limits.global_limits.max_drawdown) == (inf, inf)
    assert limits.drawdown_limits.strategy_drawdown == -0.15


@pytest.mark.parametrize(
    ("control", "phrase"),
    [
        ("dayly_loss", "did you mean 'daily_loss'"),
        ("everything", "Known: bad_tick"),
        ("kill_switch", "always on"),
    ],
)
def test_an_unknown_control_is_refused_with_those_known(control: str, phrase: str) -> None:
    with pytest.raises(LimitsError, match=phrase):
        RiskLimits().without("price_collar", control)


def test_unlimited_limits_have_everything_off_and_make_sense() -> None:
    limits = RiskLimits.unlimited()
    assert limits.problems() == []
    assert not limits.enable_pre_trade
    assert not limits.enable_circuit_breakers
    assert (limits.self_trade_prevention, limits.buying_power.mode, limits.signal_out_of_range) == (
        "off",
        "off",
        "off",
    )
    for key, value in leaves(limits):
        off = rule_of(key).off
        assert off is None or value == off, key
    assert RiskLimits().looser_fields(limits) == []


def test_limits_without_all_controls_leave_only_the_flag_and_quality_settings() -> None:
    limits = RiskLimits().without(*CONTROLS)
    assert limits.enable_pre_trade
    assert RiskLimits.unlimited().looser_fields(limits) == [
        "concentration_limits.min_gross",
        "message_rate.cancel_reserve",
        "enable_pre_trade",
    ]


def test_a_looser_setting_is_named_and_a_tighter_one_is_not() -> None:
    certified = RiskLimits(position_limits={"BTC-USD": PositionLimit(max_long=10.0, max_short=-5.0)})
    asked = RiskLimits(
        position_limits={"BTC-USD": PositionLimit(max_long=8.0, max_short=-6.0)},
        drawdown_limits=DrawdownLimits(daily_loss=-150_000.0, strategy_drawdown=-0.10),
        circuit_breakers=CircuitBreakers(rapid_drawdown_minutes=5.0, liquidate=False),
        self_trade_prevention="off",
    )
    assert asked.looser_fields(certified) == [
        "position_limits.BTC-USD.max_short",
        "drawdown_limits.daily_loss",
        "circuit_breakers.rapid_drawdown_minutes",
        "circuit_breakers.liquidate",
        "self_trade_prevention",
    ]
    assert certified.looser_fields(asked) == [
        "position_limits.BTC-USD.max_long",
        "drawdown_limits.strategy_drawdown",
    ]


def test_a_symbol_or_strategy_that_is_left_out_is_unlimited() -> None:
    open_ = RiskLimits()
    assert open_.looser_fields(FULL)[:2] == [
        "position_limits.BTC-USD.max_long",
        "position_limits.BTC-USD.max_short",
    ]
    assert open_.looser_fields(FULL)[-2:] == ["permitted_instruments.momentum", "restricted_list"]
    assert FULL.tighter_than(open_)
    wider = msgspec.structs.replace(FULL, permitted_instruments={"momentum": ["BTC-USD", "ETH-USD"]})
    assert wider.looser_fields(FULL) == ["permitted_instruments.momentum"]


def test_leverage_counts_only_where_both_trade_on_margin() -> None:
    cash = RiskLimits(buying_power=BuyingPower(mode="cash", max_leverage=9.0))
    margin = RiskLimits(buying_power=BuyingPower(mode="margin", max_leverage=3.0))
    assert cash.looser_fields(margin) == []
    assert margin.looser_fields(cash) == ["buying_power.mode"]
    assert margin.looser_fields(RiskLimits()) == ["buying_power.max_leverage"]


def test_tighter_is_a_strict_order() -> None:
    tight = RiskLimits(notional_limits=NotionalLimits(per_strategy=1.0))
    assert tight.tighter_than(RiskLimits())
    assert not RiskLimits().tighter_than(tight)
    assert not tight.tighter_than(tight)
    mixed = RiskLimits(notional_limits=NotionalLimits(per_strategy=1.0, total_portfolio=inf))
    assert not mixed.tighter_than(RiskLimits())
    assert not RiskLimits().tighter_than(mixed)


def test_a_limit_that_is_not_a_number_counts_as_looser() -> None:
    unknown = RiskLimits(drawdown_limits=DrawdownLimits(daily_loss=nan))
    assert unknown.looser_fields(RiskLimits()) == ["drawdown_limits.daily_loss"]


@pytest.mark.parametrize("key", [key for key, rule in RULES.items() if isinstance(rule, Bound)])
def test_no_number_takes_nan_or_text_and_off_is_the_loosest(key: str) -> None:
    rule = RULES[key]
    assert isinstance(rule, Bound)
    assert rule.problem(nan) is not None
    assert rule.problem("1") is not None
    if rule.off is not None:
        assert rule.problem(rule.off) is None
        tight = {1: rule.low, -1: rule.high}[rule.looser]
        assert rule.is_looser(rule.off, tight)
