"""Routes of strategies: which there are, how they do, and what is to become of them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from live.api import views
from live.api.answers import (
    ActiveStrategies,
    AvailableStrategies,
    LogPage,
    Performance,
    StrategyStatus,
)
from live.api.bodies import media_of, read_body, read_bytes
from live.api.documented import answers, takes
from live.api.promotion_answers import CertificateView, HistoryView, certificate, history
from live.api.requests import (
    DemoteRequest,
    PromoteRequest,
    PromoteResponse,
    StartStrategyRequest,
    StopStrategyRequest,
    StrategyResponse,
    UploadRequest,
    UploadResponse,
)
from live.api.roles import Caller
from live.api.services import KeyHeader, Served, needs, reply
from live.files import off_loop
from live.scripts import LARGEST_SCRIPT
from workbench.errors import RequestError

__all__ = ["router"]

_LARGEST_UPLOAD: Final = 6 * LARGEST_SCRIPT + 4096  # JSON may write a sign in six bytes
_LARGEST_PROMOTION: Final = _LARGEST_UPLOAD + 2 * 1_000_000  # with its certificate
_PLAIN: Final = ("text/x-python", "text/plain", "application/octet-stream")

type StrategyId = Annotated[str, Path(max_length=128)]

router = APIRouter(prefix="/api/v1/strategies", tags=["strategies"])
read = Depends(needs("read"))


@router.get("/active", dependencies=[read], **answers(ActiveStrategies))
async def active(served: Served) -> Response:
    """Strategies that run, or are on their way to."""
    return reply(views.active_strategies(served.engine))


@router.get("/available", dependencies=[read], **answers(AvailableStrategies))
async def available(served: Served) -> Response:
    """Scripts that can be started: those of the strategies' folder, and those that were uploaded."""
    scripts = await off_loop(served.engine.catalog.scripts)
    return reply(views.available_strategies(served.engine, scripts))


@router.get("/{strategy_id}/status", dependencies=[read], **answers(StrategyStatus, "unknown"))
async def status(served: Served, strategy_id: StrategyId) -> Response:
    """Everything about one strategy."""
    return reply(views.strategy_status(served.engine, strategy_id))


@router.get("/{strategy_id}/performance", dependencies=[read], **answers(Performance, "unknown"))
async def performance(served: Served, strategy_id: StrategyId) -> Response:
    """How one strategy has done."""
    return reply(views.performance(served.engine, strategy_id))


@router.get("/{strategy_id}/logs", dependencies=[Depends(needs("inspect"))], **answers(LogPage, "unknown"))
async def logs(
    served: Served, strategy_id: StrategyId, limit: Annotated[int, Query(ge=1, le=500)] = 500
) -> Response:
    """What a strategy logged or printed, newest last."""
    return reply(views.logs(served.engine, strategy_id, limit))


@router.get(
    "/{strategy_id}/certificate",
    dependencies=[read],
    **answers(CertificateView, "unknown"),
    name="certificate",
)
async def its_certificate(served: Served, strategy_id: StrategyId) -> Response:
    """The certificate that a strategy runs under: what was tested, and whether it still holds."""
    return reply(await certificate(served.engine, strategy_id))


@router.get("/{strategy_id}/history", dependencies=[read], **answers(HistoryView, "unknown"), name="history")
async def its_history(
    served: Served, strategy_id: StrategyId, limit: Annotated[int, Query(ge=1, le=views.MOST_ROWS)] = 200
) -> Response:
    """Promotions, demotions, overrides and commands: who did what with a strategy, when, and why."""
    return reply(history(served.engine, strategy_id, limit))


@router.post("/promote", **takes(PromoteRequest, PromoteResponse, "unknown"))
async def promote(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("strategy.promote"))],
    key: KeyHeader = "",
) -> Response:
    """Put a certified version on trial: its capital and limits grow by steps, each compared with its replay."""
    wanted = await read_body(request, PromoteRequest, _LARGEST_PROMOTION)
    return reply(await served.commands.promote(caller, wanted, key))


@router.post("/{strategy_id}/demote", **takes(DemoteRequest, PromoteResponse, "unknown"))
async def demote(
    request: Request,
    served: Served,
    strategy_id: StrategyId,
    caller: Annotated[Caller, Depends(needs("strategy.demote"))],
    key: KeyHeader = "",
) -> Response:
    """Take a version on trial back: its certificate is withdrawn, and the version before takes over."""
    wanted = await read_body(request, DemoteRequest)
    return reply(await served.commands.demote(caller, strategy_id, wanted, key))


@router.post("/start", **takes(StartStrategyRequest, StrategyResponse, "unknown"))
async def start(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("strategy.start"))],
    key: KeyHeader = "",
) -> Response:
    """Start a strategy; or swap a running one for another version or config, without losing a price or a fill."""
    return reply(await served.commands.start(caller, await read_body(request, StartStrategyRequest), key))


@router.post("/stop", **takes(StopStrategyRequest, StrategyResponse, "unknown"))
async def stop(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("strategy.stop"))],
    key: KeyHeader = "",
) -> Response:
    """Stop a strategy; its orders are cancelled."""
    return reply(await served.commands.stop(caller, await read_body(request, StopStrategyRequest), key))


@router.post("/{strategy_id}/pause", **answers(StrategyResponse, "unknown", "conflict", "unavailable"))
async def pause(
    served: Served,
    strategy_id: StrategyId,
    caller: Annotated[Caller, Depends(needs("strategy.pause"))],
    key: KeyHeader = "",
) -> Response:
    """Show a strategy no more prices; its process, orders and positions stay."""
    return reply(await served.commands.pause(caller, strategy_id, key))


@router.post("/{strategy_id}/resume", **answers(StrategyResponse, "unknown", "conflict", "unavailable"))
async def resume(
    served: Served,
    strategy_id: StrategyId,
    caller: Annotated[Caller, Depends(needs("strategy.resume"))],
    key: KeyHeader = "",
) -> Response:
    """Show a paused strategy prices again."""
    return reply(await served.commands.resume(caller, strategy_id, key))


@router.post("/upload", **takes(UploadRequest, UploadResponse, status=201))
async def upload(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("strategy.upload"))],
    key: KeyHeader = "",
    name: Annotated[
        str, Query(max_length=128, description="File name, where the body is the file itself.")
    ] = "",
) -> Response:
    """Keep a strategy script under its hash: JSON, or the file itself as text/x-python with its ?name=."""
    if media_of(request) in _PLAIN:
        wanted = UploadRequest(name, _text(await read_bytes(request, LARGEST_SCRIPT)))
    else:
        wanted = await read_body(request, UploadRequest, _LARGEST_PROMOTION)
    return reply(await served.commands.upload(caller, wanted, key), 201)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"expected a script in UTF-8, found {error.reason}", "malformed") from error
