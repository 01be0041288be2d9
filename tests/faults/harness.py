"""A real engine with a witness beside the culprit, and what "contained" means whatever the fault."""

from __future__ import annotations

import asyncio
import math
import shutil
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from live.engine import Engine, StartRequest
from live.engine.events import Event
from live.machine import Machine, StrategyRecord
from live.session import Session, read_session
from live.venues.embedded import EmbeddedVenue
from tests.chaos.books import Books, Key, name_of
from tests.live.engine.desk import SCRIPTS, open_engine, paper_market, settings_for, until
from tests.live.engine.scripts import WITNESS, write_script
from workbench.core.facts import Fact, OrderAccepted
from workbench.core.limits import RiskLimits
from workbench.core.messages import OrderFill

__all__ = ["ALERT_S", "Scene", "book_market", "excesses", "play", "until"]

ALERT_S = 5.0
"""Seconds from a fault to its alert (RTS 6 article 16)."""
WITNESS_ID = "witness"
DRIFT = 1.05  # marks between two fills may differ by so much from the price of the first


class Scene:
    """An engine at work.

    scripts: folder of its strategies.  alerts: heard over the event stream, with the engine's time at which they were.
    """

    def __init__(self, engine: Engine, scripts: Path) -> None:
        self.engine, self.scripts = engine, scripts
        self.alerts: list[tuple[int, Event]] = []
        self.conflated = 0

    @property
    def machine(self) -> Machine:
        return self.engine.machine

    @property
    def venue(self) -> EmbeddedVenue:
        """The one simulated exchange."""
        (venue,) = (venue for venue in self.engine.venues if isinstance(venue, EmbeddedVenue))
        return venue

    def fault_begins(self) -> None:
        """Alerts from before do not count."""
        self.alerts.clear()

    async def start(self, name: str, body: str = "", **config: Any) -> StrategyRecord:
        """Start a script: of this body, or one of the project's that misbehave."""
        if body:
            write_script(self.scripts, name, body)
        elif not (self.scripts / f"{name}.py").exists():
            (self.scripts / "chaos").mkdir(exist_ok=True)
            shutil.copy(SCRIPTS / "chaos" / f"{name}.py", self.scripts / "chaos")
        return await self.engine.strategies.start(StartRequest(name, config=config, warm_up=False))

    async def told(self, name: str, strategy_id: str = "") -> Event:
        """The first alert of that name since the fault began; from what it tells of to its reader it took `ALERT_S`."""
        await until(lambda: self._found(name, strategy_id), 15.0)
        at, event = self._found(name, strategy_id)[0]
        assert at - event.ns <= ALERT_S * 1e9, f"{name} was told after {(at - event.ns) / 1e9:.1f} s"
        return event

    def _found(self, name: str, strategy_id: str) -> list[tuple[int, Event]]:
        found = []
        for at, event in self.alerts:
            body = msgspec.to_builtins(event.body)
            words = [body.get(key) for key in ("breach_type", "monitor", "reason", "kind", "alert")]
            if name in words and strategy_id in ("", body.get("strategy_id")):
                found.append((at, event))
        return found

    def position(self, strategy_id: str, symbol: str = "BTC-USD") -> float:
        desk = self.machine.desk
        return desk.position(desk.strategy_index(strategy_id), symbol)

    def breaches(self, kind: str, strategy_id: str = "") -> int:
        """How often an order of a strategy was refused, or it was told off, for this reason."""
        return sum(
            count
            for (reason, who), count in self.machine.breaches.items()
            if reason == kind and strategy_id in ("", who)
        )

    async def listen(self) -> None:
        reader = self.engine.events.subscribe(["alerts"])
        while not reader.dropped:
            events = await reader.next()
            now = self.engine.clock.now_ns()
            self.alerts += [(now, event) for event in events]


def book_market(latency_ms: float = 0.0, interval_ms: float = 20.0, **venue: Any) -> dict[str, Any]:
    """venues.yaml as a mapping: one simulated exchange with an order book."""
    feed = {
        "kind": "synthetic",
        "interval_ms": interval_ms,
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


def play(
    folder: Path,
    work: Callable[[Scene], Awaitable[None]],
    *,
    limits: RiskLimits,
    market: Mapping[str, Any] | None = None,
    contained: bool = True,
    witnessed: bool = True,
    **given: Any,
) -> Session:
    """Run `work` on a real engine with a witness at work; afterwards everything that "contained" always means holds.

    contained: False where a control was switched off, and the limits are held against nothing.
    witnessed: False where nobody's signals get through, so that the witness cannot sign.  given: settings.
    """
    scripts = folder / "scripts"
    write_script(scripts, WITNESS_ID, WITNESS)
    data = {"strategies_path": scripts, "risk_check_timeout_ms": 60_000.0, "enable_chaos_strategies": True}

    async def run() -> Scene:
        settings = settings_for(folder, **{**data, **given})
        async with open_engine(settings, market or paper_market(20.0), limits) as engine:
            scene = Scene(engine, scripts)
            await until(lambda: not engine.problems and engine.machine.applied > 8)
            await scene.start(WITNESS_ID, WITNESS)
            await until(lambda: engine.strategies.slots[WITNESS_ID].runner.answered)  # type: ignore[union-attr]
            listening = asyncio.create_task(scene.listen())
            try:
                await work(scene)
                await until(lambda: engine.strategies.slots[WITNESS_ID].runner.quiet)  # type: ignore[union-attr]
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
        scene.conflated = engine.strategies.processes.conflated  # to the end: it is shown prices until then
        return scene

    scene = asyncio.run(run())
    session = read_session(folder / "data")
    assert_same_ledger(session, scene.machine)
    if witnessed:
        assert_missed_nothing(session, scene.conflated)
    if contained:
        assert excesses(session.facts, limits) == []
    return session


def assert_same_ledger(session: Session, machine: Machine) -> None:
    """The journal, carried through again, comes to the very state that the engine had: each byte of the desk."""
    again = session.machine
    assert again.desk.state.tobytes() == machine.desk.state.tobytes()
    assert (again.kills, again.breaches, again.reports) == (machine.kills, machine.breaches, machine.reports)
    assert (again.blotter.cursor, again.blotter.fill_cursor) == (
        machine.blotter.cursor,
        machine.blotter.fill_cursor,
    )


def assert_missed_nothing(session: Session, conflated: int) -> None:
    """The witness signed once for each price between its first and its last, but for those that were conflated."""
    signed: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for sent in session.signals:
        if sent.strategy_id == WITNESS_ID:
            about = sent.signal.metadata
            signed[sent.signal.symbol, about["venue"]].append(about["sequence"])
    assert signed, "the witness saw nothing"
    shown: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    feed = session.feed
    for k, sequence in zip(feed.instrument.tolist(), feed.sequence.tolist(), strict=True):
        shown[feed.instruments[k].symbol, feed.instruments[k].venue].append(sequence)
    missing = 0
    for where, numbers in signed.items():
        assert len(set(numbers)) == len(numbers), f"shown twice: {where}"
        order = shown[
            where
        ]  # as they came: a price that a test makes has a number far beyond those of the feed
        places = [order.index(number) for number in numbers]
        missing += max(places) - min(places) + 1 - len(numbers)
    assert 0 <= missing <= conflated, (missing, conflated)  # a busy machine may fall behind, and then says so


def excesses(facts: Iterable[Fact], limits: RiskLimits) -> list[str]:
    """Where what is held and works went beyond a limit by more than the order that led there.

    Worked out from the facts alone, by a second set of books; notional at the price of the newest fill.
    """
    books, prices, found = Books(), dict[str, float](), list[str]()
    for fact in facts:
        books.take(fact)
        if isinstance(fact, OrderFill):
            prices[fact.symbol] = fact.price
        elif isinstance(fact, OrderAccepted):
            found += _beyond_position(fact, books, limits)
            found += _beyond_notional(fact, books, prices, limits)
    return found


def _beyond_position(order: OrderAccepted, books: Books, limits: RiskLimits) -> Iterable[str]:
    limit = limits.position_limits.get(order.symbol)
    if limit is None:
        return
    units = sum(books.worst(key, order.side) for key in books.cells() if _symbol(key) == order.symbol)
    most = limit.max_long if order.side > 0 else -limit.max_short
    if units > most + order.quantity * (1.0 + 1e-9):
        yield f"{units:g} {order.symbol} on side {order.side} with at most {most:g}: order {order.order_id}"


def _beyond_notional(
    order: OrderAccepted, books: Books, prices: Mapping[str, float], limits: RiskLimits
) -> Iterable[str]:
    gross: defaultdict[str, float] = defaultdict(float)
    for key in books.cells():
        gross[key[0]] += max(books.worst(key, 1), books.worst(key, -1)) * prices.get(_symbol(key), 0.0)
    value = order.quantity * prices.get(order.symbol, 0.0)
    for name, amount, most in (
        (order.strategy_id, gross[order.strategy_id], limits.notional_limits.per_strategy),
        ("all", sum(gross.values()), limits.notional_limits.total_portfolio),
    ):
        if math.isfinite(most) and amount > (most + value) * DRIFT:
            yield f"{amount:g} of {name} with at most {most:g}: order {order.order_id} at {name_of(order)}"


def _symbol(key: Key) -> str:
    return key[1].partition("@")[0]
