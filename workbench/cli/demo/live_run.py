"""The live part of the demo: an engine trades, contains a runaway, is killed, comes back, and is replayed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from workbench.backtest.incident import replay
from workbench.cli.demo.live_processes import Processes, wait_until
from workbench.cli.demo.live_scene import LIMITS, RUNAWAY, STRATEGIES, Role
from workbench.core.limits import RiskLimits
from workbench.errors import EngineError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.backtest.result import BacktestResult
    from workbench.client import EngineClient
    from workbench.client.answers import StrategyStatus

__all__ = ["Contained", "Crash", "LiveDemo", "Replayed", "Standing", "Traded", "live_steps", "run_live"]

_SETTINGS: Final = {
    "STRATEGY_ISOLATION": "sandbox",
    "STRATEGY_ISOLATION_MINIMUM": "none",  # these scripts are known; what holds is shown
    "ENABLE_CHAOS_STRATEGIES": "true",
    "REQUIRE_CERTIFICATE": "false",  # the chaos strategies are shown beside others that nobody has certified
}
_TRADING_S: Final = 2.0
_PATIENCE_S: Final = 60.0  # until a strategy finds something to do; on a busy machine it takes its time
_AFTER_TRIP_S: Final = 1.0
_STEPS: Final = (
    "live: two exchanges start",
    "live: the engine starts",
    "live: strategies start",
    "live: trading",
    "live: a runaway is let loose",
    "live: kill -9",
    "live: the engine starts again",
    "live: trading goes on",
    "live: the session is replayed",
)

type Tick = Callable[[str], None]


class Standing(msgspec.Struct, frozen=True):
    """A strategy's books at one moment.  held: "symbol venue" -> signed units.  pnl: after fees, quote currency."""

    held: dict[str, float]
    pnl: float


class Traded(msgspec.Struct, frozen=True):
    """A strategy that behaves, and its fills: before the runaway, beside it, and after the crash.

    venues: where it traded.  pnl: at the end, quote currency.  halted: whether a breaker has stopped it.
    """

    role: Role
    venues: tuple[str, ...]
    before: int
    beside: int
    after: int
    pnl: float
    halted: bool


class Contained(msgspec.Struct, frozen=True):
    """The runaway.  accepted, refused: orders.  reasons: rules broken, most often first.

    worst_position: units.  limit: of its symbol.  breakers: that stopped it.  seconds: from its start until then.
    held: units at the end of the scene.
    """

    accepted: int
    refused: int
    fills: int
    reasons: tuple[tuple[str, int], ...]
    worst_position: float
    limit: float
    breakers: tuple[str, ...]
    seconds: float
    held: float
    pnl: float


class Crash(msgspec.Struct, frozen=True):
    """SIGKILL and what came after.

    fills, inputs: in the journal of the engine that was killed.  before: its books, out of that journal.  after: those
    of the engine that came back, before a venue could tell it anything.  recovery_seconds: until it listened.
    ready_seconds: from the exchanges' going on until both sides agreed.  venues: problem of each, "" for none.
    """

    fills: int
    inputs: int
    before: dict[str, Standing]
    after: dict[str, Standing]
    recovery_seconds: float
    ready_seconds: float
    venues: dict[str, str]

    @property
    def same(self) -> bool:
        return self.before == self.after


class Replayed(msgspec.Struct, frozen=True):
    """The whole session out of the journal.  told: fills that the engine told of.  same: each is there, no other is."""

    prices: int
    fills: int
    told: int
    same: bool
    fingerprint: str


class LiveDemo(msgspec.Struct, frozen=True):
    """isolation: of strategies, by level.  status: exit status of the engine's orderly end."""

    isolation: str
    traded: tuple[Traded, ...]
    contained: Contained
    crash: Crash
    replayed: Replayed
    status: int
    seconds: float


def live_steps() -> int:
    """How many times the run ticks."""
    return len(_STEPS)


def run_live(scripts: Path, limits_file: Path | None, limits: RiskLimits, tick: Tick) -> LiveDemo:
    """Play it all, in real time.

    scripts: the folder strategies/.  limits_file: of the engine, None for its default.  limits: what that says.
    tick: told before each step.

    Raises EngineError where a process does not do its part.
    """
    begun = time.monotonic()
    settings = {**_SETTINGS, "STRATEGIES_PATH": str(scripts.absolute())}
    if limits_file is not None:
        settings["TRADING_ENGINE_LIMITS"] = str(limits_file.absolute())
    steps = iter(_STEPS)

    def step() -> None:
        tick(next(steps))

    with Processes(settings) as processes:
        step()
        processes.start_exchanges()
        first = _first_life(processes, limits, step)
        step()
        processes.kill_engine()
        processes.hold_exchanges(True)  # nothing moves until both books have been read
        crashed = replay(processes.data)
        step()
        second = _second_life(processes, step)
        status = processes.stop_engine()
        step()
        whole = replay(processes.data)
    crash = Crash(
        len(crashed.fills),
        second.inputs,
        _books_of_replay(crashed),
        second.books,
        second.recovery_s,
        second.ready_s,
        second.venues,
    )
    return LiveDemo(
        first.isolation,
        tuple(_traded(role, first, second) for role in STRATEGIES),
        first.contained,
        crash,
        _compared(whole, second.fills),
        status,
        time.monotonic() - begun,
    )


class _FirstLife(NamedTuple):
    """before, beside: all fills until the runaway came, and until it was gone."""

    isolation: str
    before: pd.DataFrame
    contained: Contained
    beside: pd.DataFrame


class _SecondLife(NamedTuple):
    """books: before the exchanges could tell it anything.  fills: all of the session."""

    books: dict[str, Standing]
    inputs: int
    recovery_s: float
    ready_s: float
    venues: dict[str, str]
    fills: pd.DataFrame
    strategies: dict[str, StrategyStatus]


def _first_life(processes: Processes, limits: RiskLimits, step: Callable[[], None]) -> _FirstLife:
    """The engine starts and trades; a runaway comes, and is contained."""
    step()
    with processes.start_engine() as engine:
        _ready(engine)
        isolation = engine.health().isolation
        engine.set_limits(LIMITS, reason="the demo")
        step()
        _start_all(engine)
        step()
        wait_until(lambda: _all_trade(engine, after=0), "fills of all strategies", _PATIENCE_S)
        time.sleep(_TRADING_S)
        before = engine.fills()
        step()
        contained = _contain(engine, limits)
        return _FirstLife(isolation, before, contained, engine.fills())


def _second_life(processes: Processes, step: Callable[[], None]) -> _SecondLife:
    """The engine comes back, agrees with the exchanges, trades, and lets go of its strategies."""
    listening = time.monotonic()
    engine = processes.start_engine()
    recovery_s = time.monotonic() - listening
    with engine:
        books, inputs = _books_of_engine(engine), engine.health().inputs
        processes.hold_exchanges(False)
        ready_s = _ready(engine)
        step()
        seen = int(engine.fills().index.max())
        wait_until(
            lambda: _all_trade(engine, after=seen), "fills of all strategies after kill -9", _PATIENCE_S
        )
        time.sleep(_TRADING_S / 2)
        venues = {line.venue: line.problem for line in engine.risk().venues}
        for role in STRATEGIES:
            engine.stop(role.script, reason="the demo ends")
        wait_until(lambda: not engine.risk().working_orders, "all orders to end")
        strategies = {role.script: engine.strategy(role.script) for role in STRATEGIES}
        return _SecondLife(books, inputs, recovery_s, ready_s, venues, engine.fills(), strategies)


def _traded(role: Role, first: _FirstLife, second: _SecondLife) -> Traded:
    before, beside, fills = _of(first.before, role), _of(first.beside, role), _of(second.fills, role)
    status = second.strategies[role.script]
    return Traded(
        role,
        tuple(sorted(fills["venue"].unique())),
        len(before),
        len(beside) - len(before),
        len(fills) - len(beside),
        status.pnl,
        bool(status.halted),
    )


def _ready(engine: EngineClient) -> float:
    """Wait until the engine trades everywhere; the seconds that it took."""
    return wait_until(lambda: engine.health().status == "ok", "both exchanges to agree with the engine")


def _start_all(engine: EngineClient) -> None:
    """Start the strategies at once: some are compiled, each in a process of its own."""
    with ThreadPoolExecutor(len(STRATEGIES)) as pool:
        for answer in pool.map(
            lambda role: engine.start(role.script, role.script, config=role.config), STRATEGIES
        ):
            if answer.state != "running":
                raise EngineError(f"{answer.strategy_id} did not start: {answer.message or answer.state}")


def _all_trade(engine: EngineClient, after: int) -> bool:
    fills = engine.fills(after=after)
    return {role.script for role in STRATEGIES} <= set(fills["strategy_id"])


def _of(fills: pd.DataFrame, role: Role) -> pd.DataFrame:
    return fills[fills["strategy_id"] == role.script]


# -- the runaway ------------------------------------------------------------------------------------------------------


def _contain(engine: EngineClient, limits: RiskLimits) -> Contained:
    """Let the runaway loose; a breaker stops it, and after a while a person does."""
    name = RUNAWAY.script
    started_ns = engine.start(name, name, config=RUNAWAY.config).since_ns
    wait_until(lambda: engine.strategy(name).halted, "a breaker to stop the runaway")
    time.sleep(_AFTER_TRIP_S)
    risk = engine.risk()
    engine.stop(name, reason="it has run away")
    status = engine.strategy(name)
    fills = _of(engine.fills(), RUNAWAY)
    signed = fills["quantity"].where(fills["side"] == "buy", -fills["quantity"]).cumsum()
    symbol = RUNAWAY.config["symbols"][0]
    mine = [(line.breach_type, line.count) for line in risk.breaches if line.strategy_id == name]
    trips = [line for line in risk.alerts if line.strategy_id == name]
    return Contained(
        status.accepted,
        status.refused,
        len(fills),
        tuple(sorted(mine, key=lambda pair: -pair[1])),
        float(signed.abs().max()),
        limits.position_limits[symbol].max_long if symbol in limits.position_limits else float("inf"),
        tuple(line.reason for line in trips),
        (trips[0].timestamp_ns - started_ns) / 1e9,
        float(signed.iloc[-1]),
        status.pnl,
    )


# -- the books --------------------------------------------------------------------------------------------------------


def _books_of_engine(engine: EngineClient) -> dict[str, Standing]:
    """What the engine says that each strategy holds and has earned."""
    held: dict[str, dict[str, float]] = {}
    positions = engine.positions()
    for strategy, symbol, venue, quantity in zip(
        positions.index, positions["symbol"], positions["venue"], positions["quantity"], strict=True
    ):
        held.setdefault(str(strategy), {})[f"{symbol} {venue}"] = float(quantity)
    return {
        line.strategy_id: Standing(held.get(line.strategy_id, {}), line.total_pnl)
        for line in engine.portfolio().strategies
    }


def _books_of_replay(result: BacktestResult) -> dict[str, Standing]:
    """The same out of the journal."""
    desk = result.record.desk
    held: dict[str, dict[str, float]] = {name: {} for name in desk.strategies}
    for strategy, instrument, row in desk.positions():
        if row.quantity:
            held[strategy][f"{instrument.symbol} {instrument.venue}"] = float(row.quantity)
    return {
        name: Standing(held[name], float(desk.view.strategies[s].pnl))
        for s, name in enumerate(desk.strategies)
    }


def _compared(result: BacktestResult, told: pd.DataFrame) -> Replayed:
    """The replay of the whole session beside the fills that the engine told of while it ran."""
    whole = _executions(result.fills)
    return Replayed(
        len(result.record.feed), len(whole), len(told), whole == _executions(told), result.fingerprint
    )


def _executions(fills: pd.DataFrame) -> list[tuple[object, ...]]:
    """What makes an execution, in the order of the exchanges' numbers."""
    columns = ("venue", "execution_id", "strategy_id", "symbol", "order_id", "price", "fee")
    return sorted(zip(*(fills[column] for column in columns), strict=True))
