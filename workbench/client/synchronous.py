"""`EngineClient`: the engine, asked and waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
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

__all__ = ["EngineClient"]


class EngineClient:
    """A live engine over REST and WebSocket.  Use it in a `with`, or `close` it."""

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
        self._http = httpx.Client(**httpx_settings(self.address, timeout_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"EngineClient({self.address.url!r})"

    def _repr_html_(self) -> str:
        """The engine as it is now, in a notebook cell; or why nothing is known of it."""
        from workbench.client.view import client_html

        return client_html(self)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    # --- asking -----------------------------------------------------------------------------------------------------

    def _ask[T](self, call: Call[T]) -> T:
        request, attempts = request_of(call, self._timeout_s), Attempts(self._retry_s)
        while True:
            try:
                return answer_of(call, self._send(request))
            except RequestError as error:
                if error.kind == "unavailable" and error.__cause__ is None:
                    raise  # the engine itself says so
                time.sleep(attempts.pause(error))

    def _send(self, request: dict[str, Any]) -> httpx.Response:
        import httpx

        try:
            return self._http.request(**request)
        except httpx.ReadTimeout as error:
            raise RequestError(f"no answer from {self.address.url} in time", "slow") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise broken(self.address, error) from error

    def _all[T](self, page: Page[T]) -> T:
        rows: list[dict[str, Any]] = []
        after, more = page.after, True
        while more and (page.most is None or len(rows) < page.most):
            left = None if page.most is None else page.most - len(rows)
            answer = self._ask(page.call(after, left))
            rows += answer[page.rows]
            after, more = answer["next"], answer["more"]
        return page.read(rows)

    # --- events -----------------------------------------------------------------------------------------------------

    def stream(self, *kinds: str, after: int | None = None, patience_s: float = 60.0) -> Iterator[Event]:
        """Events as they happen, for ever: prices, signals, orders, fills, alerts, strategies; all where none is named.

        After a broken connection it goes on where it was, for `patience_s` of trying.  An event of kind `gap` says that
        some were missed, and why.  Raises RequestError.
        """
        try:
            from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
            from websockets.sync.client import connect
        except ImportError as error:
            raise needed("websockets") from error
        place, attempts = Place(kinds, after), Attempts(patience_s)
        headers = {"Authorization": f"Bearer {self.address.token}"} if self.address.token else {}
        while True:
            try:
                with connect(
                    "ws" + self.address.url.removeprefix("http") + place.path,
                    additional_headers=headers,
                    ssl=trust(self.address),
                    max_size=LARGEST_EVENT,
                    proxy=None,
                ) as socket:
                    for message in socket:
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
            time.sleep(attempts.pause(failure))

    # --- questions and commands ---------------------------------------------------------------------------------------

    def health(self) -> Health:
        """How the engine does: ok, degraded or down, and why."""
        return self._ask(calls.health())

    def whoami(self) -> Identity:
        """Whose token this is, its role, and what that role may do."""
        return self._ask(calls.whoami())

    def strategies(self) -> pd.DataFrame:
        """Strategies that run, or are on their way to."""
        return self._ask(calls.strategies())

    def scripts(self) -> pd.DataFrame:
        """Scripts that can be started."""
        return self._ask(calls.scripts())

    def strategy(self, strategy_id: str) -> StrategyStatus:
        """Everything about one strategy."""
        return self._ask(calls.strategy(strategy_id))

    def performance(self, strategy_id: str) -> pd.DataFrame:
        """How a strategy has done: one row."""
        return self._ask(calls.performance(strategy_id))

    def logs(self, strategy_id: str, limit: int = 500) -> list[LogLine]:
        """What a strategy logged or printed, newest last."""
        return self._ask(calls.logs(strategy_id, limit))

    def positions(self, strategy_id: str = "", symbol: str = "") -> pd.DataFrame:
        """Positions that are not flat."""
        return self._ask(calls.positions(strategy_id, symbol))

    def portfolio(self) -> Portfolio:
        """Equity, P&L and exposure, with those of each strategy and symbol."""
        return self._ask(calls.portfolio())

    def equity(self) -> pd.DataFrame:
        """Equity, drawdown and gross exposure since the engine was started; seconds lately, minutes before."""
        return self._ask(calls.equity())

    def pnl(self) -> pd.DataFrame:
        """P&L of each strategy."""
        return self._ask(calls.pnl())

    def risk(self) -> RiskStatus:
        """Breakers, kills, venues, and how much of each limit is used."""
        return self._ask(calls.risk())

    def exposures(self) -> Exposures:
        """Every limit that is on, and how much of it is used."""
        return self._ask(calls.exposures())

    def correlations(self) -> Correlations:
        """Correlations of strategies and of instruments, as the monitors sample them."""
        return self._ask(calls.correlations())

    def limits(self) -> LimitsView:
        """The limits in force."""
        return self._ask(calls.limits())

    def set_limits(self, limits: Mapping[str, Any], *, reason: str = "", tag: str = "") -> LimitsResponse:
        """Change limits, in the layout of risk_limits.yaml; what is left out stays.

        tag: of the limits that were read; where others are in force since, nothing is changed.
        """
        return self._ask(calls.set_limits(limits, reason, tag))

    def start(
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
        return self._ask(calls.start(script, strategy_id, config or {}, on_failure, warm_up, certificate))

    def stop(self, strategy_id: str, *, flatten: bool = False, reason: str = "") -> StrategyResponse:
        """Stop a strategy: its orders are cancelled, what it holds stays, or is closed (flatten)."""
        return self._ask(calls.stop(strategy_id, flatten, reason))

    def pause(self, strategy_id: str) -> StrategyResponse:
        """Show a strategy no more prices; its orders and positions stay."""
        return self._ask(calls.pause(strategy_id))

    def resume(self, strategy_id: str) -> StrategyResponse:
        """Show a paused strategy prices again."""
        return self._ask(calls.resume(strategy_id))

    def upload(self, path: str | Path, *, certificate: str = "") -> UploadResponse:
        """Hand the engine a strategy script, to be started afterwards.  certificate: the text of its file."""
        return self._ask(calls.upload(Path(path), certificate))

    def promote(
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
        return self._ask(
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

    def demote(self, strategy_id: str, reason: str) -> PromoteResponse:
        """Take a version on trial back: what ran before takes over, or nothing runs."""
        return self._ask(promotion_calls.demote(strategy_id, reason))

    def certificate(self, strategy_id: str) -> CertificateView:
        """What a strategy runs under."""
        return self._ask(promotion_calls.certificate(strategy_id))

    def history(self, strategy_id: str, *, limit: int = 200) -> pd.DataFrame:
        """Who promoted, demoted, started or stopped a strategy, or changed limits; oldest first, by time."""
        return self._ask(promotion_calls.history(strategy_id, limit))

    def trial(self, strategy_id: str) -> TrialView | None:
        """How a strategy's newest canary stands; None where it had none."""
        return self._ask(promotion_calls.trial(strategy_id))

    def kill(
        self, reason: str, *, scope: str = "all", target: str = "", flatten: bool = False
    ) -> KillResponse:
        """Stop everything (scope all), one strategy or one venue (target): latched until it is reset."""
        return self._ask(calls.kill(reason, scope, target, flatten))

    def reset_kill(self, reason: str, *, scope: str = "all", target: str = "") -> KillResponse:
        """End a kill."""
        return self._ask(calls.reset_kill(reason, scope, target))

    def circuit_breaker(self, action: str, reason: str, *, strategy_id: str = "") -> BreakerResponse:
        """Trip a breaker, reset those that are latched (a kill has its own reset), or enable or disable all of them."""
        return self._ask(calls.circuit_breaker(action, reason, strategy_id))

    def close_positions(
        self, reason: str, *, strategy_id: str = "", symbol: str = "", venue: str = ""
    ) -> CloseResponse:
        """Close positions by reduce-only market orders; what is left out matches all."""
        return self._ask(calls.close_positions(reason, strategy_id, symbol, venue))

    def overrides(self) -> OverridesView:
        """Limits that are overridden for a while, and those for which a second person is wanted."""
        return self._ask(calls.overrides())

    def override(
        self, limit: str, value: float | None, *, reason: str, seconds: float = 3_600.0
    ) -> OverridesView:
        """Propose another value of a limit for a while, or agree to what another person has proposed; None ends it.

        limit: dotted key, as order_limits.max_order_value.  seconds: of event time, at most 28,800.
        """
        return self._ask(calls.override(limit, value, seconds, reason))

    def accept_price(self, symbol: str, *, reason: str, venue: str = "") -> PriceAccepted:
        """Have the next price of a symbol taken for true, however far it has jumped."""
        return self._ask(calls.accept_price(symbol, venue, reason))

    def resume_engine(self, reason: str) -> Resumed:
        """Have an engine that halted go on, once its journal has room again, or its database is back."""
        return self._ask(calls.resume_engine(reason))

    def orders(
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
        return self._all(calls.orders(strategy_id, symbol, states, after, most))

    def fills(
        self, *, strategy_id: str = "", symbol: str = "", after: int = 0, most: int | None = None
    ) -> pd.DataFrame:
        """Fills, oldest first, as far as the engine keeps them; after, most: as for orders."""
        return self._all(calls.fills(strategy_id, symbol, after, most))

    def audit(self, limit: int = 100) -> pd.DataFrame:
        """Who did what, when, and how it ended; the newest `limit` lines, newest last.  Needs the role risk."""
        return self._ask(calls.audit(limit))
