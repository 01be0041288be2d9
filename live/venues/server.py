"""The simulated exchange as its own process: `python -m live.venues.server --config config/venues.yaml --store FOLDER`.

It serves every venue of kind websocket in the file (where there is none, those of kind book), and keeps their accounts
in the folder: over the loss of every client, and over its own restart. It prints one line once it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import ipaddress
import logging
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from live.venues.clock import WallClock
from live.venues.connection import Connection
from live.venues.house import House
from live.venues.opening import Markets
from live.venues.protocol import DROP_COPY, MOST_BYTES, ORDERS, VERSION, Login, Problem, decode_client, encode
from live.venues.settings import load_venues
from live.venues.store import AccountStore
from live.venues.venue_settings import VenuesConfig, VenueSettings
from workbench.errors import ConfigError, VenueError, WorkbenchError

__all__ = ["ExchangeServer", "main"]

_KEPT: Final = 100_000  # reports of each account
_LOGIN_S: Final = 5.0
_WRONG_SECRET_S: Final = 1.0  # before a wrong secret is answered
_MOST_CLIENTS: Final = 64
_MOST_STRIKES: Final = 10  # frames that cannot be read, before a connection is closed
_SESSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

_log = logging.getLogger(__name__)


class ExchangeServer:
    """Handles connections; secret: "" where none is asked for."""

    def __init__(self, house: House, secret: str) -> None:
        self._house = house
        self._secret = secret
        self._clients = 0

    async def handle(self, socket: ServerConnection) -> None:
        """One connection, from login to its end."""
        if self._clients >= _MOST_CLIENTS:
            await socket.close(1013, f"expected at most {_MOST_CLIENTS} connections")
            return
        self._clients += 1
        try:
            login = await self._login(socket)
            if login is not None:
                await self._session(socket, login)
        except ConnectionClosed:
            pass  # the client's right
        finally:
            self._clients -= 1

    async def _login(self, socket: ServerConnection) -> Login | None:
        """The first frame, where it is a login that is let in; else the connection is closed with the reason."""
        try:
            async with asyncio.timeout(_LOGIN_S):
                frame = decode_client(await socket.recv())
            if not isinstance(frame, Login):
                raise VenueError(f"expected a login first, found {type(frame).__name__}")
            self._check(frame)
        except TimeoutError:
            await _refuse(socket, f"expected a login within {_LOGIN_S:g} seconds, found none")
        except VenueError as error:
            await _refuse(socket, str(error))
        else:
            if hmac.compare_digest(frame.secret.encode(), self._secret.encode()) or not self._secret:
                return frame
            await asyncio.sleep(_WRONG_SECRET_S)
            await _refuse(socket, "expected this exchange's secret, found another; see --secret-file")
        return None

    def _check(self, login: Login) -> None:
        if login.version != VERSION:
            raise VenueError(f"expected version {VERSION} of the protocol, found {login.version}")
        if login.venue not in self._house.exchanges:
            raise VenueError(
                f"expected one of {', '.join(self._house.exchanges)}, found {login.venue[:40]!r}"
            )
        if login.channel not in (ORDERS, DROP_COPY):
            raise VenueError(f"expected the channel {ORDERS} or {DROP_COPY}, found {login.channel[:40]!r}")
        if _SESSION.fullmatch(login.session) is None:
            raise VenueError("expected a session of letters, digits, _ . and -, at most 64, found another")

    async def _session(self, socket: ServerConnection, login: Login) -> None:
        connection = Connection(socket, login.session, login.channel, login.prices)
        try:
            self._house.enter(connection, login)
            await self._read(socket, connection, login.venue)
        except VenueError as error:
            _log.warning("a connection was refused: %s", error)
            connection.end(1013, str(error))
        finally:
            self._house.leave(connection, login.venue)
            await connection.closed()

    async def _read(self, socket: ServerConnection, connection: Connection, venue: str) -> None:
        strikes = 0
        async for data in socket:
            if connection.ended:
                return
            try:
                self._house.handle(connection, venue, decode_client(data))
            except VenueError as error:
                strikes += 1
                connection.post(Problem(str(error)))
                if strikes >= _MOST_STRIKES:
                    connection.end(1008, f"{strikes} frames could not be used")
                    return


async def _refuse(socket: ServerConnection, reason: str) -> None:
    _log.warning("a connection was refused: %s", reason)
    await socket.send(encode(Problem(reason)))
    await socket.close(1008, reason.encode()[:120].decode(errors="ignore"))


async def _serve(arguments: argparse.Namespace, config: VenuesConfig, secret: str) -> int:
    clock = WallClock()
    store = AccountStore(arguments.store, _KEPT)
    markets = Markets(config, clock.now_ns(), store.prices())
    chosen = _chosen(config, arguments.venue)
    exchanges = {venue.name: markets.exchange(venue, keep=_KEPT, recorded=True) for venue in chosen}
    for exchange in exchanges.values():
        store.load(exchange)
    house = House(exchanges, markets, store, clock, faults_allowed=arguments.faults)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = serve(
        ExchangeServer(house, secret).handle,
        arguments.host,
        arguments.port,
        compression=None,
        max_size=MOST_BYTES,
        open_timeout=_LOGIN_S,
        ping_interval=arguments.heartbeat,
        ping_timeout=3 * arguments.heartbeat,
        close_timeout=1.0,
    )
    async with server as listening:
        driver = asyncio.create_task(house.run())
        stopped = asyncio.create_task(stop.wait())
        port = next(iter(listening.sockets)).getsockname()[1]
        sys.stdout.write(f"listening on ws://{arguments.host}:{port} as {', '.join(exchanges)}\n")
        sys.stdout.flush()
        await asyncio.wait((stopped, house.failed, driver), return_when=asyncio.FIRST_COMPLETED)
        failed = house.failed.done()
        ended = house.end_all(1011 if failed else 1001, "the exchange stops")
        await asyncio.gather(*(connection.closed() for connection in ended))
        if driver.done():
            driver.result()
        for task in (driver, stopped):
            task.cancel()
        await asyncio.gather(driver, stopped, return_exceptions=True)
    if failed:
        raise house.failed.result()
    store.close()
    return 0


def _chosen(config: VenuesConfig, names: Sequence[str]) -> list[VenueSettings]:
    """The venues that are served."""
    for name in names:
        if config.venue(name) is None:
            known = ", ".join(venue.name for venue in config.venues)
            raise ConfigError(f"--venue: expected one of {known}, found {name!r}")
    if names:
        return [venue for venue in config.venues if venue.name in names]
    for kind in ("websocket", "book"):
        found = [venue for venue in config.venues if venue.kind == kind]
        if found:
            return found
    raise ConfigError("expected a venue of kind websocket or book, found none; name one with --venue")


def _read_secret(path: Path | None, host: str) -> str:
    """The first line of the file; raises ConfigError where others than this machine could come in without one."""
    if path is None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ConfigError(
                f"--host {host}: expected a secret where other machines can connect; give --secret-file"
            )
        return ""
    try:
        secret = path.read_text().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--secret-file: expected a text file, found: {error}") from None
    if not secret:
        raise ConfigError(f"--secret-file {path}: expected a secret in its first line, found none")
    return secret


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 0, or 2 with one line where that cannot be done."""
    parser = argparse.ArgumentParser(prog="exchange", description="A simulated exchange in its own process.")
    parser.add_argument("--config", type=Path, default=Path("config/venues.yaml"), help="venues.yaml")
    parser.add_argument("--store", type=Path, required=True, help="folder that keeps the accounts")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765, help="0 takes a free one")
    parser.add_argument("--venue", action="append", default=[], help="serve this one alone; may be repeated")
    parser.add_argument("--secret-file", type=Path, help="its first line is asked for at login")
    parser.add_argument("--heartbeat", type=float, default=1.0, help="seconds between two signs of life")
    parser.add_argument("--faults", action="store_true", help="clients may inject faults")
    arguments = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        secret = _read_secret(arguments.secret_file, arguments.host)
        return asyncio.run(_serve(arguments, load_venues(arguments.config), secret))
    except (WorkbenchError, OSError, ValueError) as error:
        sys.stderr.write(f"exchange: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
