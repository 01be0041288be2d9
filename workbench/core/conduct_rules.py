"""Pre-trade checks of how orders are sent: price, size, message rate, repetition, duplicates, trades with oneself.

Sources: RTS 6 (EU 2017/589) article 15(1) and 15(3), SEC Rule 15c3-5(c), FIA best practices for risk controls.
"""

from __future__ import annotations

import math

from workbench.core.codes import Check, OrderType, Side
from workbench.core.jit import jit
from workbench.core.state import NONE, RECENT, SECOND_NS, Desk
from workbench.core.uses import Intent, see

__all__ = [
    "crossing_order",
    "duplicate_order",
    "executions_in_window",
    "order_size",
    "price_collar",
    "refill",
    "take_tokens",
]

INF = math.inf
BUY = int(Side.BUY)
MARKET = int(OrderType.MARKET)
LIMIT = int(OrderType.LIMIT)
STOP = int(OrderType.STOP)
PRICE_COLLAR = int(Check.PRICE_COLLAR)
MAX_ORDER_VALUE = int(Check.MAX_ORDER_VALUE)
MAX_ORDER_VOLUME = int(Check.MAX_ORDER_VOLUME)
DUPLICATE_ORDER = int(Check.DUPLICATE_ORDER)


@jit
def price_collar(desk: Desk, intent: Intent) -> None:
    """Limit, stop or expected price against the mark, which must be believed and fresh."""
    limits = desk.limits[0]
    row = desk.instruments[intent.instrument]
    if limits.collar == INF and limits.max_age_ns == INF:
        return
    fresh = row.good == 1 and row.mark > 0.0 and desk.books[0].now_ns - row.mark_ns <= limits.max_age_ns
    if not fresh:
        see(desk, PRICE_COLLAR, INF, limits.collar if limits.collar < INF else 0.0)
        return
    see(desk, PRICE_COLLAR, abs(intent.expected / row.mark - 1.0), limits.collar)
    if intent.type != MARKET and intent.type != LIMIT:
        see(desk, PRICE_COLLAR, abs(intent.stop / row.mark - 1.0), limits.collar)


@jit
def order_size(desk: Desk, intent: Intent) -> None:
    """Value and units of one order, also against the average volume of an update."""
    limits = desk.limits[0]
    row = desk.instruments[intent.instrument]
    price = intent.expected if intent.expected > row.mark else row.mark
    see(desk, MAX_ORDER_VALUE, intent.quantity * price * row.multiplier, limits.order_value)
    see(desk, MAX_ORDER_VOLUME, intent.quantity, limits.order_volume)
    if limits.volume_share < INF:  # an average that is not known is 0, and a share of it lets nothing pass
        see(desk, MAX_ORDER_VOLUME, intent.quantity, limits.volume_share * row.average_volume)


@jit
def refill(tokens: float, then_ns: int, now_ns: int, rate: float, burst: float) -> float:
    """Tokens of a bucket after the time since `then_ns`, at most `burst`."""
    filled = tokens + rate * (float(now_ns - then_ns) / SECOND_NS)
    return filled if filled < burst else burst


@jit
def take_tokens(desk: Desk, strategy: int, venue: int, emergency: int) -> float:
    """Take one message from both buckets; the use is above 1 when either is down to its emergency reserve."""
    limits = desk.limits[0]
    now = desk.books[0].now_ns
    use = 0.0
    floor = 0.0 if emergency else limits.cancel_reserve
    enough = True
    if limits.strategy_rate < INF:
        row = desk.strategies[strategy]
        row.tokens = refill(row.tokens, row.tokens_ns, now, limits.strategy_rate, limits.strategy_burst)
        row.tokens_ns = now
        enough = row.tokens >= 1.0 + floor * limits.strategy_burst
        use = 1.0 - (row.tokens - 1.0) / limits.strategy_burst
    if limits.venue_rate < INF:
        gate = desk.venues[venue]
        gate.tokens = refill(gate.tokens, gate.tokens_ns, now, limits.venue_rate, limits.venue_burst)
        gate.tokens_ns = now
        enough = enough and gate.tokens >= 1.0 + floor * limits.venue_burst
        other = 1.0 - (gate.tokens - 1.0) / limits.venue_burst
        use = other if other > use else use
    if not enough:
        return INF
    if limits.strategy_rate < INF:
        desk.strategies[strategy].tokens -= 1.0
    if limits.venue_rate < INF:
        desk.venues[venue].tokens -= 1.0
    return use


@jit
def executions_in_window(desk: Desk, cell: int, side: int) -> float:
    """Executions of one strategy, instrument and side within the throttle's window."""
    position = desk.positions[cell]
    kept = desk.head[0].executions
    seen = position.bought_executions if side == BUY else position.sold_executions
    ring = (cell * 2 + (0 if side == BUY else 1)) * kept
    since = desk.books[0].now_ns - desk.limits[0].execution_window_ns
    count = 0
    while count < seen and count < kept and desk.executed[ring + (seen - 1 - count) % kept] > since:
        count += 1
    return float(count)


@jit
def duplicate_order(desk: Desk, intent: Intent) -> None:
    """A client order id that came within the window, or the same content too often."""
    limits = desk.limits[0]
    if limits.duplicate_window_ns <= 0.0:
        return
    since = desk.books[0].now_ns - limits.duplicate_window_ns
    noted = desk.strategies[intent.strategy].recent
    ring = intent.strategy * RECENT
    limit = intent.limit if math.isfinite(intent.limit) else 0.0
    same = 1.0
    for back in range(1, (noted if noted < RECENT else RECENT) + 1):
        other = desk.recent[ring + (noted - back) % RECENT]
        if other.ns <= since:
            break
        if intent.client != 0 and other.client == intent.client:
            see(desk, DUPLICATE_ORDER, 2.0, 1.0)
        if (
            other.instrument == intent.instrument
            and other.side == intent.side
            and other.type == intent.type
            and other.quantity == intent.quantity
            and other.limit == limit
        ):
            same += 1.0
    see(desk, DUPLICATE_ORDER, same, limits.max_identical)


@jit
def crossing_order(desk: Desk, intent: Intent, after: int) -> int:
    """The next own resting order that `intent` would trade with, behind slot `after` (NONE to begin); NONE if none."""
    row = desk.instruments[intent.instrument]
    if row.priced == 0:  # market orders rest nowhere: a queue of thousands need not be looked through
        return NONE
    slot = row.first if after == NONE else desk.orders[after].next
    reach = intent.expected if intent.type == MARKET or intent.type == STOP else intent.limit
    while slot != NONE:
        other = desk.orders[slot]
        resting = other.type == LIMIT or other.triggered == 1
        if other.side == -intent.side and resting and other.cancelling == 0 and math.isfinite(other.limit):
            if (reach - other.limit) * intent.side >= 0.0:
                return slot
        slot = other.next
    return NONE
