"""Routes of positions, P&L, orders and fills."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from live.api import views
from live.api.answers import FillPage, OrderPage, Portfolio, Positions
from live.api.documented import answers
from live.api.services import Served, needs, reply

__all__ = ["router"]

type After = Annotated[int, Query(ge=0, le=2**62, description="Cursor: what changed behind it.")]
type Limit = Annotated[int, Query(ge=1, le=views.MOST_ROWS)]
type Filter = Annotated[str, Query(max_length=128)]
type State = Literal[
    "accepted",
    "working",
    "cancelling",
    "partially_filled",
    "filled",
    "cancelled",
    "rejected_by_venue",
    "expired",
]

router = APIRouter(prefix="/api/v1", tags=["trading"], dependencies=[Depends(needs("read"))])


@router.get("/positions/current", **answers(Positions))
async def positions(served: Served, strategy_id: Filter = "", symbol: Filter = "") -> Response:
    """Positions that are not flat."""
    return reply(views.positions(served.engine, strategy_id, symbol))


@router.get("/portfolio/pnl", **answers(Portfolio))
async def pnl(served: Served) -> Response:
    """Equity, P&L and exposure: all together, by strategy, by symbol."""
    return reply(views.portfolio(served.engine))


@router.get("/orders", **answers(OrderPage))
async def orders(
    served: Served,
    after: After = 0,
    limit: Limit = 100,
    strategy_id: Filter = "",
    symbol: Filter = "",
    state: Annotated[list[State] | None, Query(max_length=8)] = None,
) -> Response:
    """Orders by their last change, oldest first; an order that changes again comes again."""
    page = views.orders(
        served.engine, after, limit, strategy_id=strategy_id, symbol=symbol, states=state or ()
    )
    return reply(page)


@router.get("/fills", **answers(FillPage))
async def fills(
    served: Served, after: After = 0, limit: Limit = 100, strategy_id: Filter = "", symbol: Filter = ""
) -> Response:
    """Fills, oldest first."""
    return reply(views.fills(served.engine, after, limit, strategy_id=strategy_id, symbol=symbol))
