"""The compiled rulebook, loaded (or compiled, where it never was) before anything waits for it."""

from __future__ import annotations

import math
from functools import cache
from typing import Final

from live.machine.inputs import Answered, Input, KillReset, KillSwitch, LateSignals
from live.machine.machine import Machine
from live.machine.setup import Setup
from workbench.core.build import Seat
from workbench.core.costs import Costs
from workbench.core.intents import (
    AcceptPrice,
    CancelOrders,
    ClockTick,
    ClosePositions,
    HaltVenue,
    ResetBreaker,
    SeatStrategy,
    SetLimits,
    StrategyFailed,
    TripBreaker,
    VenueReport,
    VenueSession,
)
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, MarketSignal, PriceUpdate

__all__ = ["warm_up"]

_NAN: Final = math.nan
_SECOND: Final = 1_000_000_000


@cache
def warm_up() -> None:
    """Have a desk of no consequence do once whatever a desk can be asked to.

    Its first order would otherwise keep a new engine from hearing anything for as long as a compiler takes.
    """
    instruments = (Instrument("X", "here"), Instrument("X", "there"))
    setup = Setup(instruments, {name: Costs() for name in ("here", "there")}, ("there",), order_capacity=16)
    machine = Machine(setup)
    for item in _everything():
        machine.apply(item)
    machine.performance("s")
    _ = machine.desk.value_at_risk
    Machine(setup, machine.dump())


def _everything() -> list[Input]:
    price = [
        PriceUpdate("X", venue, ns * _SECOND, 99.0, 101.0, 100.0, 1e6, _NAN, _NAN, 0.0, ns)
        for ns in (1, 2)
        for venue in ("here", "there")
    ]
    signals = [
        Answered("s", 1, [MarketSignal("X", None, side, 1.0, {"venue": venue, "quantity": 1.0, **kind})])
        for venue in ("here", "there")
        for side, kind in ((1.0, {}), (-1.0, {"order_type": "limit", "limit_price": 101.0}))
    ]
    return [
        SeatStrategy(Seat("s")),
        VenueSession("there", up=True),
        *price[:2],
        *signals,
        Answered("s", 1, [MarketSignal("X", None, 1.0, 1.0)]),  # which names no venue
        Answered("s", 1, [MarketSignal("Y", None, 1.0, 1.0)]),  # which nobody trades
        VenueReport("acknowledged", "there", "X", 3, 1),
        VenueReport("filled", "there", "X", 3, 1, "", 0, 0, 1.0, 100.0, "taker", 1),
        *price[2:],
        CancelOrders("s"),
        VenueReport("cancelled", "there", "X", 4, -1),
        ClosePositions("s"),
        ClockTick(3 * _SECOND),
        StrategyFailed("s", ""),
        LateSignals("s", 1),
        AcceptPrice("a", "a", "X", "here"),
        SetLimits(RiskLimits()),
        HaltVenue("a", "a", "here"),
        HaltVenue("a", "a", "here", halted=False),
        TripBreaker("a", "a", "s"),
        ResetBreaker("a", "a", "s"),
        KillSwitch("all", "", "a", "a", flatten=True),
        KillReset("all", "", "a", "a"),
        VenueSession("there", up=False),
    ]
