"""What a certified strategy was kept from, it is kept from in every replay of its session, and after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

import workbench as wb
from live.engine import Engine, StartRequest
from live.machine import Machine
from tests.live.admission.world import certified, engine_of, script_text, settings_of, trading_text
from tests.live.engine.desk import until
from workbench.certificates import KeyPair, key_pair, read_signed
from workbench.core.limits import RiskLimits
from workbench.errors import StrategyError
from workbench.reconcile.api import reconcile

TESTED: dict[str, tuple[list[str], set[str]]] = {
    "a venue for each": (["BTC-USD@b", "ETH-USD@a"], {"BTC-USD@b", "ETH-USD@a"}),
    "one symbol": (["BTC-USD@elsewhere"], {"BTC-USD@a", "BTC-USD@b"}),
}
"""What was tested, and what may be traded here."""


def traded(machine: Machine) -> set[str]:
    return {f"{line.fill.symbol}@{line.fill.venue}" for line in machine.blotter.fills}


async def _trades(engine: Engine) -> None:
    fills, refused = len(engine.machine.blotter.fills), engine.machine.breaches.copy()
    key = ("permitted_instruments", "watcher")
    await until(lambda: len(engine.machine.blotter.fills) >= fills + 6)
    await until(lambda: engine.machine.breaches.get(key, 0) >= refused.get(key, 0) + 6)


class Session:
    """An engine that was started twice; permitted: instruments.  fills: of both times, in order."""

    def __init__(self, folder: Path, tested: list[str], permitted: set[str]) -> None:
        self.permitted, self.symbols = (
            permitted,
            tuple(sorted({name.partition("@")[0] for name in permitted})),
        )
        self.key: KeyPair = key_pair(folder / "keys")
        self.settings = settings_of(folder, self.key.public_file.parent)
        self.data = self.settings.data
        text = trading_text()
        (self.settings.strategies_path / "watcher.py").write_text(text)
        self.certificate = certified(self.key, "watcher.py", text, instruments=tested)
        self.fills: list[tuple[str, str, float, float]] = []
        asyncio.run(self._play())

    async def _play(self) -> None:
        async with engine_of(self.settings) as engine:
            engine.gate.store.keep(self.certificate)
            await engine.strategies.start(StartRequest("watcher"))
            await _trades(engine)
        async with engine_of(self.settings) as engine:
            record = engine.machine.strategies["watcher"]
            assert (record.state, record.symbols) == ("running", self.symbols)
            await _trades(engine)
            await engine.strategies.stop("watcher", "ana")
            assert traded(engine.machine) == self.permitted
            fills = [line.fill for line in engine.machine.blotter.fills]
            self.fills = [(f.symbol, f.venue, f.quantity, f.price) for f in fills]


@pytest.fixture(scope="module", params=TESTED)
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session(tmp_path_factory.mktemp("session"), *TESTED[request.param])


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
    assert set(fills["symbol"] + "@" + fills["venue"]) == session.permitted


def test_what_asks_for_nothing_that_was_tested_does_not_start(tmp_path: Path) -> None:
    key = key_pair(tmp_path / "keys")
    settings = settings_of(tmp_path, key.public_file.parent)
    text, asks = script_text(), {"symbols": ["ETH-USD"]}
    (settings.strategies_path / "watcher.py").write_text(text)

    async def work() -> None:
        async with engine_of(settings) as engine:
            for names in (["BTC-USD@a"], ["BTC-USD@a", "ETH-USD@b"]):
                data = certified(key, "watcher.py", text, instruments=names, parameters=asks)
                request = StartRequest("watcher", config=asks, certificate=read_signed(data).certificate.id)
                engine.gate.store.keep(data)
                if len(names) == 2:
                    assert (await engine.strategies.start(request)).symbols == ("ETH-USD",)
                else:
                    with pytest.raises(
                        StrategyError, match=r"asks for ETH-USD, and its cert.* is of BTC-USD;"
                    ):
                        await engine.strategies.start(request)

    asyncio.run(work())
