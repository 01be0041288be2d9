"""What people set of venues and feeds, frozen, and what each figure may be.

Times in YAML are seconds or milliseconds, as their names say.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Final

import msgspec

from workbench.core.costs import Costs
from workbench.core.limit_bounds import Bound, Words
from workbench.core.messages import Instrument

__all__ = [
    "FAULT_KINDS",
    "RULES",
    "WORDS",
    "FaultSettings",
    "FeedSettings",
    "LinkSettings",
    "LiquiditySettings",
    "SymbolSettings",
    "VenueSettings",
    "VenuesConfig",
]

# Kind of fault: what its intensity means, and its default.
FAULT_KINDS: Final[Mapping[str, tuple[str, float]]] = {
    "reject_storm": ("chance that an order is rejected", 1.0),
    "lost_ack": ("chance that an acknowledgement is never delivered", 1.0),
    "late_ack": ("seconds by which acknowledgements come late", 2.0),
    "duplicate_fill": ("chance that a fill is reported twice", 1.0),
    "out_of_order": ("reports that are gathered and delivered newest first", 4.0),
    "unsolicited_cancel": ("chance a second that a working order is cancelled by the venue", 1.0),
    "latency_spike": ("seconds added in each direction", 1.0),
    "blackhole": ("nothing goes in or out, while the session seems up; not used", 1.0),
    "disconnect": ("the session is down; not used", 1.0),
    "flapping": ("seconds up, then as many down", 1.0),
    "bad_tick": ("chance that a price is wrong: x 1000, zero, negative or no number", 0.05),
    "crossed_book": ("chance that a price shows a bid above the ask", 1.0),
    "frozen_feed": ("no prices, while the session stands; not used", 1.0),
    "sequence_gap": ("chance that a price is lost and its sequence number with it", 0.05),
}


class SymbolSettings(msgspec.Struct, frozen=True):
    """A symbol of the made-up market.  price: quote currency at the start.  volatility: per year, a fraction."""

    price: float = 100.0
    volatility: float = 0.6


class FeedSettings(msgspec.Struct, frozen=True):
    """Where fair prices come from.

    kind: synthetic or recorded.  Synthetic: interval_ms between moves; correlation of each pair of symbols;
    jumps_per_year of all symbols together; mood: whether calm and stormy times alternate; seed.
    Recorded: path of CSV or Parquet (or the name of a sample); speed times as fast as recorded, inf for as fast as
    they are taken; timestamps `now` restamps each price with the time of its delivery, `recorded` keeps its own;
    repeat: begins again at its end.
    """

    name: str
    kind: str = "synthetic"
    seed: int = 1
    interval_ms: float = 100.0
    correlation: float = 0.7
    jumps_per_year: float = 50.0
    mood: bool = True
    symbols: dict[str, SymbolSettings] = {}
    path: str = ""
    speed: float = 1.0
    timestamps: str = "now"
    repeat: bool = False


class LiquiditySettings(msgspec.Struct, frozen=True):
    """Others in the book of a simulated exchange.

    spread_bps: between the best bid and ask that market makers quote.  levels: of prices on each side.  step_bps:
    between two levels.  level_notional: quote currency on each level.  refill_seconds: time in which an emptied
    level is full again.  takers_per_second, taker_notional: orders at random, and their average size.
    impact_bps: how far makers move their prices when one whole side (levels x level_notional) has been taken.
    half_life_seconds: time in which half of that move is gone again.
    """

    spread_bps: float = 2.0
    levels: int = 8
    step_bps: float = 1.0
    level_notional: float = 100_000.0
    refill_seconds: float = 1.0
    takers_per_second: float = 2.0
    taker_notional: float = 5_000.0
    impact_bps: float = 20.0
    half_life_seconds: float = 10.0


class FaultSettings(msgspec.Struct, frozen=True):
    """A fault that comes by itself.

    after_seconds: of the venue's start, when it comes first; every_seconds: and again each so often (inf: once).
    per_hour: instead, so often an hour at random (0: by schedule).  intensity: see FAULT_KINDS.
    """

    kind: str
    intensity: float = 1.0
    duration_seconds: float = 10.0
    after_seconds: float = 0.0
    every_seconds: float = inf
    per_hour: float = 0.0


class LinkSettings(msgspec.Struct, frozen=True):
    """How a websocket venue is reached.

    url: ws://host:port or wss://.  session: the account there.  secret_file: whose first line is sent at login.
    heartbeat_seconds: between two signs of life; three missed ones end the connection.  timeout_seconds: for an
    answer.  backoff_seconds, backoff_most_seconds: first and longest wait before the next attempt, with jitter.
    """

    url: str = ""
    session: str = "engine"
    secret_file: str = ""
    heartbeat_seconds: float = 1.0
    timeout_seconds: float = 5.0
    backoff_seconds: float = 0.1
    backoff_most_seconds: float = 10.0


class VenueSettings(msgspec.Struct, frozen=True):
    """One venue.

    kind: paper, book or websocket.  feed: name of a feed.  lag_ms, noise_bps: how late it shows the feed's fair price,
    and the standard deviation of what it adds of its own.  latency_ms: one way, of orders and of reports (book), or
    until the rulebook takes an order as arrived (paper).  cancel_on_disconnect: working orders of a session that is
    lost are cancelled.  self_trade: what the exchange does with an order that meets one of the same session.
    """

    name: str
    kind: str
    feed: str
    instruments: tuple[Instrument, ...]
    costs: Costs = Costs()
    lag_ms: float = 0.0
    noise_bps: float = 0.0
    latency_ms: float = 0.0
    cancel_on_disconnect: bool = True
    self_trade: str = "cancel_newest"
    liquidity: LiquiditySettings = LiquiditySettings()
    faults: tuple[FaultSettings, ...] = ()
    link: LinkSettings = LinkSettings()


class VenuesConfig(msgspec.Struct, frozen=True):
    """What a venues.yaml says."""

    feeds: dict[str, FeedSettings]
    venues: tuple[VenueSettings, ...]

    def venue(self, name: str) -> VenueSettings | None:
        return next((venue for venue in self.venues if venue.name == name), None)


def _above(what: str, high: float = inf, off: float | None = None) -> Bound:
    return Bound(f"{what} above 0", 0.0, high, open_low=True, open_high=high == inf, off=off)


def _from_zero(what: str, high: float = inf) -> Bound:
    return Bound(f"{what} of 0 or more", 0.0, high, open_high=high == inf)


_SECONDS: Final = _above("seconds", 86_400.0 * 366)
_BPS: Final = _from_zero("basis points", 5_000.0)

RULES: Final[Mapping[str, Bound]] = {
    "feed.seed": Bound("a whole number of 0 or more", 0, 2**63 - 1, whole=True),
    "feed.interval_ms": Bound("milliseconds from 1 to 3600000", 1.0, 3_600_000.0),
    "feed.correlation": Bound("a correlation above -1 and below 1", -1.0, 1.0, open_low=True, open_high=True),
    "feed.jumps_per_year": _from_zero("a number", 1e6),
    "feed.speed": _above("a number", off=inf),
    "symbol.price": _above("a price"),
    "symbol.volatility": _above("a fraction a year", 100.0),
    "instrument.tick": _above("a price step"),
    "instrument.lot": _above("a quantity step"),
    "instrument.min_notional": _from_zero("an amount of quote currency"),
    "instrument.multiplier": _above("a number"),
    "costs.spread_bps": _BPS,
    "costs.maker_bps": Bound(
        "basis points between -10000 and 10000", -1e4, 1e4, open_low=True, open_high=True
    ),
    "costs.taker_bps": Bound(
        "basis points between -10000 and 10000", -1e4, 1e4, open_low=True, open_high=True
    ),
    "costs.slippage_bps": _BPS,
    "costs.impact_bps": _BPS,
    "costs.participation": _above("a share of the volume", off=inf),
    "venue.lag_ms": _from_zero("milliseconds", 3_600_000.0),
    "venue.noise_bps": _BPS,
    "venue.latency_ms": _from_zero("milliseconds", 3_600_000.0),
    "liquidity.spread_bps": _BPS,
    "liquidity.levels": Bound("a whole number from 1 to 100", 1, 100, whole=True),
    "liquidity.step_bps": _above("basis points", 1_000.0),
    "liquidity.level_notional": _above("an amount of quote currency"),
    "liquidity.refill_seconds": _SECONDS,
    "liquidity.takers_per_second": _from_zero("a number", 1_000.0),
    "liquidity.taker_notional": _above("an amount of quote currency"),
    "liquidity.impact_bps": _BPS,
    "liquidity.half_life_seconds": _SECONDS,
    "fault.intensity": _from_zero("a number", 1e6),
    "fault.duration_seconds": _SECONDS,
    "fault.after_seconds": _from_zero("seconds", 86_400.0 * 366),
    "fault.every_seconds": _above("seconds", off=inf),
    "fault.per_hour": _from_zero("a number", 3_600.0),
    "link.heartbeat_seconds": Bound("seconds from 0.05 to 3600", 0.05, 3600.0),
    "link.timeout_seconds": Bound("seconds from 0.05 to 3600", 0.05, 3600.0),
    "link.backoff_seconds": Bound("seconds from 0.01 to 3600", 0.01, 3600.0),
    "link.backoff_most_seconds": Bound("seconds from 0.01 to 3600", 0.01, 3600.0),
}
WORDS: Final[Mapping[str, Words]] = {
    "feed.kind": Words({"synthetic": 0, "recorded": 0}),
    "feed.timestamps": Words({"now": 0, "recorded": 0}),
    "venue.kind": Words({"paper": 0, "book": 0, "websocket": 0}),
    "venue.self_trade": Words({"allow": 0, "cancel_newest": 0, "cancel_oldest": 0}),
    "fault.kind": Words(dict.fromkeys(FAULT_KINDS, 0)),
}
