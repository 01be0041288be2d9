"""Whether a run was contained, worked out from its journal and its prices alone.

Nothing here asks the core what it thinks of an order. `violations` holds the journal against limits, which need not be
those that the run had: a run with a control switched off is held against the limits with the control on. A limit counts
as exceeded only beyond what rounding explains.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np

from tests.chaos.arena import Bystander
from tests.chaos.books import SLACK, Books, Key, Marks, books_agree, name_of
from workbench.backtest.replay import ReplayRecord
from workbench.core.codes import Sizing
from workbench.core.facts import OrderAccepted, SignalRefused
from workbench.core.limits import RiskLimits
from workbench.core.messages import OrderFill

__all__ = [
    "Violation",
    "alarms",
    "assert_contained",
    "messages",
    "undisturbed",
    "violated",
    "violations",
]

DAY_NS: Final = 86_400_000_000_000


class Violation(NamedTuple):
    """A limit that was exceeded, by the name of its control."""

    control: str
    strategy_id: str
    value: float
    limit: float
    timestamp_ns: int


def violations(record: ReplayRecord, limits: RiskLimits) -> list[Violation]:
    """Everything in the run that `limits` forbid."""
    found = [*_rate(record, limits), *_losses(record, limits)]
    books, marks = Books(), Marks(record)
    orders: defaultdict[str, list[OrderAccepted]] = defaultdict(list)
    executions: defaultdict[tuple[Key, int], list[int]] = defaultdict(list)
    garbage: defaultdict[str, list[int]] = defaultdict(list)
    units = _units(record)
    for fact in record.recorder.journal:
        if isinstance(fact, OrderAccepted):
            key = (fact.strategy_id, name_of(fact))
            closes = books.worst(key, fact.side) + fact.quantity <= 1e-9 * abs(books.held[key])
            crossing, exposed = _crossing(books, fact), _exposed(books, key)
            books.take(fact)
            if closes and books.stopped(fact.strategy_id):
                continue  # a closing order of a stopped strategy may always go
            if books.stopped(fact.strategy_id):
                found.append(_violation("circuit_breaker", fact, math.inf, 0.0))
            orders[fact.strategy_id].append(fact)
            found += crossing
            found += _of_order(fact, marks, limits)
            found += _of_orders(fact, orders[fact.strategy_id], closes, limits)
            found += _of_executions(fact, executions[key, fact.side], limits)
            found += _of_position(fact, books, limits)
            found += _of_garbage(fact, garbage[fact.strategy_id], limits)
            found += _beyond("signal_out_of_range", fact, fact.quantity, units[fact.strategy_id])
            if _exposed(books, key) > exposed * SLACK:
                found += _of_gross(fact, books, marks, limits)
        else:
            books.take(fact)
        if isinstance(fact, OrderFill):
            side = 1 if fact.quantity > 0.0 else -1
            executions[(fact.strategy_id, name_of(fact)), side].append(fact.timestamp_ns)
        elif isinstance(fact, SignalRefused) and fact.reason in ("invalid_signal", "bad_metadata"):
            garbage[fact.strategy_id].append(fact.timestamp_ns)
    return found


def _units(record: ReplayRecord) -> dict[str, float]:
    """The largest order that a signal in range can come to; inf where signals name their quantity."""
    free = {s.strategy_id for s in record.recorder.signals if "quantity" in s.signal.metadata}
    largest: dict[str, float] = {}
    for seat in (player.seat for player in record.players):
        unit = max(seat.unit.values()) if isinstance(seat.unit, dict) else seat.unit
        reach = 2.0 * unit if seat.sizing == Sizing.TARGET else unit  # from one side to the other
        largest[seat.strategy_id] = math.inf if seat.strategy_id in free else reach
    return largest


def _violation(control: str, fact: OrderAccepted, value: float, limit: float) -> Violation:
    return Violation(control, fact.strategy_id, value, limit, fact.timestamp_ns)


def _beyond(control: str, fact: OrderAccepted, value: float, limit: float) -> Iterator[Violation]:
    if not value <= limit * SLACK:
        yield _violation(control, fact, value, limit)


def _of_order(fact: OrderAccepted, marks: Marks, limits: RiskLimits) -> Iterator[Violation]:
    """Size and price of the order by itself."""
    orders, pair = limits.order_limits, marks.at(name_of(fact), fact.timestamp_ns)
    mark = np.nanmin(pair)
    yield from _beyond("max_order_value", fact, fact.quantity * float(mark), orders.max_order_value)
    yield from _beyond("max_order_volume", fact, fact.quantity, orders.max_order_volume)
    if math.isfinite(fact.limit_price):
        distance = float(np.nanmin([abs(fact.limit_price / mark - 1.0) for mark in pair]))
        yield from _beyond("price_collar", fact, distance, orders.price_collar_pct)


def _of_orders(
    fact: OrderAccepted, orders: list[OrderAccepted], closes: bool, limits: RiskLimits
) -> Iterator[Violation]:
    """Number of orders: the same again, and in all since midnight, after which closing ones may still go."""
    since = fact.timestamp_ns - limits.duplicate_order.window_seconds * 1e9
    recent = [o for o in orders if o.timestamp_ns > since]
    if fact.client_order_id:
        again = sum(o.client_order_id == fact.client_order_id for o in recent)
        yield from _beyond("duplicate_order", fact, again, 1.0)
    else:
        content = [_content(o) for o in recent if not o.client_order_id]
        yield from _beyond(
            "duplicate_order", fact, content.count(_content(fact)), limits.duplicate_order.max_identical
        )
    if closes:
        return
    today = sum(o.timestamp_ns // DAY_NS == fact.timestamp_ns // DAY_NS for o in orders)
    yield from _beyond("strategy_limit", fact, today, limits.per_strategy.max_daily_trades)


def _content(order: OrderAccepted) -> tuple[object, ...]:
    price = 0.0 if math.isnan(order.limit_price) else order.limit_price
    return (name_of(order), order.side, order.order_type, order.quantity, price)


def _of_executions(fact: OrderAccepted, times: list[int], limits: RiskLimits) -> Iterator[Violation]:
    since = fact.timestamp_ns - limits.repeated_execution.window_seconds * 1e9
    recent = sum(ns > since for ns in times)
    yield from _beyond("repeated_execution_throttle", fact, recent, limits.repeated_execution.max_executions)


def _of_garbage(fact: OrderAccepted, times: list[int], limits: RiskLimits) -> Iterator[Violation]:
    """Orders of a strategy that has sent more garbage than it may."""
    since = fact.timestamp_ns - limits.strategy_errors.window_seconds * 1e9
    recent = sum(ns > since for ns in times)
    if recent >= limits.strategy_errors.max_errors:
        yield _violation("strategy_error", fact, recent, limits.strategy_errors.max_errors)


def _of_position(fact: OrderAccepted, books: Books, limits: RiskLimits) -> Iterator[Violation]:
    """Units of the symbol, with all that works on the side of the order; a fill adds none to that."""
    limit = limits.position_limits.get(fact.symbol)
    if limit is None:
        return
    most, own = (limit.max_long, limit.per_strategy_long)
    if fact.side < 0:
        most, own = (-limit.max_short, -limit.per_strategy_short)
    by_strategy: defaultdict[str, float] = defaultdict(float)
    for key in books.cells():
        if key[1].partition("@")[0] == fact.symbol:
            by_strategy[key[0]] += books.worst(key, fact.side)
    yield from _beyond("position_limit", fact, sum(by_strategy.values()), most)
    yield from _beyond("position_limit", fact, by_strategy[fact.strategy_id], own)


def _of_gross(fact: OrderAccepted, books: Books, marks: Marks, limits: RiskLimits) -> Iterator[Violation]:
    gross: defaultdict[str, float] = defaultdict(float)
    for key in books.cells():
        units = _exposed(books, key)
        gross[key[0]] += units * marks.low(key[1], fact.timestamp_ns) if units else 0.0
    notional = limits.notional_limits
    yield from _beyond("notional_limit", fact, gross[fact.strategy_id], notional.per_strategy)
    yield from _beyond("notional_limit", fact, sum(gross.values()), notional.total_portfolio)


def _exposed(books: Books, key: Key) -> float:
    """Units that the position may come to, on the side where they are more."""
    return max(abs(books.held[key] + books.units(key, 1)), abs(books.held[key] - books.units(key, -1)))


def _crossing(books: Books, fact: OrderAccepted) -> list[Violation]:
    """A working order of the house on the other side that this one could trade with.

    Not fit for a venue that reports late: an order that it has filled already counts as working until it says so.
    """
    if math.isnan(fact.limit_price):
        return []
    return [
        _violation("self_trade_prevention", fact, fact.limit_price, order.limit_price)
        for order, _ in books.working.values()
        if order.side == -fact.side
        and name_of(order) == name_of(fact)
        and (fact.limit_price - order.limit_price) * fact.side >= 0.0
    ]


def violated(record: ReplayRecord, limits: RiskLimits) -> set[str]:
    """Names of the controls whose limits the run exceeded."""
    return {violation.control for violation in violations(record, limits)}


def messages(record: ReplayRecord, strategy: str) -> list[int]:
    """Times of the orders and cancels of a strategy that the rate control let through."""
    (seat,) = [player.seat for player in record.players if player.seat.strategy_id == strategy]
    limited: Counter[int] = Counter()
    for refused in record.recorder.refused:
        if refused.strategy_id == strategy and "message_rate" in refused.failed_checks:
            limited[refused.timestamp_ns] += 1
    if seat.sizing == Sizing.TARGET:  # most of its signals come to nothing, since the target is reached
        orders = [o.timestamp_ns for o in record.recorder.accepted if o.strategy_id == strategy]
        orders += [o.timestamp_ns for o in record.recorder.refused if o.strategy_id == strategy]
        return sorted((Counter(orders) - limited).elements())
    for breach in record.recorder.breaches:
        if breach.strategy_id == strategy and breach.breach_type == "rate_limited":
            limited[breach.timestamp_ns] += 1
    sent = Counter(s.timestamp_ns for s in record.recorder.signals if s.strategy_id == strategy)
    return sorted((sent - limited).elements())


def _rate(record: ReplayRecord, limits: RiskLimits) -> Iterator[Violation]:
    """Token bucket: in any stretch of time no more than the bucket holds and what flows in meanwhile."""
    rate = limits.message_rate
    most = rate.per_strategy_burst * (1.0 - rate.cancel_reserve)
    for name in record.desk.strategies:
        lowest = math.inf
        for count, ns in enumerate(messages(record, name)):
            seconds = (ns - int(record.feed.timestamp_ns[0])) / 1e9
            level = count - rate.per_strategy_per_second * seconds
            lowest = min(lowest, level)
            if level + 1.0 - lowest > most * SLACK:
                yield Violation("message_rate", name, level + 1.0 - lowest, most, ns)


def _losses(record: ReplayRecord, limits: RiskLimits) -> Iterator[Violation]:
    """A strategy that reached its loss limit must hold nothing from the update after the next on."""
    moments = np.unique(record.feed.timestamp_ns)
    for s, seat in enumerate(player.seat for player in record.players):
        pnl, capital = record.curves[:, 1 + s], float(seat.capital or record.desk.view.strategies[s].capital)
        equity = capital + pnl
        peak = np.maximum(np.maximum.accumulate(equity), capital)
        for control, loss, limit in (
            ("single_strategy_loss", -pnl, -limits.circuit_breakers.single_strategy_loss),
            ("strategy_drawdown", 1.0 - equity / peak, -limits.drawdown_limits.strategy_drawdown),
        ):
            reached = np.flatnonzero(~(loss < limit))
            if len(reached):
                ns = int(record.feed.timestamp_ns[reached[0]])
                later = moments[moments > ns][1:]
                if any(_holds(record, seat.strategy_id, int(moment)) for moment in later):
                    yield Violation(control, seat.strategy_id, float(np.nanmax(loss)), limit, ns)


def _holds(record: ReplayRecord, strategy: str, ns: int) -> bool:
    """Whether a strategy holds anything after the updates of the moment `ns`."""
    held: defaultdict[str, float] = defaultdict(float)
    for fill in record.recorder.fills:
        if fill.strategy_id == strategy and fill.timestamp_ns <= ns:
            held[name_of(fill)] += fill.quantity
    return any(abs(units) > 1e-9 for units in held.values())


def alarms(record: ReplayRecord, strategy: str) -> set[str]:
    """Names of all breaches, alerts and breakers that were told of a strategy."""
    told: Iterable[tuple[str, str]] = [
        *((b.strategy_id, b.breach_type) for b in record.recorder.breaches),
        *((a.strategy_id, a.monitor) for a in record.recorder.alerts),
        *((t.strategy_id, t.reason) for t in record.recorder.trips),
    ]
    return {what for who, what in told if who == strategy}


def undisturbed(record: ReplayRecord, alone: ReplayRecord) -> None:
    """The bystander saw every update, ran into no rule, and got the fills that it gets alone."""
    (player,) = [player for player in record.players if player.seat.strategy_id == "bystander"]
    strategy, instruments = player.strategy, record.feed.instruments
    assert isinstance(strategy, Bystander)
    shown = [k for k, instrument in enumerate(instruments) if instrument.symbol in player.symbols]
    assert strategy.updates == int(np.isin(record.feed.instrument, shown).sum())
    assert strategy.breaches == []
    assert _fills(record) == _fills(alone)
    assert len(_fills(alone)) >= 2, "a bystander that never trades shows nothing"


def _fills(record: ReplayRecord) -> list[tuple[int, str, float, float, float]]:
    return [
        (f.timestamp_ns, name_of(f), f.quantity, f.price, f.fee)
        for f in record.recorder.fills
        if f.strategy_id == "bystander"
    ]


def assert_contained(
    record: ReplayRecord, limits: RiskLimits, alone: ReplayRecord, *, strategy: str = "suspect"
) -> None:
    """No limit exceeded, the bystander undisturbed, the journal replays to the ledger, and somebody was told."""
    assert violations(record, limits) == []
    undisturbed(record, alone)
    books_agree(record)
    assert alarms(record, strategy), "nothing was told of it"
