"""Whatever prices, strategies, venues and people do: the books stay true and no booked order exceeds a limit."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import msgspec
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.risk.bench import MIDNIGHT, SECOND, only
from tests.risk.shadow import Shadow
from workbench.core.build import Seat, VenueFaultWindow
from workbench.core.codes import Sizing
from workbench.core.costs import Costs
from workbench.core.desk import TradingDesk
from workbench.core.facts import Fact, OrderAccepted
from workbench.core.intents import (
    AcceptPrice,
    CancelOrders,
    ClosePositions,
    ResetBreaker,
    SetLimits,
    Signals,
    StrategyFailed,
    TripBreaker,
)
from workbench.core.limits import (
    BuyingPower,
    CircuitBreakers,
    ConcentrationLimits,
    DrawdownLimits,
    DuplicateOrder,
    GlobalLimits,
    MessageRate,
    MonitorSettings,
    NotionalLimits,
    OrderLimits,
    PerStrategyLimits,
    PositionLimit,
    RepeatedExecution,
    RiskLimits,
    StrategyErrors,
)
from workbench.core.messages import Instrument, MarketSignal, PriceUpdate
from workbench.core.venue_faults import VenueFault

CASH = 100_000.0
OVER = 1.0 + 1e-8  # what rounding may add to a limit that was met exactly
INSTRUMENTS = (
    Instrument("BTC-USD", "x", tick=0.01, lot=0.001),
    Instrument("BTC-USD", "y"),
    Instrument("ETH-USD", "x", multiplier=5.0, min_notional=10.0),
)
SEATS = (
    Seat("alpha", Sizing.ORDER, 20.0),
    Seat("beta", Sizing.TARGET, {"BTC-USD": 30.0, "ETH-USD": 5.0}),
    Seat("gamma", Sizing.ORDER, 100.0, capital=5_000.0),
)
COSTS = Costs(2.0, -1.0, 5.0, 1.0, 10.0, 0.25, 0.0)

TIGHT = RiskLimits(
    position_limits={
        "BTC-USD": PositionLimit(60.0, -50.0, 40.0, -40.0),
        "ETH-USD": PositionLimit(20.0, -20.0),
    },
    notional_limits=NotionalLimits(6_000.0, 12_000.0, 8_000.0, 10_000.0, 5_000.0, 9_000.0),
    concentration_limits=ConcentrationLimits(0.8, 2_000.0),
    drawdown_limits=DrawdownLimits(-3_000.0, -0.10, 2_000.0),
    circuit_breakers=CircuitBreakers(-0.05, -800.0, -0.03),
    global_limits=GlobalLimits(max_drawdown=0.06),
    per_strategy=PerStrategyLimits(5_000.0, 40, 0.10),
    order_limits=OrderLimits(0.05, 600.0, 0.20, 4_000.0, 45.0, 2.0),
    message_rate=MessageRate(0.5, 12.0, 1.0, 30.0, 0.1),
    repeated_execution=RepeatedExecution(6, 120.0),
    duplicate_order=DuplicateOrder(5.0, 3),
    buying_power=BuyingPower("margin", 0.11),
    monitors=MonitorSettings(600.0, 16, 0.95, 0.9, 0.9, 0.9, 0.8),
    strategy_errors=StrategyErrors(4, 600.0),
)
LOOSE = msgspec.structs.replace(
    only(position_limits={"BTC-USD": PositionLimit(500.0, -500.0)}, buying_power=BuyingPower("margin", 1.0)),
    circuit_breakers=CircuitBreakers(-0.30, -inf, -inf),
    self_trade_prevention="cancel_both",
    monitors=TIGHT.monitors,
)
FEATURES: dict[str, RiskLimits] = {
    "tight": TIGHT,
    "loose": LOOSE,
    "nothing": msgspec.structs.replace(RiskLimits.unlimited(), monitors=TIGHT.monitors),
    "cash": msgspec.structs.replace(TIGHT, buying_power=BuyingPower("cash")),
    "restricted": msgspec.structs.replace(
        TIGHT, restricted_list=["ETH-USD"], permitted_instruments={"gamma": ["BTC-USD@y"]}
    ),
    "lower": msgspec.structs.replace(
        TIGHT,
        position_limits={"BTC-USD": PositionLimit(5.0, 0.0)},
        notional_limits=NotionalLimits(500.0, 1_000.0),
        self_trade_prevention="cancel_oldest",
    ),
    "no liquidation": msgspec.structs.replace(
        TIGHT, circuit_breakers=CircuitBreakers(-0.05, -800.0, -0.03, liquidate=False)
    ),
    "no checks": msgspec.structs.replace(TIGHT, enable_pre_trade=False),
    "no breakers": msgspec.structs.replace(TIGHT, enable_circuit_breakers=False),
}

NAMES = [seat.strategy_id for seat in SEATS]

steps = st.one_of(
    *[st.floats(0.0, 600.0)] * 4, st.just(0.0), st.floats(0.0, 50_000.0), st.floats(-500.0, -1.0)
)
moves = st.one_of(st.floats(0.98, 1.02), st.floats(0.9, 1.1), st.sampled_from([0.5, 0.7, 1.3, 1.9]))
bad = st.sampled_from([nan, inf, -inf, 0.0, -1.0, 1e-300, 1e300])
oddities = st.one_of(
    st.tuples(bad, st.just(1.0), st.just(1.0), st.just(1)),
    st.tuples(st.just(1.0), bad, st.just(1.0), st.just(1)),
    st.tuples(st.just(1.0), st.just(1.0), bad, st.just(1)),
    st.just((1.0, 1.01, 0.99, 1)),
    st.sampled_from([0.001, 0.4, 0.7, 1.6, 1_000.0]).flatmap(
        lambda jump: st.tuples(*[st.just(jump)] * 3, st.integers(1, 30))
    ),
)
"""Last, bid and ask as multiples of the price before, and how often they come."""
volumes = st.one_of(st.just(nan), st.floats(0.0, 500.0), st.sampled_from([0.0, inf, -5.0, 1e9]))
wild = st.sampled_from([nan, inf, -inf, 2.0, -7.0, 1e300, -0.0, 1e-300])
strengths = st.one_of(st.floats(-1.0, 1.0), st.sampled_from([1.0, -1.0]))


@st.composite
def signals(draw: st.DrawFn) -> MarketSignal:
    """Mostly sensible ones."""
    symbol = draw(st.sampled_from(["BTC-USD", "ETH-USD"]))
    odd = draw(st.integers(0, 19)) == 0
    strength = draw(wild if odd else strengths)
    confidence = draw(st.one_of(st.just(1.0), st.floats(0.0, 1.0)))
    terms: dict[str, Any] = {}
    kind = draw(st.sampled_from(["market", "market", "limit", "limit", "stop", "stop_limit"]))
    if kind != "market":
        terms["order_type"] = kind
    if kind in ("limit", "stop_limit"):
        terms["limit_price"] = draw(wild if odd else st.floats(90.0, 110.0))
    if kind in ("stop", "stop_limit"):
        terms["stop_price"] = draw(st.floats(90.0, 110.0))
    terms |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "quantity": wild if odd else st.floats(0.01, 60.0),
                "time_in_force": st.sampled_from(["GTC", "IOC", "FOK", "DAY"]),
                "reduce_only": st.booleans(),
                "post_only": st.booleans(),
                "client_order_id": st.integers(1, 5),
                "action": st.sampled_from(["order", "order", "cancel", "replace"]),
            },
        )
    )
    if symbol == "BTC-USD":
        terms |= draw(st.fixed_dictionaries({}, optional={"venue": st.sampled_from(["x", "y", "z"])}))
    return MarketSignal("DOGE-USD" if odd and not terms else symbol, None, strength, confidence, terms)


@st.composite
def fault_windows(draw: st.DrawFn) -> VenueFaultWindow:
    kind = draw(st.sampled_from(VenueFault))
    start = draw(st.integers(0, 3_000))
    intensity = {VenueFault.LATENCY_SPIKE: 30.0, VenueFault.REJECT_STORM: 0.5, VenueFault.PARTIAL_FILLS: 0.1}
    return VenueFaultWindow(
        kind,
        MIDNIGHT + start * SECOND,
        MIDNIGHT + (start + draw(st.integers(1, 2_000))) * SECOND,
        draw(st.sampled_from(["", "x", "y"])),
        intensity.get(kind, 1.0),
        draw(st.integers(0, 99)),
    )


interventions = st.one_of(
    st.builds(StrategyFailed, st.sampled_from(NAMES), st.just("ValueError")),
    st.sampled_from(sorted(FEATURES)).map(lambda name: SetLimits(FEATURES[name])),
    st.builds(CancelOrders, st.sampled_from(["", *NAMES]), st.sampled_from(["", "BTC-USD", "ETH-USD"])),
    st.builds(ClosePositions, st.sampled_from(["", *NAMES]), st.sampled_from(["", "BTC-USD", "ETH-USD"])),
    st.builds(
        TripBreaker, st.just("R. Officer"), st.just("drill"), st.sampled_from(["", *NAMES]), st.booleans()
    ),
    st.builds(AcceptPrice, st.just("R. Officer"), st.just("split"), st.sampled_from(["BTC-USD", "ETH-USD"])),
)


class DeskMachine(RuleBasedStateMachine):
    @initialize(faults=st.lists(fault_windows(), max_size=3), limits=st.sampled_from(["tight", "loose"]))
    def open(self, faults: list[VenueFaultWindow], limits: str) -> None:
        self.desk = TradingDesk(
            INSTRUMENTS,
            SEATS,
            limits=FEATURES[limits],
            costs=COSTS,
            initial_cash=CASH,
            faults=faults,
            order_capacity=40,
        )
        self.shadow = Shadow(self.desk, CASH)
        self.now = 0.0
        self.last = [100.0] * len(INSTRUMENTS)
        self.sequence = [0] * len(INSTRUMENTS)
        for k in range(len(INSTRUMENTS)):
            self.quote(k, 100.0, 100.0, 100.0, nan)

    def tell(self, intent: Any) -> list[Fact]:
        facts = self.desk.process(intent)
        self.shadow.hear(facts)
        return facts

    def quote(self, k: int, last: float, bid: float, ask: float, volume: float) -> None:
        self.sequence[k] += 1
        i = INSTRUMENTS[k]
        ns = MIDNIGHT + round(self.now * SECOND)
        self.tell(PriceUpdate(i.symbol, i.venue, ns, bid, ask, last, volume, nan, nan, 0.0, self.sequence[k]))

    # ---- the market

    @rule(k=st.integers(0, 2), step=steps, move=moves, spread=st.floats(0.0, 0.02), volume=volumes)
    def price(self, k: int, step: float, move: float, spread: float, volume: float) -> None:
        self.now = max(0.0, self.now + step)
        last = min(max(self.last[k] * move, 20.0), 500.0)
        self.last[k] = last
        self.quote(k, last, last * (1.0 - spread / 2.0), last * (1.0 + spread / 2.0), volume)

    @rule(changes=st.lists(st.floats(-0.012, 0.01), min_size=3, max_size=18), step=st.floats(1.0, 200.0))
    def quiet_hours(self, changes: list[float], step: float) -> None:
        for n, change in enumerate(changes):
            k = n % len(INSTRUMENTS)
            self.now += step
            self.last[k] *= 1.0 + change
            self.quote(k, self.last[k], self.last[k] * 0.999, self.last[k] * 1.001, 300.0)

    @rule(k=st.integers(0, 2), odd=oddities)
    def odd_price(self, k: int, odd: tuple[float, float, float, int]) -> None:
        last, bid, ask, times = odd
        for _ in range(times):
            self.quote(k, self.last[k] * last, self.last[k] * bid, self.last[k] * ask, 100.0)

    # ---- strategies

    @rule(strategy=st.sampled_from(NAMES), signal=signals())
    def signal(self, strategy: str, signal: MarketSignal) -> None:
        before = Before(self.shadow)
        for fact in self.tell(Signals(strategy, [signal])):
            if isinstance(fact, OrderAccepted):
                before.judge(fact)

    @rule(
        strategy=st.sampled_from(NAMES),
        k=st.integers(0, 2),
        share=st.floats(-1.0, 1.0),
        step=st.floats(1.0, 30.0),
        volume=st.floats(10.0, 400.0),
    )
    def trade(self, strategy: str, k: int, share: float, step: float, volume: float) -> None:
        """A market order, and the price that fills at least part of it."""
        self.signal(
            strategy, MarketSignal(INSTRUMENTS[k].symbol, None, share, 1.0, {"venue": INSTRUMENTS[k].venue})
        )
        self.now += step
        self.quote(k, self.last[k], self.last[k] * 0.999, self.last[k] * 1.001, volume)

    @rule(strategy=st.sampled_from(NAMES), signal=signals(), n=st.integers(2, 45))
    def flood(self, strategy: str, signal: MarketSignal, n: int) -> None:
        self.tell(Signals(strategy, [signal] * n))

    # ---- people, and what else happens

    @rule(intent=interventions)
    def intervene(self, intent: Any) -> None:
        if isinstance(intent, TripBreaker):
            reason = "kill_switch" if intent.kill else "manual"
            if (intent.strategy_id, reason) in self.shadow.latched:
                return
        self.tell(intent)

    @rule(everything=st.booleans(), kill=st.booleans())
    def let_trade_again(self, everything: bool, kill: bool) -> None:
        for strategy in [""] if everything else sorted({name for name, _ in self.shadow.latched}):
            self.tell(ResetBreaker("R. Officer", "drill over", strategy, kill))

    @invariant()
    def books_are_true(self) -> None:
        if hasattr(self, "shadow"):
            self.shadow.check()


class Before:
    """The desk before an order, to judge what was booked by arithmetic of its own."""

    def __init__(self, shadow: Shadow) -> None:
        self.shadow, self.desk = shadow, shadow.desk
        self.limits = self.desk.limits
        self.exposure = shadow.exposure()
        self.halted = {strategy for strategy, _ in shadow.latched}
        self.held = shadow.held.copy()
        self.working = shadow.working()
        self.equity = float(self.desk.book.equity)

    def judge(self, order: OrderAccepted) -> None:
        s, k, side = self.shadow.orders[order.order_id]
        own = self.held[s, k] * -side
        working = self.working[0 if side > 0 else 1]
        reducing = working[s, k] + order.quantity <= own * OVER
        if "" in self.halted or order.strategy_id in self.halted:
            assert reducing
        if not self.limits.enable_pre_trade:
            return
        row = self.desk.view.instruments[k]
        mark = float(row.mark)
        assert mark > 0.0
        self.judge_order(order, mark, bool(row.good))
        self.judge_position(s, k, side)
        if not reducing:
            assert order.symbol not in self.limits.restricted_list
            self.judge_exposure(s, k, side)

    def judge_order(self, order: OrderAccepted, mark: float, good: bool) -> None:
        limits = self.limits.order_limits
        multiplier = next(i.multiplier for i in INSTRUMENTS if i.symbol == order.symbol)
        assert order.quantity <= limits.max_order_volume * OVER
        assert order.quantity * mark * multiplier <= limits.max_order_value * OVER
        if limits.price_collar_pct < inf:
            assert good
            for price in (order.limit_price, order.stop_price):
                assert not abs(price / mark - 1.0) > limits.price_collar_pct * OVER
        allowed = self.limits.permitted_instruments.get(order.strategy_id)
        assert allowed is None or {order.symbol, f"{order.symbol}@{order.venue}"} & set(allowed)

    def judge_position(self, s: int, k: int, side: int) -> None:
        limit = self.limits.position_limits.get(INSTRUMENTS[k].symbol, PositionLimit())
        mine = [n for n, i in enumerate(INSTRUMENTS) if i.symbol == INSTRUMENTS[k].symbol]
        worst = side * self.shadow.held + self.shadow.working()[0 if side > 0 else 1]
        most, own = (
            (limit.max_long, limit.per_strategy_long)
            if side > 0
            else (-limit.max_short, -limit.per_strategy_short)
        )
        assert worst[:, mine].sum() <= most * OVER + 1e-9
        assert worst[s, mine].sum() <= own * OVER + 1e-9

    def judge_exposure(self, s: int, k: int, side: int) -> None:
        """What grew stays below its limit."""
        notional = self.limits.notional_limits
        now, then = self.shadow.exposure(), self.exposure
        venue = [n for n, i in enumerate(INSTRUMENTS) if i.venue == INSTRUMENTS[k].venue]
        symbol = [n for n, i in enumerate(INSTRUMENTS) if i.symbol == INSTRUMENTS[k].symbol]
        pairs = [
            (now[s].sum(), then[s].sum(), notional.per_strategy),
            (now.sum(), then.sum(), notional.total_portfolio),
            (now.sum(), then.sum(), self.limits.global_limits.max_portfolio_value),
            (now[:, k].sum(), then[:, k].sum(), notional.per_instrument),
            (now[:, venue].sum(), then[:, venue].sum(), notional.per_venue),
            (now[s, k], then[s, k], self.limits.per_strategy.max_position_notional),
        ]
        if self.limits.buying_power.mode == "margin":
            pairs.append((now.sum(), then.sum(), self.limits.buying_power.max_leverage * self.equity))
        for after, before, limit in pairs:
            assert after <= before + 1e-6 or after <= limit * OVER + 1e-6
        share = self.limits.concentration_limits
        if now.sum() > then.sum() + 1e-6 and now.sum() > share.min_gross * OVER:
            assert now[:, symbol].sum() <= share.max_symbol_share * now.sum() * OVER
        worst = side * self.shadow.held + self.shadow.working()[0 if side > 0 else 1]
        marks = np.nan_to_num(self.shadow.marks["mark"]) * self.shadow.marks["multiplier"]
        assert (worst[s] * marks).sum() <= notional.net_per_strategy * OVER + 1e-6
        assert (worst * marks).sum() <= notional.net_portfolio * OVER + 1e-6


DeskMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=40)
TestDeskMachine = DeskMachine.TestCase
