"""Limits on what may be held: at the limit passes, just above is refused, working orders count, reducing passes."""

from __future__ import annotations

import pytest

from tests.risk.bench import ACCEPTED, Bench, only
from workbench.core.costs import Costs
from workbench.core.facts import OrderRefused
from workbench.core.intents import SetLimits
from workbench.core.limits import (
    BuyingPower,
    ConcentrationLimits,
    GlobalLimits,
    NotionalLimits,
    PerStrategyLimits,
    PositionLimit,
    RiskLimits,
)
from workbench.core.messages import Instrument

INF = float("inf")
TWO_SYMBOLS = (Instrument("BTC-USD", "x"), Instrument("ETH-USD", "x"))
TWO_VENUES = (Instrument("BTC-USD", "x"), Instrument("BTC-USD", "y"))


def notional(**limits: float) -> RiskLimits:
    off = dict.fromkeys(NotionalLimits.__struct_fields__, INF)
    return only(notional_limits=NotionalLimits(**(off | limits)))


# ---- position_limit


@pytest.mark.parametrize(
    ("side", "quantity", "expected"),
    [
        ("buy", 9.99, ACCEPTED),
        ("buy", 10.0, ACCEPTED),
        ("buy", 10.01, ("position_limit",)),
        ("sell", 4.99, ACCEPTED),
        ("sell", 5.0, ACCEPTED),
        ("sell", 5.01, ("position_limit",)),
    ],
)
def test_position_limit_from_flat(side: str, quantity: float, expected: tuple[str, ...]) -> None:
    limits = only(position_limits={"BTC-USD": PositionLimit(max_long=10.0, max_short=-5.0)})
    assert Bench(limits).order(side, quantity) == expected


def test_position_limit_counts_what_is_held_and_what_works() -> None:
    bench = Bench(only(position_limits={"BTC-USD": PositionLimit(max_long=10.0, max_short=-5.0)}))
    bench.hold(4.0)
    assert bench.order("buy", 3.0, order_type="limit", limit_price=90.0) == ACCEPTED  # works far below
    assert bench.order("buy", 3.5) == ("position_limit",)  # 4 + 3 + 3.5 = 10.5
    assert bench.order("buy", 3.0) == ACCEPTED  # 4 + 3 + 3 = 10
    assert bench.order("sell", 9.5) == ("position_limit",)  # the buys may never fill: 4 - 9.5 = -5.5
    assert bench.order("sell", 9.0) == ACCEPTED  # 4 - 9 = -5


def test_position_limit_is_over_all_strategies_and_venues_of_a_symbol() -> None:
    limits = only(position_limits={"BTC-USD": PositionLimit(max_long=10.0)})
    bench = Bench(limits, strategies=("alpha", "beta"), instruments=TWO_VENUES)
    bench.hold(4.0, strategy="alpha", venue="x")
    bench.hold(3.0, strategy="beta", venue="y")
    assert bench.order("buy", 3.1, strategy="alpha", venue="y") == ("position_limit",)
    assert bench.order("buy", 3.0, strategy="alpha", venue="y") == ACCEPTED


@pytest.mark.parametrize(
    ("side", "quantity", "expected"),
    [("buy", 2.0, ACCEPTED), ("buy", 2.01, ("position_limit",)), ("sell", 1.01, ("position_limit",))],
)
def test_position_limit_of_each_strategy(side: str, quantity: float, expected: tuple[str, ...]) -> None:
    own = PositionLimit(per_strategy_long=2.0, per_strategy_short=-1.0)
    bench = Bench(only(position_limits={"BTC-USD": own}), strategies=("alpha", "beta"))
    bench.hold(2.0, strategy="beta")
    assert bench.order(side, quantity, strategy="alpha") == expected


def test_position_limit_of_a_strategy_is_over_its_venues() -> None:
    own = PositionLimit(per_strategy_long=2.0)
    bench = Bench(only(position_limits={"BTC-USD": own}), instruments=TWO_VENUES)
    bench.hold(1.5, venue="x")
    assert bench.order("buy", 0.51, venue="y") == ("position_limit",)
    assert bench.order("buy", 0.5, venue="y") == ACCEPTED


def test_no_short_selling_where_max_short_is_zero() -> None:
    bench = Bench(only(position_limits={"BTC-USD": PositionLimit(max_short=0.0)}))
    assert bench.order("sell", 0.01) == ("position_limit",)
    bench.hold(1.0)
    assert bench.order("sell", 1.0) == ACCEPTED


def test_a_limit_lowered_below_the_position_still_lets_it_be_reduced() -> None:
    bench = Bench(only(position_limits={"BTC-USD": PositionLimit(max_long=10.0)}))
    bench.hold(8.0)
    bench.tell(SetLimits(only(position_limits={"BTC-USD": PositionLimit(max_long=5.0)})))
    assert bench.order("buy", 0.1) == ("position_limit",)
    assert bench.order("sell", 1.0) == ACCEPTED


def test_a_sell_that_reduces_a_strategy_but_deepens_the_short_of_all_is_refused() -> None:
    bench = Bench(
        only(position_limits={"BTC-USD": PositionLimit(max_short=-5.0)}), strategies=("alpha", "beta")
    )
    bench.hold(5.0, strategy="alpha")
    bench.hold(-10.0, strategy="beta")  # together 5 short
    assert bench.order("sell", 1.0, strategy="alpha") == ("position_limit",)


# ---- notional_limit: at a price of 100, 30 units are 3,000


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"per_strategy": 5_000.0}, ACCEPTED),
        ({"per_strategy": 4_999.0}, ("notional_limit",)),
        ({"total_portfolio": 7_000.0}, ACCEPTED),
        ({"total_portfolio": 6_999.0}, ("notional_limit",)),
        ({"per_instrument": 4_000.0}, ACCEPTED),
        ({"per_instrument": 3_999.0}, ("notional_limit",)),
        ({"per_venue": 7_000.0}, ACCEPTED),
        ({"per_venue": 6_999.0}, ("notional_limit",)),
        ({"net_per_strategy": 1_000.0}, ACCEPTED),
        ({"net_per_strategy": 999.0}, ("notional_limit",)),
        ({"net_portfolio": 3_000.0}, ACCEPTED),
        ({"net_portfolio": 2_999.0}, ("notional_limit",)),
    ],
)
def test_notional_limit(limits: dict[str, float], expected: tuple[str, ...]) -> None:
    """alpha is short 20 ETH and buys 30 BTC: gross 5,000, net 1,000; beta holds 10 BTC and 10 ETH long.

    All: BTC 40 units, gross 7,000, net 3,000.
    """
    bench = Bench(notional(), strategies=("alpha", "beta"), instruments=TWO_SYMBOLS)
    bench.hold(-20.0, symbol="ETH-USD", strategy="alpha")
    bench.hold(10.0, symbol="BTC-USD", strategy="beta")
    bench.hold(10.0, symbol="ETH-USD", strategy="beta")
    bench.tell(SetLimits(notional(**limits)))
    assert bench.order("buy", 30.0) == expected


def test_the_total_portfolio_is_also_capped_by_max_portfolio_value() -> None:
    limits = only(
        global_limits=GlobalLimits(max_portfolio_value=1_000.0, max_daily_loss=INF, max_drawdown=INF)
    )
    assert Bench(limits).order("buy", 10.01) == ("notional_limit",)
    assert Bench(limits).order("buy", 10.0) == ACCEPTED


def test_venue_limit_leaves_the_other_venue_alone() -> None:
    bench = Bench(notional(per_venue=1_000.0), instruments=TWO_VENUES)
    bench.hold(10.0, venue="x")
    assert bench.order("buy", 1.0, venue="x") == ("notional_limit",)
    assert bench.order("buy", 10.0, venue="y") == ACCEPTED


def test_notional_counts_working_orders_and_the_multiplier() -> None:
    bench = Bench(notional(per_strategy=1_000.0), instruments=(Instrument("BTC-USD", "x", multiplier=10.0),))
    assert bench.order("buy", 0.6, order_type="limit", limit_price=90.0) == ACCEPTED  # 600 at the mark
    assert bench.order("buy", 0.41) == ("notional_limit",)
    assert bench.order("buy", 0.4) == ACCEPTED


def test_notional_is_measured_at_the_present_mark() -> None:
    bench = Bench(notional(per_strategy=2_000.0))
    bench.hold(10.0)
    bench.price(150.0)  # 1,500 by now
    assert bench.order("buy", 3.34) == ("notional_limit",)  # 13.34 x 150 = 2,001
    assert bench.order("buy", 3.33) == ACCEPTED


def test_a_position_that_grew_over_its_limit_by_price_may_be_reduced() -> None:
    bench = Bench(notional(per_strategy=1_000.0))
    bench.hold(10.0)
    bench.price(200.0)
    assert bench.order("buy", 0.1) == ("notional_limit",)
    assert bench.order("sell", 4.0) == ACCEPTED
    assert bench.order("sell", 6.0) == ACCEPTED  # the rest


def test_an_order_through_zero_is_no_reduction() -> None:
    bench = Bench(notional(per_strategy=1_000.0))
    bench.hold(10.0)
    assert bench.order("sell", 20.01) == ("notional_limit",)
    assert bench.order("sell", 20.0) == ACCEPTED


# ---- concentration_limit


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [(4.9, ACCEPTED), (5.0, ACCEPTED), (5.1, ("concentration_limit",))],
)
def test_concentration_limit(quantity: float, expected: tuple[str, ...]) -> None:
    """10 BTC and 5 ETH at 100; with 5 more BTC: 1,500 of 2,000 is 75 %."""
    limits = only(concentration_limits=ConcentrationLimits(max_symbol_share=0.75, min_gross=1_000.0))
    bench = Bench(limits, instruments=TWO_SYMBOLS)
    bench.hold(5.0, symbol="ETH-USD")
    bench.hold(5.0)
    bench.hold(5.0)
    assert bench.order("buy", quantity) == expected


def test_concentration_is_not_looked_at_up_to_min_gross() -> None:
    limits = only(concentration_limits=ConcentrationLimits(max_symbol_share=0.75, min_gross=1_000.0))
    bench = Bench(limits, instruments=TWO_SYMBOLS)
    assert bench.order("buy", 10.01) == ("concentration_limit",)
    assert bench.order("buy", 10.0) == ACCEPTED


def test_concentration_lets_a_reducing_order_pass() -> None:
    bench = Bench(only(), instruments=TWO_SYMBOLS)
    bench.hold(50.0)
    bench.tell(SetLimits(only(concentration_limits=ConcentrationLimits(max_symbol_share=0.5, min_gross=0.0))))
    assert bench.order("sell", 1.0) == ACCEPTED


# ---- strategy_limit


def strategy_limit(**own: float) -> RiskLimits:
    off = {"max_position_notional": INF, "max_daily_trades": INF, "stop_loss_pct": INF}
    return only(per_strategy=PerStrategyLimits(**(off | own)), enable_circuit_breakers=False)


@pytest.mark.parametrize(
    ("side", "quantity", "expected"),
    [("buy", 6.0, ACCEPTED), ("buy", 6.01, ("strategy_limit",)), ("sell", 14.01, ("strategy_limit",))],
)
def test_max_position_notional_is_per_instrument(
    side: str, quantity: float, expected: tuple[str, ...]
) -> None:
    bench = Bench(strategy_limit(max_position_notional=1_000.0), instruments=TWO_SYMBOLS)
    bench.hold(10.0, symbol="ETH-USD")
    bench.hold(4.0)
    assert bench.order(side, quantity) == expected


def test_max_daily_trades_counts_orders_sent_until_midnight() -> None:
    bench = Bench(strategy_limit(max_daily_trades=3.0), strategies=("alpha", "beta"))
    for _ in range(3):
        assert bench.order("buy", 1.0) == ACCEPTED
    assert bench.order("buy", 1.0) == ("strategy_limit",)
    assert bench.order("buy", 1.0, strategy="beta") == ACCEPTED
    bench.price(100.0, at=86_399.0)
    assert bench.order("sell", 3.0) == ACCEPTED  # reduces what was bought
    bench.price(100.0)
    assert bench.order("buy", 1.0) == ("strategy_limit",)
    bench.price(100.0, at=86_400.0)
    assert bench.order("buy", 1.0) == ACCEPTED


@pytest.mark.parametrize(
    ("price", "expected"), [(90.01, ACCEPTED), (90.0, ACCEPTED), (89.99, ("strategy_limit",))]
)
def test_stop_loss_refuses_what_adds_even_where_breakers_are_off(
    price: float, expected: tuple[str, ...]
) -> None:
    """100 units from 100 with a capital of 10,000: 10 % are lost at 90."""
    bench = Bench(strategy_limit(stop_loss_pct=0.10), capital=10_000.0)
    bench.hold(100.0)
    bench.price(price)
    assert bench.order("buy", 1.0) == expected
    assert bench.order("sell", 1.0) == ACCEPTED


# ---- buying_power


@pytest.mark.parametrize(
    ("quantity", "expected"), [(200.0, ACCEPTED), (200.01, ("buying_power",))], ids=["twice", "more"]
)
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_margin_is_gross_exposure_against_equity(
    side: str, quantity: float, expected: tuple[str, ...]
) -> None:
    limits = only(buying_power=BuyingPower("margin", 2.0))
    assert Bench(limits, cash=10_000.0).order(side, quantity) == expected


def test_margin_shrinks_with_equity() -> None:
    bench = Bench(only(buying_power=BuyingPower("margin", 2.0)), cash=10_000.0)
    bench.hold(150.0)
    bench.price(80.0)  # 3,000 lost: equity 7,000 allows 14,000; held 12,000
    assert bench.order("buy", 25.01) == ("buying_power",)
    assert bench.order("buy", 25.0) == ACCEPTED


def test_nothing_but_reducing_passes_when_equity_is_below_zero() -> None:
    bench = Bench(only(buying_power=BuyingPower("margin", 10.0)), cash=1_000.0)
    bench.hold(100.0)
    bench.price(89.0)  # 1,100 lost of 1,000
    assert bench.equity == -100.0
    assert bench.order("buy", 0.01) == ("buying_power",)
    assert bench.order("sell", 100.0) == ACCEPTED


@pytest.mark.parametrize(("quantity", "expected"), [(100.0, ACCEPTED), (100.01, ("buying_power",))])
def test_cash_cannot_be_spent_twice(quantity: float, expected: tuple[str, ...]) -> None:
    assert Bench(only(buying_power=BuyingPower("cash")), cash=10_000.0).order("buy", quantity) == expected


def test_cash_counts_what_is_held_and_what_works() -> None:
    bench = Bench(only(buying_power=BuyingPower("cash")), cash=10_000.0)
    bench.hold(50.0)
    assert bench.order("buy", 30.0, order_type="limit", limit_price=90.0) == ACCEPTED
    assert bench.order("buy", 20.01) == ("buying_power",)
    bench.price(200.0)  # the position is worth 10,000; what was spent stays 5,000, 6,000 works at the mark
    assert bench.equity == 15_000.0
    assert bench.order("buy", 0.01) == ("buying_power",)


def test_cash_pays_the_spread_and_the_fee_too() -> None:
    costs = Costs(0.0, 0.0, 100.0, 0.0, 0.0, INF, 0.0)  # taker fee of 1 %
    bench = Bench(only(buying_power=BuyingPower("cash")), cash=10_302.0, costs=costs)
    bench.price(100.0, bid=98.0, ask=102.0)
    assert bench.order("buy", 100.01) == ("buying_power",)
    assert bench.order("buy", 100.0) == ACCEPTED  # 100 x 102 x 1.01 = 10,302


@pytest.mark.parametrize(("quantity", "expected"), [(10.0, ACCEPTED), (10.01, ("buying_power",))])
def test_cash_accounts_sell_only_what_they_hold(quantity: float, expected: tuple[str, ...]) -> None:
    bench = Bench(only(buying_power=BuyingPower("cash")), cash=10_000.0)
    bench.hold(10.0)
    assert bench.order("sell", quantity) == expected


def test_a_refusal_tells_the_figures() -> None:
    bench = Bench(only(position_limits={"BTC-USD": PositionLimit(max_long=10.0)}))
    (refused,) = [f for f in bench.send("buy", 12.0) if isinstance(f, OrderRefused)]
    assert (refused.failed_checks, refused.value, refused.limit) == (("position_limit",), 12.0, 10.0)
    assert (refused.quantity, refused.side, refused.expected_price) == (12.0, 1, 100.0)


def test_every_failed_check_is_told() -> None:
    limits = only(
        position_limits={"BTC-USD": PositionLimit(max_long=10.0)},
        notional_limits=NotionalLimits(per_strategy=1_000.0, total_portfolio=1_000.0),
        buying_power=BuyingPower("cash"),
    )
    assert Bench(limits, cash=1_000.0).order("buy", 12.0) == (
        "position_limit",
        "notional_limit",
        "buying_power",
    )
