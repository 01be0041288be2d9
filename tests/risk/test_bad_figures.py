"""NaN, infinity and other nonsense: refused at the door, never in the ledger, and no way round a limit."""

from __future__ import annotations

from math import inf, isfinite, nan
from typing import Any

import numpy as np
import pytest

from tests.risk.bench import ACCEPTED, Bench, house, only
from workbench.core.intents import Signals
from workbench.core.limits import BuyingPower, NotionalLimits, PerStrategyLimits, StrategyErrors
from workbench.core.messages import MarketSignal
from workbench.errors import LimitsError

PATIENT = house(strategy_errors=StrategyErrors(max_errors=inf))


def ledger_is_finite(bench: Bench) -> bool:
    view = bench.desk.view
    cells = np.asarray(view.positions)
    book = bench.desk.book
    names = (
        "quantity",
        "average",
        "realised",
        "fees",
        "unrealised",
        "working_buy",
        "working_sell",
        "exposure",
    )
    figures = [float(value) for name in names for value in cells[name]]
    figures += [float(f) for f in (book.equity, book.peak, book.day_equity, book.base_equity, book.drawdown)]
    figures += [
        float(row[name]) for row in np.asarray(view.strategies) for name in ("pnl", "peak", "base_pnl")
    ]
    return all(isfinite(figure) for figure in figures)


@pytest.mark.parametrize(
    ("strength", "confidence"),
    [(nan, 1.0), (inf, 1.0), (-inf, 1.0), (1.0, nan), (1.0, inf), (1.0, -0.1), (1.0, 1.1), (nan, nan)],
)
def test_a_signal_that_is_no_number_is_refused_and_counted(strength: float, confidence: float) -> None:
    bench = Bench(PATIENT)
    facts = bench.tell(Signals("alpha", [MarketSignal("BTC-USD", None, strength, confidence)]))
    assert {getattr(f, "reason", getattr(f, "breach_type", "")) for f in facts} == {"invalid_signal"}
    assert int(bench.desk.view.strategies[0].refused) == 1
    assert ledger_is_finite(bench)


@pytest.mark.parametrize("bad", [nan, inf, -inf, 0.0, -1.0])
@pytest.mark.parametrize("term", ["quantity", "limit_price", "stop_price"])
def test_a_term_that_cannot_be_is_refused(term: str, bad: float) -> None:
    kind = {"quantity": "market", "limit_price": "limit", "stop_price": "stop"}[term]
    terms: dict[str, Any] = {"order_type": kind, term: bad}
    if term == "quantity" and bad == 0.0:
        terms["quantity"] = -0.0
    bench = Bench(PATIENT)
    quantity = terms.pop("quantity", 1.0)
    assert bench.order("buy", quantity, **terms) in {("invalid_signal",), ("bad_metadata",)}
    assert int(bench.desk.book.accepted) == 0
    assert ledger_is_finite(bench)


@pytest.mark.parametrize("units", [3.6e-204, 1e-312, 5e-324])
def test_a_position_of_next_to_nothing_can_be_closed(units: float) -> None:
    """The product of two such quantities is zero, and so says nothing about their signs."""
    bench = Bench(PATIENT)
    bench.hold(units)
    bench.hold(-units)
    assert bench.position() == 0.0
    assert bench.equity == 1_000_000.0
    assert ledger_is_finite(bench)


def test_the_largest_number_there_is_runs_into_the_limits() -> None:
    bench = Bench(PATIENT)
    assert bench.order("buy", 1.7e308) == ("invalid_signal",)  # its value is infinite
    assert "max_order_value" in bench.order("buy", 1e300)
    assert bench.order("buy", 1.0) == ACCEPTED


@pytest.mark.parametrize("bad", [nan, inf, -inf, 0.0, -100.0])
@pytest.mark.parametrize("field", ["last", "bid", "ask"])
def test_a_price_that_cannot_be_changes_no_mark(field: str, bad: float) -> None:
    bench = Bench(PATIENT)
    bench.hold(10.0)
    figures = {"last": 101.0, "bid": 101.0, "ask": 101.0, field: bad}
    bench.price(figures["last"], bid=figures["bid"], ask=figures["ask"])
    assert float(bench.desk.view.instruments[0].mark) == 100.0
    assert bench.equity == 1_000_000.0
    assert bench.order("buy", 1.0) == ("price_collar",)
    assert ledger_is_finite(bench)


@pytest.mark.parametrize("equity", [nan, inf, -inf])
def test_margin_on_unknown_equity_refuses(equity: float) -> None:
    bench = Bench(only(buying_power=BuyingPower("margin", 2.0), enable_circuit_breakers=False))
    bench.desk.book.equity = equity
    assert bench.order("buy", 1.0) == ("buying_power",)


@pytest.mark.parametrize("equity", [nan, inf, -inf, -1.0])
def test_cash_on_unknown_equity_refuses(equity: float) -> None:
    bench = Bench(only(buying_power=BuyingPower("cash"), enable_circuit_breakers=False))
    bench.desk.book.equity = equity
    assert bench.order("buy", 1.0) == ("buying_power",)


def test_a_position_of_nan_units_refuses() -> None:
    bench = Bench(only(notional_limits=NotionalLimits()))
    bench.desk.view.positions[0].quantity = nan
    assert "notional_limit" in bench.order("buy", 1.0)
    assert "notional_limit" in bench.order("sell", 1.0)


def test_a_loss_of_nan_refuses() -> None:
    limits = only(per_strategy=PerStrategyLimits(inf, inf, stop_loss_pct=0.1), enable_circuit_breakers=False)
    bench = Bench(limits)
    bench.desk.view.strategies[0].pnl = nan
    assert bench.order("buy", 1.0) == ("strategy_limit",)


@pytest.mark.parametrize("bad", [nan, -1.0])
def test_limits_that_make_no_sense_do_not_come_into_force(bad: float) -> None:
    with pytest.raises(LimitsError):
        Bench(only(notional_limits=NotionalLimits(per_strategy=bad)))
