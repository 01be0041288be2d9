"""What an exchange process writes down before it acknowledges anything: accounts, working orders, reports.

SQLite in WAL mode with full sync, one transaction per batch. A lock keeps a second process out. An error while writing
is final: the exchange stops rather than acknowledge what is not written.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Final

import msgspec

from live.messages import ExecutionReport, NewOrder
from live.venues.account import AccountBook, VenueOrder
from live.venues.exchange import SimulatedExchange
from workbench.errors import VenueError

__all__ = ["AccountStore"]

_SCHEMA: Final = """
create table if not exists account (
    venue text, session text, last_report_id integer, last_execution_id integer, positions blob, cancels integer,
    primary key (venue, session)) without rowid;
create table if not exists working (
    venue text, session text, order_id integer, number integer, saved blob,
    primary key (venue, session, order_id)) without rowid;
create table if not exists reports (
    venue text, session text, last_id integer, reports blob,
    primary key (venue, session, last_id)) without rowid;
create table if not exists seen (
    venue text, session text, block integer, bits blob,
    primary key (venue, session, block)) without rowid;
create table if not exists price (symbol text primary key, price real) without rowid;
"""
_FORMAT: Final = 1
_PRUNE_EVERY: Final = 1_000  # commits


class _Saved(msgspec.Struct, frozen=True):
    """A working order: as it was sent, and in whole steps as it stands."""

    request: NewOrder
    leaves: int
    filled: int
    limit: int
    stop: int


class AccountStore:
    """A folder with one database for all exchanges of a process.  keep: reports that are kept of each account."""

    def __init__(self, folder: Path, keep: int) -> None:
        """Raises VenueError where the folder cannot be used, or another process uses it."""
        self._keep = keep
        self._commits = 0
        self._stored: dict[str, set[int]] = {}  # ids of `working`, by venue and session
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] = (folder / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._db = sqlite3.connect(folder / "exchange.sqlite", isolation_level=None)
            self._db.executescript("pragma journal_mode=wal; pragma synchronous=full;")
            (found,) = self._db.execute("pragma user_version").fetchone()
            if found not in (0, _FORMAT):
                raise VenueError(
                    f"{folder}: expected a store of format {_FORMAT}, found {found}; take another"
                )
            self._db.executescript(f"{_SCHEMA} pragma user_version={_FORMAT};")
        except BlockingIOError:
            raise VenueError(
                f"{folder}: expected a store that nobody uses, found another exchange on it; stop that, or take another"
            ) from None
        except (OSError, sqlite3.Error) as error:
            raise VenueError(
                f"{folder}: expected a folder for the exchange's store, found: {error}"
            ) from error

    def prices(self) -> dict[str, float]:
        """The newest fair price of each symbol that was written down."""
        return dict(self._db.execute("select symbol, price from price").fetchall())

    def load(self, exchange: SimulatedExchange) -> None:
        """Put back accounts and working orders.

        Orders that were to be cancelled when their session was lost are cancelled now.  Raises VenueError for a store
        that does not fit the exchange.
        """
        venue = exchange.settings.name
        rows = self._db.execute(
            "select session, last_report_id, last_execution_id, positions, cancels from account where venue = ?",
            (venue,),
        ).fetchall()
        for session, last_report, last_execution, positions, cancels in rows:
            account = exchange.open_account(session)
            account.last_report_id, account.last_execution_id = last_report, last_execution
            account.cancel_on_disconnect = bool(cancels)
            exchange.put_back(account, msgspec.msgpack.decode(positions, type=dict[str, int]))
            self._load_account(exchange, account)

    def _load_account(self, exchange: SimulatedExchange, account: AccountBook) -> None:
        key = (exchange.settings.name, account.name)
        for block, bits in self._db.execute(
            "select block, bits from seen where venue = ? and session = ?", key
        ):
            account.seen.blocks[block] = bytearray(bits)
        reports: list[ExecutionReport] = []
        for (blob,) in self._db.execute(
            "select reports from reports where venue = ? and session = ? order by last_id", key
        ):
            reports += msgspec.msgpack.decode(blob, type=list[ExecutionReport])
        account.restore(reports[-self._keep :])
        working = self._db.execute(
            "select saved from working where venue = ? and session = ? order by number", key
        ).fetchall()
        for (blob,) in working:
            saved = msgspec.msgpack.decode(blob, type=_Saved)
            place = exchange.place_of(saved.request.symbol)
            order = VenueOrder(account, place, saved.request, saved.leaves, saved.limit, saved.stop)
            order.filled = saved.filled
            exchange.put_back_order(order)
        self._stored["/".join(key)] = set(account.open)
        exchange.drop(account)

    def save(self, exchanges: Iterable[SimulatedExchange], prices: Mapping[str, float] = {}) -> None:
        """Write down what is new, in one transaction.  Raises VenueError where that fails; nothing may leave then."""
        changed = [(x, a) for x in exchanges for a in x.accounts.values() if a.unsaved]
        if not changed and not prices:
            return
        try:
            self._db.execute("begin immediate")
            for exchange, account in changed:
                self._save_account(exchange.settings.name, account, exchange.positions(account))
            self._db.executemany("insert or replace into price values (?, ?)", list(prices.items()))
            self._commits += 1
            if self._commits % _PRUNE_EVERY == 0:
                self._prune(changed)
            self._db.execute("commit")
        except (sqlite3.Error, OSError) as error:
            raise VenueError(f"the exchange's store cannot be written: {error}") from error
        for _, account in changed:
            account.fresh = []
            account.touched.clear()
            account.unsaved = False
            account.seen.changed.clear()

    def _save_account(self, venue: str, account: AccountBook, positions: dict[str, int]) -> None:
        key = (venue, account.name)
        pack = msgspec.msgpack.encode
        self._db.execute(
            "insert or replace into account values (?, ?, ?, ?, ?, ?)",
            (
                *key,
                account.last_report_id,
                account.last_execution_id,
                pack(positions),
                account.cancel_on_disconnect,
            ),
        )
        if account.fresh:
            self._db.execute(
                "insert into reports values (?, ?, ?, ?)",
                (*key, account.fresh[-1].report_id, pack(account.fresh)),
            )
        self._db.executemany(
            "insert or replace into seen values (?, ?, ?, ?)",
            [(*key, block, bytes(account.seen.blocks[block])) for block in account.seen.changed],
        )
        stored = self._stored.setdefault("/".join(key), set())
        working = [account.open[number] for number in account.touched if number in account.open]
        self._db.executemany(
            "insert or replace into working values (?, ?, ?, ?, ?)",
            [(*key, order.order_id, order.number, pack(_saved(order))) for order in working],
        )
        gone = [number for number in account.touched if number in stored and number not in account.open]
        self._db.executemany(
            "delete from working where venue = ? and session = ? and order_id = ?",
            [(*key, number) for number in gone],
        )
        stored.update(order.order_id for order in working)
        stored.difference_update(gone)

    def _prune(self, changed: Iterable[tuple[SimulatedExchange, AccountBook]]) -> None:
        """Drop reports that nobody can ask for any more, and ids that are too old to be told apart."""
        for exchange, account in changed:
            key = (exchange.settings.name, account.name)
            oldest = account.last_report_id - self._keep
            self._db.execute(
                "delete from reports where venue = ? and session = ? and last_id < ?", (*key, oldest)
            )
            floor = min(account.seen.blocks, default=0)
            self._db.execute("delete from seen where venue = ? and session = ? and block < ?", (*key, floor))

    def close(self) -> None:
        self._db.close()
        self._lock.close()


def _saved(order: VenueOrder) -> _Saved:
    return _Saved(order.request, order.leaves, order.filled, order.limit, order.stop)
