"""Orders at simulated exchanges: both sides agree on what became of them, and where they do not nothing is traded."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from live.engine import Engine, StartRequest
from live.engine import sessions as engine_sessions
from live.engine.block import Block
from live.engine.reconcile import differences
from live.engine.sessions import Sessions
from live.machine import KillReset, KillSwitch
from live.messages import Account, NewOrder
from live.venues.contract import Order
from live.venues.embedded import EmbeddedVenue
from tests.live.engine.desk import open_engine, settings_for, until
from tests.live.engine.scripts import write_script
from workbench.core.limits import DuplicateOrder, MessageRate, RiskLimits

ALTERNATE = """
self.turn = not getattr(self, "turn", False)
return [MarketSignal(price_update.symbol, None, 1.0 if self.turn else -1.0, 1.0, {"quantity": 0.01})]
"""
REST = """
self.sent = getattr(self, "sent", 0) + 1
if self.sent > 5:
    return []
about = {"order_type": "limit", "limit_price": round(price_update.bid * 0.97, 2), "quantity": 0.01}
return [MarketSignal(price_update.symbol, None, 1.0, 1.0, about)]
"""
LIMITS = RiskLimits(
    duplicate_order=DuplicateOrder(0.001, float("inf")), message_rate=MessageRate(1e4, 1e4, 1e4, 1e4)
)


def book_market(latency_ms: float = 0.0, **venue: Any) -> dict[str, Any]:
    """venues.yaml as a mapping: one simulated exchange with an order book."""
    feed = {
        "kind": "synthetic",
        "interval_ms": 20,
        "seed": 5,
        "symbols": {"BTC-USD": {"price": 30_000, "volatility": 0.6}},
    }
    exchange = {
        "kind": "book",
        "feed": "f",
        "latency_ms": latency_ms,
        "instruments": {"BTC-USD": {"tick": 0.01, "lot": 0.0001}},
        "costs": {"maker_bps": 1, "taker_bps": 4},
    }
    return {"feeds": {"f": feed}, "venues": {"x": {**exchange, **venue}}}


def embedded(engine: Engine) -> EmbeddedVenue:
    (venue,) = engine.venues
    assert isinstance(venue, EmbeddedVenue)
    return venue


async def agrees(engine: Engine) -> bool:
    await asyncio.sleep(0.1)
    return not differences(engine.machine, await embedded(engine).account()).positions


def trade(
    tmp_path: Path, body: str, work: Any, market: dict[str, Any] | None = None, person: str = ""
) -> None:
    async def run() -> None:
        folder = tmp_path / "scripts"
        write_script(folder, "trader", body)
        settings = settings_for(tmp_path, strategies_path=folder, risk_check_timeout_ms=60_000.0)
        async with open_engine(settings, market or book_market(), LIMITS) as engine:
            await until(lambda: not engine.problems)
            await engine.strategies.start(StartRequest("trader", warm_up=False, person=person))
            await work(engine)

    asyncio.run(run())


def test_both_sides_agree_on_what_was_traded(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        await until(lambda: engine.machine.blotter.fill_cursor >= 20)
        await engine.strategies.stop("trader", "ana")
        assert await agrees(engine)

    trade(tmp_path, ALTERNATE, work)


def test_every_order_names_its_algorithm_and_who_is_responsible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[NewOrder] = []
    send = EmbeddedVenue.send

    def noted(venue: EmbeddedVenue, orders: Sequence[Order]) -> None:
        sent.extend(order for order in orders if isinstance(order, NewOrder))
        send(venue, orders)

    monkeypatch.setattr(EmbeddedVenue, "send", noted)

    async def work(engine: Engine) -> None:
        await until(lambda: engine.machine.blotter.fill_cursor >= 1)
        source = (tmp_path / "scripts" / "trader.py").read_bytes()
        assert {order.tag for order in sent} == {f"{hashlib.sha256(source).hexdigest()[:16]} ana"}

    trade(tmp_path, ALTERNATE, work, person="ana")


def test_a_restart_goes_on_with_the_account_as_it_was(tmp_path: Path) -> None:
    held: list[float] = []

    async def first(engine: Engine) -> None:
        await until(lambda: abs(engine.machine.desk.position(0, "BTC-USD")) > 0)
        await engine.strategies.stop("trader", "ana")
        assert await agrees(engine)
        held.append(engine.machine.desk.position(0, "BTC-USD"))

    trade(tmp_path, "return [MarketSignal(price_update.symbol, None, 1.0, 1.0, {'quantity': 0.01})]", first)

    async def second(engine: Engine) -> None:
        await until(lambda: engine.machine.blotter.fill_cursor >= 3)
        await engine.strategies.stop("trader", "ana")
        assert await agrees(engine)

    trade(tmp_path, ALTERNATE, second)
    assert held[0] > 0


def test_the_kill_switch_takes_back_every_order_and_closes_what_is_held(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        await until(lambda: len(engine.machine.blotter.working) == 5)
        await engine.ask(KillSwitch("all", "", "ana", "drill", flatten=True))
        await until(lambda: not engine.machine.blotter.working)
        account = await embedded(engine).account()
        assert account.open_orders == []
        await until(lambda: engine.machine.desk.position(0, "BTC-USD") == 0.0)

    trade(tmp_path, REST, work)


@pytest.mark.parametrize("kind", ["lost_ack", "duplicate_fill", "out_of_order", "late_ack", "reject_storm"])
def test_faulty_reports_leave_both_sides_in_agreement(tmp_path: Path, kind: str) -> None:
    async def work(engine: Engine) -> None:
        embedded(engine).inject(
            kind, {"late_ack": 0.05, "out_of_order": 4.0, "reject_storm": 0.5}.get(kind, 1.0)
        )
        before = engine.machine.blotter.cursor
        await until(lambda: engine.machine.blotter.cursor > before + 40)
        embedded(engine).clear_faults()
        await engine.strategies.stop("trader", "ana")
        await asyncio.sleep(0.3)
        assert await agrees(engine)
        assert engine.machine.desk.halted() == ()

    trade(tmp_path, ALTERNATE, work)


@pytest.mark.parametrize("kind", ["disconnect", "flapping"])
def test_a_lost_session_stops_trading_there_until_both_sides_agree_again(tmp_path: Path, kind: str) -> None:
    async def work(engine: Engine) -> None:
        await until(lambda: engine.machine.blotter.fill_cursor >= 3)
        embedded(engine).inject(kind, 0.2, 0.6)
        await until(lambda: "venue x" in engine.problems)
        await until(lambda: not engine.problems, 15.0)
        seen = engine.machine.blotter.fill_cursor
        await until(lambda: engine.machine.blotter.fill_cursor > seen + 3)
        await engine.strategies.stop("trader", "ana")
        assert await agrees(engine)

    trade(tmp_path, ALTERNATE, work)


def test_while_both_sides_disagree_nothing_is_traded(tmp_path: Path) -> None:
    async def first(engine: Engine) -> None:
        await until(lambda: engine.machine.blotter.fill_cursor >= 3)

    trade(tmp_path, ALTERNATE, first)

    async def run() -> None:
        settings = settings_for(tmp_path, strategies_path=tmp_path / "scripts")
        original = EmbeddedVenue.account

        async def another(self: EmbeddedVenue) -> Account:
            account = await original(self)
            return msgspec.structs.replace(account, positions={"BTC-USD": 5.0})

        EmbeddedVenue.account = another  # type: ignore[method-assign]  # the venue remembers another position
        try:
            async with open_engine(settings, book_market(), LIMITS) as engine:
                await until(lambda: "at the venue" in engine.problems.get("venue x", ""))
                fills = engine.machine.blotter.fill_cursor
                await asyncio.sleep(0.5)
                assert engine.machine.blotter.fill_cursor == fills
                assert "BTC-USD" in engine.problems["venue x"]
        finally:
            EmbeddedVenue.account = original  # type: ignore[method-assign]

    asyncio.run(run())


def test_an_order_that_works_at_the_venue_alone_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_sessions, "_LOOK_S", 0.1)

    async def work(engine: Engine) -> None:
        venue = embedded(engine)
        async with asyncio.timeout(30.0):
            while len((await venue.account()).open_orders) < 5:
                await asyncio.sleep(0.02)
        venue.send([NewOrder(77_000, "BTC-USD", 1, 0.01, "limit", "GTC", 20_000.0)])
        assert len((await venue.account()).open_orders) == 6
        async with asyncio.timeout(30.0):
            while len((await venue.account()).open_orders) > 5:
                await asyncio.sleep(0.02)
        assert len(engine.machine.blotter.working) == 5  # what both sides know of works on
        assert engine.machine.desk.halted() == ()

    trade(tmp_path, REST, work)


def test_what_has_ended_before_it_could_be_sent_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[Block] = []
    release = Sessions.release

    def noted(sessions: Sessions, block: Block) -> None:
        blocks.append(block)
        release(sessions, block)

    monkeypatch.setattr(Sessions, "release", noted)

    async def work(engine: Engine) -> None:
        await until(lambda: len(engine.machine.blotter.working) == 5)
        await engine.strategies.stop("trader", "ana")
        await until(lambda: not engine.machine.blotter.working)
        sent: list[Order] = []
        monkeypatch.setattr(EmbeddedVenue, "send", lambda _, orders: sent.extend(orders))
        for block in blocks[
            : len(blocks)
        ]:  # as if the disk had been slower than the loss of the session and its return
            engine.sessions.release(block)
        assert sent == []

    trade(tmp_path, REST, work)


def test_a_venue_that_agrees_again_is_no_problem_any_more_and_stays_halted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_sessions, "_LOOK_S", 0.1)
    original = EmbeddedVenue.account

    async def another(venue: EmbeddedVenue) -> Account:
        return msgspec.structs.replace(await original(venue), positions={"BTC-USD": 5.0})

    async def work(engine: Engine) -> None:
        await until(lambda: len(engine.machine.blotter.working) == 5)
        monkeypatch.setattr(EmbeddedVenue, "account", another)
        await until(lambda: "at the venue" in engine.problems.get("venue x", ""))
        monkeypatch.setattr(EmbeddedVenue, "account", original)
        await until(lambda: not engine.problems)
        (kill,) = engine.machine.kills.values()
        assert (kill.scope, kill.target, kill.person) == ("venue", "x", "engine")
        assert "5 at the venue" in kill.reason
        assert engine.machine.desk.view.venues[0].halted
        await engine.ask(KillReset("venue", "x", "ana", "booked by hand over there"))
        assert not engine.machine.desk.view.venues[0].halted

    trade(tmp_path, REST, work)


def test_a_difference_that_a_person_accepted_stops_the_venue_again_once_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_sessions, "_LOOK_S", 0.05)
    original = EmbeddedVenue.account
    there, looks = 5.0, 0

    async def another(venue: EmbeddedVenue) -> Account:
        nonlocal looks
        looks += 1
        return msgspec.structs.replace(await original(venue), positions={"BTC-USD": there})

    async def work(engine: Engine) -> None:
        nonlocal there
        await until(lambda: len(engine.machine.blotter.working) == 5)
        monkeypatch.setattr(EmbeddedVenue, "account", another)
        await until(lambda: bool(engine.machine.kills))
        await engine.ask(KillReset("venue", "x", "ana", "theirs alone, and known"))
        seen = looks
        await until(lambda: looks > seen + 4)
        assert not engine.machine.kills
        there = 6.0
        await until(lambda: bool(engine.machine.kills))
        assert "6 at the venue" in engine.machine.kills["venue", "x"].reason

    trade(tmp_path, REST, work)


def test_catching_up_leaves_an_agreement_that_has_begun_meanwhile_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = EmbeddedVenue.reports
    gates = [asyncio.Event(), asyncio.Event()]
    asked: list[int] = []

    async def held(venue: EmbeddedVenue, after: int) -> list[Any]:
        asked.append(after)
        await gates[min(len(asked), 2) - 1].wait()
        return await original(venue, after)

    def agreements() -> int:
        return sum(task.get_name() == "agreement with x" for task in asyncio.all_tasks())

    async def work(engine: Engine) -> None:
        monkeypatch.setattr(EmbeddedVenue, "reports", held)
        catching_up = asyncio.create_task(engine.sessions._fill_gap("x", 0))
        await until(lambda: len(asked) == 1)
        embedded(engine).inject("disconnect", None, 0.1)
        await until(lambda: len(asked) == 2)
        assert agreements() == 1
        gates[0].set()
        await catching_up
        embedded(engine).inject("disconnect", None, 0.5)
        await until(lambda: "being" not in engine.problems["venue x"])
        await until(lambda: agreements() == 0, 0.3)
        gates[1].set()
        await until(lambda: not engine.problems)

    trade(tmp_path, ALTERNATE, work)
