"""What the tests of venues share: settings in code, an exchange with an empty book, orders in few words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from live.messages import CancelOrder, ExecutionReport, NewOrder, VenueEvent
from live.venues.contract import Order
from live.venues.exchange import SimulatedExchange
from live.venues.opening import Markets
from live.venues.settings import load_venues
from live.venues.venue_settings import VenuesConfig
from workbench.core.messages import PriceUpdate

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
SYMBOL = "BTC-USD"
NOBODY = {
    "levels": 1,
    "level_notional": 1e-3,
    "takers_per_second": 0,
    "impact_bps": 0,
}  # a lot a side, far away


def config(kind: str = "book", **venue: Any) -> VenuesConfig:
    """One venue `x` on a calm market of two symbols; what is given in `venue` replaces or adds to its table."""
    table: dict[str, Any] = {
        "kind": kind,
        "feed": "market",
        "instruments": {
            SYMBOL: {"tick": 0.01, "lot": 0.001, "min_notional": 1},
            "ETH-USD": {"tick": 0.01, "lot": 0.01},
        },
        "costs": {"maker_bps": 1, "taker_bps": 4},
    }
    symbols = {SYMBOL: {"price": 100, "volatility": 0.3}, "ETH-USD": {"price": 50, "volatility": 0.3}}
    feed = {"kind": "synthetic", "jumps_per_year": 0, "mood": False, "seed": 7, "symbols": symbols}
    return load_venues({"feeds": {"market": feed}, "venues": {"x": table | venue}})


class Desk:
    """An exchange with one session that stands, and a hand that sends orders and reads what comes back.

    quiet: no makers near the price and no takers, so that the session's own orders are alone between 60 and 140.
    """

    def __init__(
        self, settings: VenuesConfig | None = None, *, quiet: bool = False, session: str = "me"
    ) -> None:
        chosen = settings or config()
        if quiet:
            far = {"spread_bps": 5_000, "refill_seconds": 1e6} | NOBODY
            chosen = config(liquidity=far) if settings is None else chosen
        self.exchange: SimulatedExchange = Markets(chosen, START).exchange(chosen.venues[0])
        self.now = START
        self.session = session
        self.exchange.connect(session, 0, self.now)
        self.events: list[VenueEvent] = []
        self._number = 0

    def order(self, side: int, quantity: float, limit: float | None = None, **more: Any) -> int:
        """Send one order; its id."""
        self._number += 1
        kind = "market" if limit is None else "limit"
        fields = {"order_type": kind, "time_in_force": "GTC", "symbol": SYMBOL} | more
        self.send([NewOrder(self._number, side=side, quantity=quantity, limit_price=limit, **fields)])
        return self._number

    def cancel(self, order_id: int) -> None:
        self.send([CancelOrder(order_id)])

    def send(self, orders: Sequence[Order]) -> None:
        self.exchange.submit(self.session, orders, self.now)
        self.take()

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)
        self.exchange.advance(self.now)
        self.take()

    def take(self) -> None:
        self.events += self.exchange.take(self.session, self.now)

    @property
    def reports(self) -> list[ExecutionReport]:
        return [event for event in self.events if isinstance(event, ExecutionReport)]

    def prices(self, symbol: str = SYMBOL) -> list[PriceUpdate]:
        return [e for e in self.events if isinstance(e, PriceUpdate) and e.symbol == symbol]

    def kinds(self, order_id: int) -> list[str]:
        """Kinds of the reports about an order, in the order in which they came."""
        return [report.kind for report in self.reports if report.order_id == order_id]


def digest(events: Sequence[VenueEvent]) -> bytes:
    """Equal for equal events, bit for bit."""
    return b"".join(msgspec.msgpack.encode(event) for event in events)
