"""Neighbours: each misbehaving strategy beside the one under test, and the one under test, its signals bent, beside a
well-behaved one.

All share a portfolio.  Each has the capital, and the room in the limits, that it has alone: cash and the limits of the
portfolio are as many times larger, and a limit on a symbol holds for each by itself.  So what one does to another goes
through what they truly share: volume at the venue, message rates, self-trades, and how fast a loss is stopped.
Harm is what a strategy's P&L falls behind that of the same run with a neighbour that behaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
import numpy as np

from workbench.backtest.result import BacktestResult
from workbench.certify.bystander import BYSTANDER, Bystander
from workbench.certify.chaos_cases import Drill
from workbench.certify.checks import Progress, Subject
from workbench.certify.conduct import conduct_of
from workbench.chaos.events import ChaosEvent
from workbench.chaos.kinds import KINDS, Family
from workbench.core.feed import LAST
from workbench.core.limits import PositionLimit, RiskLimits
from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.folders import find_folder
from workbench.strategy.loader import StrategyInfo, available, load_strategy

__all__ = [
    "Harm",
    "bent_beside",
    "bystander_run",
    "misbehaving",
    "neighbour_run",
    "signal_faults",
    "with_misbehaving",
]

BYSTANDER_SHARE: Final = 0.01  # of the capital, that it holds in each instrument


class Harm(NamedTuple):
    """What a strategy suffered from a neighbour.

    neighbour: who, or what bent its signals.  harm: most that its P&L fell behind, a fraction of its capital.
    exposure: as in Conduct, of the whole portfolio.  stopped: reasons of breakers that stopped it.  note: what else was
    wrong with it, or "".
    """

    neighbour: str
    harm: float
    exposure: float
    stopped: tuple[str, ...]
    note: str = ""


def misbehaving() -> list[StrategyInfo]:
    """The scripts of strategies/chaos.  Raises ConfigError where there is no such folder."""
    return [info for info in available(find_folder("strategies") / "chaos") if info.broken is None]


def with_misbehaving(drill: Drill, progress: Progress) -> list[Harm]:
    """What the strategy suffers from each misbehaving neighbour in turn."""
    alone = _together(drill.subject, {}, {})
    found = []
    for info in misbehaving():
        progress(f"chaos: beside {info.name}")
        result = neighbour_run(drill, info.path)
        found.append(_harm(info.name, result, alone, drill.subject.name))
    return found


def neighbour_run(drill: Drill, script: str | Path) -> BacktestResult:
    """The strategy beside one misbehaving script, which misbehaves from the first start of the drill on."""
    kind = load_strategy(script)
    name = kind.__name__
    return _together(drill.subject, {name: _visiting(drill, kind)}, {name: _settings(drill, kind)})


def bent_beside(drill: Drill, progress: Progress) -> list[Harm]:
    """What a bystander suffers where each fault bends the signals of the strategy."""
    normal = bystander_run(drill)
    found = []
    for event in signal_faults(drill):
        progress(f"chaos: {event.kind} beside a bystander")
        found.append(_harm(str(event.kind), bystander_run(drill, [event]), normal, BYSTANDER))
    return found


def bystander_run(drill: Drill, events: Sequence[ChaosEvent] = ()) -> BacktestResult:
    """The strategy beside a bystander."""
    units = _small_units(drill.subject)
    return _together(drill.subject, {BYSTANDER: Bystander}, {BYSTANDER: {"unit": units}}, chaos=list(events))


def signal_faults(drill: Drill) -> list[ChaosEvent]:
    """Each fault of signals at its strongest, at the first start."""
    start, subject = drill.starts[0].to_pydatetime(), drill.subject
    return [
        ChaosEvent(kind, start, drill.duration, info.typical[1], subject.name, subject.seed)
        for kind, info in KINDS.items()
        if info.family is Family.SIGNAL
    ]


def _together(
    subject: Subject,
    others: Mapping[str, type[TradingStrategy]],
    configs: Mapping[str, Mapping[str, Any]],
    **changes: Any,
) -> BacktestResult:
    """The subject and others in one portfolio, with as many times the cash and the limits."""
    return subject.backtest(
        strategy={subject.name: subject.strategy, **others},
        config={subject.name: dict(subject.config), **configs},
        initial_cash=subject.initial_cash * (1 + len(others)),
        limits=_room_for(subject.limits, 1 + len(others)),
        on_error="contain",
        **changes,
    )


def _room_for(limits: RiskLimits, count: int) -> RiskLimits:
    """Limits of a portfolio of `count` strategies, in which each has the room that one has alone."""
    notional, drawdown, whole = limits.notional_limits, limits.drawdown_limits, limits.global_limits
    positions = {
        symbol: PositionLimit(
            max_long=count * each.max_long,
            max_short=count * each.max_short,
            per_strategy_long=min(each.per_strategy_long, each.max_long),
            per_strategy_short=max(each.per_strategy_short, each.max_short),
        )
        for symbol, each in limits.position_limits.items()
    }
    change = msgspec.structs.replace
    return change(
        limits,
        position_limits=positions,
        notional_limits=change(
            notional,
            per_strategy=min(notional.per_strategy, notional.total_portfolio),
            total_portfolio=count * notional.total_portfolio,
            per_instrument=count * notional.per_instrument,
            per_venue=count * notional.per_venue,
            net_portfolio=count * notional.net_portfolio,
        ),
        drawdown_limits=change(
            drawdown,
            daily_loss=count * drawdown.daily_loss,
            portfolio_var=count * drawdown.portfolio_var,
        ),
        global_limits=change(
            whole,
            max_portfolio_value=count * whole.max_portfolio_value,
            max_daily_loss=count * whole.max_daily_loss,
        ),
    )


class _Visitor(TradingStrategy):
    """A misbehaving script that is there for a while: what it says before and after is not heard.

    The scripts have settings for that of their own, which end at some weeks.
    """

    SCRIPT: ClassVar[type[TradingStrategy]]
    FROM_NS: ClassVar[int]
    UNTIL_NS: ClassVar[int]

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._script = self.SCRIPT(dict(config))
        self._there = False

    def on_start(self, instruments: Sequence[Instrument]) -> None:
        self._script.positions, self._script.price_cache = self.positions, self.price_cache
        self._script.active_symbols, self._script.performance_metrics = (
            self.active_symbols,
            self.performance_metrics,
        )
        self._script.on_start(instruments)

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        self._there = self.FROM_NS <= price_update.timestamp_ns < self.UNTIL_NS
        said = self._script.on_market_data(price_update)
        return said if self._there else []

    def on_order_fill(self, fill: OrderFill) -> None:
        self._script.on_order_fill(fill)

    def on_risk_breach(self, breach: RiskBreach) -> None:
        self._script.on_risk_breach(breach)


def _visiting(drill: Drill, kind: type[TradingStrategy]) -> type[TradingStrategy]:
    """`kind` from the first start of the drill on, for the time of a fault."""
    start = drill.starts[0].value
    members = {
        "PARAMETERS": kind.PARAMETERS,
        "SIZING": kind.SIZING,
        "SCRIPT": kind,
        "FROM_NS": start,
        "UNTIL_NS": start + int(drill.duration.total_seconds() * 1e9),
    }
    return type(kind.__name__, (_Visitor,), members)


def _settings(drill: Drill, kind: type[TradingStrategy]) -> dict[str, Any]:
    """Units as large as the subject's own, and the symbols that a script asks for where it needs two."""
    settings: dict[str, Any] = {"unit": _own_units(drill.subject)}
    symbols = drill.subject.prices.symbols
    if "leader_symbol" in (kind.PARAMETERS or {}):
        settings["leader_symbol"] = symbols[0]
        settings["follower_symbol"] = symbols[1] if len(symbols) > 1 else f"{symbols[0]}-2"
    return settings


def _own_units(subject: Subject) -> dict[str, float]:
    """Units per full-strength signal of the subject, by symbol: its neighbours are no smaller than it is."""
    plan = subject.plan()
    unit = plan.players[0].seat.unit
    return {
        s: float(unit.get(s, 1.0)) if isinstance(unit, dict) else float(unit) for s in subject.prices.symbols
    }


def _small_units(subject: Subject) -> dict[str, float]:
    """Units by symbol that are worth a small share of the capital."""
    feed = subject.plan().feed
    units: dict[str, float] = {}
    for k, instrument in enumerate(feed.instruments):
        price = float(np.nanmedian(feed.quotes[feed.instrument == k, LAST]))
        units.setdefault(
            instrument.symbol, BYSTANDER_SHARE * subject.initial_cash / price / instrument.multiplier
        )
    return units


def _harm(neighbour: str, result: BacktestResult, normal: BacktestResult, strategy: str) -> Harm:
    capital, disturbed = result.curve_of(strategy)
    _, usual = normal.curve_of(strategy)
    conduct, before = (conduct_of(each.record, strategy) for each in (result, normal))
    stopped = [trip.reason for trip in conduct.trips if trip.reason not in {t.reason for t in before.trips}]
    note = f"it raised {conduct.errors:,} errors" if conduct.errors > before.errors else ""
    behind = (
        float((usual - disturbed).max()) if len(usual) == len(disturbed) else float(usual[-1] - disturbed[-1])
    )
    harm = max(behind, 0.0) / capital  # in this order NaN stays NaN, which is no small harm
    return Harm(neighbour, harm, conduct.exposure, tuple(dict.fromkeys(stopped)), note)
