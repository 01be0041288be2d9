"""Prices to come are found wherever a strategy keeps them, and what is none of them is not taken for them."""

from __future__ import annotations

import array
import functools
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.certify.flawed_markets import market
from workbench.certify.checks import Subject
from workbench.certify.honest_carried import carries_future_prices, resemblance
from workbench.certify.honest_reach import collections_of
from workbench.core.feed import LAST
from workbench.core.messages import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.strategy.contract import TradingStrategy

PRICES = market(bars=400)
CLOSES = PRICES.to_feed().quotes[:, LAST]

type Floats = npt.NDArray[np.float64]


class Holds(TradingStrategy):
    """Does nothing with what it holds."""

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:  # noqa: ARG002
        return []

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass


class Remembers(Holds):
    """Keeps what it was shown, as anybody may."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.seen: list[float] = []

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        self.seen.append(price_update.last)
        return []


def remembered(length: int) -> Floats:
    @functools.cache
    def table() -> Floats:
        return CLOSES[:length]

    return table()


FORMS: dict[str, Any] = {
    "list": CLOSES.tolist(),
    "tuple in a dict": {"a": {"b": tuple(CLOSES.tolist())}},
    "later part": CLOSES[200:260],
    "backwards": CLOSES[::-1].copy(),
    "by time": dict(zip(range(400), CLOSES.tolist(), strict=True)),
    "rows": [(k, price) for k, price in enumerate(CLOSES.tolist())],
    "frame": pd.DataFrame({"x": CLOSES}),
    "series": pd.Series(CLOSES),
    "two columns": np.column_stack([np.arange(400.0), CLOSES]),
    "deque": deque(CLOSES.tolist()),
    "array": array.array("d", CLOSES.tolist()),
    "bytes": CLOSES.astype("<f8").tobytes(),
    "text": ",".join(map(str, CLOSES)),
    "object": SimpleNamespace(inner=SimpleNamespace(table=CLOSES)),
    "closure": lambda table=CLOSES: table,
    "prices": PRICES,
    "feed": PRICES.to_feed(),
    "moves": np.diff(CLOSES),
    "returns upside down": -np.diff(np.log(CLOSES)),
    "directions": np.sign(np.diff(CLOSES)).tolist(),
    "some directions": [bool(d > 0) * 2 - 1 for d in np.diff(CLOSES)[50:120]],
    "another unit": CLOSES * 0.87 + 3.0,
}


@pytest.mark.parametrize("form", FORMS)
def test_prices_to_come_are_found_in_every_form(form: str) -> None:
    subject = Subject.of(Holds, PRICES, config={"table": FORMS[form]})
    line = carries_future_prices(subject, lambda _: None)
    assert not line.passed
    assert "to come of MADE@UP, before the first price" in line.measured


def test_prices_to_come_are_found_in_the_class_and_in_constants_of_its_functions() -> None:
    class Within(Holds):
        TABLE = CLOSES.tolist()

    constants: dict[str, Any] = {}
    exec(f"def told(): return {tuple(CLOSES.tolist())!r}", constants)  # noqa: S102 - as a script has it

    class Written(Holds):
        told = staticmethod(constants["told"])

    for kind in (Within, Written):
        assert not carries_future_prices(Subject.of(kind, PRICES), lambda _: None).passed


class Knows(Holds):
    """Does not hold the prices; its code names them, where they stand beside it."""

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        return [
            MarketSignal(price_update.symbol, signal_strength=float(remembered(400)[price_update.sequence]))
        ]


def test_prices_beside_a_strategy_count_where_its_code_names_them() -> None:
    line = carries_future_prices(Subject.of(Knows, PRICES), lambda _: None)
    assert not line.passed
    assert "CLOSES" in line.measured
    assert carries_future_prices(Subject.of(Holds, PRICES), lambda _: None).passed


def test_prices_that_it_was_shown_may_be_kept() -> None:
    line = carries_future_prices(Subject.of(Remembers, PRICES), lambda _: None)
    assert line.passed, line.measured
    strategy = Remembers({})
    strategy.seen = CLOSES[:30].tolist()
    assert [(where, len(numbers)) for where, numbers in collections_of(strategy)] == [
        ("an instance's seen", 30)
    ]


OTHERS: dict[str, Any] = {
    "count": np.arange(500.0),
    "zeros": np.zeros(100),
    "spike": np.eye(1, 60, 30)[0],
    "step": np.concatenate([np.zeros(40), np.ones(40)]),
    "wave": np.sin(np.arange(300.0) / 7.0),
    "turns": np.tile([1.0, -1.0], 40),
    "lots": np.random.default_rng(8).choice([-1.0, 1.0], 400),
    "few prices": CLOSES[:19],
    "windows": np.array([5.0, 10.0, 20.0, 50.0, 100.0, 200.0] * 5),
    "walk": np.cumsum(np.random.default_rng(9).standard_normal(400)),
}


@pytest.mark.parametrize("numbers", OTHERS.values(), ids=OTHERS)
def test_what_is_not_of_the_prices_is_not_taken_for_them(numbers: Floats) -> None:
    crash: Any = CLOSES.copy()
    crash[200:] *= 0.6  # one large move, which a spike anywhere would be like
    assert resemblance(numbers, CLOSES) == ""
    assert resemblance(numbers, crash) == ""


def test_whole_numbers_are_not_taken_for_prices_on_a_coarse_grid() -> None:
    steps: Any = np.cumsum(np.random.default_rng(1).choice([-1.0, 1.0], 3_000)) + 1_000.0
    assert resemblance(np.arange(960.0, 1_040.0), steps) == ""


KINDS = ("normal", "cauchy", "signs", "walk", "sparse")


@given(
    st.integers(0, 2**32 - 1),
    st.integers(30, 300),
    st.sampled_from(KINDS),
)
@settings(max_examples=150)
def test_chance_does_not_look_like_prices(seed: int, length: int, kind: str) -> None:
    generator = np.random.default_rng([seed, 7])  # not that of the prices
    numbers: Any = generator.standard_normal(length)
    if kind == "cauchy":
        numbers = generator.standard_cauchy(length)
    elif kind == "signs":
        numbers = np.sign(numbers)
    elif kind == "walk":
        numbers = np.cumsum(numbers)
    elif kind == "sparse":
        numbers = np.where(generator.random(length) < 0.1, numbers, 0.0)
    assert resemblance(numbers, CLOSES) == ""
