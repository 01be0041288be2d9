"""An engine beside an exchange in its own process: what each knows of the other when one of them begins again."""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path
from typing import Any

import yaml

from live.api.views import health
from live.engine import Engine, StartRequest
from tests.live.engine.desk import open_engine, settings_for, until
from tests.live.engine.doomed import LIMITS
from tests.live.engine.scripts import write_script
from tests.live.venues.processes import Exchange, venues

ALTERNATE = """
self.turn = not getattr(self, "turn", False)
return [MarketSignal(price_update.symbol, None, 1.0 if self.turn else -1.0, 1.0, {"quantity": 0.1})]
"""


def market(folder: Path, exchange: Exchange) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(venues(folder, exchange.port).read_text())
    return found


async def trade(engine: Engine, fills: int) -> None:
    """Trade, and end with nothing held."""
    await until(lambda: not engine.problems, 60.0)
    seen = engine.machine.blotter.fill_cursor
    await engine.strategies.start(StartRequest("trader", warm_up=False))
    await until(lambda: engine.machine.blotter.fill_cursor >= seen + fills, 60.0)
    await engine.strategies.stop("trader", "ana", flatten=True)
    await until(lambda: engine.machine.desk.position(0, "BTC-USD") == 0.0, 60.0)
    await until(lambda: not engine.machine.blotter.working)


def test_an_exchange_that_lost_its_store_while_the_engine_was_away_is_not_traded_at(tmp_path: Path) -> None:
    async def scenario() -> None:
        write_script(tmp_path / "scripts", "trader", ALTERNATE)
        settings = settings_for(tmp_path, strategies_path=tmp_path / "scripts")
        async with Exchange(tmp_path) as exchange:
            async with open_engine(settings, market(tmp_path, exchange), LIMITS) as engine:
                await trade(engine, 4)
            await exchange.end(signal.SIGKILL)
            shutil.rmtree(tmp_path / "store")
            await exchange.begin()
            async with open_engine(settings, market(tmp_path, exchange), LIMITS) as engine:
                await until(lambda: "lost its store" in engine.venues[0].status().reason, 60.0)
                assert "venue x" in engine.problems

    asyncio.run(scenario())


def test_a_new_data_folder_beside_an_exchange_that_remembers_says_so_and_how_to_mend_it(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        write_script(tmp_path / "scripts", "trader", ALTERNATE)
        settings = settings_for(tmp_path, strategies_path=tmp_path / "scripts")
        async with Exchange(tmp_path) as exchange:
            async with open_engine(settings, market(tmp_path, exchange), LIMITS) as engine:
                await trade(engine, 4)
                fills = engine.machine.blotter.fill_cursor
            (tmp_path / "data").rename(tmp_path / "former")
            async with open_engine(settings, market(tmp_path, exchange), LIMITS) as engine:
                await until(lambda: "fills" in health(engine).problems, 60.0)
                text = health(engine).problems["fills"]
                assert f"x remembers {fills} fills from before this journal began" in text
                assert "TRADING_ENGINE_DATA" in text
                assert "\n" not in text
                assert health(engine).status == "degraded"
            async with open_engine(settings, market(tmp_path, exchange), LIMITS) as engine:
                await until(lambda: list(engine.problems) == ["fills"], 60.0)  # still stopped
                assert "workbench live reset" in engine.problems["fills"]
            shutil.rmtree(tmp_path / "data")
            (tmp_path / "former").rename(tmp_path / "data")
            async with open_engine(settings, market(tmp_path, exchange), LIMITS) as engine:
                await trade(engine, 2)  # as the first line says

    asyncio.run(scenario())


def test_a_restart_is_told_only_what_it_does_not_know_yet(tmp_path: Path) -> None:
    async def scenario() -> None:
        write_script(tmp_path / "scripts", "trader", ALTERNATE)
        settings = settings_for(tmp_path, strategies_path=tmp_path / "scripts")
        async with Exchange(tmp_path) as exchange:
            async with open_engine(settings, market(tmp_path, exchange), LIMITS) as engine:
                await trade(engine, 4)
                known = engine.machine.reports["x"]
            async with open_engine(settings, market(tmp_path, exchange), LIMITS) as engine:
                await until(lambda: not engine.problems, 60.0)
                assert engine.machine.reports["x"] == known
                assert engine.venues[0].status().reports == 0

    asyncio.run(scenario())
