"""Routes for a desk that watches: who it is, limits and their use, correlations, the way of the equity."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from live.api import desk_views
from live.api.desk_answers import Correlations, EquityHistory, Exposures, Identity
from live.api.documented import answers
from live.api.roles import Caller
from live.api.services import Served, needs, reply

__all__ = ["router"]

router = APIRouter(prefix="/api/v1")
read = Depends(needs("read"))


@router.get("/whoami", tags=["system"], **answers(Identity))
async def whoami(caller: Annotated[Caller, Depends(needs("read"))]) -> Response:
    """Whose token this is, its role, and what that role may do."""
    return reply(desk_views.identity(caller))


@router.get("/risk/exposures", tags=["risk"], dependencies=[read], **answers(Exposures))
async def exposures(served: Served) -> Response:
    """Every limit that is on, and how much of it is used: portfolio, strategies, symbols, instruments, venues."""
    return reply(desk_views.exposures(served.engine))


@router.get("/risk/correlations", tags=["risk"], dependencies=[read], **answers(Correlations))
async def correlations(served: Served) -> Response:
    """Correlations of strategies and of instruments."""
    return reply(desk_views.correlations(served.engine))


@router.get("/portfolio/history", tags=["trading"], dependencies=[read], **answers(EquityHistory))
async def history(served: Served) -> Response:
    """Equity, drawdown and gross exposure since the engine was started."""
    return reply(served.curve.view())
