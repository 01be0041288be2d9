"""Routes of the engine itself: health, metrics, its inside, and backtests."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from live.api import debug_views, views
from live.api.answers import Health
from live.api.backtest_requests import BacktestRequest, BacktestResponse, BacktestView
from live.api.bodies import read_body
from live.api.debug_answers import LedgerView, LimitsInside, OrderQueue, SandboxView
from live.api.documented import answers, takes, text
from live.api.roles import Caller
from live.api.services import KeyHeader, Served, needs, reply

__all__ = ["router"]

_METRICS = "text/plain"

router = APIRouter()
inspect = Depends(needs("inspect"))


@router.get("/health", tags=["system"], **answers(Health, "unavailable", open_to_all=True))
async def health(served: Served) -> Response:
    """How the engine does; 503 where it is down.  Needs no token."""
    found = views.health(served.engine)
    return reply(found, 503 if found.status == "down" else 200)


@router.get("/metrics", tags=["system"], dependencies=[Depends(needs("read"))], **text(_METRICS))
async def metrics(served: Served) -> Response:
    """Everything that Prometheus collects."""
    body, kind = served.metrics.render()
    return Response(body, headers={"Content-Type": kind})


@router.get("/debug/strategy-sandbox/status", tags=["debug"], dependencies=[inspect], **answers(SandboxView))
async def sandbox(served: Served) -> Response:
    """How strategies are kept apart from the engine, and each of their processes."""
    return reply(debug_views.sandbox_status(served.engine))


@router.get("/debug/order-queue", tags=["debug"], dependencies=[inspect], **answers(OrderQueue))
async def order_queue(served: Served) -> Response:
    """Orders that work, and what waits for the writer."""
    return reply(debug_views.order_queue(served.engine))


@router.get("/debug/position-calculator", tags=["debug"], dependencies=[inspect], **answers(LedgerView))
async def position_calculator(served: Served) -> Response:
    """The ledger row by row, and whether it adds up."""
    return reply(debug_views.ledger(served.engine))


@router.get("/debug/risk-engine/limits", tags=["debug"], dependencies=[inspect], **answers(LimitsInside))
async def risk_limits(served: Served) -> Response:
    """Limits as the checks see them."""
    return reply(debug_views.limits_inside(served.engine))


@router.post(
    "/api/v1/backtest/start",
    tags=["backtest"],
    **takes(BacktestRequest, BacktestResponse, "unknown", status=202),
)
async def start_backtest(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("backtest.start"))],
    key: KeyHeader = "",
) -> Response:
    """Replay prices to a strategy, in a process of its own."""
    return reply(await served.commands.backtest(caller, await read_body(request, BacktestRequest), key), 202)


@router.get(
    "/api/v1/backtest/results/{backtest_id}",
    tags=["backtest"],
    dependencies=[Depends(needs("read"))],
    **answers(BacktestView, "unknown"),
)
async def backtest(served: Served, backtest_id: Annotated[str, Path(max_length=128)]) -> Response:
    """A backtest that runs or has ended."""
    return reply(served.commands.backtests.find(backtest_id))
