"""`AsyncEngineClient`: the same in an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from workbench.client import calls, promotion_calls
from workbench.client.address import find_engine
from workbench.client.answers import (
    BreakerResponse,
    CertificateView,
    CloseResponse,
    Correlations,
    Event,
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
    PromoteResponse,
    Resumed,
    RiskStatus,
    StrategyResponse,
    StrategyStatus,
    TrialView,
    UploadResponse,
)
from workbench.client.calls import Call, Page
from workbench.client.exchange import Attempts, answer_of, broken, httpx_settings, needed, request_of, trust
from workbench.client.place import LARGEST_EVENT, Place
from workbench.errors import RequestError

if TYPE_CHECKING:
    import httpx
    import pandas as pd

__all__ = ["AsyncEngineClient"]


class AsyncEngineClient:
    """A live engine over REST and WebSocket, without blocking.  Use it in an `async with`, or `close` it."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        data: str | Path | None = None,
        timeout_s: float = 30.0,
        retry_s: float = 5.0,
    ) -> None:
        """url, token: found by themselves for an engine on this machine (see `find_engine`).

        data: the engine's data folder.  retry_s: so long it is asked again where no engine answers.
        """
        try:
            import httpx
        except ImportError as error:
            raise needed("httpx") from error
        self.address = find_engine(url, token, data)
        self._timeout_s, self._retry_s = timeout_s, retry_s
        self._http = httpx.AsyncClient(**httpx_settings(self.address, timeout_s))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncEngineClient({self.address.url!r})"

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    # --- asking -----------------------------------------------------------------------------------------------------

    async def _ask[T](self, call: Call[T]) -> T:
        request, attempts = request_of(call, self._timeout_s), Attempts(self._retry_s)
        while True:
            try:
                return answer_of(call, await self._send(request))
            except RequestError as error:
                if error.kind == "unavailable" and error.__cause__ is None:
                    raise  # the engine itself says so
                await asyncio.sleep(attempts.pause(error))

    async def _send(self, request: dict[str, Any]) -> httpx.Response:
        import httpx

        try:
            return await self._http.request(**request)
        except httpx.ReadTimeout as error:
            raise RequestError(f"no answer from {self.address.url} in time", "slow") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise broken(self.address, error) from error

    async def _all[T](self, page: Page[T]) -> T:
        rows: list[dict[str, Any]] = []
        after, more = page.after, True
        while more and (page.most is None or len(rows) < page.most):
            left = None if page.most is None else page.most - len(rows)
            answer = await self._ask(page.call(after, left))
            rows += answer[page.rows]
            after, more = answer["next"], answer["more"]
        return page.read(rows)

    # --- events -----------------------------------------------------------------------------------------------------

    async def stream(
        self, *kinds: str, after: int | None = None, patience_s: float = 60.0
    ) -> AsyncIterator[Event]:
        """Events as they happen, for ever: prices, signals, orders, fills, alerts, strategies; all where none is named.

        After a broken connection it goes on where it was, for `patience_s` of trying.  An event of kind `gap` says that
        some were missed, and why.  Raises RequestError.
        """
        try:
            from websockets.asyncio.client import connect
            from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
        except ImportError as error:
            raise needed("websockets") from error
        place, attempts = Place(kinds, after), Attempts(patience_s)
        headers = {"Authorization": f"Bearer {self.address.token}"} if self.address.token else {}
        while True:
            try:
                async with connect(
                    "ws" + self.address.url.removeprefix("http") + place.path,
                    additional_headers=headers,
                    ssl=trust(self.address),
                    max_size=LARGEST_EVENT,
                    proxy=None,
                ) as socket:
                    async for message in socket:
                        event = place.take(message)
                        if event is not None:
                            attempts = Attempts(patience_s)
                            yield event
                failure = RequestError(f"{self.address.url} ended the stream", "unavailable")
            except InvalidStatus as error:
                response = error.response
                failure = place.refused(
                    response.status_code, bytes(response.body or b""), response.headers.get("Retry-After", "")
                )
            except ConnectionClosed as error:
                failure = broken(self.address, error)
            except (OSError, TimeoutError, WebSocketException) as error:
                failure = broken(self.address, error)
            await asyncio.sleep(attempts.pause(failure))

    # --- questions and commands ---------------------------------------------------------------------------------------

    async def health(self) -> Health:
        """How the engine does: ok, degraded or down, and why."""
        return await self._ask(calls.health())

    async def whoami(self) -> Identity:
        """Whose token this is, its role, and what that role may do."""
        return await self._ask(calls.whoami())

    async def strategies(self) -> pd.DataFrame:
        """Strategies that run, or are on their way to."""
        return await self._ask(calls.strategies())

    async def scripts(self) -> pd.DataFrame:
        """Scripts that can be started."""
        return await self._ask(calls.scripts())

    async def strategy(self, strategy_id: str) -> StrategyStatus:
        """Everything about one strategy."""
        return await self._ask(calls.strategy(strategy_id))

    async def performance(self, strategy_id: str) -> pd.DataFrame:
        """How a strategy has done: one row."""
        return await self._ask(calls.performance(strategy_id))

    async def logs(self, strategy_id: str, limit: int = 500) -> list[LogLine]:
        """What a strategy logged or printed, newest last."""
        return await self._ask(calls.logs(strategy_id, limit))

    async def positions(self, strategy_id: str = "", symbol: str = "") -> pd.DataFrame:
        """Positions that are not flat."""
        return await self._ask(calls.positions(strategy_id, symbol))

    async def portfolio(self) -> Portfolio:
        """Equity, P&L and exposure, with those of each strategy and symbol."""
        return await self._ask(calls.portfolio())

    async def equity(self) -> pd.DataFrame:
        """Equity, drawdown and gross exposure since the engine was started; seconds lately, minutes before."""
        return await self._ask(calls.equity())

    async def pnl(self) -> pd.DataFrame:
        """P&L of each strategy."""
        return await self._ask(calls.pnl())

    async def risk(self) -> RiskStatus:
        """Breakers, kills, venues, and how much of each limit is used."""
        return await self._ask(calls.risk())

    async def exposures(self) -> Exposures:
        """Every limit that is on, and how much of it is used."""
        return await self._ask(calls.exposures())

    async def correlations(self) -> Correlations:
        """Correlations of strategies and of instruments, as the monitors sample them."""
        return await self._ask(calls.correlations())

    async def limits(self) -> LimitsView:
        """The limits in force."""
        return await self._ask(calls.limits())

    async def set_limits(
        self, limits: Mapping[str, Any], *, reason: str = "", tag: str = ""
    ) -> LimitsResponse:
        """Change limits, in the layout of risk_limits.yaml; what is left out stays.

        tag: of the limits that were read; where others are in force since, nothing is changed.
        """
        return await self._ask(calls.set_limits(limits, reason, tag))

    async def start(
        self,
        script: str,
        strategy_id: str = "",
        *,
        config: Mapping[str, Any] | None = None,
        on_failure: str = "hold",
        warm_up: bool = True,
        certificate: str = "",
    ) -> StrategyResponse:
        """Start a strategy, or swap a running one for another version or config.

        script: file name, class or source hash.  on_failure: hold or flatten, what becomes of its positions if it dies.
        """
        return await self._ask(
            calls.start(script, strategy_id, config or {}, on_failure, warm_up, certificate)
        )

    async def stop(self, strategy_id: str, *, flatten: bool = False, reason: str = "") -> StrategyResponse:
        """Stop a strategy: its orders are cancelled, what it holds stays, or is closed (flatten)."""
        return await self._ask(calls.stop(strategy_id, flatten, reason))

    async def pause(self, strategy_id: str) -> StrategyResponse:
        """Show a strategy no more prices; its orders and positions stay."""
        return await self._ask(calls.pause(strategy_id))

    async def resume(self, strategy_id: str) -> StrategyResponse:
        """Show a paused strategy prices again."""
        return await self._ask(calls.resume(strategy_id))

    async def upload(self, path: str | Path, *, certificate: str = "") -> UploadResponse:
        """Hand the engine a strategy script, to be started afterwards.  certificate: the text of its file."""
        return await self._ask(calls.upload(Path(path), certificate))

    async def promote(
        self,
        script: str,
        reason: str,
        *,
        source: str = "",
        certificate: str = "",
        strategy_id: str = "",
        config: Mapping[str, Any] | None = None,
        on_failure: str = "hold",
        canary: bool = True,
    ) -> PromoteResponse:
        """Put a certified version on trial: capital and limits grow by steps, each compared with its replay.

        script: of what the engine has; with source, the file name that the text is kept under.  certificate: its text
        or id; left out, any that holds.  config: left out, the certified parameters.  `wb.promote` does all of it.
        """
        return await self._ask(
            promotion_calls.promote(
                script,
                reason,
                source=source,
                certificate=certificate,
                strategy_id=strategy_id,
                config=config,
                on_failure=on_failure,
                canary=canary,
            )
        )

    async def demote(self, strategy_id: str, reason: str) -> PromoteResponse:
        """Take a version on trial back: what ran before takes over, or nothing runs."""
        return await self._ask(promotion_calls.demote(strategy_id, reason))

    async def certificate(self, strategy_id: str) -> CertificateView:
        """What a strategy runs under."""
        return await self._ask(promotion_calls.certificate(strategy_id))

    async def history(self, strategy_id: str, *, limit: int = 200) -> pd.DataFrame:
        """Who promoted, demoted, started or stopped a strategy, or changed limits; oldest first, by time."""
        return await self._ask(promotion_calls.history(strategy_id, limit))

    async def trial(self, strategy_id: str) -> TrialView | None:
        """How a strategy's newest canary stands; None where it had none."""
        return await self._ask(promotion_calls.trial(strategy_id))

    async def kill(
        self, reason: str, *, scope: str = "all", target: str = "", flatten: bool = False
    ) -> KillResponse:
        """Stop everything (scope all), one strategy or one venue (target): latched until it is reset."""
        return await self._ask(calls.kill(reason, scope, target, flatten))

    async def reset_kill(self, reason: str, *, scope: str = "all", target: str = "") -> KillResponse:
        """End a kill."""
        return await self._ask(calls.reset_kill(reason, scope, target))

    async def circuit_breaker(self, action: str, reason: str, *, strategy_id: str = "") -> BreakerResponse:
        """Trip a breaker, reset those that are latched (a kill has its own reset), or enable or disable all of them."""
        return await self._ask(calls.circuit_breaker(action, reason, strategy_id))

    async def close_positions(
        self, reason: str, *, strategy_id: str = "", symbol: str = "", venue: str = ""
    ) -> CloseResponse:
        """Close positions by reduce-only market orders; what is left out matches all."""
        return await self._ask(calls.close_positions(reason, strategy_id, symbol, venue))

    async def overrides(self) -> OverridesView:
        """Limits that are overridden for a while, and those for which a second person is wanted."""
        return await self._ask(calls.overrides())

    async def override(
        self, limit: str, value: float | None, *, reason: str, seconds: float = 3_600.0
    ) -> OverridesView:
        """Propose another value of a limit for a while, or agree to what another person has proposed; None ends it.

        limit: dotted key, as order_limits.max_order_value.  seconds: of event time, at most 28,800.
        """
        return await self._ask(calls.override(limit, value, seconds, reason))

    async def accept_price(self, symbol: str, *, reason: str, venue: str = "") -> PriceAccepted:
        """Have the next price of a symbol taken for true, however far it has jumped."""
        return await self._ask(calls.accept_price(symbol, venue, reason))

    async def resume_engine(self, reason: str) -> Resumed:
        """Have an engine that halted go on, once its journal has room again, or its database is back."""
        return await self._ask(calls.resume_engine(reason))

    async def orders(
        self,
        *,
        strategy_id: str = "",
        symbol: str = "",
        states: Sequence[str] = (),
        after: int = 0,
        most: int | None = None,
    ) -> pd.DataFrame:
        """Orders by their last change, oldest first, as far as the engine keeps them.

        after: cursor of the last row that is known.  most: rows, None for all.
        """
        return await self._all(calls.orders(strategy_id, symbol, states, after, most))

    async def fills(
        self, *, strategy_id: str = "", symbol: str = "", after: int = 0, most: int | None = None
    ) -> pd.DataFrame:
        """Fills, oldest first, as far as the engine keeps them; after, most: as for orders."""
        return await self._all(calls.fills(strategy_id, symbol, after, most))

    async def audit(self, limit: int = 100) -> pd.DataFrame:
        """Who did what, when, and how it ended; the newest `limit` lines, newest last.  Needs the role risk."""
        return await self._ask(calls.audit(limit))
