"""Every request that the client makes: path, parameters, body, and what becomes of the answer.  No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from workbench.client import frames
from workbench.client.answers import (
    BreakerResponse,
    CloseResponse,
    Correlations,
    Exposures,
    Health,
    Identity,
    KillResponse,
    LimitsResponse,
    LimitsView,
    LogLine,
    OverridesView,
    Portfolio,
    PriceAccepted,
    Resumed,
    RiskStatus,
    StrategyResponse,
    StrategyStatus,
    UploadResponse,
    read_answer,
)
from workbench.client.frames import frame_of
from workbench.errors import StrategyLoadError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PAGE",
    "Call",
    "Page",
    "accept_price",
    "audit",
    "circuit_breaker",
    "close_positions",
    "correlations",
    "equity",
    "exposures",
    "fills",
    "given",
    "health",
    "kill",
    "limits",
    "logs",
    "orders",
    "override",
    "overrides",
    "pause",
    "performance",
    "pnl",
    "portfolio",
    "positions",
    "reset_kill",
    "resume",
    "resume_engine",
    "risk",
    "scripts",
    "set_limits",
    "start",
    "stop",
    "strategies",
    "strategy",
    "strategy_path",
    "upload",
    "whoami",
]

PAGE: Final = 1000  # rows of one answer

_API: Final = "/api/v1"


class Call[T](NamedTuple):
    """One request.  changes: it changes something, and gets an idempotency key.  read: decoded JSON to answer.

    health: an answer with status 503 is one all the same.
    """

    method: str
    path: str
    read: Callable[[Any], T]
    query: Mapping[str, Any] = {}
    body: Any = None
    changes: bool = False
    health: bool = False


class Page[T](NamedTuple):
    """Requests page by page.  rows: name of the rows in an answer.  read: all rows to answer.  most: None for all."""

    path: str
    rows: str
    read: Callable[[list[dict[str, Any]]], T]
    query: Mapping[str, Any]
    after: int
    most: int | None

    def call(self, after: int, left: int | None) -> Call[Any]:
        """The request for the page behind `after`, of at most `left` rows."""
        limit = PAGE if left is None else min(PAGE, left)
        return Call("GET", self.path, lambda plain: plain, {**self.query, "after": after, "limit": limit})


def _struct[T](kind: type[T]) -> Callable[[Any], T]:
    return lambda plain: read_answer(kind, plain)  # type: ignore[type-var]


def given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def strategy_path(strategy_id: str, what: str) -> str:
    return f"{_API}/strategies/{quote(strategy_id, safe='')}/{what}"


def health() -> Call[Health]:
    return Call("GET", "/health", _struct(Health), health=True)


def whoami() -> Call[Identity]:
    return Call("GET", f"{_API}/whoami", _struct(Identity))


def strategies() -> Call[pd.DataFrame]:
    return Call(
        "GET",
        f"{_API}/strategies/active",
        lambda plain: frame_of(plain["strategies"], frames.STRATEGIES, "strategy_id"),
    )


def scripts() -> Call[pd.DataFrame]:
    return Call(
        "GET",
        f"{_API}/strategies/available",
        lambda plain: frame_of(plain["scripts"], frames.SCRIPTS, "name"),
    )


def strategy(strategy_id: str) -> Call[StrategyStatus]:
    return Call("GET", strategy_path(strategy_id, "status"), _struct(StrategyStatus))


def performance(strategy_id: str) -> Call[pd.DataFrame]:
    return Call(
        "GET",
        strategy_path(strategy_id, "performance"),
        lambda plain: frame_of([plain], frames.PERFORMANCE, "strategy_name"),
    )


def logs(strategy_id: str, limit: int) -> Call[list[LogLine]]:
    return Call(
        "GET",
        strategy_path(strategy_id, "logs"),
        lambda plain: [read_answer(LogLine, line) for line in plain["lines"]],
        {"limit": limit},
    )


def positions(strategy_id: str, symbol: str) -> Call[pd.DataFrame]:
    return Call(
        "GET",
        f"{_API}/positions/current",
        lambda plain: frame_of(plain["positions"], frames.POSITIONS, "strategy_id"),
        given(strategy_id=strategy_id, symbol=symbol),
    )


def portfolio() -> Call[Portfolio]:
    return Call("GET", f"{_API}/portfolio/pnl", _struct(Portfolio))


def equity() -> Call[pd.DataFrame]:
    return Call(
        "GET",
        f"{_API}/portfolio/history",
        lambda plain: frame_of(plain["points"], frames.EQUITY, "time"),
    )


def pnl() -> Call[pd.DataFrame]:
    return Call(
        "GET",
        f"{_API}/portfolio/pnl",
        lambda plain: frame_of(plain["strategies"], frames.PNL, "strategy_id"),
    )


def orders(
    strategy_id: str, symbol: str, states: Sequence[str], after: int, most: int | None
) -> Page[pd.DataFrame]:
    return Page(
        f"{_API}/orders",
        "orders",
        lambda rows: frame_of(rows, frames.ORDERS, "order_id"),
        given(strategy_id=strategy_id, symbol=symbol, state=list(states) or None),
        after,
        most,
    )


def fills(strategy_id: str, symbol: str, after: int, most: int | None) -> Page[pd.DataFrame]:
    return Page(
        f"{_API}/fills",
        "fills",
        lambda rows: frame_of(rows, frames.FILLS, "cursor"),
        given(strategy_id=strategy_id, symbol=symbol),
        after,
        most,
    )


def audit(limit: int) -> Call[pd.DataFrame]:
    return Call(
        "GET", f"{_API}/audit", lambda plain: frame_of(plain["lines"], frames.AUDIT, "time"), {"limit": limit}
    )


def risk() -> Call[RiskStatus]:
    return Call("GET", f"{_API}/risk/status", _struct(RiskStatus))


def exposures() -> Call[Exposures]:
    return Call("GET", f"{_API}/risk/exposures", _struct(Exposures))


def correlations() -> Call[Correlations]:
    return Call("GET", f"{_API}/risk/correlations", _struct(Correlations))


def limits() -> Call[LimitsView]:
    return Call("GET", f"{_API}/risk/limits", _struct(LimitsView))


def set_limits(limits: Mapping[str, Any], reason: str, tag: str) -> Call[LimitsResponse]:
    body = {"limits": dict(limits), **given(reason=reason, tag=tag)}
    return Call("PUT", f"{_API}/risk/limits", _struct(LimitsResponse), body=body, changes=True)


def start(
    script: str,
    strategy_id: str,
    config: Mapping[str, Any],
    on_failure: str,
    warm_up: bool,
    certificate: str,
) -> Call[StrategyResponse]:
    body = {
        "script": script,
        "config": dict(config),
        "on_failure": on_failure,
        "warm_up": warm_up,
        **given(strategy_id=strategy_id, certificate=certificate),
    }
    return Call("POST", f"{_API}/strategies/start", _struct(StrategyResponse), body=body, changes=True)


def stop(strategy_id: str, flatten: bool, reason: str) -> Call[StrategyResponse]:
    body = {"strategy_id": strategy_id, "flatten": flatten, **given(reason=reason)}
    return Call("POST", f"{_API}/strategies/stop", _struct(StrategyResponse), body=body, changes=True)


def pause(strategy_id: str) -> Call[StrategyResponse]:
    return Call("POST", strategy_path(strategy_id, "pause"), _struct(StrategyResponse), changes=True)


def resume(strategy_id: str) -> Call[StrategyResponse]:
    return Call("POST", strategy_path(strategy_id, "resume"), _struct(StrategyResponse), changes=True)


def upload(path: Path, certificate: str) -> Call[UploadResponse]:
    try:
        source = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StrategyLoadError(f"{path}: expected a strategy script in UTF-8: {error}") from error
    body = {"name": path.name, "source": source, **given(certificate=certificate)}
    return Call("POST", f"{_API}/strategies/upload", _struct(UploadResponse), body=body, changes=True)


def kill(reason: str, scope: str, target: str, flatten: bool) -> Call[KillResponse]:
    body = {"reason": reason, "scope": scope, "flatten": flatten, **given(target=target)}
    return Call("POST", f"{_API}/risk/kill", _struct(KillResponse), body=body, changes=True)


def reset_kill(reason: str, scope: str, target: str) -> Call[KillResponse]:
    body = {"reason": reason, "scope": scope, **given(target=target)}
    return Call("POST", f"{_API}/risk/kill/reset", _struct(KillResponse), body=body, changes=True)


def circuit_breaker(action: str, reason: str, strategy_id: str) -> Call[BreakerResponse]:
    body = {"action": action, "reason": reason, **given(strategy_id=strategy_id)}
    return Call("POST", f"{_API}/risk/circuit-breaker", _struct(BreakerResponse), body=body, changes=True)


def close_positions(reason: str, strategy_id: str, symbol: str, venue: str) -> Call[CloseResponse]:
    body = {"reason": reason, **given(strategy_id=strategy_id, symbol=symbol, venue=venue)}
    return Call("POST", f"{_API}/positions/close", _struct(CloseResponse), body=body, changes=True)


def overrides() -> Call[OverridesView]:
    return Call("GET", f"{_API}/risk/overrides", _struct(OverridesView))


def override(limit: str, value: float | None, seconds: float, reason: str) -> Call[OverridesView]:
    body = {"limit": limit, "value": value, "seconds": seconds, "reason": reason}
    return Call("PUT", f"{_API}/risk/overrides", _struct(OverridesView), body=body, changes=True)


def accept_price(symbol: str, venue: str, reason: str) -> Call[PriceAccepted]:
    body = {"symbol": symbol, "reason": reason, **given(venue=venue)}
    return Call("POST", f"{_API}/risk/accept-price", _struct(PriceAccepted), body=body, changes=True)


def resume_engine(reason: str) -> Call[Resumed]:
    return Call("POST", f"{_API}/engine/resume", _struct(Resumed), body={"reason": reason}, changes=True)
