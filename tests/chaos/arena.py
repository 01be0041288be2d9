"""An arena: a chaos strategy beside a well-behaved bystander in one portfolio, on a market made by hand.

The bystander trades the same two symbols at the same venue. Costs have no impact and no participation cap, so what it
gets can only differ through the risk controls; the limits that strategies share leave it room.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from strategies.sma_cross import SmaCrossStrategy
from workbench.backtest.recorder import Recorder, SentSignal
from workbench.backtest.replay import Replay, ReplayRecord
from workbench.backtest.seating import Player
from workbench.chaos.events import ChaosEvent
from workbench.core.build import Seat
from workbench.core.codes import Sizing
from workbench.core.costs import Costs
from workbench.core.desk import TradingDesk
from workbench.core.facts import BreakerTripped, OrderAccepted, OrderRefused
from workbench.core.feed import QUOTE_COLUMNS, Feed
from workbench.core.intents import Intents
from workbench.core.limits import (
    BuyingPower,
    CircuitBreakers,
    DrawdownLimits,
    GlobalLimits,
    NotionalLimits,
    PositionLimit,
    RiskLimits,
)
from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.strategy import TradingStrategy
from workbench.strategy.loader import load_strategy

__all__ = [
    "BTC",
    "CAPITAL",
    "CASH",
    "COSTS",
    "ETH",
    "LIMITS",
    "MINUTE_NS",
    "START_NS",
    "Bystander",
    "Operator",
    "Scripted",
    "bystander",
    "event",
    "limits",
    "market",
    "minutes",
    "play",
    "seated",
    "suspect",
    "wave",
]

SCRIPTS: Final = Path(__file__).parents[2] / "strategies" / "chaos"
START_NS: Final = 1_678_406_400_000_000_000  # 2023-03-10T00:00:00Z
MINUTE_NS: Final = 60_000_000_000
BTC: Final = "BTC-USD"
ETH: Final = "ETH-USD"
VENUE: Final = "exchange-1"
CASH: Final = 100_000.0
CAPITAL: Final = 50_000.0  # of each strategy, however many there are
COSTS: Final = Costs(2.0, 2.0, 5.0, 1.0, 0.0, math.inf, 0.0)
ROOM: Final = 3.0  # units that the bystander may need beside the suspect


type Dated = OrderAccepted | OrderRefused | OrderFill | BreakerTripped | SentSignal


def limits(units: float = 25.0, **changes: Any) -> RiskLimits:
    """Limits of the arena: each strategy may hold `units` of a symbol either way, all together `ROOM` more.

    changes: whole tables of RiskLimits in place of those here.
    """
    position = PositionLimit(units + ROOM, -units - ROOM, units, -units)
    tables: dict[str, Any] = {
        "position_limits": {BTC: position, ETH: position},
        "notional_limits": NotionalLimits(per_strategy=20_000.0, total_portfolio=40_000.0),
        "drawdown_limits": DrawdownLimits(daily_loss=-20_000.0, strategy_drawdown=-0.5),
        "circuit_breakers": CircuitBreakers(
            portfolio_loss_pct=-0.5, single_strategy_loss=-20_000.0, rapid_drawdown_rate=-0.5
        ),
        "global_limits": GlobalLimits(max_drawdown=0.5),
        "buying_power": BuyingPower(max_leverage=2.0),
    }
    return RiskLimits(**(tables | changes))


LIMITS: Final = limits()


def wave(updates: int, middle: float, swing: float, period: int) -> list[float]:
    """Prices that swing round `middle` by the fraction `swing`, a whole turn every `period` updates; in cents."""
    turns = (2.0 * math.pi * i / period for i in range(updates))
    return [round(middle * (1.0 + swing * math.sin(turn)), 2) for turn in turns]


def market(
    paths: Mapping[str, Sequence[float]],
    *,
    seconds: float = 60.0,
    spread_bps: float = 2.0,
    volume: float = 1_000.0,
    venues: Sequence[str] = (VENUE,),
) -> Feed:
    """A feed of equally long price paths by symbol, one update of each instrument every `seconds`."""
    instruments = tuple(Instrument(symbol, venue) for symbol in paths for venue in venues)
    count, length = len(instruments), len(next(iter(paths.values())))
    prices = np.array([paths[i.symbol] for i in instruments]).T.reshape(-1)
    half = 0.5 * spread_bps * 1e-4
    quotes = np.full((count * length, QUOTE_COLUMNS), np.nan)
    quotes[:, 0], quotes[:, 1], quotes[:, 2] = prices * (1.0 - half), prices * (1.0 + half), prices
    quotes[:, 3] = volume
    quotes[:count, 6] = 0.0
    quotes[count:, 6] = prices[count:] / prices[:-count] - 1.0
    steps = np.repeat(np.arange(length, dtype=np.int64), count)
    return Feed(
        instruments=instruments,
        timestamp_ns=START_NS + steps * round(seconds * 1e9),
        instrument=np.tile(np.arange(count, dtype=np.int64), length),
        quotes=quotes,
        sequence=steps,
    )


class Bystander(SmaCrossStrategy):
    """A well-behaved strategy that counts the calls it gets."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__({"fast": 2, "slow": 5} | config)
        self.updates = 0
        self.breaches: list[RiskBreach] = []

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        self.updates += 1
        return super().on_market_data(price_update)

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self.breaches.append(breach)


class Scripted(TradingStrategy):
    """Sends what a function of the update says; a call that raises lets it through."""

    def __init__(self, answer: Callable[[PriceUpdate], list[MarketSignal]]) -> None:
        super().__init__({})
        self.answer = answer
        self.updates = 0

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        self.updates += 1
        return self.answer(price_update)

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing to do."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Nothing to do."""


class Operator(Scripted):
    """A person at the desk: hands it intents, each on the first update at or after its minute."""

    def __init__(self, *acts: tuple[float, Intents]) -> None:
        super().__init__(self._act)
        self.acts = sorted(acts, key=lambda act: act[0])
        self.desk: TradingDesk | None = None
        self.recorder: Recorder | None = None

    def _act(self, update: PriceUpdate) -> list[MarketSignal]:
        assert self.desk is not None
        assert self.recorder is not None
        while self.acts and update.timestamp_ns >= START_NS + self.acts[0][0] * MINUTE_NS:
            self.recorder.journal.extend(self.desk.process(self.acts.pop(0)[1]))
        return []


def seated(
    strategy: TradingStrategy, name: str, sizing: Sizing = Sizing.ORDER, unit: float = 1.0, symbols: str = ""
) -> Player:
    """A strategy with its seat; symbols: those that it is shown, separated by blanks, all when empty."""
    shown = frozenset(symbols.split() or (BTC, ETH))
    return Player(strategy, Seat(name, sizing, unit, CAPITAL), shown)


def bystander(symbols: str = "") -> Player:
    return seated(Bystander({}), "bystander", Sizing.TARGET, symbols=symbols)


def suspect(
    script: str, *, name: str = "suspect", unit: float = 1.0, symbols: str = "", **config: Any
) -> Player:
    """The strategy of strategies/chaos/<script>.py, seated."""
    strategy = load_strategy(SCRIPTS / f"{script}.py")(config)
    return seated(strategy, name, Sizing[strategy.SIZING.upper()], unit, symbols)


def minutes(facts: Iterable[Dated], strategy: str, check: str = "") -> dict[int, int]:
    """How many orders, fills or the like of a strategy there were in each minute; check: only those that failed it."""
    count: Counter[int] = Counter()
    for fact in facts:
        failed = fact.failed_checks if isinstance(fact, OrderRefused) else ()
        if fact.strategy_id == strategy and (not check or check in failed):
            count[(fact.timestamp_ns - START_NS) // MINUTE_NS] += 1
    return dict(count)


def event(
    kind: str, minute: float, minutes: float, intensity: float = 1.0, target: str = "", seed: int = 0
) -> ChaosEvent:
    """A chaos event from `minute` of the market on, `minutes` long."""
    start = datetime.fromtimestamp(START_NS // 1_000_000_000 + minute * 60.0, UTC)
    return ChaosEvent(kind, start, minutes * 60.0, intensity, target, seed)


def play(
    feed: Feed,
    *players: Player,
    limits: RiskLimits = LIMITS,
    costs: Costs = COSTS,
    chaos: Sequence[ChaosEvent] = (),
    cash: float = CASH,
    contain_errors: bool = False,
) -> ReplayRecord:
    """Play `feed` to `players` who share one portfolio; an Operator among them gets the keys of the desk."""
    run = Replay(
        feed,
        players,
        limits=limits,
        costs=costs,
        initial_cash=cash,
        chaos=chaos,
        contain_errors=contain_errors,
    )
    for player in players:
        if isinstance(player.strategy, Operator):
            player.strategy.desk, player.strategy.recorder = run.desk, run.recorder
    return run.run()
