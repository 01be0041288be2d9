"""What can be asked about orders and fills: pure functions from an engine's state to answers."""

from __future__ import annotations

from collections.abc import Collection

from live.api.order_answers import FillPage, FillView, OrderPage, OrderView
from live.api.paging import MOST_ROWS, check_page
from live.engine import Engine, correlation_name
from live.machine import FillLine, OrderLine

__all__ = [
    "fills",
    "order_view",
    "orders",
]


def orders(
    engine: Engine,
    after: int = 0,
    limit: int = 100,
    *,
    strategy_id: str = "",
    symbol: str = "",
    states: Collection[str] = (),
) -> OrderPage:
    """Orders whose last change is behind cursor `after`, as far as they are kept; filters: "" and () match all.

    Raises RequestError (invalid) on a page without rows, or too large.
    """
    check_page(after, limit)
    lines = engine.machine.blotter.orders(after, len(engine.machine.blotter.working) + MOST_ROWS * 20)
    wanted = [
        line
        for line in lines
        if strategy_id in ("", line.strategy_id)
        and symbol in ("", line.symbol)
        and (not states or line.state in states)
    ]
    page = tuple(order_view(line) for line in wanted[:limit])
    return OrderPage(page, page[-1].cursor if page else after, len(wanted) > limit)


def order_view(line: OrderLine) -> OrderView:
    """An order as people see it."""
    return OrderView(
        line.cursor,
        line.order_id,
        line.client_order_id,
        correlation_name(line.strategy_id, line.correlation),
        line.strategy_id,
        line.symbol,
        line.venue,
        "buy" if line.side > 0 else "sell",
        line.quantity,
        line.filled,
        line.price,
        line.order_type,
        line.time_in_force,
        line.limit_price,
        line.stop_price,
        line.state,
        line.reason,
        line.created_ns,
        line.updated_ns,
    )


def fills(
    engine: Engine, after: int = 0, limit: int = 100, *, strategy_id: str = "", symbol: str = ""
) -> FillPage:
    """Fills behind cursor `after`, as far as they are kept.  Raises RequestError (invalid) as `orders` does."""
    check_page(after, limit)
    blotter = engine.machine.blotter
    wanted = [
        line
        for line in blotter.newest_fills(min(after, blotter.fill_cursor), MOST_ROWS * 20)
        if strategy_id in ("", line.fill.strategy_id) and symbol in ("", line.fill.symbol)
    ]
    page = tuple(_fill(line) for line in wanted[:limit])
    return FillPage(page, page[-1].cursor if page else after, len(wanted) > limit)


def _fill(line: FillLine) -> FillView:
    fill = line.fill
    return FillView(
        line.cursor,
        fill.order_id,
        fill.client_order_id,
        fill.execution_id,
        correlation_name(fill.strategy_id, line.correlation),
        fill.strategy_id,
        fill.symbol,
        fill.venue,
        fill.side,
        abs(fill.quantity),
        fill.price,
        fill.fee,
        fill.liquidity,
        fill.leaves,
        line.realised,
        fill.timestamp_ns,
    )
