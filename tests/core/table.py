"""A desk with one instrument and no costs or limits, driven by hand: tables that a trader can check with a pencil."""

import math
from collections.abc import Sequence
from typing import Any

from workbench.core.build import Seat, VenueFaultWindow
from workbench.core.codes import Sizing
from workbench.core.costs import Costs
from workbench.core.desk import TradingDesk
from workbench.core.facts import Fact, MarketNotice, OrderAccepted, OrderEnded
from workbench.core.intents import Signals
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate

MINUTE = 60_000_000_000


class Table:
    """One desk; `price` and `order` return the facts that they caused."""

    def __init__(
        self,
        *,
        costs: Costs | None = None,
        limits: RiskLimits | None = None,
        unit: float = 1.0,
        sizing: Sizing = Sizing.ORDER,
        strategies: Sequence[str] = ("s",),
        instrument: Instrument | None = None,
        faults: Sequence[VenueFaultWindow] = (),
        remote: bool = False,
        order_capacity: int = 50,
    ) -> None:
        self.instrument = Instrument("X", "v") if instrument is None else instrument
        self.desk = TradingDesk(
            [self.instrument],
            [Seat(name, sizing, unit) for name in strategies],
            limits=RiskLimits.unlimited() if limits is None else limits,
            costs=Costs.free() if costs is None else costs,
            faults=faults,
            remote=[self.instrument.venue] if remote else [],
            order_capacity=order_capacity,
        )
        self.sequence = -1
        self.minute = -1.0

    def price(
        self,
        last: float,
        *,
        bid: float | None = None,
        ask: float | None = None,
        volume: float = math.nan,
        sizes: tuple[float, float] = (math.nan, math.nan),
        minute: float | None = None,
        skip: int = 0,
    ) -> list[Fact]:
        """One update a minute after the one before, unless `minute` says otherwise."""
        self.sequence += 1 + skip
        self.minute = self.minute + 1.0 if minute is None else minute
        update = PriceUpdate(
            self.instrument.symbol,
            self.instrument.venue,
            int(self.minute * MINUTE),
            last if bid is None else bid,
            last if ask is None else ask,
            last,
            volume,
            sizes[0],
            sizes[1],
            0.0,
            self.sequence,
        )
        return self.desk.process(update)

    def order(self, strength: float, strategy: str = "s", **metadata: Any) -> list[Fact]:
        signal = MarketSignal(self.instrument.symbol, signal_strength=strength, metadata=metadata)
        return self.desk.process(Signals(strategy, [signal]))

    @property
    def quantity(self) -> float:
        return float(self.desk.view.positions[0].quantity)


def fills(facts: Sequence[Fact]) -> list[tuple[float, float, str]]:
    """Signed quantity, price and liquidity of each fill."""
    return [(f.quantity, f.price, f.liquidity) for f in facts if isinstance(f, OrderFill)]


def endings(facts: Sequence[Fact]) -> list[tuple[str, str, float]]:
    """State, reason and leaves of each order that ended unfilled."""
    return [(f.state, f.reason, f.leaves) for f in facts if isinstance(f, OrderEnded)]


def notices(facts: Sequence[Fact]) -> list[str]:
    return [f.kind for f in facts if isinstance(f, MarketNotice)]


def accepted(facts: Sequence[Fact]) -> list[OrderAccepted]:
    return [f for f in facts if isinstance(f, OrderAccepted)]
