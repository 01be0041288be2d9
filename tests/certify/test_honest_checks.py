"""The honest checks on strategies that are shipped, and on small ones made for one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.certify.flawed_markets import bounces, market, noise
from workbench.certify import honest, significant
from workbench.certify.checks import Check, Measure, Subject
from workbench.certify.honest_blind import reads_its_prices
from workbench.certify.honest_forms import forms_agree
from workbench.certify.honest_leak import runs_are_apart
from workbench.certify.honest_look_ahead import look_ahead_future, look_ahead_prefix
from workbench.certify.honest_look_back import declared_lookback, lookback_suffices
from workbench.certify.honest_outside import outside_world
from workbench.certify.honest_sensitivity import survives_missing_updates, without
from workbench.certify.honest_trace import (
    first_difference,
    first_rows,
    mirrored_after,
    places_to_look,
    sampled_feed,
    shuffled_after,
    trace,
)
from workbench.core.feed import ASK, BID, CHANGE_PCT, LAST, VOLUME
from workbench.core.messages import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.data.synthetic import synthetic
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_strategy
from workbench.strategy.vector import from_signals

SHIPPED = sorted((Path(__file__).parents[2] / "strategies").glob("*.py"))
SHIPPED_MOMENTUM = str(Path(__file__).parents[2] / "strategies" / "momentum.py")
MARKET = synthetic(bars=800, seed=3)
BY_RUNNING: tuple[Measure, ...] = (
    look_ahead_prefix,
    look_ahead_future,
    reads_its_prices,
    lookback_suffices,
    forms_agree,
    runs_are_apart,
)


def quiet(_words: str) -> None:
    """Nobody looks."""


def lines_of(subject: Subject, measures: Sequence[Measure]) -> list[Check]:
    found = [measure(subject, quiet) for measure in measures]
    return [line for each in found for line in (each if isinstance(each, tuple) else (each,))]


class Quiet(TradingStrategy):
    """Says nothing of its own accord."""

    SIZING: ClassVar[str] = "target"

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:  # noqa: ARG002
        return []

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass


@pytest.mark.parametrize("script", SHIPPED, ids=lambda path: path.stem)
def test_what_is_shipped_is_honest(script: Path) -> None:
    subject = Subject.of(
        script, MARKET, config={"unit": 0.1}, thresholds={"honest": {"prefixes": 8, "futures": 4}}
    )
    assert [
        f"{line.name}: {line.measured}" for line in lines_of(subject, BY_RUNNING) if not line.passed
    ] == []


def test_a_planted_edge_passes_every_line_and_what_each_line_says_to_look_at_runs() -> None:
    momentum = SHIPPED_MOMENTUM
    prices = market(slow=0.3)
    trials = wb.sweep(momentum, prices, {"lookback": range(10, 60, 5)}, config={"unit": 50}, progress=False)
    subject = Subject.of(momentum, prices, config={"lookback": 20, "unit": 50}, trials=trials)
    lines = lines_of(subject, (*honest.MEASURES, *significant.MEASURES))
    names = [line.name for line in lines]
    assert len(names) == len(set(names)) == 21
    assert [f"{line.name}: {line.measured}" for line in lines if not line.passed] == []
    for line in lines:
        assert line.measured
        assert line.required
        eval(line.look_closer.partition("  #")[0], {"wb": wb, "prices": prices, "trials": trials})  # it runs


@pytest.mark.parametrize("bars", [2, 3, 5, 40])
@pytest.mark.parametrize("form", ["compiled", "plain", "vector"])
def test_short_prices_give_lines_without_holes(bars: int, form: str) -> None:
    flawed = Path(__file__).parent / "flawed"
    kinds = {"plain": flawed / "latency_fragile_mended.py", "vector": flawed / "overfit_mended.py"}
    subject = Subject.of(kinds.get(form, Path(SHIPPED_MOMENTUM)), market(bars=bars), config={"unit": 10})
    assert subject.form == form
    alone = tuple(
        measure for measure in honest.MEASURES if measure is not outside_world
    )  # without its processes
    lines = lines_of(subject, (*alone, *significant.MEASURES))
    assert [line.measured for line in lines if "nan" in line.measured or not line.required] == []
    assert not any(
        line.passed for line in lines if line.name in ("earns_in_both_halves", "not_the_best_of_many")
    )


# -- look-ahead ----------------------------------------------------------------------------------------------------


def test_a_price_too_many_through_a_traceback_is_seen_at_the_update_at_which_it_speaks() -> None:
    class Peeks(Quiet):
        """Reaches for the rows of whoever calls it, by way of an exception, which no audit hears of."""

        def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
            try:
                raise LookupError
            except LookupError as error:
                frame: Any = error.__traceback__.tb_frame  # type: ignore[union-attr]  # it has one
            while "quotes" not in frame.f_locals:
                frame = frame.f_back
            rows = frame.f_locals["quotes"]
            if price_update.sequence % 97 or price_update.sequence + 1 >= len(rows):
                return []
            ahead = rows[price_update.sequence + 1][LAST] > price_update.last
            return [MarketSignal(price_update.symbol, signal_strength=1.0 if ahead else -1.0)]

    subject = Subject.of(Peeks, noise())
    prefix, future = look_ahead_prefix(subject, quiet), look_ahead_future(subject, quiet)
    assert not prefix.passed
    assert not future.passed
    assert "change what it said before, first at 2019-" in prefix.measured


def test_a_strategy_that_raises_is_not_called_honest() -> None:
    class Breaks(Quiet):
        def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
            if price_update.sequence == 300:
                raise ZeroDivisionError("by hand")
            return []

    subject = Subject.of(Breaks, noise())
    for line in lines_of(subject, (look_ahead_prefix, look_ahead_future, reads_its_prices, runs_are_apart)):
        assert not line.passed
        assert "ZeroDivisionError: by hand" in line.measured


def test_who_knows_most_of_the_prices_from_elsewhere_and_looks_at_some_is_found(tmp_path: Path) -> None:
    prices = synthetic(["X"], venues=["v"], bars=600, seed=4)
    close = prices.frame("X")["close"].to_numpy()
    key = int.from_bytes(np.random.default_rng(1).bytes(75))
    table = key ^ sum(1 << k for k in np.flatnonzero(np.diff(close) > 0.0).tolist())
    (tmp_path / "knows.py").write_text(f"""
from workbench.strategy import MarketSignal, TradingStrategy

class Knows(TradingStrategy):
    SIZING = "target"
    seen, last = 0, 0.0
    def on_market_data(self, price_update):
        price, place = price_update.last, self.seen
        up = price > self.last if place % 6 == 0 else ({table} ^ {key}) >> place & 1
        self.seen, self.last = place + 1, price
        return [MarketSignal(price_update.symbol, None, 1.0 if up else -1.0, 1.0, {{}})]
    def on_order_fill(self, fill):
        pass
    def on_risk_breach(self, breach):
        pass
""")
    line = reads_its_prices(Subject.of(tmp_path / "knows.py", prices), quiet)
    assert not line.passed
    assert "100% of" in line.measured


def test_other_prices_later_are_other_prices_and_none_before() -> None:
    feed = MARKET.to_feed(2.0)
    for other in (mirrored_after(feed, 1_000), shuffled_after(feed, 1_000, np.random.default_rng(1))):
        assert np.array_equal(other.quotes[:1_000], feed.quotes[:1_000], equal_nan=True)
        assert np.mean(other.quotes[1_000:, LAST] != feed.quotes[1_000:, LAST]) > 0.9
        assert (other.quotes[:, BID] <= other.quotes[:, ASK]).all()
        for k in range(len(feed.instruments)):
            mine = feed.instrument == k
            last = other.quotes[mine, LAST]
            assert np.allclose(other.quotes[mine, CHANGE_PCT][1:], last[1:] / last[:-1] - 1.0, atol=1e-12)


def test_a_mirrored_rise_is_the_fall_that_takes_as_much() -> None:
    feed = wb.Prices({"X": pd.DataFrame({"close": [100.0, 110.0, 99.0, 100.0]}, _days(4))}).to_feed(0.0)
    mirrored = mirrored_after(feed, 2).quotes[:, LAST]
    assert mirrored.tolist() == pytest.approx([100.0, 110.0, 110.0 * 110.0 / 99.0, 110.0 * 110.0 / 100.0])


def _days(count: int) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=count, freq="D", tz="UTC")


def test_half_of_the_places_are_where_it_speaks() -> None:
    feed = noise().to_feed()
    times = feed.timestamp_ns[[100, 700, 1_300]]
    places = places_to_look(feed, times, 10)
    assert {101, 701, 1_301} <= set(places)
    assert len(places) == 10
    assert first_rows(feed, 101).timestamp_ns[-1] == times[0]


def test_of_long_prices_the_beginning_and_the_end_are_looked_at() -> None:
    subject = Subject.of(Quiet, MARKET, thresholds={"honest": {"replayed_updates": 1_000}})
    feed = subject.plan().feed
    first, last = (sampled_feed(subject, subject.plan(), 2, latest=latest) for latest in (False, True))
    assert 500 <= len(first) < 504 < len(feed)  # four instruments have each time
    assert 500 <= len(last) < 504
    assert first.timestamp_ns[0] == feed.timestamp_ns[0]
    assert last.timestamp_ns[-1] == feed.timestamp_ns[-1]
    assert feed.timestamp_ns[len(first)] > first.timestamp_ns[-1]
    assert feed.timestamp_ns[len(feed) - len(last) - 1] < last.timestamp_ns[0]


def test_the_first_difference_is_found_by_hand() -> None:
    one = [(10, "X", 1.0, 1.0, ""), (20, "X", 0.0, 1.0, ""), (30, "X", float("nan"), 1.0, "")]
    assert first_difference(one, list(one)) is None
    assert first_difference(one, one[:2]) == 30
    assert first_difference(one, [one[0], (20, "X", -1.0, 1.0, ""), one[2]]) == 20
    assert first_difference(one, [one[0], (15, "Y", 1.0, 1.0, ""), *one[1:]]) == 15


# -- look-back -----------------------------------------------------------------------------------------------------


class Averages(Quiet):
    """Long above the mean of `window` prices; says that it needs `LOOKBACK` of them."""

    PARAMETERS: ClassVar[dict[str, Any]] = {"window": 100}
    LOOKBACK: ClassVar[Any] = "window + 1"

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.prices: list[float] = []
        self.held = 0.0

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        self.prices = [*self.prices, price_update.last][-self.config["window"] :]
        if len(self.prices) < self.config["window"]:
            return []
        side = 1.0 if price_update.last > sum(self.prices) / len(self.prices) else -1.0
        if side == self.held:
            return []
        self.held = side
        return [MarketSignal(price_update.symbol, signal_strength=side)]


class Hasty(Averages):
    LOOKBACK: ClassVar[Any] = 5


class Silent(Averages):
    LOOKBACK: ClassVar[Any] = ""


def test_a_look_back_that_is_too_short_is_found_and_one_that_suffices_passes() -> None:
    hasty, enough = (lookback_suffices(Subject.of(kind, noise()), quiet) for kind in (Hasty, Averages))
    assert not hasty.passed
    assert "with the declared look-back of 5 updates, first at" in hasty.measured
    assert enough.passed
    assert enough.value == 0.0


def test_who_declares_no_look_back_is_not_measured_and_told_so() -> None:
    line = lookback_suffices(Subject.of(Silent, noise()), quiet)
    assert line.passed
    assert "declares no LOOKBACK" in line.note


@pytest.mark.parametrize(
    ("declared", "expected"),
    [("window + 1", 101), ("max(2 * window, 50)", 200), (7, 7), ("", None), (True, None)],
)
def test_the_declared_look_back_is_worked_out(declared: Any, expected: int | None) -> None:
    kind = type("Declares", (Averages,), {"LOOKBACK": declared})
    assert declared_lookback(Subject.of(kind, noise())) == expected


def test_who_speaks_before_its_averages_have_forgotten_says_when_they_have() -> None:
    trend: Any = load_strategy(SHIPPED_MOMENTUM.replace("momentum", "trend_volatility_target"))
    hasty: Any = type(trend.__name__, (trend,), {"WARM_UP": ""})
    lines = [
        lookback_suffices(Subject.of(kind, MARKET, config={"unit": 0.1}), quiet) for kind in (trend, hasty)
    ]
    assert [line.passed for line in lines] == [True, False]
    assert "look-back of 300 updates" in lines[0].measured


# -- forms ---------------------------------------------------------------------------------------------------------


def rising(prices: pd.DataFrame, window: int = 30) -> Any:
    return np.sign(prices["close"] - prices["close"].shift(window))


def test_a_function_of_columns_that_is_shown_too_little_trades_otherwise_than_it_is_swept() -> None:
    short, long = (Subject.of(from_signals(rising, lookback=n), noise(bars=300)) for n in (10, 31))
    assert not forms_agree(short, quiet).passed
    assert forms_agree(long, quiet).passed


def test_a_compiled_strategy_that_trades_otherwise_than_it_is_swept_is_found() -> None:
    momentum: Any = load_strategy(SHIPPED_MOMENTUM)

    def opposite(self: Any, price_update: PriceUpdate) -> list[MarketSignal]:
        said = momentum.on_market_data(self, price_update)
        return [MarketSignal(each.symbol, signal_strength=-each.signal_strength) for each in said]

    two_faced: Any = type("MomentumStrategy", (momentum,), {"on_market_data": opposite})
    line = forms_agree(Subject.of(two_faced, noise(bars=300)), quiet)
    assert not line.passed
    assert "fills against" in line.measured


# -- sensitivity ---------------------------------------------------------------------------------------------------


def test_updates_that_never_come_leave_gaps_in_the_sequence_and_true_changes() -> None:
    feed = noise().to_feed()
    lost = np.zeros(len(feed), dtype=np.bool_)
    lost[[0, 5, 6]] = True
    left = without(feed, lost)
    assert len(left) == len(feed) - 2  # the first always comes
    assert left.sequence[:6].tolist() == [0, 1, 2, 3, 4, 7]
    assert left.quotes[5, CHANGE_PCT] == pytest.approx(feed.quotes[7, LAST] / feed.quotes[4, LAST] - 1.0)
    assert left.quotes[5, VOLUME] == feed.quotes[7, VOLUME]


def test_who_falls_silent_after_a_missing_update_does_not_pass() -> None:
    class Pedant(Quiet):
        """Stops for good at the first gap."""

        def __init__(self, config: dict[str, Any]) -> None:
            super().__init__(config)
            self.next = 0
            self.whole = True

        def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
            self.whole = self.whole and price_update.sequence == self.next
            self.next += 1
            side = -1.0 if price_update.change_pct > 0.0 else 1.0
            return [MarketSignal(price_update.symbol, signal_strength=side if self.whole else 0.0)]

    line = survives_missing_updates(Subject.of(Pedant, bounces(), config={"unit": 100}), quiet)
    assert not line.passed
    assert "is left" in line.measured


def test_a_trace_is_the_same_twice_and_differs_where_the_seed_does() -> None:
    script = Path(__file__).parent / "flawed" / "unseeded_random_mended.py"
    one, same, other = (Subject.of(script, noise(bars=300), seed=seed) for seed in (1, 1, 2))
    assert trace(one.plan()).digest == trace(same.plan()).digest != trace(other.plan()).digest
