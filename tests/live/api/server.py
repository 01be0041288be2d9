"""A real engine behind a real server on loopback, in an event loop of its own thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from live.api.auth import Tokens
from live.api.commands import Commands
from live.api.rest import RestServer
from live.api.roles import Role
from live.engine import Engine
from live.metrics import Metrics
from tests.live.engine.desk import open_engine, paper_market, settings_for, until
from workbench.core.limits import RiskLimits

__all__ = ["TRADER", "Served", "serve"]

TRADER = '''
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class TraderStrategy(TradingStrategy):
    """Buys and sells in turn, one order for each price of BTC-USD at venue a; and rests one far away."""

    VERSION = "1.0.0"

    def __init__(self, config):
        super().__init__(config)
        self.count = 0

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        if price_update.symbol != "BTC-USD" or price_update.venue != "a":
            return []
        self.count += 1
        if self.count == 1:
            print("awake")
            away = {"order_type": "limit", "limit_price": price_update.bid * 0.95, "venue": "a", "quantity": 0.01}
            return [MarketSignal("BTC-USD", None, 1.0, 1.0, away)]
        side = 1.0 if self.count % 2 == 0 else -1.0
        return [MarketSignal("BTC-USD", None, side, 1.0, {"quantity": 0.01 + 0.0001 * self.count, "venue": "a"})]

    def on_order_fill(self, fill: OrderFill) -> None: ...

    def on_risk_breach(self, breach: RiskBreach) -> None: ...
'''


class Served:
    """The engine and its API.  client: of the admin; `as_role` for others."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, engine: Engine, rest: RestServer, tokens: Tokens
    ) -> None:
        self.loop, self.engine, self.rest, self.tokens = loop, engine, rest, tokens
        self.address = f"http://127.0.0.1:{rest.port}"
        self.admin = tokens.admin_file.read_text().strip()
        self.client = self.with_token(self.admin)
        self._clients: dict[Role, httpx.Client] = {Role.ADMIN: self.client}

    def with_token(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.address, headers=headers, timeout=60.0)

    def as_role(self, role: Role) -> httpx.Client:
        if role not in self._clients:
            self._clients[role] = self.with_token(self.tokens.issue(role.name.lower(), role))
        return self._clients[role]

    def call[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the engine's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60.0)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


@contextmanager
def serve(
    folder: Path,
    *,
    limits: RiskLimits | None = None,
    market: Mapping[str, Any] | None = None,
    **given: Any,
) -> Iterator[Served]:
    """Serve an engine that keeps everything in `folder`; given: settings besides."""
    scripts = folder / "strategies"
    (scripts / "chaos").mkdir(parents=True, exist_ok=True)
    (scripts / "trader.py").write_text(TRADER)
    (scripts / "quiet.py").write_text(_quiet())
    (scripts / "chaos" / "spammer.py").write_text(TRADER.replace("TraderStrategy", "SpammerStrategy"))
    settings = settings_for(folder, **{"strategies_path": scripts, "requests_per_second": 100_000.0, **given})
    started: threading.Event = threading.Event()
    found: list[Served] = []
    trouble: list[BaseException] = []
    stop: list[asyncio.Event] = []

    async def main() -> None:
        stop.append(asyncio.Event())
        async with open_engine(settings, market or paper_market(), limits) as engine:
            tokens = Tokens(settings.data)
            commands = Commands(engine)
            metrics = Metrics(engine)
            publishing = asyncio.create_task(metrics.run())
            rest = RestServer(engine, tokens, commands, metrics)
            await rest.start()
            await until(lambda: engine.machine.applied > 20)
            found.append(Served(asyncio.get_running_loop(), engine, rest, tokens))
            started.set()
            await stop[0].wait()
            publishing.cancel()
            await rest.stop()
            await commands.finish()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            trouble.append(error)
            raise
        finally:
            started.set()

    thread = threading.Thread(target=run, name="engine")
    thread.start()
    started.wait(120.0)
    try:
        if trouble:
            raise trouble[0]
        yield found[0]
    finally:
        if found:
            found[0].close()
            found[0].loop.call_soon_threadsafe(stop[0].set)
        thread.join(60.0)
        assert not thread.is_alive()


def _quiet() -> str:
    head, _, tail = TRADER.partition("        if price_update.symbol")
    _, _, tail = tail.partition("    def on_order_fill")
    return f"{head}        return []\n\n    def on_order_fill{tail}".replace(
        "TraderStrategy", "QuietStrategy"
    )
