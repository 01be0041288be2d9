"""Pre-trade checks: one function each, each with its own reason code; all of them run, all failures are told.

Every check reports a use: value after the order / limit. 1 is at the limit, more is refused, and so is NaN: an
unknown never passes. An order that can only bring a position nearer to zero passes the limits on exposure, since
refusing it would keep the risk on.

Sources: RTS 6 (EU 2017/589) articles 12 and 15, SEC Rule 15c3-5(c), FIA best practices for risk controls.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from workbench.core.codes import Check, OrderType, SelfTrade, Side
from workbench.core.exposure import (
    gross_of_instrument,
    gross_of_portfolio,
    gross_of_strategy,
    gross_of_symbol,
    gross_of_venue,
    net_worst,
    units_worst,
)
from workbench.core.jit import jit
from workbench.core.rows import PositionRow
from workbench.core.state import CHECKS, NONE, RECENT, SECOND_NS, Desk

__all__ = [
    "TOLERANCE",
    "Intent",
    "check_order",
    "crossing_order",
    "executions_in_window",
    "reduces",
    "refill",
    "take_tokens",
]

TOLERANCE = 1.0 + 1e-9  # sums of binary fractions may overshoot a limit that was met exactly by this much
INF = math.inf
BUY = int(Side.BUY)
MARKET = int(OrderType.MARKET)
LIMIT = int(OrderType.LIMIT)
STOP = int(OrderType.STOP)
STP_OFF = int(SelfTrade.OFF)
STP_OLDEST = int(SelfTrade.CANCEL_OLDEST)
POSITION_LIMIT = int(Check.POSITION_LIMIT)
NOTIONAL_LIMIT = int(Check.NOTIONAL_LIMIT)
CONCENTRATION_LIMIT = int(Check.CONCENTRATION_LIMIT)
STRATEGY_LIMIT = int(Check.STRATEGY_LIMIT)
PRICE_COLLAR = int(Check.PRICE_COLLAR)
MAX_ORDER_VALUE = int(Check.MAX_ORDER_VALUE)
MAX_ORDER_VOLUME = int(Check.MAX_ORDER_VOLUME)
MESSAGE_RATE = int(Check.MESSAGE_RATE)
REPEATED_EXECUTION = int(Check.REPEATED_EXECUTION_THROTTLE)
DUPLICATE_ORDER = int(Check.DUPLICATE_ORDER)
SELF_TRADE = int(Check.SELF_TRADE_PREVENTION)
PERMITTED = int(Check.PERMITTED_INSTRUMENTS)
RESTRICTED = int(Check.RESTRICTED_LIST)
BUYING_POWER = int(Check.BUYING_POWER)
CIRCUIT_BREAKER = int(Check.CIRCUIT_BREAKER)
PORTFOLIO_VAR = int(Check.PORTFOLIO_VAR)
QUEUE_FULL = int(Check.QUEUE_FULL)


class Intent(NamedTuple):
    """An order before it is one.

    quantity: units > 0.  limit, stop: NaN where the type has none.  expected: price it is valued at.
    client: id of the sender's choice, 0 for none.
    """

    strategy: int
    instrument: int
    side: int
    quantity: float
    type: int
    tif: int
    reduce_only: int
    post_only: int
    limit: float
    stop: float
    expected: float
    client: int


@jit
def reduces(position: PositionRow, side: int, quantity: float) -> bool:
    """Whether an order, with all that works on its side, can only bring the position nearer to zero."""
    if side == BUY:
        return position.working_buy + quantity <= -position.quantity * TOLERANCE
    return position.working_sell + quantity <= position.quantity * TOLERANCE


@jit
def _see(desk: Desk, check: int, value: float, limit: float) -> None:
    """Note `value` against `limit` if it is the fullest use that this check has seen.

    An infinite limit is off. NaN, of the value or of the limit, counts as infinite use.
    """
    use = 0.0
    if value != value or limit != limit:
        use = INF
    elif limit < INF and value > 0.0:
        use = value / limit if limit > 0.0 and value < INF else INF
    row = desk.uses[check]
    if use >= row.use:
        row.use = use
        row.value = value
        row.limit = limit


@jit
def _position_limit(desk: Desk, intent: Intent) -> None:
    """Units of the symbol over all venues, held and working: of all strategies, and of this one."""
    y = desk.instruments[intent.instrument].symbol
    symbol = desk.symbols[y]
    if intent.side == BUY:
        _see(desk, POSITION_LIMIT, symbol.quantity + symbol.working_buy + intent.quantity, symbol.max_long)
        own_limit = symbol.strategy_long
    else:
        _see(desk, POSITION_LIMIT, symbol.working_sell - symbol.quantity + intent.quantity, symbol.max_short)
        own_limit = symbol.strategy_short
    if own_limit != INF:
        own = units_worst(desk, intent.strategy, y, intent.side)
        _see(desk, POSITION_LIMIT, own + intent.quantity, own_limit)


@jit
def _notional_limit(desk: Desk, intent: Intent, added: float, value: float) -> None:
    limits = desk.limits[0]
    if added > 0.0 or added != added:
        _see(desk, NOTIONAL_LIMIT, gross_of_strategy(desk, intent.strategy) + added, limits.strategy_gross)
        _see(desk, NOTIONAL_LIMIT, gross_of_portfolio(desk) + added, limits.portfolio_gross)
        if limits.instrument_gross < INF:
            gross = gross_of_instrument(desk, intent.instrument)
            _see(desk, NOTIONAL_LIMIT, gross + added, limits.instrument_gross)
        if limits.venue_gross < INF:
            gross = gross_of_venue(desk, desk.instruments[intent.instrument].venue)
            _see(desk, NOTIONAL_LIMIT, gross + added, limits.venue_gross)
    if limits.strategy_net < INF:
        net = net_worst(desk, intent.strategy, intent.side)
        _see(desk, NOTIONAL_LIMIT, net + value, limits.strategy_net)
    if limits.portfolio_net < INF:
        _see(desk, NOTIONAL_LIMIT, net_worst(desk, NONE, intent.side) + value, limits.portfolio_net)


@jit
def _concentration_limit(desk: Desk, intent: Intent, added: float) -> None:
    limits = desk.limits[0]
    if limits.symbol_share >= 1.0 or added <= 0.0:
        return
    total = gross_of_portfolio(desk) + added
    if total > limits.min_gross:
        gross = gross_of_symbol(desk, desk.instruments[intent.instrument].symbol) + added
        _see(desk, CONCENTRATION_LIMIT, gross / total, limits.symbol_share)


@jit
def _strategy_limit(desk: Desk, intent: Intent, exposure: float, reducing: bool) -> None:
    limits = desk.limits[0]
    strategy = desk.strategies[intent.strategy]
    if reducing:
        return
    _see(desk, STRATEGY_LIMIT, exposure, limits.position_notional)
    _see(desk, STRATEGY_LIMIT, strategy.orders_today + 1.0, limits.daily_orders)
    if limits.stop_loss < INF:
        loss = strategy.base_pnl - strategy.pnl
        _see(desk, STRATEGY_LIMIT, loss, limits.stop_loss * strategy.capital)


@jit
def _price_collar(desk: Desk, intent: Intent) -> None:
    limits = desk.limits[0]
    row = desk.instruments[intent.instrument]
    if limits.collar == INF and limits.max_age_ns == INF:
        return
    fresh = row.good == 1 and row.mark > 0.0 and desk.books[0].now_ns - row.mark_ns <= limits.max_age_ns
    if not fresh:
        _see(desk, PRICE_COLLAR, INF, limits.collar if limits.collar < INF else 0.0)
        return
    _see(desk, PRICE_COLLAR, abs(intent.expected / row.mark - 1.0), limits.collar)
    if intent.type != MARKET and intent.type != LIMIT:
        _see(desk, PRICE_COLLAR, abs(intent.stop / row.mark - 1.0), limits.collar)


@jit
def _order_size(desk: Desk, intent: Intent) -> None:
    limits = desk.limits[0]
    row = desk.instruments[intent.instrument]
    price = intent.expected if intent.expected > row.mark else row.mark
    _see(desk, MAX_ORDER_VALUE, intent.quantity * price * row.multiplier, limits.order_value)
    _see(desk, MAX_ORDER_VOLUME, intent.quantity, limits.order_volume)
    if limits.volume_share < INF:  # an average that is not known is 0, and a share of it lets nothing pass
        _see(desk, MAX_ORDER_VOLUME, intent.quantity, limits.volume_share * row.average_volume)


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
def _duplicate_order(desk: Desk, intent: Intent) -> None:
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
            _see(desk, DUPLICATE_ORDER, 2.0, 1.0)
        if (
            other.instrument == intent.instrument
            and other.side == intent.side
            and other.type == intent.type
            and other.quantity == intent.quantity
            and other.limit == limit
        ):
            same += 1.0
    _see(desk, DUPLICATE_ORDER, same, limits.max_identical)


@jit
def crossing_order(desk: Desk, intent: Intent, after: int) -> int:
    """The next own resting order that `intent` would trade with, behind slot `after` (NONE to begin); NONE if none."""
    row = desk.instruments[intent.instrument]
    slot = row.first if after == NONE else desk.orders[after].next
    reach = intent.expected if intent.type == MARKET or intent.type == STOP else intent.limit
    while slot != NONE:
        other = desk.orders[slot]
        resting = other.type == LIMIT or other.triggered == 1
        if other.side == -intent.side and resting and math.isfinite(other.limit):
            if (reach - other.limit) * intent.side >= 0.0:
                return slot
        slot = other.next
    return NONE


@jit
def _buying_power(desk: Desk, intent: Intent, added: float) -> None:
    limits = desk.limits[0]
    equity = desk.books[0].equity
    if not math.isfinite(equity):
        equity = math.nan  # infinite equity is no buying power
    if limits.cash_only:
        instruments = desk.head[0].instruments
        position = desk.positions[intent.strategy * instruments + intent.instrument]
        if intent.side == BUY:
            row = desk.instruments[intent.instrument]
            price = intent.expected if intent.expected > row.mark else row.mark
            cost = intent.quantity * price * row.multiplier * (1.0 + row.taker)
            _see(desk, BUYING_POWER, net_worst(desk, NONE, BUY) + cost, equity)
        else:
            units = position.working_sell + intent.quantity
            _see(desk, BUYING_POWER, units, position.quantity if position.quantity > 0.0 else 0.0)
    elif limits.max_leverage < INF and (added > 0.0 or added != added):
        _see(desk, BUYING_POWER, gross_of_portfolio(desk) + added, limits.max_leverage * equity)


@jit
def check_order(desk: Desk, intent: Intent) -> int:
    """Run every check on `intent`; the mask of those that failed (bit = Check), 0 to pass.

    Books nothing but the message itself (its rate token). `desk.uses` holds value, limit and use of each check and
    `risk_score` of the book the fullest use in 0..1.
    """
    book = desk.books[0]
    for check in range(CHECKS):
        row = desk.uses[check]
        row.use = 0.0
        row.value = 0.0
        row.limit = INF
    if desk.limits[0].pre_trade:
        _run_checks(desk, intent)
    _run_latches(desk, intent)
    mask = 0
    score = 0.0
    for check in range(CHECKS):
        use = desk.uses[check].use
        if not use <= TOLERANCE:
            mask |= 1 << check
        if use > score:
            score = use
    book.risk_score = score if score < 1.0 else 1.0
    return mask


@jit
def _reserved(desk: Desk) -> int:
    """Places in the queue that are kept for liquidation: one per position, and at most a tenth of all."""
    head = desk.head[0]
    positions = head.strategies * head.instruments
    tenth = head.orders // 10
    return positions if positions < tenth else tenth


@jit
def _run_latches(desk: Desk, intent: Intent) -> None:
    """What holds even where pre-trade risk is switched off: latched breakers and the size of the queue."""
    book = desk.books[0]
    if book.halted or desk.strategies[intent.strategy].halted:
        position = desk.positions[intent.strategy * desk.head[0].instruments + intent.instrument]
        if not reduces(position, intent.side, intent.quantity):
            _see(desk, CIRCUIT_BREAKER, INF, 0.0)
    places = desk.head[0].orders - _reserved(desk)
    if book.working >= places:
        _see(desk, QUEUE_FULL, INF, float(places))


@jit
def _run_checks(desk: Desk, intent: Intent) -> None:
    book = desk.books[0]
    limits = desk.limits[0]
    cell = intent.strategy * desk.head[0].instruments + intent.instrument
    position = desk.positions[cell]
    row = desk.instruments[intent.instrument]
    reducing = reduces(position, intent.side, intent.quantity)
    units = (
        position.working_buy + position.quantity
        if intent.side == BUY
        else position.working_sell - position.quantity
    )
    exposure = (units + intent.quantity) * row.mark * row.multiplier
    added = 0.0 if reducing else exposure - position.exposure
    value = intent.quantity * row.mark * row.multiplier
    _position_limit(desk, intent)
    if not reducing:
        _notional_limit(desk, intent, added, value)
        _concentration_limit(desk, intent, added)
        _buying_power(desk, intent, added)
        if book.value_at_risk == book.value_at_risk:  # NaN until there are samples enough
            _see(desk, PORTFOLIO_VAR, book.value_at_risk, limits.portfolio_var)
        if desk.symbols[row.symbol].restricted:
            _see(desk, RESTRICTED, INF, 0.0)
    _strategy_limit(desk, intent, exposure, reducing)
    _price_collar(desk, intent)
    _order_size(desk, intent)
    _duplicate_order(desk, intent)
    if limits.max_executions < INF:
        executed = executions_in_window(desk, cell, intent.side)
        _see(desk, REPEATED_EXECUTION, executed + 1.0, limits.max_executions)
    if limits.self_trade != STP_OFF and limits.self_trade != STP_OLDEST:
        if crossing_order(desk, intent, NONE) != NONE:
            _see(desk, SELF_TRADE, INF, 0.0)
    if position.permitted == 0:
        _see(desk, PERMITTED, INF, 0.0)
    use = take_tokens(desk, intent.strategy, row.venue, 0)
    _see(desk, MESSAGE_RATE, use, 1.0)
