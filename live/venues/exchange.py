"""A simulated exchange: order books, background liquidity, accounts, and reports with numbers that have no gaps.

It reads no clock and does no I/O: times come in as arguments, and the same calls give the same events in every
process. Whoever holds it moves it on with `advance`, hands it orders with `submit`, and takes what comes out with
`take`. Faults change what goes in and out, never what the exchange knows: `account` and `reports` tell the truth.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from live.messages import Account, ExecutionReport, OpenOrder, VenueEvent
from live.venues.account import AccountBook, VenueOrder
from live.venues.book import End
from live.venues.contract import Order
from live.venues.entry import OrderEntry
from live.venues.faults import FaultPlan
from live.venues.feeds import VenueView
from live.venues.gateway import Gateway
from live.venues.listing import Listing
from live.venues.reporting import Reporter
from live.venues.venue_settings import VenueSettings
from workbench.errors import VenueError

__all__ = ["SimulatedExchange"]

_MOST_LATE: Final = 1_000  # moves; an exchange that stood still for longer leaves the rest out
_DAY_NS: Final = 86_400_000_000_000
_KINDS: Final = dict.fromkeys(End, "cancelled") | {End.END_OF_DAY: "expired"}
_REASONS: Final = {end: end.name.lower() for end in End}


class SimulatedExchange:
    """One venue and the accounts of its sessions.

    settings: the venue's; view: the fair price there.  keep: reports that each account keeps at least.
    recorded: whether accounts collect what has to be written down (see AccountBook.fresh).
    down: why no session can stand now, "" where they can.  lost: orders that a blackhole has swallowed.
    """

    def __init__(
        self,
        settings: VenueSettings,
        view: VenueView,
        seed: int,
        *,
        keep: int = 20_000,
        recorded: bool = False,
    ) -> None:
        start_ns = view.fair.start_ns
        name = f"{seed}:{settings.name}"
        self.settings: Final = settings
        self.faults: Final = FaultPlan(settings.faults, start_ns, name)
        self.accounts: dict[str, AccountBook] = {}
        self.down = ""
        self.lost = 0
        self._view = view
        self._keep = keep
        self._recorded = recorded
        self._day = start_ns // _DAY_NS
        self._move = -1
        self._listings = [
            Listing(place, instrument, settings, name)
            for place, instrument in enumerate(settings.instruments)
        ]
        self._gateway = Gateway(self.faults, int(settings.latency_ms * 1e6))
        self._reporter = Reporter(settings.name, self._gateway, start_ns)
        self._entry = OrderEntry(self._listings, self._reporter, self.faults)
        self._inbound: list[tuple[int, int, AccountBook, Sequence[Order]]] = []
        self._count = 0
        self._everybody: list[AccountBook] = []

    # -- sessions -----------------------------------------------------------------------------------------------

    def open_account(self, name: str) -> AccountBook:
        """The account of that name, a new one where there is none."""
        account = self.accounts.get(name)
        if account is None:
            number = len(self.accounts) + 1
            account = AccountBook(name, number, len(self._listings), self._keep, self._recorded)
            account.cancel_on_disconnect = self.settings.cancel_on_disconnect
            self.accounts[name] = account
            self._everybody.append(account)
        return account

    def connect(self, name: str, after: int, now_ns: int) -> list[ExecutionReport]:
        """Begin a session; the reports it has missed, with numbers above `after`.  Raises VenueError while down."""
        self.advance(now_ns)
        if self.down:
            raise VenueError(f"venue {self.settings.name}: no session can be opened now ({self.down})")
        account = self.open_account(name)
        account.connected = True
        account.outbox.clear()
        return account.reports(after)

    def restore(self, name: str, known: Account) -> None:
        """Set an account that has not traded yet to what its owner knows of it.

        Raises VenueError for a symbol that is not traded here.
        """
        account = self.open_account(name)
        grids = {listing.symbol: listing.lots for listing in self._listings}
        lots = {
            symbol: grids[symbol].near(units) if symbol in grids else 0
            for symbol, units in known.positions.items()
        }
        self.put_back(account, lots)
        account.last_report_id, account.last_execution_id = known.last_report_id, known.last_execution_id

    def put_back(self, account: AccountBook, lots: Mapping[str, int]) -> None:
        """Set positions, by symbol.  Raises VenueError for one that is not traded here."""
        for symbol, position in lots.items():
            account.lots[self.place_of(symbol)] = position

    def place_of(self, symbol: str) -> int:
        """Place of a symbol in the settings.  Raises VenueError where it is not traded here."""
        symbols = [listing.symbol for listing in self._listings]
        if symbol not in symbols:
            raise VenueError(
                f"venue {self.settings.name}: expected an account in {', '.join(symbols)}, found {symbol} in it"
            )
        return symbols.index(symbol)

    def put_back_order(self, order: VenueOrder) -> None:
        """Let an order rest again, before anything else happens; those of one price in the order of these calls."""
        order.account.open[order.order_id] = order
        self._listings[order.place].book.rest(order)

    def positions(self, account: AccountBook) -> dict[str, int]:
        """Lots held, by symbol."""
        return {
            listing.symbol: lots for listing, lots in zip(self._listings, account.lots, strict=True) if lots
        }

    def disconnect(self, name: str, now_ns: int) -> None:
        """End a session; what it has not taken is lost, and by setting its working orders are cancelled."""
        self.advance(now_ns)
        self.drop(self.accounts[name])

    def drop(self, account: AccountBook) -> None:
        """What follows from the loss of a session."""
        account.connected = False
        account.delayed.clear()
        account.gathered.clear()
        self._inbound = [batch for batch in self._inbound if batch[2] is not account]
        heapq.heapify(self._inbound)
        if account.cancel_on_disconnect:
            self._entry.cancel_all(account.open.values(), End.DISCONNECT)

    # -- time ---------------------------------------------------------------------------------------------------

    def next_ns(self) -> int:
        """When something happens by itself next."""
        due = min(self._next_move(), self.faults.next_ns)
        if self._inbound:
            due = min(due, self._inbound[0][0])
        for account in self._everybody:
            if account.delayed:
                due = min(due, account.delayed[0][0])
        return due

    def advance(self, now_ns: int) -> None:
        """Let happen what happens until a time; one that lies before the present changes nothing."""
        self._move = max(self._move, self._view.fair.move_at(now_ns) - _MOST_LATE)
        while True:
            move, fault = self._next_move(), self.faults.next_ns
            orders = self._inbound[0][0] if self._inbound else move
            due = min(move, fault, orders)
            if due > now_ns:
                break
            self._reporter.now_ns = max(self._now, due)
            if fault == due:
                self._change_faults()
            elif orders == due and self._inbound:
                _, _, account, batch = heapq.heappop(self._inbound)
                self._show(self._entry.process(account, batch))
            else:
                self._background()
        self._reporter.now_ns = max(self._now, now_ns)

    def latency_ns(self) -> int:
        """One way, now."""
        return self._gateway.latency_ns()

    def inject(self, kind: str, now_ns: int, intensity: float | None = None, seconds: float = 10.0) -> None:
        """Begin a fault by command; see FaultPlan.inject."""
        self.advance(now_ns)
        self.faults.inject(kind, self._now, intensity, seconds)
        self._change_faults()

    def clear_faults(self, now_ns: int, kind: str = "") -> None:
        self.advance(now_ns)
        self.faults.clear(self._now, kind)
        self._change_faults()

    @property
    def _now(self) -> int:
        return self._reporter.now_ns

    def _next_move(self) -> int:
        return self._view.fair.start_ns + (self._move + 1) * self._view.fair.interval_ns

    def _change_faults(self) -> None:
        self.faults.refresh(self._now)
        self.down = self.faults.down(self._now)
        for account in self._everybody:
            if account.gathered and "out_of_order" not in self.faults.active:
                self._gateway.ungather(account)
            if self.down and account.connected:
                self.drop(account)

    def _background(self) -> None:
        """One move of the market: makers, takers, the end of a day, and the prices that come of it."""
        self._move += 1
        seconds = self._view.fair.interval_ns / 1e9
        mood = self._view.mood(self._move)
        if self._now // _DAY_NS != self._day:
            self._day = self._now // _DAY_NS
            for account in self._everybody:
                self._entry.cancel_all([o for o in account.open.values() if o.day], End.END_OF_DAY)
        if "unsolicited_cancel" in self.faults.active:
            self._cancel_at_random(seconds)
        for listing, fair in zip(self._listings, self._view.prices(self._move), strict=True):
            listing.background.requote(fair, mood, seconds)
            self._entry.settle(listing)
            listing.background.take(fair, seconds)
            self._entry.settle(listing)
        for account in self._everybody:
            if account.gathered:
                self._gateway.ungather(account)
        self._show(self._listings)

    def _cancel_at_random(self, seconds: float) -> None:
        share = 1.0 - (1.0 - min(self.faults.active["unsolicited_cancel"], 1.0)) ** seconds
        for account in self._everybody:
            hit = [o for o in account.open.values() if self.faults.random.random() < share]
            self._entry.cancel_all(hit, End.UNSOLICITED)

    def _show(self, listings: Iterable[Listing]) -> None:
        for listing in listings:
            update = listing.show(self._now)
            if update is not None:
                self._gateway.price(self._everybody, update)

    # -- orders -------------------------------------------------------------------------------------------------

    def submit(self, name: str, orders: Sequence[Order], now_ns: int) -> None:
        """Take orders of a session that stands; they are worked now, or once they have arrived."""
        self.advance(now_ns)
        account = self.accounts[name]
        if self.faults.active and "blackhole" in self.faults.active:
            self.lost += len(orders)
            return
        delay = self._gateway.latency_ns()
        if delay or self._inbound:
            self._count += 1
            account.arrival_ns = max(account.arrival_ns, self._now + delay)  # nothing overtakes
            heapq.heappush(self._inbound, (account.arrival_ns, self._count, account, orders))
            self.advance(now_ns)
        else:
            self._show(self._entry.process(account, orders))

    # -- asking -------------------------------------------------------------------------------------------------

    def take(self, name: str, now_ns: int) -> list[VenueEvent]:
        """What has come out for a session and is due."""
        account = self.accounts[name]
        if account.delayed:
            self._gateway.release(account, now_ns)
        if not account.outbox:
            return []
        taken, account.outbox = account.outbox, []
        return taken

    def account(self, name: str, now_ns: int) -> Account:
        """The truth about a session's account."""
        account = self.accounts[name]
        positions = {
            listing.symbol: listing.lots.value(lots)
            for listing, lots in zip(self._listings, account.lots, strict=True)
            if lots
        }
        working = [self._open_order(order) for order in account.open.values()]
        return Account(
            self.settings.name, positions, working, account.last_report_id, account.last_execution_id, now_ns
        )

    def reports(self, name: str, after: int) -> list[ExecutionReport]:
        """The session's reports with numbers above `after`, as far back as they are kept."""
        return self.accounts[name].reports(after)

    def _open_order(self, order: VenueOrder) -> OpenOrder:
        listing = self._listings[order.place]
        value = listing.lots.value
        limit = listing.ticks.value(order.limit) if order.limit else None
        return OpenOrder(
            order.order_id,
            listing.symbol,
            order.side,
            value(order.filled + order.leaves),
            value(order.leaves),
            limit,
        )
