"""`wb.backtest`: a strategy, prices, and what the run found."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeIs

import msgspec

from workbench.backtest.compiling import say_compiling
from workbench.backtest.replay import ReplayRecord, replay
from workbench.backtest.result import BacktestResult
from workbench.backtest.seating import Player, StrategyLike, seat_strategies
from workbench.chaos.events import ChaosEvent, check_inside, match_target, parse_events
from workbench.chaos.kinds import Family
from workbench.configuration import load_limits
from workbench.core.costs import Costs
from workbench.core.feed import Feed
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument
from workbench.data.catalog import PriceLike, as_prices
from workbench.data.prices import Prices
from workbench.data.times import Moment
from workbench.errors import (
    ChaosError,
    ConfigError,
    ParameterError,
    StrategyError,
    UnknownInstrumentError,
    WorkbenchError,
)
from workbench.strategy.contract import TradingStrategy

__all__ = [
    "ChaosLike",
    "CostsLike",
    "LimitsLike",
    "RunPlan",
    "backtest",
    "check_chaos",
    "plan_run",
    "read_chaos",
    "read_costs",
]

type LimitsLike = RiskLimits | Mapping[str, Any] | str | Path | None
type CostsLike = Costs | Mapping[str, Any] | None
type ChaosLike = ChaosEvent | Iterable[ChaosEvent | Mapping[str, Any]]

_COSTS: Final = tuple(field.name for field in msgspec.structs.fields(Costs))


def backtest(
    strategy: StrategyLike,
    prices: PriceLike,
    *,
    config: Mapping[str, Any] | None = None,
    limits: LimitsLike = None,
    costs: CostsLike = None,
    chaos: ChaosLike = (),
    seed: int = 0,
    initial_cash: float = 1_000_000.0,
    start: Moment | None = None,
    end: Moment | None = None,
    on_error: Literal["raise", "contain"] = "raise",
    progress: bool | None = None,
) -> BacktestResult:
    """Replay `prices` to one or several strategies that share one portfolio and its limits.

    strategy: a class, a script's path or "package.module:Class"; a list of them, or a mapping from strategy id to them.
    prices: Prices, a DataFrame or Series, a path, or the name of a sample.  start, end: as in Prices.between.
    config: parameters, and `unit`, `sizing`, `symbols` for any strategy; with several strategies one mapping per id.
    limits: RiskLimits, a YAML file, a mapping in its layout, or None for the house defaults.
    costs: Costs, a mapping of its fields, or one of either per venue; None for the defaults.
    chaos: events, or mappings as YAML gives them.  seed: for every strategy that has a parameter `seed`.
    initial_cash: quote currency.
    on_error: what a strategy raises ends the run ("raise": StrategyFailure), or is counted against it ("contain").
    progress: a bar; None shows one on long runs where somebody looks.

    Whatever is wrong with the input raises a WorkbenchError of one line before the first price is played.
    """
    if on_error not in ("raise", "contain"):
        raise ConfigError(f"on_error must be 'raise' or 'contain', found {on_error!r}")
    say_compiling(progress)
    plan = plan_run(
        strategy,
        prices,
        config=config,
        limits=limits,
        costs=costs,
        chaos=chaos,
        seed=seed,
        initial_cash=initial_cash,
        start=start,
        end=end,
    )
    record = replay(
        plan.feed,
        plan.players,
        limits=plan.limits,
        costs=plan.costs,
        initial_cash=plan.initial_cash,
        chaos=plan.events,
        contain_errors=on_error == "contain",
        progress=progress,
    )
    return plan.result(record)


class RunPlan(NamedTuple):
    """A run that has been checked and only needs to be played, by whichever runner."""

    prices: Prices
    feed: Feed
    players: tuple[Player, ...]
    limits: RiskLimits
    costs: Mapping[str, Costs]
    events: tuple[ChaosEvent, ...]
    initial_cash: float
    seed: int

    @property
    def begin_ns(self) -> int:
        """Open of the first bar."""
        return self.prices.start.value

    def result(self, record: ReplayRecord) -> BacktestResult:
        """What `record`, this plan played, found."""
        return BacktestResult(
            record,
            begin_ns=self.begin_ns,
            interval_ns=self.prices.interval.value,
            chaos=self.events,
            seed=self.seed,
        )


def plan_run(
    strategy: StrategyLike,
    prices: PriceLike,
    *,
    config: Mapping[str, Any] | None = None,
    limits: LimitsLike = None,
    costs: CostsLike = None,
    chaos: ChaosLike = (),
    seed: int = 0,
    initial_cash: float = 1_000_000.0,
    start: Moment | None = None,
    end: Moment | None = None,
) -> RunPlan:
    """Check everything that `backtest` is given.  Raises WorkbenchError of one line."""
    _check_settings(seed, initial_cash)
    events = read_chaos(chaos)
    played = as_prices(prices)
    if start is not None or end is not None:
        played = played.between(start, end)
    costs_by_venue = read_costs(costs, played.venues)
    risk = load_limits(limits)
    players = _seat(strategy, config, played.instruments, seed)
    feed = played.to_feed({venue: c.spread_bps for venue, c in costs_by_venue.items()})
    check_chaos(events, feed, [player.seat.strategy_id for player in players])
    return RunPlan(
        played, feed, tuple(players), risk, costs_by_venue, tuple(events), float(initial_cash), int(seed)
    )


def _check_settings(seed: object, initial_cash: object) -> None:
    if isinstance(seed, bool) or not isinstance(seed, Integral) or int(seed) < 0:
        raise ConfigError(f"seed must be a whole number from 0, found {seed!r}")
    if not (_is_number(initial_cash) and 0.0 < float(initial_cash) < math.inf):
        raise ConfigError(f"initial_cash must be a finite amount above 0, found {initial_cash!r}")


def _is_number(value: object) -> TypeIs[Real]:
    return isinstance(value, Real) and not isinstance(value, bool)


# -- costs ------------------------------------------------------------------------------------------------------


def read_costs(costs: CostsLike, venues: Sequence[str]) -> dict[str, Costs]:
    """Costs of each of `venues`: the same everywhere (Costs, a mapping of its fields, None for the defaults), or a
    mapping from venue to either.

    Raises ConfigError on a setting that does not exist or makes no sense, UnknownInstrumentError on a venue that the
    prices do not have, or one without costs.
    """
    given = _untrusted(costs)
    if not isinstance(given, Mapping):
        return dict.fromkeys(venues, _one_costs("costs", given))
    per_venue = {name: value for name, value in given.items() if isinstance(value, Costs | Mapping)}
    if not per_venue or len(per_venue) < len(given):
        return dict.fromkeys(venues, _one_costs("costs", given))
    unknown = [str(name) for name in per_venue if name not in venues]
    if unknown:
        raise UnknownInstrumentError(
            f"costs: the prices have no venue {unknown[0]!r}; they have: {', '.join(venues)}"
        )
    missing = [name for name in venues if name not in per_venue]
    if missing:
        raise UnknownInstrumentError(
            f"costs: expected those of every venue, found none for {', '.join(missing)}"
        )
    return {name: _one_costs(f"costs of {name}", per_venue[name]) for name in venues}


def _one_costs(where: str, given: object) -> Costs:
    if given is None:
        return Costs()
    if isinstance(given, Costs):
        return given.checked()
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"{where}: expected Costs, a mapping of its fields, or one of either per venue, found {given!r}"
        )
    for name, value in given.items():
        if name not in _COSTS:
            raise ConfigError(f"{where}: no setting {name!r}; {_nearest(str(name), _COSTS)}")
        if not _is_number(value):
            raise ConfigError(f"{where}: {name} must be a number, found {value!r}")
    return Costs(**{name: float(value) for name, value in given.items()}).checked()


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"there is: {', '.join(known)}"


# -- chaos ------------------------------------------------------------------------------------------------------


def read_chaos(chaos: ChaosLike) -> list[ChaosEvent]:
    """Events as they are, or read from mappings.  Raises ChaosError on anything else."""
    given = _untrusted(chaos)
    if isinstance(given, ChaosEvent):
        return [given]
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise ChaosError(f"chaos must be a list of chaos events, found {type(given).__name__}")
    return [entry if isinstance(entry, ChaosEvent) else parse_events([entry])[0] for entry in given]


def check_chaos(events: Sequence[ChaosEvent], feed: Feed, strategies: Sequence[str]) -> None:
    """Raise ChaosError unless every event starts inside the prices and strikes something that is there."""
    check_inside(events, int(feed.timestamp_ns[0]), int(feed.timestamp_ns[-1]))
    for event in events:
        if event.family is not Family.SIGNAL:
            match_target(event.target, feed.instruments)
        elif event.target and event.target not in strategies:
            hint = _nearest(event.target, strategies)
            raise ChaosError(f"{event.kind}: no strategy {event.target!r} in this run; {hint}")


# -- strategies -------------------------------------------------------------------------------------------------


def _seat(
    strategy: StrategyLike, config: Mapping[str, Any] | None, instruments: Sequence[Instrument], seed: int
) -> list[Player]:
    """The strategies at their seats; whatever goes wrong on the way is one StrategyError or ParameterError."""
    given, settings = _untrusted(strategy), _untrusted(config)
    entries = given.values() if isinstance(given, Mapping) else [given]
    if any(isinstance(entry, TradingStrategy) for entry in entries):
        raise StrategyError(
            "expected a strategy class or a script's path, found an instance; pass its class and config="
        )
    if not isinstance(given, type | str | Path | Mapping | Sequence):
        raise StrategyError(f"expected a strategy class or a script's path, found {type(given).__name__}")
    if settings is not None and not isinstance(settings, Mapping):
        raise ParameterError(f"config must map parameters to values, found {settings!r}")
    try:
        players = seat_strategies(strategy, config, instruments, int(seed))
    except WorkbenchError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise StrategyError(f"the strategy cannot be set up: {reason}") from error
    symbols = sorted({i.symbol for i in instruments})
    for player in players:
        _check_unit(player, symbols)
    return players


def _check_unit(player: Player, symbols: Sequence[str]) -> None:
    name, unit = player.seat.strategy_id, player.seat.unit
    sizes = unit if isinstance(unit, dict) else dict.fromkeys(symbols, unit)
    for symbol, size in sizes.items():
        if symbol not in symbols:
            raise ParameterError(f"{name}: unit names {symbol!r}, but the prices have: {', '.join(symbols)}")
        if not (_is_number(size) and 0.0 <= float(size) < math.inf):
            raise ParameterError(f"{name}: unit must be a finite number of units >= 0, found {size!r}")


def _untrusted(value: object) -> object:
    """`value` as what it is, whatever its annotation promised: notebooks are not type-checked."""
    return value
