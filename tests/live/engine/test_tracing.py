"""What the event stream and the log say of a block."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import structlog

from live.engine import EventStream, StartRequest
from live.engine.pump import Block
from live.engine.tracing import Tracer
from live.machine import LateSignals, Machine, Setup
from tests.faults.harness import book_market
from tests.live.engine.desk import open_engine, paper_market, settings_for, until
from tests.live.engine.scripts import write_script
from workbench.core.costs import Costs
from workbench.core.intents import VenueSession
from workbench.core.messages import Instrument

SECOND = 10**9
SETUP = Setup((Instrument("X", "far"),), {"far": Costs()}, remote=("far",))


def block(machine: Machine, ns: int, *items: Any) -> Block:
    facts = [fact for item in items for fact in machine.apply(item)]
    return Block(1, ns, list(items), [], facts, [])


def test_what_happens_before_the_first_price_is_told_at_the_time_of_its_block() -> None:
    machine, events = Machine(SETUP), EventStream()
    reader = events.subscribe()
    with structlog.testing.capture_logs() as lines:
        Tracer(events).block(machine, block(machine, 5 * SECOND, VenueSession("far", up=True)))
    (event,) = asyncio.run(reader.next())
    assert (event.ns, event.body["timestamp_ns"], event.body["kind"]) == (5 * SECOND, 5 * SECOND, "venue_up")
    assert [line["timestamp_ns"] for line in lines] == [5 * SECOND]


def test_checks_that_came_too_late_are_alerts_one_a_second_with_all_of_them() -> None:
    machine, events = Machine(SETUP), EventStream()
    tracer, reader = Tracer(events), events.subscribe(["alerts"])
    for tenth in range(25):
        tracer.block(machine, Block(1, tenth * SECOND // 10, [LateSignals("s", 2)], [], [], []))
    tracer.block(machine, Block(1, 9 * SECOND, [], [], [], []))
    told = asyncio.run(reader.next())
    assert [(event.ns, event.body["signals"]) for event in told] == [
        (SECOND, 2 * 11),
        (2 * SECOND, 2 * 10),
        (9 * SECOND, 2 * 4),
    ]
    assert {(event.body["alert"], event.body["strategy_id"]) for event in told} == {
        ("risk_check_timeout", "s")
    }


def test_an_engine_that_cannot_check_in_time_says_so_in_its_stream(tmp_path: Path) -> None:
    write_script(tmp_path / "scripts", "trader", "return [MarketSignal(price_update.symbol, None, 1.0, 1.0)]")

    async def main() -> None:
        settings = settings_for(
            tmp_path, strategies_path=tmp_path / "scripts", risk_check_timeout_ms=0.000_001
        )
        async with open_engine(settings, paper_market(20.0)) as engine:
            reader = engine.events.subscribe(["alerts"])
            await engine.strategies.start(StartRequest("trader"))
            await until(lambda: engine.pump.refused_late > 3)
            told = ""
            while told != "risk_check_timeout":  # a busy machine has other things to tell as well
                found = await asyncio.wait_for(reader.next(), 10.0)
                told = next((event.body["alert"] for event in found if "alert" in event.body), "")
            assert engine.machine.blotter.cursor == 0  # not one order of them

    asyncio.run(main())


RESTS = """
about = {"order_type": "limit", "limit_price": round(price_update.bid * 0.97, 2), "quantity": 0.01}
return [MarketSignal(price_update.symbol, None, 1.0, 1.0, about)]
"""


def test_the_log_tells_of_signals_in_their_market_and_of_orders_by_name(tmp_path: Path) -> None:
    write_script(tmp_path / "scripts", "trader", RESTS)

    async def main() -> None:
        settings = settings_for(
            tmp_path, strategies_path=tmp_path / "scripts", risk_check_timeout_ms=60_000.0
        )
        async with open_engine(settings, book_market()) as engine:
            await until(lambda: not engine.problems)
            await engine.strategies.start(StartRequest("trader", warm_up=False))
            await until(lambda: sum(line["event"] == "signal_generated" for line in lines) > 80)
            await engine.strategies.stop("trader", "ana")
            await until(lambda: not engine.machine.blotter.working)

    with structlog.testing.capture_logs() as lines:
        asyncio.run(main())
    names = {line["event"] for line in lines}
    assert {"order_accepted", "order_acknowledged", "cancel_requested", "order_ended"} <= names
    (named,) = {(line["strategy_id"], line["strategy_name"]) for line in lines if "order_id" in line}
    assert named == ("trader", "TraderStrategy")
    market = [line["market_conditions"] for line in lines if line["event"] == "signal_generated"]
    assert set(market[0]) >= {"spread_bps", "volatility", "volume"}
    volatility = market[-1]["volatility"]  # the exchange makes a price of 60 % a year, on a grid of ticks
    assert math.isfinite(volatility)
    assert 0.1 < volatility < 10.0
