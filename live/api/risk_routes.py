"""Routes of risk: limits, breakers, the kill switch; and who used them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from live.api import views
from live.api.answers import AuditPage, LimitsView, RiskStatus
from live.api.bodies import read_body
from live.api.documented import answers, takes
from live.api.overrides import OverridesView, view
from live.api.requests import (
    AcceptPriceRequest,
    BreakerRequest,
    BreakerResponse,
    CloseRequest,
    CloseResponse,
    KillRequest,
    KillResetRequest,
    KillResponse,
    LimitsRequest,
    LimitsResponse,
    OverrideRequest,
    PriceAccepted,
    Resumed,
    ResumeRequest,
)
from live.api.roles import Caller
from live.api.services import KeyHeader, Served, needs, reply

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["risk"])


@router.get("/risk/status", dependencies=[Depends(needs("read"))], **answers(RiskStatus))
async def status(served: Served) -> Response:
    """Breakers, kills, venues, breaches, and how much of each limit is used."""
    return reply(views.risk_status(served.engine))


@router.get("/risk/limits", dependencies=[Depends(needs("read"))], **answers(LimitsView))
async def limits(served: Served) -> Response:
    """The limits in force."""
    return reply(views.limits(served.engine))


@router.put("/risk/limits", **takes(LimitsRequest, LimitsResponse, "stale"))
async def set_limits(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("risk.limits"))],
    key: KeyHeader = "",
) -> Response:
    """Change limits: what is given is put in force at once, what is left out stays; what is latched stays latched."""
    return reply(await served.commands.set_limits(caller, await read_body(request, LimitsRequest), key))


@router.get("/risk/overrides", dependencies=[Depends(needs("read"))], **answers(OverridesView))
async def overrides(served: Served) -> Response:
    """Limits that are overridden for a while, and those for which a second person is wanted."""
    return reply(view(served.engine))


@router.put("/risk/overrides", **takes(OverrideRequest, OverridesView))
async def override(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("risk.override"))],
    key: KeyHeader = "",
) -> Response:
    """Propose another value of a limit, agree to what another person has proposed, or end it; never a hard block."""
    return reply(await served.commands.override(caller, await read_body(request, OverrideRequest), key))


@router.post("/risk/circuit-breaker", **takes(BreakerRequest, BreakerResponse, "unknown"))
async def circuit_breaker(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("risk.breaker_trip"))],
    key: KeyHeader = "",
) -> Response:
    """Trip a breaker (role trader), reset latched ones (risk), switch all on (risk) or off (admin); not for kills."""
    return reply(await served.commands.breaker(caller, await read_body(request, BreakerRequest), key))


@router.post("/risk/kill", **takes(KillRequest, KillResponse, "unknown"))
async def kill(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("risk.kill"))],
    key: KeyHeader = "",
) -> Response:
    """Stop everything, one strategy or one venue; latched until a named person resets it."""
    return reply(await served.commands.kill(caller, await read_body(request, KillRequest), key))


@router.post("/risk/kill/reset", **takes(KillResetRequest, KillResponse, "unknown"))
async def kill_reset(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("risk.kill_reset"))],
    key: KeyHeader = "",
) -> Response:
    """End a kill."""
    return reply(await served.commands.kill_reset(caller, await read_body(request, KillResetRequest), key))


@router.post("/positions/close", **takes(CloseRequest, CloseResponse, "unknown"))
async def close(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("risk.close"))],
    key: KeyHeader = "",
) -> Response:
    """Close positions by reduce-only market orders."""
    return reply(await served.commands.close(caller, await read_body(request, CloseRequest), key))


@router.post("/risk/accept-price", **takes(AcceptPriceRequest, PriceAccepted, "unknown"))
async def accept_price(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("risk.accept_price"))],
    key: KeyHeader = "",
) -> Response:
    """Take the next price of a symbol for true, however far it has jumped."""
    return reply(
        await served.commands.accept_price(caller, await read_body(request, AcceptPriceRequest), key)
    )


@router.post("/engine/resume", **takes(ResumeRequest, Resumed, "unavailable"))
async def resume_engine(
    request: Request,
    served: Served,
    caller: Annotated[Caller, Depends(needs("engine.resume"))],
    key: KeyHeader = "",
) -> Response:
    """Go on trading after the journal failed, once there is room again or the database is back."""
    return reply(await served.commands.resume_engine(caller, await read_body(request, ResumeRequest), key))


@router.get("/audit", dependencies=[Depends(needs("audit"))], **answers(AuditPage))
async def audit(served: Served, limit: Annotated[int, Query(ge=1, le=views.MOST_ROWS)] = 100) -> Response:
    """Who did what, when, and how it ended; newest last."""
    return reply(views.audit(served.engine, limit))
