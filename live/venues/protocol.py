"""What goes over the wire between an exchange process and its clients: msgpack frames, closed sets.

A session begins with Login, answered by Welcome, the reports that were missed (Resumed, in parts), and Live; from then
on orders go one way, prices and reports the other. Questions carry a number that comes back with the answer. Signs of
life are WebSocket pings, both ways.
"""

from __future__ import annotations

from typing import Final

import msgspec

from live.messages import Account, CancelOrder, ExecutionReport, NewOrder
from live.venues.contract import ReplaceOrder
from workbench.core.messages import Instrument, PriceUpdate
from workbench.errors import VenueError

__all__ = [
    "DROP_COPY",
    "MOST_BYTES",
    "ORDERS",
    "PART",
    "VERSION",
    "AccountAnswer",
    "AskAccount",
    "AskKnown",
    "AskReports",
    "FaultDone",
    "FromClient",
    "FromServer",
    "InjectFault",
    "KnownAnswer",
    "Live",
    "Login",
    "Orders",
    "Prices",
    "Problem",
    "Reports",
    "ReportsAnswer",
    "Resumed",
    "Welcome",
    "decode_client",
    "decode_server",
    "encode",
]

VERSION: Final = 1
MOST_BYTES: Final = 1 << 20  # of one frame
PART: Final = 1_000  # reports or orders in one frame
ORDERS: Final = "orders"  # channels
DROP_COPY: Final = "drop_copy"


class Login(msgspec.Struct, frozen=True, tag=True):
    """First frame.  venue: which exchange of the process.  session: the account.  channel: orders or drop_copy.

    after: newest report that the client has, -1 for none wanted.  cancel_on_disconnect: working orders of the session
    are cancelled when this connection is lost.  prices: whether prices are wanted.
    """

    version: int
    venue: str
    session: str
    secret: str
    channel: str
    after: int
    cancel_on_disconnect: bool
    prices: bool


class Orders(msgspec.Struct, frozen=True, tag=True):
    orders: list[NewOrder | CancelOrder | ReplaceOrder]


class AskAccount(msgspec.Struct, frozen=True, tag=True):
    question: int


class AskReports(msgspec.Struct, frozen=True, tag=True):
    """Reports with numbers above `after`, at most PART of them."""

    question: int
    after: int


class AskKnown(msgspec.Struct, frozen=True, tag=True):
    """Which of these orders has the exchange ever seen?"""

    question: int
    order_ids: list[int]


class InjectFault(msgspec.Struct, frozen=True, tag=True):
    """Begin a fault, for so many seconds, or (`clear`) end it; kind "" ends all."""

    question: int
    kind: str
    intensity: float | None
    seconds: float
    clear: bool


class Welcome(msgspec.Struct, frozen=True, tag=True):
    """The session stands.  last_report_id: newest number that the account has."""

    venue: str
    instruments: list[Instrument]
    last_report_id: int


class Resumed(msgspec.Struct, frozen=True, tag=True):
    """Reports that were missed, rising."""

    reports: list[ExecutionReport]


class Live(msgspec.Struct, frozen=True, tag=True):
    """All that was missed has been sent."""


class Prices(msgspec.Struct, frozen=True, tag=True):
    prices: list[PriceUpdate]


class Reports(msgspec.Struct, frozen=True, tag=True):
    reports: list[ExecutionReport]


class AccountAnswer(msgspec.Struct, frozen=True, tag=True):
    question: int
    account: Account


class ReportsAnswer(msgspec.Struct, frozen=True, tag=True):
    """last_report_id: newest there is, so that the client knows whether to ask on."""

    question: int
    reports: list[ExecutionReport]
    last_report_id: int


class KnownAnswer(msgspec.Struct, frozen=True, tag=True):
    question: int
    unknown: list[int]


class FaultDone(msgspec.Struct, frozen=True, tag=True):
    """error: "" where it was done."""

    question: int
    error: str


class Problem(msgspec.Struct, frozen=True, tag=True):
    """What was wrong with a frame, or why the connection is about to be closed."""

    reason: str


type FromClient = Login | Orders | AskAccount | AskReports | AskKnown | InjectFault
type FromServer = (
    Welcome
    | Resumed
    | Live
    | Prices
    | Reports
    | AccountAnswer
    | ReportsAnswer
    | KnownAnswer
    | FaultDone
    | Problem
)

_encoder = msgspec.msgpack.Encoder()
_client = msgspec.msgpack.Decoder(Login | Orders | AskAccount | AskReports | AskKnown | InjectFault)
_server = msgspec.msgpack.Decoder(
    Welcome
    | Resumed
    | Live
    | Prices
    | Reports
    | AccountAnswer
    | ReportsAnswer
    | KnownAnswer
    | FaultDone
    | Problem
)


def encode(frame: FromClient | FromServer) -> bytes:
    return _encoder.encode(frame)


def decode_client(data: str | bytes) -> FromClient:
    """A frame from a client.  Raises VenueError saying what is wrong with it."""
    try:
        frame: FromClient = _client.decode(_binary(data))
        return frame
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise VenueError(f"expected a msgpack frame of this protocol, found: {error}") from None


def decode_server(data: str | bytes) -> FromServer:
    """A frame from an exchange.  Raises VenueError saying what is wrong with it."""
    try:
        frame: FromServer = _server.decode(_binary(data))
        return frame
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise VenueError(f"expected a msgpack frame of this protocol, found: {error}") from None


def _binary(data: str | bytes) -> bytes:
    if isinstance(data, str):
        raise VenueError("expected a binary frame, found text")
    return data
