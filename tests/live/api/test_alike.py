"""REST and gRPC, asked the same of one engine, answer the same in every field."""

from __future__ import annotations

import asyncio
import csv
import json
import math
from pathlib import Path
from typing import Any

import grpc
import httpx
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from live.api.auth import Tokens
from live.api.commands import Commands
from live.api.generated import trading_pb2 as pb
from live.api.generated.trading_pb2_grpc import RiskServiceStub, TradingServiceStub
from live.api.grpc_server import GrpcServer
from live.api.rest import RestServer
from live.api.roles import Role
from live.metrics import Metrics
from tests.live.api.grpc_use import called
from tests.live.engine.desk import open_engine, paper_market, recorded_market, settings_for


def prices(path: Path) -> Path:
    """Two symbols that go up and down for 400 minutes."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["timestamp", "symbol", "open", "high", "low", "close", "volume"])
        for minute in range(400):
            time = f"2024-01-01T{minute // 60:02}:{minute % 60:02}:00Z"
            for symbol, start in (("BTC-USD", 30_000.0), ("ETH-USD", 2_000.0)):
                close = start * (1.0 + 0.002 * abs(25 - minute % 50))
                out.writerow([time, symbol, close, close * 1.001, close * 0.999, close, 500])
    return path


def plain(message: Message) -> Any:
    """A message by its fields, numbers as they are, what is no finite number as None: as JSON of REST has it."""
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is None:
            found[field.name] = [_figure(one) for one in value] if field.is_repeated else _figure(value)
        elif field.message_type.GetOptions().map_entry:
            found[field.name] = {key: list(names.names) for key, names in value.items()}
        elif field.message_type.full_name == "google.protobuf.Struct":
            found[field.name] = MessageToDict(value)
        else:
            found[field.name] = [plain(one) for one in value]
    return found


def _figure(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def test_both_answer_alike(tmp_path: Path) -> None:
    async def whole() -> None:
        market = recorded_market(prices(tmp_path / "prices.csv"), "BTC-USD", "ETH-USD", venues=("v", "w"))
        async with open_engine(settings_for(tmp_path), market) as engine:
            tokens, commands = Tokens(engine.settings.data), Commands(engine)
            rest, server = (
                RestServer(engine, tokens, commands, Metrics(engine)),
                GrpcServer(engine, commands, tokens),
            )
            await rest.start()
            port = await server.start()
            bearer = f"Bearer {tokens.issue('somebody', Role.ADMIN)}"
            try:
                async with (
                    grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
                    httpx.AsyncClient(
                        base_url=f"http://127.0.0.1:{rest.port}", headers={"Authorization": bearer}
                    ) as http,
                ):
                    await Compared(channel, http, bearer).all(engine)
            finally:
                await asyncio.gather(rest.stop(), server.stop(0.1))
                await commands.finish()

    asyncio.run(whole())


def test_who_asks_too_often_by_one_is_turned_away_by_the_other(tmp_path: Path) -> None:
    async def whole() -> None:
        async with open_engine(settings_for(tmp_path, requests_per_second=1.0), paper_market()) as engine:
            tokens, commands = Tokens(engine.settings.data), Commands(engine)
            rest, server = (
                RestServer(engine, tokens, commands, Metrics(engine)),
                GrpcServer(engine, commands, tokens),
            )
            await rest.start()
            port = await server.start()
            bearer = f"Bearer {tokens.issue('somebody', Role.VIEWER)}"
            url = f"http://127.0.0.1:{rest.port}"
            try:
                async with (
                    grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
                    httpx.AsyncClient(base_url=url, headers={"Authorization": bearer}) as http,
                ):
                    codes = [(await http.get("/api/v1/risk/status")).status_code for _ in range(10)]
                    assert codes[-1] == 429
                    call = TradingServiceStub(channel).GetPortfolio(
                        pb.GetPortfolioRequest(), metadata=(("authorization", bearer),)
                    )
                    assert (await called(call))[0] == grpc.StatusCode.RESOURCE_EXHAUSTED
            finally:
                await asyncio.gather(rest.stop(), server.stop(0.1))
                await commands.finish()

    asyncio.run(whole())


class Compared:
    def __init__(self, channel: grpc.aio.Channel, http: httpx.AsyncClient, bearer: str) -> None:
        self.trading, self.risk = TradingServiceStub(channel), RiskServiceStub(channel)
        self.http = http
        self.who = (("authorization", bearer),)

    async def all(self, engine: Any) -> None:
        start = pb.StartStrategyRequest(script="momentum.py", strategy_id="m", on_failure="flatten")
        start.config.update({"lookback": 8, "unit": {"BTC-USD": 0.5, "ETH-USD": 4.0}})
        started = plain(await self.trading.StartStrategy(start, metadata=self.who))
        body = {
            "script": "momentum.py",
            "strategy_id": "m",
            "on_failure": "flatten",
            "config": {"lookback": 8, "unit": {"BTC-USD": 0.5, "ETH-USD": 4.0}},
        }
        assert (
            await self.http.post("/api/v1/strategies/start", json=body)
        ).json() == started  # it runs already
        second = {"script": "sma_cross.py", "config": {"fast": 3, "slow": 9, "unit": 1.5}}
        assert (await self.http.post("/api/v1/strategies/start", json=second)).status_code == 200
        await engine.play()  # and from now on nothing moves
        await self.same_reads()
        await self.same_commands()
        await self.same_reads()
        await self.same_errors()

    async def same_reads(self) -> None:
        trading, risk = self.trading, self.risk
        pairs = [
            (
                trading.ListActiveStrategies(pb.ListStrategiesRequest(), metadata=self.who),
                "strategies/active",
            ),
            (
                trading.GetStrategyStatus(pb.StrategyStatusRequest(strategy_id="m"), metadata=self.who),
                "strategies/m/status",
            ),
            (trading.GetPositions(pb.GetPositionsRequest(), metadata=self.who), "positions/current"),
            (
                trading.GetPositions(
                    pb.GetPositionsRequest(strategy_id="m", symbol="ETH-USD"), metadata=self.who
                ),
                "positions/current?strategy_id=m&symbol=ETH-USD",
            ),
            (trading.GetPortfolio(pb.GetPortfolioRequest(), metadata=self.who), "portfolio/pnl"),
            (risk.GetRiskStatus(pb.RiskStatusRequest(), metadata=self.who), "risk/status"),
        ]
        for call, path in pairs:
            by_grpc, by_rest = plain(await call), (await self.http.get(f"/api/v1/{path}")).json()
            assert by_grpc == by_rest, path
        assert by_rest["orders_accepted"] > 10  # there was something to compare

    async def same_commands(self) -> None:
        limits = pb.RiskLimitsRequest(reason="a test")
        limits.limits.update({"notional_limits": {"per_strategy": 700_000, "per_venue": None}})
        body = {
            "reason": "a test",
            "limits": {"notional_limits": {"per_strategy": 800_000, "per_venue": None}},
        }
        one = plain(await self.risk.SetRiskLimits(limits, metadata=self.who))
        two = (await self.http.put("/api/v1/risk/limits", json=body)).json()
        assert one.keys() == two.keys()
        assert one["changed"] == two["changed"] == ["notional_limits.per_strategy"]
        trip = {"action": "trip", "reason": "a test", "strategy_id": "m"}
        one = plain(await self.risk.EnableCircuitBreaker(pb.CircuitBreakerRequest(**trip), metadata=self.who))
        two = (await self.http.post("/api/v1/risk/circuit-breaker", json=trip)).json()
        assert one == two
        assert one["halted"] == ["manual"]
        close = {"strategy_id": "sma_cross", "symbol": "BTC-USD", "reason": "a test"}
        one = plain(await self.risk.ForcePositionClose(pb.ForceCloseRequest(**close), metadata=self.who))
        two = (await self.http.post("/api/v1/positions/close", json=close)).json()
        assert one.keys() == two.keys()
        stop = {"strategy_id": "m", "reason": "enough"}
        one = plain(
            await self.trading.StopStrategy(
                pb.StopStrategyRequest(strategy_id="m", reason="enough"), metadata=self.who
            )
        )
        assert (await self.http.post("/api/v1/strategies/stop", json=stop)).json() == one

    async def same_errors(self) -> None:
        pairs = [
            (
                self.trading.GetStrategyStatus(pb.StrategyStatusRequest(strategy_id="x"), metadata=self.who),
                self.http.get("/api/v1/strategies/x/status"),
            ),
            (
                self.trading.StartStrategy(pb.StartStrategyRequest(script="none.py"), metadata=self.who),
                self.http.post("/api/v1/strategies/start", json={"script": "none.py"}),
            ),
            (
                self.risk.EnableCircuitBreaker(
                    pb.CircuitBreakerRequest(action="jump", reason="x"), metadata=self.who
                ),
                self.http.post("/api/v1/risk/circuit-breaker", json={"action": "jump", "reason": "x"}),
            ),
            (
                self.risk.SetRiskLimits(pb.RiskLimitsRequest(tag="0"), metadata=self.who),
                self.http.put("/api/v1/risk/limits", json={"limits": {}, "tag": "0"}),
            ),
        ]
        for call, request in pairs:
            (_, text), problem = await called(call), json.loads((await request).content)
            assert text == problem["detail"]
