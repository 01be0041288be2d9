"""A desk without costs, driven by hand: prices come at whole seconds, orders fill in full at the next price."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from workbench.core.build import Seat, VenueFaultWindow
from workbench.core.codes import Sizing
from workbench.core.costs import Costs
from workbench.core.desk import TradingDesk
from workbench.core.facts import BreakerTripped, Fact, OrderAccepted, OrderEnded, OrderRefused, SignalRefused
from workbench.core.intents import Signals
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate, RiskAlert

MIDNIGHT = 1_700_006_400_000_000_000  # 2023-11-15T00:00:00Z
SECOND = 1_000_000_000
ACCEPTED = ("accepted",)


def only(**tables: Any) -> RiskLimits:
    """No limit but the ones given; pre-trade checks and breakers switched on."""
    return msgspec.structs.replace(
        RiskLimits.unlimited(), **{"enable_pre_trade": True, "enable_circuit_breakers": True, **tables}
    )


def house(**tables: Any) -> RiskLimits:
    """The house defaults but for the tables given."""
    return msgspec.structs.replace(RiskLimits(), **tables)


class Bench:
    """One desk; `price` and the orders return the facts that they caused.  Times are seconds since midnight."""

    def __init__(
        self,
        limits: RiskLimits,
        *,
        strategies: Sequence[str] = ("alpha",),
        instruments: Sequence[Instrument] = (Instrument("BTC-USD", "x"),),
        costs: Costs | None = None,
        cash: float = 1_000_000.0,
        capital: float | None = None,
        faults: Sequence[VenueFaultWindow] = (),
        capacity: int = 100,
        last: float | None = 100.0,
    ) -> None:
        self.desk = TradingDesk(
            instruments,
            [Seat(name, Sizing.ORDER, 1.0, capital) for name in strategies],
            limits=limits,
            costs=Costs.free() if costs is None else costs,
            initial_cash=cash,
            faults=faults,
            order_capacity=capacity,
        )
        self.now = 0.0
        self.sequence = dict.fromkeys(((i.symbol, i.venue) for i in instruments), -1)
        self.facts: list[Fact] = []
        if last is not None:
            for symbol, venue in self.sequence:
                self.price(last, symbol=symbol, venue=venue)

    def price(
        self,
        last: float,
        *,
        symbol: str = "BTC-USD",
        venue: str = "x",
        at: float | None = None,
        bid: float | None = None,
        ask: float | None = None,
        volume: float = math.nan,
    ) -> list[Fact]:
        self.now = self.now if at is None else at
        self.sequence[symbol, venue] += 1
        update = PriceUpdate(
            symbol,
            venue,
            MIDNIGHT + round(self.now * SECOND),
            last if bid is None else bid,
            last if ask is None else ask,
            last,
            volume,
            math.nan,
            math.nan,
            0.0,
            self.sequence[symbol, venue],
        )
        return self._told(update)

    def send(
        self,
        side: str,
        quantity: float,
        *,
        strategy: str = "alpha",
        symbol: str = "BTC-USD",
        venue: str = "",
        **metadata: Any,
    ) -> list[Fact]:
        """A market order unless `metadata` says otherwise."""
        metadata["quantity"] = quantity
        if venue:
            metadata["venue"] = venue
        signal = MarketSignal(symbol, None, 1.0 if side == "buy" else -1.0, 1.0, metadata)
        return self._told(Signals(strategy, [signal]))

    def order(self, side: str, quantity: float, **terms: Any) -> tuple[str, ...]:
        """What became of an order: ("accepted",), the checks that failed, or why the signal was none."""
        return outcome(self.send(side, quantity, **terms))

    def hold(self, quantity: float, *, symbol: str = "BTC-USD", venue: str = "x", **terms: Any) -> None:
        """Trade a position of `quantity` more units at the present price."""
        side = "buy" if quantity > 0 else "sell"
        assert self.order(side, abs(quantity), symbol=symbol, venue=venue, **terms) == ACCEPTED
        k = next(k for k, i in enumerate(self.desk.instruments) if (i.symbol, i.venue) == (symbol, venue))
        self.price(float(self.desk.view.instruments[k].mark), symbol=symbol, venue=venue)

    def tell(self, intent: Any) -> list[Fact]:
        return self._told(intent)

    def _told(self, intent: Any) -> list[Fact]:
        facts = self.desk.process(intent)
        self.facts += facts
        return facts

    def position(self, strategy: str = "alpha", symbol: str = "BTC-USD") -> float:
        return self.desk.position(self.desk.strategy_index(strategy), symbol)

    @property
    def equity(self) -> float:
        return float(self.desk.book.equity)


def outcome(facts: Sequence[Fact]) -> tuple[str, ...]:
    for fact in facts:
        if isinstance(fact, OrderAccepted):
            return ACCEPTED
        if isinstance(fact, OrderRefused):
            return fact.failed_checks
        if isinstance(fact, SignalRefused):
            return (fact.reason,)
    return ()


def trips(facts: Sequence[Fact]) -> list[tuple[str, str]]:
    """Reason and strategy of each breaker that tripped."""
    return [(f.reason, f.strategy_id) for f in facts if isinstance(f, BreakerTripped)]


def alerts(facts: Sequence[Fact]) -> list[tuple[str, str, str]]:
    """Monitor, severity and strategy of each alert."""
    return [(f.monitor, f.severity.name, f.strategy_id) for f in facts if isinstance(f, RiskAlert)]


def endings(facts: Sequence[Fact]) -> list[tuple[str, str, float]]:
    """State, reason and leaves of each order that ended unfilled."""
    return [(f.state, f.reason, f.leaves) for f in facts if isinstance(f, OrderEnded)]


def fills(facts: Sequence[Fact]) -> list[tuple[float, float]]:
    """Signed quantity and price of each fill."""
    return [(f.quantity, f.price) for f in facts if isinstance(f, OrderFill)]
