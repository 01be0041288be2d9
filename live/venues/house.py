"""All exchanges of one process, with their sessions, their clock and their store.

Whatever changes an exchange is written down before anything of it leaves: `flush` saves, then hands out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from live.venues.account import AccountBook
from live.venues.clock import Clock, sleep_until
from live.venues.connection import Connection
from live.venues.contract import Order
from live.venues.exchange import SimulatedExchange
from live.venues.opening import Markets
from live.venues.protocol import (
    DROP_COPY,
    PART,
    AccountAnswer,
    AskAccount,
    AskKnown,
    AskReports,
    FaultDone,
    FromClient,
    InjectFault,
    KnownAnswer,
    Live,
    Login,
    Orders,
    ReportsAnswer,
    Resumed,
    Welcome,
)
from live.venues.store import AccountStore
from workbench.errors import ConfigError, VenueError

__all__ = ["House"]

_SAVE_PRICES_NS: Final = 1_000_000_000


class House:
    """failed: set, with its cause, once something could not be written; nothing leaves any more."""

    def __init__(
        self,
        exchanges: Mapping[str, SimulatedExchange],
        markets: Markets,
        store: AccountStore,
        clock: Clock,
        *,
        faults_allowed: bool,
    ) -> None:
        self.exchanges: Final = exchanges
        self.failed: asyncio.Future[VenueError] = asyncio.get_running_loop().create_future()
        self._markets = markets
        self._store = store
        self._clock = clock
        self._faults_allowed = faults_allowed
        self._sessions: dict[tuple[str, str], Connection] = {}
        self._copies: dict[Connection, AccountBook] = {}
        self._wake = asyncio.Event()
        self._flushing = False
        self._due_ns = 0
        self._prices_ns = 0

    async def run(self) -> None:
        """Keep the exchanges up with the clock."""
        while True:
            self._due_ns = min(exchange.next_ns() for exchange in self.exchanges.values())
            await sleep_until(self._clock, self._due_ns, self._wake)
            self._flush()

    # -- sessions -----------------------------------------------------------------------------------------------

    def enter(self, connection: Connection, login: Login) -> None:
        """Begin a session: what was missed is queued, then it is live.  Raises VenueError where there can be none.

        A session that stands already is taken over: its former connection ends first.
        """
        exchange = self.exchanges[login.venue]
        now = self._clock.now_ns()
        if connection.channel == DROP_COPY:
            account = exchange.open_account(login.session)
            missed = account.reports(login.after) if login.after >= 0 else []
            account.copies.append(connection.copied)
            self._copies[connection] = account
        else:
            former = self._sessions.get((login.venue, login.session))
            if former is not None:
                former.end(1008, "the session was taken over by another connection")
                self.leave(former, login.venue)
            missed = exchange.connect(login.session, login.after if login.after >= 0 else 1 << 62, now)
            account = exchange.accounts[login.session]
            account.cancel_on_disconnect = login.cancel_on_disconnect
            account.unsaved = True
            self._sessions[login.venue, login.session] = connection
        if not self._save():
            raise VenueError("the exchange cannot write down what happens, and takes no sessions")
        connection.post(Welcome(login.venue, list(exchange.settings.instruments), account.last_report_id))
        for start in range(0, len(missed), PART):
            connection.post(Resumed(missed[start : start + PART]))
        connection.post(Live())

    def leave(self, connection: Connection, venue: str) -> None:
        """A connection is gone."""
        if connection in self._copies:
            account = self._copies.pop(connection)
            account.copies[:] = [copy for copy in account.copies if copy is not connection.copied]
            return
        key = (venue, connection.session)
        if self._sessions.get(key) is connection:
            del self._sessions[key]
            self.exchanges[venue].disconnect(connection.session, self._clock.now_ns())
            self._flush_soon()

    def end_all(self, code: int, reason: str) -> list[Connection]:
        """End every connection; those that were ended."""
        connections = [*self._sessions.values(), *self._copies]
        for connection in connections:
            connection.end(code, reason)
        return connections

    # -- frames -------------------------------------------------------------------------------------------------

    def handle(self, connection: Connection, venue: str, frame: FromClient) -> None:
        """Act on a frame of a session that stands.  Raises VenueError for one that has no place there."""
        exchange, now = self.exchanges[venue], self._clock.now_ns()
        if isinstance(frame, Orders):
            if connection.channel == DROP_COPY:
                raise VenueError(
                    "expected questions on a drop copy, found orders; log in to the channel orders"
                )
            self._orders(exchange, connection.session, frame.orders, now)
            return
        if isinstance(frame, Login):
            raise VenueError("expected one login, found another; open a connection for each session")
        if isinstance(frame, InjectFault):
            connection.post(FaultDone(frame.question, self._inject(exchange, frame, now)))
            self._flush_soon()
            return
        exchange.advance(now)
        if connection.channel != DROP_COPY and "blackhole" in exchange.faults.active:
            return
        if not self._save():  # an answer tells no more than what is written down
            return
        session = connection.session
        if isinstance(frame, AskAccount):
            connection.post(AccountAnswer(frame.question, exchange.account(session, now)))
        elif isinstance(frame, AskReports):
            newest = exchange.accounts[session].last_report_id
            part = exchange.reports(session, frame.after)[:PART]
            connection.post(ReportsAnswer(frame.question, part, newest))
        elif isinstance(frame, AskKnown):
            seen = exchange.accounts[session].seen
            unknown = [number for number in frame.order_ids if number not in seen]
            connection.post(KnownAnswer(frame.question, unknown))

    def _orders(self, exchange: SimulatedExchange, session: str, orders: Sequence[Order], now: int) -> None:
        exchange.submit(session, orders, now)
        self._flush_soon()

    def _inject(self, exchange: SimulatedExchange, frame: InjectFault, now: int) -> str:
        """Begin or end a fault; what is wrong with it, "" for nothing."""
        if not self._faults_allowed:
            return "expected an exchange that takes faults by command; start it with --faults"
        try:
            if frame.clear:
                exchange.clear_faults(now, frame.kind)
            else:
                exchange.inject(frame.kind, now, frame.intensity, frame.seconds)
        except ConfigError as error:
            return str(error)
        return ""

    # -- going out ----------------------------------------------------------------------------------------------

    def _flush_soon(self) -> None:
        """Flush once all frames of this turn of the loop are in: one transaction for all."""
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Bring every exchange to now, write down what is new, and hand it out."""
        self._flushing = False
        now = self._clock.now_ns()
        for exchange in self.exchanges.values():
            exchange.advance(now)
        if not self._save():
            return
        for (venue, session), connection in list(self._sessions.items()):
            exchange = self.exchanges[venue]
            connection.post_events(exchange.take(session, now))
            if not exchange.accounts[session].connected:
                del self._sessions[venue, session]
                connection.end(1013, f"the session was ended by the venue ({exchange.down})")
        for connection in list(self._copies):
            reports = connection.copied[:]
            connection.copied.clear()
            connection.post_events(reports)
        if min(exchange.next_ns() for exchange in self.exchanges.values()) < self._due_ns:
            self._wake.set()

    def _save(self) -> bool:
        """Write down what is new; False, and `failed` is set, where that cannot be done."""
        if self.failed.done():
            return False
        now = self._clock.now_ns()
        prices = self._markets.fair_prices() if now >= self._prices_ns + _SAVE_PRICES_NS else {}
        if prices:
            self._prices_ns = now
        try:
            self._store.save(self.exchanges.values(), prices)
        except VenueError as error:
            self.failed.set_result(error)
            return False
        return True
