"""What a certified strategy was kept from, it is kept from in every replay of its session, and after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

import workbench as wb
from live.engine import Engine, StartRequest
from live.machine import Machine
from tests.live.admission.world import certified, engine_of, settings_of, trading_text
from tests.live.engine.desk import until
from workbench.certificates import KeyPair, key_pair
from workbench.core.limits import RiskLimits
from workbench.reconcile.api import reconcile

PERMITTED = {"BTC-USD@b", "ETH-USD@a"}


def traded(machine: Machine) -> set[str]:
    return {f"{line.fill.symbol}@{line.fill.venue}" for line in machine.blotter.fills}


async def _trades(engine: Engine) -> None:
    fills, refused = len(engine.machine.blotter.fills), engine.machine.breaches.copy()
    key = ("permitted_instruments", "watcher")
    await until(lambda: len(engine.machine.blotter.fills) >= fills + 6)
    await until(lambda: engine.machine.breaches.get(key, 0) >= refused.get(key, 0) + 6)


class Session:
    """An engine that was started twice; fills: of both times, in order."""

    def __init__(self, folder: Path) -> None:
        self.key: KeyPair = key_pair(folder / "keys")
        self.settings = settings_of(folder, self.key.public_file.parent)
        self.data = self.settings.data
        text = trading_text()
        (self.settings.strategies_path / "watcher.py").write_text(text)
        self.certificate = certified(self.key, "watcher.py", text, instruments=sorted(PERMITTED))
        self.fills: list[tuple[str, str, float, float]] = []
        asyncio.run(self._play())

    async def _play(self) -> None:
        async with engine_of(self.settings) as engine:
            engine.gate.store.keep(self.certificate)
            await engine.strategies.start(StartRequest("watcher"))
            await _trades(engine)
        async with engine_of(self.settings) as engine:
            assert engine.machine.strategies["watcher"].state == "running"
            await _trades(engine)
            await engine.strategies.stop("watcher", "ana")
            assert traded(engine.machine) == PERMITTED
            fills = [line.fill for line in engine.machine.blotter.fills]
            self.fills = [(f.symbol, f.venue, f.quantity, f.price) for f in fills]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session(tmp_path_factory.mktemp("session"))


def test_a_replay_has_the_same_fills(session: Session) -> None:
    replayed = wb.replay(session.data)
    columns = ["symbol", "venue", "quantity", "price"]
    assert list(replayed.fills[columns].itertuples(index=False, name=None)) == session.fills
    assert "permitted_instruments" in replayed.stats()["refusal_reasons"]


def test_live_and_replay_agree(session: Session) -> None:
    found = reconcile(session.data, isolation="thread")
    assert found.ok, repr(found)
    assert found.figures().fills == len(session.fills)
    assert found.unexplained_bps == 0.0


LOOSE = msgspec.structs.replace(RiskLimits.unlimited(), enable_pre_trade=True)


@pytest.mark.parametrize("limits", [RiskLimits(), LOOSE], ids=["the same", "looser"])
def test_other_limits_permit_it_nothing_that_it_was_not_certified_for(
    session: Session, limits: RiskLimits
) -> None:
    """Limits that its certificate would not have admitted it under, too: the question is what they would have done."""
    fills = wb.replay(session.data, limits=limits).fills
    assert set(fills["symbol"] + "@" + fills["venue"]) == PERMITTED
