"""Chaos that comes by itself: the triggers do live what they do in a replay, and go on after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import workbench as wb
from live.api import views
from live.engine import Engine, StartRequest
from live.engine.chaos import PERSON
from live.engine.pump import BLOCK
from live.journal import Journal
from live.machine import StrategyNoted, decode_block
from live.session import journal_url, read_session
from live.settings import load_settings
from live.venues.opening import lock_step
from live.venues.recorded import recorded_feed
from live.venues.settings import load_venues
from tests.live.engine.desk import SCRIPTS, open_engine, recorded_market, settings_for
from workbench.backtest.replay import replay
from workbench.backtest.seating import seat_strategies
from workbench.chaos.triggered import TriggeredStrategy
from workbench.chaos.triggers import TriggerEvent
from workbench.core.intents import ClockTick
from workbench.core.limits import RiskLimits
from workbench.core.messages import RiskBreach
from workbench.data.store import write_parquet
from workbench.errors import ChaosError, ConfigError

ENTRIES: dict[str, dict[str, Any]] = {
    "runaway_buying": {
        "class": "RunawayStrategy",
        "parameters": {"intensity": 3},
        "trigger_conditions": [{"market_condition": "trending", "probability": 0.3, "duration_minutes": 20}],
        "trigger_probability": 0.05,
    },
    "cancel_flood": {
        "class": "CancelFloodStrategy",
        "parameters": {"intensity": 2, "symbols": ["ETH-USD"]},
        "trigger_conditions": [{"market_condition": "calm", "probability": 0.2, "duration_minutes": 15}],
    },
    "nan_signals": {"class": "NaNSignalStrategy", "trigger_probability": 0.4, "max_duration_minutes": 30},
    "by_hand_only": {"class": "WashTradeStrategy"},
    "not_in_tests": {"class": "WashTradeStrategy", "trigger_probability": 1.0, "enabled_in_test": False},
}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Nine hours of minutes of two symbols."""
    path = tmp_path_factory.mktemp("prices") / "market.parquet"
    write_parquet(wb.synthetic(["BTC-USD", "ETH-USD"], venues=["v"], bars=540, seed=4), path)
    return recorded_market(path, "BTC-USD", "ETH-USD")


def chaos_file(folder: Path, entries: dict[str, dict[str, Any]]) -> Path:
    path = folder / "chaos.yaml"
    path.write_text(yaml.safe_dump({"evaluation_interval_minutes": 5, "strategies": entries}))
    return path


def in_a_replay(market: dict[str, Any], file: Path, seed: int) -> list[TriggerEvent]:
    config = load_venues(market)
    feed = recorded_feed(config.feeds["f"], config.venues)
    classes = wb.triggered_strategies(file, SCRIPTS / "chaos", seed)
    players = seat_strategies(classes, {}, feed.instruments, seed=0)
    costs = {venue.name: venue.costs for venue in config.venues}
    replay(feed, players, limits=RiskLimits(), costs=costs, contain_errors=True)
    found: list[TriggerEvent] = []
    for player in players:
        assert isinstance(player.strategy, TriggeredStrategy)
        found += player.strategy.trigger_events
    return in_order(found)


def in_order(events: Any) -> list[TriggerEvent]:
    return sorted(events, key=lambda event: (event.timestamp_ns, event.name))


def play(
    folder: Path,
    market: dict[str, Any],
    file: Path,
    look: Callable[[Engine], Any] | None = None,
    **given: Any,
) -> list[TriggerEvent]:
    """Starts and stops of an engine that plays the whole market in lock step."""

    async def run() -> list[TriggerEvent]:
        given.setdefault("enable_chaos_triggers", True)
        settings = settings_for(folder, chaos_file=file, enable_chaos_strategies=True, **given)
        async with open_engine(settings, market) as engine:
            await engine.play()
            await engine.chaos.settled()
            if look is not None:
                look(engine)
            return list(engine.chaos.happened)

    return asyncio.run(run())


def states(data: Path, strategy_id: str) -> list[tuple[str, str]]:
    """States of a strategy as the journal has them, and who asked for them."""
    journal = Journal.open(journal_url(data), read_only=True)
    try:
        items = [item for record in journal.read(kinds=[BLOCK]) for item in decode_block(record.payload)]
    finally:
        journal.close()
    records = [item.record for item in items if isinstance(item, StrategyNoted)]
    return [(r.state, r.person) for r in records if r.strategy_id == strategy_id]


@pytest.mark.parametrize("seed", [0, 3])
def test_starts_and_stops_are_those_of_a_replay(tmp_path: Path, market: dict[str, Any], seed: int) -> None:
    file = chaos_file(tmp_path, ENTRIES)
    wanted = in_a_replay(market, file, seed)
    assert {event.name for event in wanted} == {"runaway_buying", "cancel_flood", "nan_signals"}
    assert {event.cause for event in wanted} >= {"trigger_probability", "calm"}
    assert in_order(play(tmp_path, market, file, chaos_seed=seed)) == wanted
    for name in ("runaway_buying", "cancel_flood", "nan_signals"):
        mine = [event for event in wanted if event.name == name]
        starts = sum(event.kind == "started" for event in mine)
        stops = len(mine) - starts
        if name == "nan_signals":  # whose errors latch its breaker, which nobody resets here
            starts = stops = 1
        told = states(tmp_path / "data", name)
        assert told.count(("running", PERSON)) == starts
        assert told.count(("stopped", PERSON)) == stops


def test_what_a_trigger_starts_misbehaves_and_is_seen_to(tmp_path: Path, market: dict[str, Any]) -> None:
    def look(engine: Engine) -> None:
        record = engine.machine.strategies["runaway_buying"]
        assert (record.chaos, record.script, record.person) == ("runaway_buying", "runaway.py", PERSON)
        assert engine.machine.chaos["nan_signals"].chaos == "nan_signals"
        assert views.strategy_status(engine, "runaway_buying").chaos == "runaway_buying"

    play(tmp_path, market, chaos_file(tmp_path, ENTRIES), look)
    session = read_session(tmp_path / "data")
    sent = {signal.strategy_id for signal in session.signals}
    assert sent >= {"runaway_buying", "cancel_flood"}


def test_breaches_start_it_and_more_of_them_make_it_grow(tmp_path: Path, market: dict[str, Any]) -> None:
    entry = {
        "class": "RunawayStrategy",
        "parameters": {"intensity": 2},
        "trigger_conditions": [{"risk_breach_count": 3, "escalation_factor": 1.5, "duration_minutes": 30}],
    }
    file = chaos_file(tmp_path, {"greedy": entry})
    config = load_venues(market)

    async def run() -> None:
        given = {"enable_chaos_strategies": True, "enable_chaos_triggers": True}
        async with open_engine(settings_for(tmp_path, chaos_file=file, **given), market) as engine:
            prices = lock_step(config)

            async def after(breaches: int) -> tuple[str, str, Any]:
                """Newest event, state and intensity once it has run into so many more rules, and a price has come."""
                engine.chaos.see(
                    ClockTick(1),
                    [RiskBreach("max_notional", "greedy", "BTC-USD", "v", 2.0, 1.0, 1)] * breaches,
                )
                engine.pump.carry(next(prices))
                await engine.chaos.settled()
                slot = engine.strategies.slots.get("greedy")
                newest = str(engine.chaos.happened[-1].kind) if engine.chaos.happened else ""
                if slot is None:
                    return newest, "", None
                return newest, slot.record.state, slot.record.config["intensity"]

            assert await after(0) == await after(2) == ("", "", None)
            assert await after(1) == await after(0) == ("started", "running", 2)
            assert await after(1) == ("escalated", "running", 3)
            launch = engine.strategies.slots["greedy"].record.launch
            assert await after(2) == ("escalated", "running", 7)  # 2 * 1.5 ** 3, a whole number of orders
            assert engine.strategies.slots["greedy"].record.launch == launch + 1
            assert await after(1000) == ("escalated", "running", 200)  # a hundred times, and no more

    asyncio.run(run())


def test_nothing_comes_by_itself_unless_that_is_asked_for(tmp_path: Path, market: dict[str, Any]) -> None:
    file = chaos_file(tmp_path, ENTRIES)
    assert play(tmp_path, market, file, enable_chaos_triggers=False) == []
    assert not states(tmp_path / "data", "runaway_buying")
    with pytest.raises(ConfigError, match="ENABLE_CHAOS_TRIGGERS=true needs ENABLE_CHAOS_STRATEGIES=true"):
        load_settings({"ENABLE_CHAOS_TRIGGERS": "true"})


def test_an_entry_without_a_script_stops_the_start_with_one_line(
    tmp_path: Path, market: dict[str, Any]
) -> None:
    file = chaos_file(tmp_path, {"odd": {"class": "NoSuchStrategy"}})
    with pytest.raises(
        ChaosError, match=r"odd: no script of .* has a class 'NoSuchStrategy'; there is: Cancel"
    ):
        play(tmp_path, market, file)


LONG = {"long": {"class": "WashTradeStrategy", "trigger_probability": 1.0, "max_duration_minutes": 100}}


async def part(
    folder: Path, market: dict[str, Any], prices: int, look: Callable[[Engine], Any], **given: Any
) -> None:
    """An engine that takes so many more of the recorded prices, then `look`."""
    given.setdefault("enable_chaos_triggers", True)
    given.setdefault("enable_chaos_strategies", True)
    config = load_venues(market)
    settings = settings_for(folder, **given)
    async with open_engine(settings, market) as engine:
        done = int(engine.machine.desk.book.now_ns)
        for row in [row for row in lock_step(config) if row.timestamp_ns > done][:prices]:
            engine.pump.carry(row)
            await engine.chaos.settled()
            while engine.pump.waiting:
                await asyncio.sleep(0)
        found = look(engine)
        if found is not None:
            await found


def test_after_a_restart_what_ran_runs_on_and_ends_when_it_would_have(
    tmp_path: Path, market: dict[str, Any]
) -> None:
    file = chaos_file(tmp_path, LONG)
    wanted = in_a_replay(market, file, 0)
    found: list[TriggerEvent] = []
    running: list[bool] = []

    def look(engine: Engine) -> None:
        found.extend(engine.chaos.happened)
        slot = engine.strategies.slots.get("long")
        running.append(bool(slot and slot.runner))
        assert running[-1] == engine.machine.triggers["long"].state.active

    for _ in range(6):
        asyncio.run(part(tmp_path, market, 180, look, chaos_file=file))
    assert found == wanted
    assert True in running


def test_what_a_trigger_has_started_ends_with_the_setting(tmp_path: Path, market: dict[str, Any]) -> None:
    file = chaos_file(tmp_path, LONG)

    def runs(engine: Engine) -> None:
        assert engine.strategies.slots["long"].record.state == "running"

    def ended(engine: Engine) -> None:
        record = engine.strategies.slots["long"].record
        assert (record.state, record.reason) == ("stopped", "triggers are switched off")
        assert not engine.machine.triggers["long"].state.active

    asyncio.run(part(tmp_path, market, 60, runs, chaos_file=file))
    asyncio.run(part(tmp_path, market, 1, ended, chaos_file=file, enable_chaos_triggers=False))


def test_what_a_person_runs_or_has_stopped_is_that_persons(tmp_path: Path, market: dict[str, Any]) -> None:
    file = chaos_file(tmp_path, LONG)

    async def by_hand(engine: Engine) -> None:
        await engine.strategies.stop("long", "ana", reason="enough")

    async def left_alone(engine: Engine) -> None:
        assert engine.strategies.slots["long"].record.person == "ana"
        assert engine.strategies.slots["long"].record.state == "stopped"
        await engine.strategies.start(StartRequest("wash_trade", "long", person="ben"))

    async def still_bens(engine: Engine) -> None:
        assert engine.machine.triggers["long"].state.slot > 0
        assert engine.strategies.slots["long"].record.person == "ben"
        assert engine.strategies.slots["long"].record.state == "running"

    asyncio.run(part(tmp_path, market, 60, by_hand, chaos_file=file))
    asyncio.run(part(tmp_path, market, 1, left_alone, chaos_file=file))
    asyncio.run(part(tmp_path, market, 400, still_bens, chaos_file=file))


def test_without_leave_chaos_is_not_started_again_either(tmp_path: Path, market: dict[str, Any]) -> None:
    async def start(engine: Engine) -> None:
        await engine.strategies.start(StartRequest("wash_trade", person="ana"))

    def refused(engine: Engine) -> None:
        record = engine.strategies.slots["wash_trade"].record
        assert record.state == "failed"
        assert "ENABLE_CHAOS_STRATEGIES" in record.reason

    asyncio.run(part(tmp_path, market, 5, start, enable_chaos_triggers=False))
    without = {"enable_chaos_triggers": False, "enable_chaos_strategies": False}
    asyncio.run(part(tmp_path, market, 5, refused, **without))
